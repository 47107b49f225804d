import { RoundingMode } from "./rounding.ts";
import type { FloatingPointRules } from "./rules.ts";

/**
 * What an operation needs beside its operands, and the flags it raises. Operations read everything and only ever OR into
 * `flags`; the caller clears them or moves them into the guest's status register.
 */
export interface FloatContext {
  /** The ISA's choices. */
  rules: FloatingPointRules;
  /** Rounding mode of the operations that take none of their own. */
  roundingMode: RoundingMode;
  /** Treat denormal f32 and f64 inputs as zero. */
  flushInputs: boolean;
  /** Replace tiny f32 and f64 results by zero. */
  flushOutputs: boolean;
  /** Both of the above for f16 (conversions between formats excepted). */
  flushHalf: boolean;
  /** Every NaN result is the default NaN. */
  defaultNan: boolean;
  /** Conversions read and write f16 in Arm's alternative format: no infinities, no NaNs, one exponent more. */
  alternativeHalf: boolean;
  /** Cumulative exceptions, bits of `FloatException`. */
  flags: number;
}

/** A context of the given rules with IEEE defaults: to nearest even, nothing flushed, NaNs propagated, no flag set. */
export function createFloatContext(rules: FloatingPointRules): FloatContext {
  return {
    rules,
    roundingMode: RoundingMode.RN,
    flushInputs: false,
    flushOutputs: false,
    flushHalf: false,
    defaultNan: false,
    alternativeHalf: false,
    flags: 0,
  };
}
