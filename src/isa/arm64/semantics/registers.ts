import type { Builder, RegisterOperand, Value } from "../../../engine/ir/builder.ts";

/** A 64-bit general register operand. */
export type GeneralRegister = RegisterOperand<"i64">;

/** Reads a W register: the lower half. */
export function getW(b: Builder, source: GeneralRegister): Value<"i32"> {
  return b.read("i32", source.place, 0);
}

/** Writes a W register: the upper half becomes zero. */
export function setW(b: Builder, destination: GeneralRegister, value: Value<"i32">): void {
  b.set(destination, b.i64.extend_i32_u(value));
}

type Binary =
  | "add"
  | "sub"
  | "mul"
  | "div_s"
  | "div_u"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr_s"
  | "shr_u"
  | "rotr";
type Unary = "clz";
type Comparison = "eq" | "ne" | "lt_s" | "lt_u" | "le_u";

/** Arithmetic in the width of an instruction's registers, so that W and X forms share one definition. */
export interface Width<T extends "i32" | "i64"> {
  readonly type: T;
  readonly bits: 32 | 64;
  get(source: GeneralRegister): Value<T>;
  /** A W result clears the upper half. */
  set(destination: GeneralRegister, value: Value<T>): void;
  constant(value: bigint): Value<T>;
  /** An unsigned 32-bit value in this width. */
  unsigned(value: Value<"i32">): Value<T>;
  /** The low bits of a 64-bit value. */
  low(value: Value<"i64">): Value<T>;
  binary(name: Binary, x: Value<T>, y: Value<T>): Value<T>;
  unary(name: Unary, x: Value<T>): Value<T>;
  compare(name: Comparison, x: Value<T>, y: Value<T>): Value<"i32">;
  eqz(x: Value<T>): Value<"i32">;
  not(x: Value<T>): Value<T>;
  /** `condition` ≠ 0 chooses `then`. Both are evaluated. */
  select(condition: Value<"i32">, then: Value<T>, otherwise: Value<T>): Value<T>;
}

/** Arithmetic on X registers. */
export function width64(b: Builder): Width<"i64"> {
  return {
    type: "i64",
    bits: 64,
    get: (source) => b.get(source),
    set: (destination, value) => b.set(destination, value),
    constant: (value) => b.constI64(value),
    unsigned: (value) => b.i64.extend_i32_u(value),
    low: (value) => value,
    binary: (name, x, y) => b.op(`i64.${name}`, x, y),
    unary: (name, x) => b.op(`i64.${name}`, x),
    compare: (name, x, y) => b.op(`i64.${name}`, x, y),
    eqz: (x) => b.i64.eqz(x),
    not: (x) => b.i64.xor(x, -1n),
    select: (condition, then, otherwise) => b.select("i64", condition, then, otherwise),
  };
}

/** Arithmetic on W registers. */
export function width32(b: Builder): Width<"i32"> {
  return {
    type: "i32",
    bits: 32,
    get: (source) => getW(b, source),
    set: (destination, value) => setW(b, destination, value),
    constant: (value) => b.constI32(Number(BigInt.asIntN(32, value))),
    unsigned: (value) => value,
    low: (value) => b.i32.wrap_i64(value),
    binary: (name, x, y) => b.op(`i32.${name}`, x, y),
    unary: (name, x) => b.op(`i32.${name}`, x),
    compare: (name, x, y) => b.op(`i32.${name}`, x, y),
    eqz: (x) => b.i32.eqz(x),
    not: (x) => b.i32.xor(x, -1),
    select: (condition, then, otherwise) => b.select("i32", condition, then, otherwise),
  };
}

/** Runs `body` with X arithmetic when `sf` is 1, with W arithmetic when it is 0. */
export function inWidth(b: Builder, sf: number, body: <T extends "i32" | "i64">(w: Width<T>) => void): void {
  if (sf === 1) body(width64(b));
  else body(width32(b));
}
