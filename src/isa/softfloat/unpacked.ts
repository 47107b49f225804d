import type { Lost, Sign } from "./rounding.ts";

/** What a bit pattern stands for. NaNs are the values from QUIET_NAN on. */
export const FloatKind = { ZERO: 0, FINITE: 1, INFINITY: 2, QUIET_NAN: 3, SIGNALLING_NAN: 4 } as const;

/** One of the values of {@link FloatKind}. */
export type FloatKind = (typeof FloatKind)[keyof typeof FloatKind];

/** Raw bits: a `number` (u16, u32) for f16 and f32, a `bigint` (u64) for f64. */
export type RawBits = number | bigint;

/**
 * A float taken apart. A FINITE one is (-1)^sign × significand × 2^exponent; its significand is a non-zero integer below
 * 2^53 and, for denormals, has leading zeros. For a NaN the significand holds the fraction field.
 */
export interface Unpacked<Bits extends RawBits> {
  readonly kind: FloatKind;
  readonly sign: Sign;
  readonly exponent: number;
  readonly significand: number;
  /** The operand itself, not flushed. */
  readonly bits: Bits;
}

/**
 * An unrounded result: (-1)^sign × significand × 2^exponent. Where the exact significand would be too long, its last
 * bit also stands for everything non-zero below it ("jammed"); it then has at least three bits more than the format, so
 * rounding comes out the same.
 */
export interface Unrounded<Significand extends RawBits> {
  readonly sign: Sign;
  readonly exponent: number;
  readonly significand: Significand;
}

/** A magnitude cut to an integer. */
export interface Truncated {
  /** The integer part, below 2^53. */
  readonly kept: number;
  readonly lost: Lost;
}

/** Whether the operand is a NaN of either sort. */
export function isNan(x: Unpacked<RawBits>): boolean {
  return x.kind >= FloatKind.QUIET_NAN;
}
