import { alignUp, type KallsymsBlob, LABEL_ALIGNMENTS } from "./blob.ts";
import type { NameTable } from "./names.ts";
import { isKernelHigh, type RelativeRelocations } from "./relocations.ts";
import type { TokenTable } from "./tokenTable.ts";

/**
 * How the addresses are written:
 * - `absolute`: one pointer each (`kallsyms_addresses`; before Linux 4.6, or without CONFIG_KALLSYMS_BASE_RELATIVE);
 * - `base-relative`: unsigned distance from `kallsyms_relative_base`;
 * - `base-relative-percpu`: the same with CONFIG_KALLSYMS_ABSOLUTE_PERCPU: not negative = the value itself,
 *   negative = base - 1 - value;
 * - `place-relative`: signed distance from the entry itself (since Linux 7.0).
 */
export type AddressEncoding = "absolute" | "base-relative" | "base-relative-percpu" | "place-relative";

/** The addresses as found: of the image's first byte when `relativeTo` is "image", else complete. */
export interface AddressTable {
  readonly encoding: AddressEncoding;
  /** Offset of the table in the image. */
  readonly at: number;
  readonly relativeTo: "zero" | "image";
  readonly values: readonly bigint[];
}

type Sources = { readonly blob: KallsymsBlob; readonly relocations: () => RelativeRelocations | undefined };

/** A pointer in the image: as it stands there, or through its relocation; undefined when it is no kernel address. */
function pointer({ blob, relocations }: Sources, at: number): bigint | undefined {
  if (isKernelHigh(blob.high32(at))) return blob.u64(at);
  const addend = relocations()?.addend(at);
  return addend !== undefined && isKernelHigh(Number(addend >> 32n)) ? addend : undefined;
}

function* candidates(count: number, entry: number, countAt: number, behindIndex: number, tail: number) {
  for (const align of LABEL_ALIGNMENTS) {
    // Since Linux 6.4: behind the token index. The base, if any, follows at the next label.
    const at = alignUp(behindIndex, align);
    yield { at, tailAt: alignUp(at + count * entry, Math.max(align, tail)) };
  }
  for (const align of LABEL_ALIGNMENTS) {
    // Before: the table first, then the base, then kallsyms_num_syms.
    const tailAt = tail === 0 ? countAt : countAt - alignUp(tail, align);
    yield { at: tailAt - alignUp(count * entry, align), tailAt };
  }
}

function readBaseRelative(
  sources: Sources,
  at: number,
  tailAt: number,
  count: number,
): AddressTable | undefined {
  const { blob } = sources;
  let previous = 0;
  for (let index = 0; index < count; index++) {
    const offset = blob.i32(at + index * 4);
    // The base is the first symbol's address, so the first offset is 0; no kernel spans 2 GiB.
    if (offset < previous || (index === 0 && offset !== 0)) return undefined;
    previous = offset;
  }
  if (previous === 0) return undefined;
  const base = pointer(sources, tailAt);
  if (base === undefined) return undefined;
  const values = Array.from({ length: count }, (_, index) => base + BigInt(blob.u32(at + index * 4)));
  return { encoding: "base-relative", at, relativeTo: "zero", values };
}

function readBaseRelativePercpu(
  sources: Sources,
  at: number,
  tailAt: number,
  count: number,
): AddressTable | undefined {
  const { blob } = sources;
  let absolute = 0;
  while (absolute < count && blob.i32(at + absolute * 4) >= 0) {
    if (absolute > 0 && blob.i32(at + absolute * 4) < blob.i32(at + absolute * 4 - 4)) return undefined;
    absolute++;
  }
  // The base is the first relative symbol's address, which is written as -1.
  if (absolute === count || blob.i32(at + absolute * 4) !== -1) return undefined;
  for (let index = absolute + 1; index < count; index++) {
    if (blob.i32(at + index * 4) > blob.i32(at + index * 4 - 4)) return undefined;
  }
  if (blob.i32(at + count * 4 - 4) === -1) return undefined;
  const base = pointer(sources, tailAt);
  if (base === undefined) return undefined;
  const values = Array.from({ length: count }, (_, index) => {
    const offset = blob.i32(at + index * 4);
    return offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset);
  });
  return { encoding: "base-relative-percpu", at, relativeTo: "zero", values };
}

function readPlaceRelative({ blob }: Sources, at: number, count: number): AddressTable | undefined {
  const values: bigint[] = [];
  let previous = 0;
  for (let index = 0; index < count; index++) {
    const place = at + index * 4;
    const target = place + blob.i32(place);
    if (target < previous) return undefined;
    previous = target;
    values.push(BigInt(target));
  }
  // The table stands in the kernel's read-only data: there are symbols on both sides of it or at least before it.
  return (values[0] ?? 0n) < BigInt(at) && previous > 0
    ? { encoding: "place-relative", at, relativeTo: "image", values }
    : undefined;
}

function readAbsolute(sources: Sources, at: number, count: number): AddressTable | undefined {
  const { blob } = sources;
  const values: bigint[] = [];
  let previous = 0n;
  let kernel = 0;
  for (let index = 0; index < count; index++) {
    const place = at + index * 8;
    const address = pointer(sources, place) ?? blob.u64(place);
    if (address < previous) return undefined;
    if (isKernelHigh(Number(address >> 32n))) kernel++;
    previous = address;
    values.push(address);
  }
  // Absolute symbols may be anything, but the kernel's own are the most.
  return kernel * 2 > count ? { encoding: "absolute", at, relativeTo: "zero", values } : undefined;
}

/** Finds and decodes the addresses of `names`, in order; undefined when no form fits. */
export function findAddresses(
  blob: KallsymsBlob,
  names: NameTable,
  tokens: TokenTable,
  relocations: () => RelativeRelocations | undefined,
): AddressTable | undefined {
  const sources = { blob, relocations };
  const { count, countAt } = names;
  const behindIndex = tokens.index + 512;
  const fits = (at: number, size: number): boolean => at >= 0 && at + size <= blob.length;
  for (const { at, tailAt } of candidates(count, 4, countAt, behindIndex, 8)) {
    if (!fits(at, count * 4) || !fits(tailAt, 8)) continue;
    const found =
      readBaseRelative(sources, at, tailAt, count) ?? readBaseRelativePercpu(sources, at, tailAt, count);
    if (found !== undefined) return found;
  }
  for (const { at } of candidates(count, 8, countAt, behindIndex, 0)) {
    if (!fits(at, count * 8)) continue;
    const found = readAbsolute(sources, at, count);
    if (found !== undefined) return found;
  }
  for (const { at } of candidates(count, 4, countAt, behindIndex, 0)) {
    if (!fits(at, count * 4)) continue;
    const found = readPlaceRelative(sources, at, count);
    if (found !== undefined) return found;
  }
  return undefined;
}
