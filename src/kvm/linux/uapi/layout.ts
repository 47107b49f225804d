/** A C scalar of the kernel's interface; all are little-endian on the architectures we know. */
export type Scalar = "u8" | "u16" | "u32" | "u64" | "u128" | "s32" | "s64";

/** What a member of a structure is: a scalar, an array, or a structure or union inside. */
export type Member = Scalar | readonly [element: Member, length: number] | Layout;

/** Members by name, in the order of their C declaration. */
export type Members = Readonly<Record<string, Member>>;

/** Where everything is in a C structure or union. */
export interface Layout<M extends Members = Members> {
  readonly kind: "struct" | "union";
  /** Its C name without `struct`; undefined for a structure without a name. */
  readonly name: string | undefined;
  /** Whether C names the member itself; its members are named as if they were the outer structure's if not. */
  readonly anonymous: boolean;
  readonly members: M;
  /** Byte offsets of the members. */
  readonly offsets: { readonly [K in keyof M]: number };
  /** Bytes, with the padding at the end; a last member of length 0 (a flexible array) takes none. */
  readonly size: number;
  readonly alignment: number;
}

/** The TypeScript value of a member: scalars of 64 bits and more are bigint, byte arrays Uint8Array. */
export type ValueOf<M> = M extends "u64" | "s64" | "u128"
  ? bigint
  : M extends Scalar
    ? number
    : M extends readonly ["u8", number]
      ? Uint8Array
      : M extends readonly [infer E, number]
        ? ValueOf<E>[]
        : M extends Layout<infer N>
          ? { -readonly [K in keyof N]: ValueOf<N[K]> }
          : never;

const scalarSize: Readonly<Record<Scalar, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  u128: 16,
  s32: 4,
  s64: 8,
};

const isArray = (member: Member): member is readonly [Member, number] => Array.isArray(member);

/** Bytes that a member takes. */
export function sizeOf(member: Member): number {
  if (typeof member === "string") return scalarSize[member];
  return isArray(member) ? sizeOf(member[0]) * member[1] : member.size;
}

function alignmentOf(member: Member): number {
  if (typeof member === "string") return scalarSize[member];
  return isArray(member) ? alignmentOf(member[0]) : member.alignment;
}

const align = (offset: number, alignment: number): number => Math.ceil(offset / alignment) * alignment;

function layOut<const M extends Members>(
  kind: Layout["kind"],
  name: string | undefined,
  members: M,
  anonymous: boolean,
): Layout<M> {
  const offsets: Record<string, number> = {};
  let end = 0;
  let size = 0;
  let alignment = 1;
  for (const [key, member] of Object.entries(members)) {
    const own = alignmentOf(member);
    const at = kind === "union" ? 0 : align(end, own);
    offsets[key] = at;
    end = at + sizeOf(member);
    size = Math.max(size, end);
    alignment = Math.max(alignment, own);
  }
  return {
    kind,
    name,
    anonymous,
    members,
    offsets: offsets as { readonly [K in keyof M]: number },
    size: align(size, alignment),
    alignment,
  };
}

/** A C structure, with the natural alignment of the System V ABIs (x86-64 and AAPCS64 agree here). */
export function struct<const M extends Members>(name: string | undefined, members: M): Layout<M> {
  return layOut("struct", name, members, false);
}

/** A C union. @param options.anonymous whether C gives the member no name. */
export function union<const M extends Members>(
  members: M,
  options?: { readonly anonymous: true },
): Layout<M> {
  return layOut("union", undefined, members, options?.anonymous ?? false);
}

/** Reads a structure at a byte offset of a view. */
export function decode<M extends Members>(layout: Layout<M>, view: DataView, at = 0): ValueOf<Layout<M>> {
  return decodeMember(layout, view, at) as ValueOf<Layout<M>>;
}

/** Writes the given members of a structure at a byte offset of a view; the others stay. */
export function encode<M extends Members>(
  layout: Layout<M>,
  view: DataView,
  value: Partial<ValueOf<Layout<M>>>,
  at = 0,
): void {
  encodeMember(layout, view, at, value);
}

function decodeMember(member: Member, view: DataView, at: number): unknown {
  if (typeof member === "string") return readScalar(member, view, at);
  if (!isArray(member)) {
    return Object.fromEntries(
      Object.entries(member.members).map(([key, inner]) => [
        key,
        decodeMember(inner, view, at + (member.offsets[key] ?? 0)),
      ]),
    );
  }
  const [element, length] = member;
  if (element === "u8") return new Uint8Array(view.buffer, view.byteOffset + at, length).slice();
  const stride = sizeOf(element);
  return Array.from({ length }, (_, i) => decodeMember(element, view, at + i * stride));
}

function encodeMember(member: Member, view: DataView, at: number, value: unknown): void {
  if (typeof member === "string") {
    writeScalar(member, view, at, value as number | bigint);
    return;
  }
  if (!isArray(member)) {
    for (const [key, inner] of Object.entries(value as Readonly<Record<string, unknown>>)) {
      const offset = member.offsets[key];
      const own = member.members[key];
      if (offset === undefined || own === undefined) continue;
      encodeMember(own, view, at + offset, inner);
    }
    return;
  }
  const [element, length] = member;
  const stride = sizeOf(element);
  const elements = value as ArrayLike<unknown>;
  for (let i = 0; i < Math.min(length, elements.length); i++) {
    encodeMember(element, view, at + i * stride, elements[i]);
  }
}

function readScalar(type: Scalar, view: DataView, at: number): number | bigint {
  switch (type) {
    case "u8":
      return view.getUint8(at);
    case "u16":
      return view.getUint16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "s32":
      return view.getInt32(at, true);
    case "u64":
      return view.getBigUint64(at, true);
    case "s64":
      return view.getBigInt64(at, true);
    case "u128":
      return (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at, true);
  }
}

function writeScalar(type: Scalar, view: DataView, at: number, value: number | bigint): void {
  switch (type) {
    case "u8":
      view.setUint8(at, Number(value));
      return;
    case "u16":
      view.setUint16(at, Number(value), true);
      return;
    case "u32":
    case "s32":
      view.setUint32(at, Number(value), true);
      return;
    case "u64":
    case "s64":
      view.setBigUint64(at, BigInt(value), true);
      return;
    case "u128":
      view.setBigUint64(at, BigInt(value), true);
      view.setBigUint64(at + 8, BigInt(value) >> 64n, true);
      return;
  }
}
