import type { CachedState } from "../operation.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import type { ValueType } from "../wasm/types.ts";

/** Bytes of a value of each type. */
export const typeBytes: Readonly<Record<ValueType, number>> = { i32: 4, i64: 8, f32: 4, f64: 8, v128: 16 };

/** Where a piece of state is: in memory only, or part of a cached field. */
export type Residence =
  | { readonly kind: "memory" }
  | { readonly kind: "field"; readonly field: number; readonly offset: number }
  /** It touches these fields in a way their locals cannot serve. */
  | { readonly kind: "clash"; readonly fields: readonly number[] };

const inMemory: Residence = { kind: "memory" };

/** Selections of fields remembered; there are a handful. */
const mostRemembered = 64;

/** Finds the cached field that a place of the state window belongs to. */
export class CachedFields {
  readonly fields: readonly CachedState[];
  /** Field number + 1 of each byte of the state window. */
  readonly #owner: Uint16Array;
  readonly #excluded: ReadonlySet<number>;
  /** What `without` has made, by the fields left in memory. */
  readonly #fewer = new Map<string, CachedFields>();

  /**
   * @param fields what the instruction set declares; throws when two of them overlap
   * @param excluded numbers of fields to leave in memory
   */
  constructor(fields: readonly CachedState[], excluded: ReadonlySet<number> = new Set()) {
    this.fields = fields;
    this.#excluded = excluded;
    const end = Math.max(0, ...fields.map(({ address, type }) => address + typeBytes[type]));
    this.#owner = new Uint16Array(end);
    fields.forEach(({ address, type }, field) => {
      const bytes = this.#owner.subarray(address, address + typeBytes[type]);
      if (bytes.some((owner) => owner !== 0)) throw new RangeError(`cached state overlaps at ${address}`);
      if (!excluded.has(field)) bytes.fill(field + 1);
    });
  }

  /** The same with more fields left in memory. */
  without(more: Iterable<number>): CachedFields {
    const excluded = new Set([...this.#excluded, ...more]);
    const key = [...excluded].sort((a, b) => a - b).join();
    const known = this.#fewer.get(key);
    if (known !== undefined) return known;
    const fields = new CachedFields(this.fields, excluded);
    if (this.#fewer.size === mostRemembered) this.#fewer.clear();
    this.#fewer.set(key, fields);
    return fields;
  }

  typeOf(field: number): ValueType {
    return this.#field(field).type;
  }

  addressOf(field: number): number {
    return this.#field(field).address;
  }

  /** Where state of a type at an address is. */
  find(address: number, type: ValueType): Residence {
    const bytes = typeBytes[type];
    const first = this.#owner[address] ?? 0;
    let same = true;
    for (let i = 1; i < bytes; i++) same &&= (this.#owner[address + i] ?? 0) === first;
    if (same && first === 0) return inMemory;
    const field = first - 1;
    if (same && serves(this.typeOf(field), type, address - this.addressOf(field)))
      return { kind: "field", field, offset: address - this.addressOf(field) };
    const touched = new Set<number>();
    for (let i = 0; i < bytes; i++) {
      const owner = this.#owner[address + i] ?? 0;
      if (owner !== 0) touched.add(owner - 1);
    }
    return { kind: "clash", fields: [...touched] };
  }

  #field(field: number): CachedState {
    const entry = this.fields[field];
    if (entry === undefined) throw new RangeError(`no cached field ${field}`);
    return entry;
  }
}

/** Whether a value of `type` at this offset of a local of type `field` can be taken out and put in. */
function serves(field: ValueType, type: ValueType, offset: number): boolean {
  if (field === type) return offset === 0;
  switch (field) {
    case "i32":
      return type === "f32";
    case "i64":
      return type !== "v128" && offset % typeBytes[type] === 0;
    case "v128":
      return offset % typeBytes[type] === 0;
    case "f32":
    case "f64":
      return false;
  }
}

/** Whether the access covers all of the field. */
export function isWhole(field: ValueType, type: ValueType): boolean {
  return typeBytes[field] === typeBytes[type];
}

/** Pushes the part of `type` at `offset` of a field in a local. */
export function pushPart(
  code: FunctionWriter,
  local: number,
  field: ValueType,
  type: ValueType,
  offset: number,
): void {
  code.get(local);
  if (field === type) return;
  if (field === "v128") {
    code.laneOperator(extractLane(type), offset / typeBytes[type]);
    return;
  }
  if (field === "i64" && (type === "i32" || type === "f32")) {
    if (offset !== 0) {
      code.i64(32n);
      code.operator("i64.shr_u");
    }
    code.operator("i32.wrap_i64");
  }
  if (type === "f32") code.operator("f32.reinterpret_i32");
  if (type === "f64") code.operator("f64.reinterpret_i64");
}

/** Puts a value into the part of `type` at `offset` of a field in a local. */
export function setPart(
  code: FunctionWriter,
  local: number,
  field: ValueType,
  type: ValueType,
  offset: number,
  pushValue: () => void,
): void {
  if (field === "v128" && type !== "v128") {
    code.get(local);
    pushValue();
    code.laneOperator(replaceLane(type), offset / typeBytes[type]);
  } else if (field === "i64" && (type === "i32" || type === "f32")) {
    code.get(local);
    code.i64(offset === 0 ? ~0xffff_ffffn : 0xffff_ffffn);
    code.operator("i64.and");
    pushValue();
    if (type === "f32") code.operator("i32.reinterpret_f32");
    code.operator("i64.extend_i32_u");
    if (offset !== 0) {
      code.i64(32n);
      code.operator("i64.shl");
    }
    code.operator("i64.or");
  } else {
    pushValue();
    if (field !== type && type === "f32") code.operator("i32.reinterpret_f32");
    if (field !== type && type === "f64") code.operator("i64.reinterpret_f64");
  }
  code.set(local);
}

function extractLane(type: ValueType) {
  switch (type) {
    case "i32":
      return "i32x4.extract_lane";
    case "i64":
      return "i64x2.extract_lane";
    case "f32":
      return "f32x4.extract_lane";
    case "f64":
      return "f64x2.extract_lane";
    case "v128":
      throw new RangeError("a v128 is no lane");
  }
}

function replaceLane(type: ValueType) {
  switch (type) {
    case "i32":
      return "i32x4.replace_lane";
    case "i64":
      return "i64x2.replace_lane";
    case "f32":
      return "f32x4.replace_lane";
    case "f64":
      return "f64x2.replace_lane";
    case "v128":
      throw new RangeError("a v128 is no lane");
  }
}
