import type { Builder, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import { type FieldReader, imm32, type OperandSpec, type VariantSpec } from "../define.ts";
import { shiftSize } from "../simd/forms.ts";
import { zero } from "../simd/lanes.ts";

/** An integer type that a float is converted to or from. */
export interface IntegerType {
  readonly bits: 32 | 64;
  readonly signed: boolean;
}

/** Fraction bits of the fixed-point numbers of an instruction; undefined: integers. */
export type Fraction = Value<"i32"> | undefined;

/** Bits of 2^exponent, which must be a normal number of the precision. */
export function powerOfTwo(b: Builder, precision: 32 | 64, exponent: Value<"i32">): Value<"i64"> {
  const [bias, fractionBits] = precision === 32 ? [127, 23n] : [1023, 52n];
  return b.i64.shl(b.i64.extend_i32_u(b.i32.add(exponent, bias)), fractionBits);
}

/** The fraction bits as a soft-float operand. */
export function softFraction(b: Builder, fraction: Fraction): Value<"i64"> {
  return fraction === undefined ? b.constI64(0n) : b.i64.extend_i32_u(fraction);
}

/** The forms of a conversion between general registers and fixed point. */
export const generalFraction: OperandSpec<Value<"i32">> = imm32((f) => 64 - f("scale"));

/** The same in SIMD registers: 2 · esize − immh:immb. */
export const vectorFraction: OperandSpec<Value<"i32">> = imm32(
  (f) => (16 << shiftSize(f)) - (f("immh") * 8 + f("immb")),
);

const doubleByShift = (f: FieldReader): number => Number(f("immh") >= 8);

/** Precision of a scalar form whose size is in `immh`: 0 single, 1 double. */
export const shiftPrecisions: VariantSpec = { values: [0, 1], from: doubleByShift };

/** Arrangement (sz · 2 + Q) of a vector form whose size is in `immh`. */
export const shiftArrangements: VariantSpec = {
  values: [0, 1, 3],
  from: (f) => 2 * doubleByShift(f) + f("Q"),
};

/** Writes 64 bits to the low half of a SIMD register, zeros above. */
export function writeLow(b: Builder, register: RegisterOperand<"v128">, bits: Value<"i64">): void {
  b.set(register, b.i64x2.replace_lane(0, zero(b), bits));
}

/** A vector of two 64-bit elements. */
export function pairOf(b: Builder, low: Value<"i64">, high: Value<"i64">): Value<"v128"> {
  return b.i64x2.replace_lane(1, b.i64x2.splat(low), high);
}
