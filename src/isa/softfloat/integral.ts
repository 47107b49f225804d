import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import { processNan, unpackOperand } from "./operand.ts";
import { FloatOperationError } from "./operation.ts";
import { powerOfTwo } from "./powersOfTwo.ts";
import type { Representation } from "./representation.ts";
import { exactInteger } from "./round.ts";
import { Lost, type RoundingMode, roundsUp } from "./rounding.ts";
import { FloatKind, isNan, type RawBits, type Unpacked } from "./unpacked.ts";
import { signedPowerOfTwo, zero } from "./values.ts";

/** The magnitude of x × 2^scale rounded to an integer: exact as a number, for its significand has at most 53 bits. */
export interface RoundedInteger {
  readonly magnitude: number;
  readonly inexact: boolean;
}

/** Rounds a finite operand, scaled by a power of two, to an integer. Raises nothing. */
export function roundMagnitude(x: Unpacked<RawBits>, scale: number, mode: RoundingMode): RoundedInteger {
  const exponent = x.exponent + scale;
  if (exponent >= 0) return { magnitude: x.significand * powerOfTwo(exponent), inexact: false };
  if (exponent < -54) {
    const up = roundsUp(mode, x.sign, false, Lost.BELOW_HALF);
    return { magnitude: up ? 1 : 0, inexact: true };
  }
  const unit = powerOfTwo(-exponent);
  const kept = Math.floor(x.significand / unit);
  const rest = x.significand - kept * unit;
  if (rest === 0) return { magnitude: kept, inexact: false };
  const lost = rest * 2 < unit ? Lost.BELOW_HALF : rest * 2 === unit ? Lost.HALF : Lost.ABOVE_HALF;
  return { magnitude: roundsUp(mode, x.sign, kept % 2 === 1, lost) ? kept + 1 : kept, inexact: true };
}

function roundToIntegral<B extends RawBits>(
  r: Representation<B>,
  a: B,
  mode: RoundingMode,
  exact: boolean,
  context: FloatContext,
): B {
  const x = unpackOperand(r, a, context);
  if (isNan(x)) return processNan(r, x, context);
  if (x.kind === FloatKind.ZERO) return zero(r, x.sign);
  if (x.kind === FloatKind.INFINITY || x.exponent >= 0) return x.bits;
  const { magnitude, inexact } = roundMagnitude(x, 0, mode);
  if (inexact && exact) context.flags |= FloatException.IXC;
  return magnitude === 0 ? zero(r, x.sign) : exactInteger(r, x.sign, magnitude, context);
}

/** Rounds to an integral float and never raises IXC (FRINTN, P, M, Z, A with their mode, FRINTI with the context's; FPRoundInt). */
export function roundToIntegralQuiet<B extends RawBits>(
  r: Representation<B>,
  a: B,
  mode: RoundingMode,
  context: FloatContext,
): B {
  return roundToIntegral(r, a, mode, false, context);
}

/** Rounds to an integral float and raises IXC when that changes the value (FRINTX with the context's mode; FPRoundInt). */
export function roundToIntegralExact<B extends RawBits>(
  r: Representation<B>,
  a: B,
  mode: RoundingMode,
  context: FloatContext,
): B {
  return roundToIntegral(r, a, mode, true, context);
}

/**
 * Rounds to an integral float that fits a signed integer of 32 or 64 bits; otherwise, and for NaNs and infinities,
 * raises IOC and gives the smallest such integer (FRINT32*, FRINT64*; Arm ARM, FPRoundIntN).
 * For f32 and f64 only: f16 has no such integers, and asking throws `FloatOperationError`.
 */
export function roundToIntegralWithin<B extends RawBits>(
  r: Representation<B>,
  a: B,
  integerBits: 32 | 64,
  mode: RoundingMode,
  context: FloatContext,
): B {
  if (r.format.width === 16) throw new FloatOperationError("f16 cannot be rounded to 32- or 64-bit integers");
  const x = unpackOperand(r, a, context);
  if (x.kind === FloatKind.ZERO) return zero(r, x.sign);
  const limit = 2 ** (integerBits - 1);
  if (x.kind === FloatKind.FINITE) {
    const { magnitude, inexact } = roundMagnitude(x, 0, mode);
    if (magnitude < limit || (magnitude === limit && x.sign === 1)) {
      if (inexact) context.flags |= FloatException.IXC;
      if (magnitude === 0) return zero(r, x.sign);
      return x.exponent >= 0 ? x.bits : exactInteger(r, x.sign, magnitude, context);
    }
  }
  context.flags |= FloatException.IOC;
  return signedPowerOfTwo(r, 1, integerBits - 1);
}
