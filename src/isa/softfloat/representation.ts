import type { FloatFormat } from "./format.ts";
import type { Sign } from "./rounding.ts";
import type { RawBits, Truncated, Unpacked, Unrounded } from "./unpacked.ts";

/**
 * A float format together with arithmetic on its significands: `number` arithmetic for f16 and f32 (all intermediate
 * results stay below 2^53), `bigint` for f64. Everything that is not about significands is written once, over this interface.
 */
export interface Representation<Bits extends RawBits> {
  readonly format: FloatFormat;
  /** Takes a bit pattern apart; `alternative` reads f16 without infinities and NaNs. Flushes nothing. */
  unpack(bits: Bits, alternative: boolean): Unpacked<Bits>;
  /** Puts fields together. A fraction with the hidden bit set adds one to the exponent field. */
  pack(sign: Sign, exponentField: number, fraction: number): Bits;
  /** The NaN with its quiet bit set, otherwise unchanged. */
  quiet(nan: Bits): Bits;
  /** The operand with its sign bit inverted, NaNs too. */
  negate(bits: Bits): Bits;
  /** The operand with its sign bit clear, NaNs too. */
  absolute(bits: Bits): Bits;
  /** A WebAssembly i32 or i64 (read as signed or not) cut to this format's raw bits. */
  fromWord(word: RawBits): Bits;
  /** An integer below 2^53 as a significand. */
  significand(n: number): Bits;
  /** (-1)^sign × magnitude × 2^exponent with a magnitude below 2^64. */
  wideInteger(sign: Sign, exponent: number, magnitude: bigint): Unrounded<Bits>;
  /**
   * x + y; the significand is 0 when they cancel, and the sign then means nothing. Each is an operand, a product, or has
   * a significand of full length: what is dropped below the larger one then stays below where rounding looks.
   */
  sum(x: Unrounded<Bits>, y: Unrounded<Bits>): Unrounded<Bits>;
  /** x × y of two finite operands, exact. */
  product(x: Unpacked<Bits>, y: Unpacked<Bits>): Unrounded<Bits>;
  /** x ÷ y of two finite operands. */
  quotient(x: Unpacked<Bits>, y: Unpacked<Bits>): Unrounded<Bits>;
  /** The square root of a finite positive operand. */
  squareRoot(x: Unpacked<Bits>): Unrounded<Bits>;
  /** Number of significant bits. */
  bitLength(significand: Bits): number;
  /** significand ÷ 2^shift cut to an integer, which must come out below 2^53. A negative shift multiplies. */
  truncate(significand: Bits, shift: number): Truncated;
}
