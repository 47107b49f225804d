/** WebAssembly value types, as the engine uses them. WebAssembly Core 2.0, 5.3 "Types". */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** Binary encoding of each value type. WebAssembly Core 2.0, 5.3.1–5.3.2. */
export const valueTypeCode: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** A function signature; an absent result means the function returns nothing. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly result?: ValueType;
}
