import type { Builder, Operand, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import { lowest, pick, zero } from "../simd/lanes.ts";

type Vector = Value<"v128">;

/** WebAssembly's operators on two floats. */
export type FloatBinary = "add" | "sub" | "mul" | "div" | "min" | "max";
/** WebAssembly's operators on one float. */
export type FloatUnary = "abs" | "neg" | "sqrt" | "ceil" | "floor" | "trunc" | "nearest";
/** WebAssembly's comparisons of two floats. */
export type FloatComparison = "eq" | "ne" | "lt" | "gt" | "le" | "ge";

/**
 * Floating point of one precision in one shape: a scalar in the low bits of a SIMD register, or the elements of a vector. An
 * instruction's rule written against it holds for all shapes. `T` holds the numbers, `M` a truth value for each of them.
 */
export interface Arithmetic<T extends ValueType, M extends ValueType> {
  readonly b: Builder;
  readonly type: T;
  readonly bits: 32 | 64;
  /** Numbers that the instruction means. */
  readonly elements: 1 | 2 | 4;
  /** The number in a register; of a scalar's register, the one at place `index` (default 0). */
  read(register: RegisterOperand<"v128">, index?: number): Value<T>;
  /** Writes the whole register: what is above the elements becomes zero. */
  write(register: RegisterOperand<"v128">, value: Value<T>): void;
  /** One number in memory as every element. */
  replicate(number: RegisterOperand<"i64">): Value<T>;
  /** A number that the precision has, in every element. */
  constant(value: number): Value<T>;
  unary(name: FloatUnary, x: Value<T>): Value<T>;
  binary(name: FloatBinary, x: Value<T>, y: Value<T>): Value<T>;
  compare(name: FloatComparison, x: Value<T>, y: Value<T>): Value<M>;
  both(x: Value<M>, y: Value<M>): Value<M>;
  either(x: Value<M>, y: Value<M>): Value<M>;
  choose(mask: Value<M>, then: Value<T>, otherwise: Value<T>): Value<T>;
  /** 1 when the mask holds for every element, else 0. */
  everywhere(mask: Value<M>): Value<"i32">;
  /** Ones in the elements where the mask holds, zeros elsewhere. */
  ones(mask: Value<M>): Value<T>;
  /** The bits of one element, without sign. */
  element(x: Value<T>, index: number): Value<"i64">;
  withElement(x: Value<T>, index: number, bits: Value<"i64">): Value<T>;
  /** x + y as the nearest number `sum` with what it misses, `error`: made odd where something is missing. Doubles only. */
  toOdd(sum: Value<T>, error: Value<T>): Value<T>;
  /** A double with its significand rounded to 26 bits, halves away from zero; overflows to infinity. Doubles only. */
  upperHalf(x: Value<T>): Value<T>;
  /**
   * Computes in double precision and rounds the number to nearest: exact as far as the number in between is exact, or rounded
   * to odd. Singles only.
   */
  viaDouble<K extends string>(
    operands: Readonly<Record<K, Value<T>>>,
    body: InDouble<K>,
  ): { readonly value: Value<T>; readonly mask: Value<M> };
}

/** A computation in double precision of one number and one truth value for each element. */
export type InDouble<K extends string> = <T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  operands: Readonly<Record<K, Value<T>>>,
) => { readonly number: Value<T>; readonly mask: Value<M> };

/** A scalar's arithmetic. */
export interface ScalarArithmetic<T extends "f32" | "f64"> extends Arithmetic<T, "i32"> {
  /** An integer, extended to 64 bits as its type says, rounded to nearest. */
  fromInteger(x: Value<"i64">, type: { readonly bits: 32 | 64; readonly signed: boolean }): Value<T>;
}

/** Anything that works on scalars of both precisions. */
export type InPrecision<R> = <T extends "f32" | "f64">(k: ScalarArithmetic<T>) => R;

/** A value as an argument of the builder, which TypeScript cannot see to be one while its type is open. */
export function asOperand<T extends ValueType>(value: Value<T>): Operand<T> {
  return value as Operand<T>;
}

/** A double's bits. */
export function doubleBits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** A single's bits; the number is rounded. */
export function singleBits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}

/** A scalar in double precision. */
export function scalarDouble(b: Builder): ScalarArithmetic<"f64"> {
  const bitsOf = (x: Value<"f64">): Value<"i64"> => b.i64.reinterpret_f64(x);
  const ofBits = (x: Value<"i64">): Value<"f64"> => b.f64.reinterpret_i64(x);
  return {
    b,
    type: "f64",
    bits: 64,
    elements: 1,
    read: (register, index = 0) => b.read("f64", register.place, 8 * index),
    write: (register, value) => b.set(register, b.f64x2.replace_lane(0, zero(b), value)),
    replicate: (number) => b.read("f64", number.place, 0),
    constant: (value) => b.constF64(doubleBits(value)),
    unary: (name, x) => b.op(`f64.${name}`, x),
    binary: (name, x, y) => b.op(`f64.${name}`, x, y),
    compare: (name, x, y) => b.op(`f64.${name}`, x, y),
    ...scalarMasks(b),
    choose: (mask, then, otherwise) => b.select("f64", mask, then, otherwise),
    ones: (mask) => ofBits(b.i64.sub(0n, b.i64.extend_i32_u(mask))),
    element: (x) => bitsOf(x),
    withElement: (_x, _index, bits) => ofBits(bits),
    toOdd: (sum, error) => {
      const [s, e] = [bitsOf(sum), bitsOf(error)];
      const towardsError = b.i64.or(b.i64.shr_s(b.i64.xor(s, e), 63n), 1n);
      const even = b.i64.eqz(b.i64.and(s, 1n));
      const missing = b.f64.ne(error, b.constF64(0n));
      return b.select("f64", b.i32.and(even, missing), ofBits(b.i64.add(s, towardsError)), sum);
    },
    upperHalf: (x) => ofBits(b.i64.and(b.i64.add(bitsOf(x), 1n << 26n), -(1n << 27n))),
    viaDouble: singlesOnly,
    fromInteger: (x, { bits, signed }) => {
      const sign = signed ? "s" : "u";
      return bits === 64
        ? b.op(`f64.convert_i64_${sign}`, x)
        : b.op(`f64.convert_i32_${sign}`, b.i32.wrap_i64(x));
    },
  };
}

/** A scalar in single precision. */
export function scalarSingle(b: Builder): ScalarArithmetic<"f32"> {
  const bitsOf = (x: Value<"f32">): Value<"i32"> => b.i32.reinterpret_f32(x);
  const ofBits = (x: Value<"i32">): Value<"f32"> => b.f32.reinterpret_i32(x);
  return {
    b,
    type: "f32",
    bits: 32,
    elements: 1,
    read: (register, index = 0) => b.read("f32", register.place, 4 * index),
    write: (register, value) => b.set(register, b.f32x4.replace_lane(0, zero(b), value)),
    replicate: (number) => b.read("f32", number.place, 0),
    constant: (value) => b.constF32(singleBits(value)),
    unary: (name, x) => b.op(`f32.${name}`, x),
    binary: (name, x, y) => b.op(`f32.${name}`, x, y),
    compare: (name, x, y) => b.op(`f32.${name}`, x, y),
    ...scalarMasks(b),
    choose: (mask, then, otherwise) => b.select("f32", mask, then, otherwise),
    ones: (mask) => ofBits(b.i32.sub(0, mask)),
    element: (x) => b.i64.extend_i32_u(bitsOf(x)),
    withElement: (_x, _index, bits) => ofBits(b.i32.wrap_i64(bits)),
    toOdd: doublesOnly,
    upperHalf: doublesOnly,
    viaDouble: (operands, body) => {
      const { number, mask } = body(scalarDouble(b), mapRecord(operands, b.f64.promote_f32));
      return { value: b.f32.demote_f64(number), mask };
    },
    fromInteger: (x, { bits, signed }) => {
      const sign = signed ? "s" : "u";
      return bits === 64
        ? b.op(`f32.convert_i64_${sign}`, x)
        : b.op(`f32.convert_i32_${sign}`, b.i32.wrap_i64(x));
    },
  };
}

/** Two doubles. */
export function vectorDouble(b: Builder): Arithmetic<"v128", "v128"> {
  return {
    b,
    type: "v128",
    bits: 64,
    elements: 2,
    read: (register) => b.get(register),
    write: (register, value) => b.set(register, value),
    replicate: (number) => b.i64x2.splat(b.read("i64", number.place, 0)),
    constant: (value) => b.constV128(doubleBits(value), doubleBits(value)),
    unary: (name, x) => b.op(`f64x2.${name}`, x),
    binary: (name, x, y) => b.op(`f64x2.${name}`, x, y),
    compare: (name, x, y) => b.op(`f64x2.${name}`, x, y),
    ...vectorMasks(b),
    everywhere: (mask) => b.i64x2.all_true(mask),
    element: (x, index) => b.i64x2.extract_lane(index, x),
    withElement: (x, index, bits) => b.i64x2.replace_lane(index, x, bits),
    toOdd: (sum, error) => {
      const one = b.constV128(1n, 1n);
      const towardsError = b.v128.or(b.i64x2.shr_s(b.v128.xor(sum, error), 63), one);
      const odd = b.i64x2.neg(b.v128.and(sum, one));
      const missing = b.f64x2.ne(error, zero(b));
      return b.i64x2.add(sum, b.v128.andnot(b.v128.and(towardsError, missing), odd));
    },
    upperHalf: (x) => {
      const half = 1n << 26n;
      const kept = -(1n << 27n);
      return b.v128.and(b.i64x2.add(x, b.constV128(half, half)), b.constV128(kept, kept));
    },
    viaDouble: singlesOnly,
  };
}

/** Four singles, or two in the low half of the register. */
export function vectorSingle(b: Builder, elements: 2 | 4): Arithmetic<"v128", "v128"> {
  return {
    b,
    type: "v128",
    bits: 32,
    elements,
    // Twice the same half: what holds for every element then holds for those that are meant.
    read: (register) => (elements === 4 ? b.get(register) : b.i64x2.splat(b.read("i64", register.place, 0))),
    write: (register, value) => b.set(register, lowest(b, value, 4 * elements)),
    replicate: (number) => b.i32x4.splat(b.read("i32", number.place, 0)),
    constant: (value) => {
      const pair = BigInt(singleBits(value)) * 0x1_0000_0001n;
      return b.constV128(pair, pair);
    },
    unary: (name, x) => b.op(`f32x4.${name}`, x),
    binary: (name, x, y) => b.op(`f32x4.${name}`, x, y),
    compare: (name, x, y) => b.op(`f32x4.${name}`, x, y),
    ...vectorMasks(b),
    everywhere: (mask) => b.i32x4.all_true(mask),
    element: (x, index) => b.i64.extend_i32_u(b.i32x4.extract_lane(index, x)),
    withElement: (x, index, bits) => b.i32x4.replace_lane(index, x, b.i32.wrap_i64(bits)),
    toOdd: doublesOnly,
    upperHalf: doublesOnly,
    viaDouble: (operands, body) => {
      const half = (place: (x: Vector) => Vector) => {
        const wide = mapRecord(operands, (x) => b.f64x2.promote_low_f32x4(place(x)));
        const { number, mask } = body(vectorDouble(b), wide);
        return { value: b.f32x4.demote_f64x2_zero(number), mask };
      };
      const low = half((x) => x);
      const high = elements === 4 ? half((x) => pick(b, 3, x, x, [1, 1])) : low;
      return {
        value: pick(b, 3, low.value, high.value, [0, 2]),
        mask: pick(b, 2, low.mask, high.mask, [0, 2, 4, 6]),
      };
    },
  };
}

function scalarMasks(b: Builder): Pick<Arithmetic<"f32" | "f64", "i32">, "both" | "either" | "everywhere"> {
  return {
    both: (x, y) => b.i32.and(x, y),
    either: (x, y) => b.i32.or(x, y),
    everywhere: (mask) => mask,
  };
}

function vectorMasks(b: Builder): Pick<Arithmetic<"v128", "v128">, "both" | "either" | "choose" | "ones"> {
  return {
    both: (x: Vector, y: Vector) => b.v128.and(x, y),
    either: (x: Vector, y: Vector) => b.v128.or(x, y),
    choose: (mask, then, otherwise) => b.v128.bitselect(then, otherwise, mask),
    ones: (mask) => mask,
  };
}

function mapRecord<K extends string, X, Y>(
  record: Readonly<Record<K, X>>,
  map: (value: X) => Y,
): Readonly<Record<K, Y>> {
  const entries = Object.entries<X>(record).map(([key, value]) => [key, map(value)]);
  return Object.fromEntries(entries) as Record<K, Y>;
}

function singlesOnly(): never {
  throw new TypeError("only single precision has this");
}

function doublesOnly(): never {
  throw new TypeError("only double precision has this");
}
