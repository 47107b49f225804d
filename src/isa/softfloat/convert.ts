import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import type { Representation } from "./representation.ts";
import { roundInto } from "./round.ts";
import { RoundingMode } from "./rounding.ts";
import { FloatKind, isNan, type RawBits, type Unpacked } from "./unpacked.ts";
import { defaultNan, infinity, zero } from "./values.ts";

function convertNan<To extends RawBits>(
  fromFractionBits: number,
  to: Representation<To>,
  nan: Unpacked<RawBits>,
  context: FloatContext,
): To {
  if (context.defaultNan) return defaultNan(to, context);
  // The leading bits of the payload survive (Arm ARM, FPConvertNaN).
  const fraction = Math.floor(nan.significand * 2 ** (to.format.fractionBits - fromFractionBits));
  return to.quiet(to.pack(nan.sign, to.format.exponentMask, fraction));
}

/**
 * Converts between formats in a given rounding mode (FCVT; FCVTXN with `ODD`; Arm ARM, FPConvert). f16 denormals are
 * never flushed here; f16 is read and written in the alternative format when the context says so.
 */
export function convertFormatRounded<From extends RawBits, To extends RawBits>(
  from: Representation<From>,
  to: Representation<To>,
  a: From,
  mode: RoundingMode,
  context: FloatContext,
): To {
  const fromHalf = from.format.width === 16;
  const toHalf = to.format.width === 16;
  const x = from.unpack(a, fromHalf && context.alternativeHalf);
  const toAlternative = toHalf && context.alternativeHalf;
  if (isNan(x)) {
    if (x.kind === FloatKind.SIGNALLING_NAN || toAlternative) context.flags |= FloatException.IOC;
    return toAlternative ? zero(to, x.sign) : convertNan(from.format.fractionBits, to, x, context);
  }
  if (x.kind === FloatKind.INFINITY) {
    if (!toAlternative) return infinity(to, x.sign);
    context.flags |= FloatException.IOC;
    return to.pack(x.sign, to.format.exponentMask, to.format.hiddenBit - 1);
  }
  if (x.kind === FloatKind.ZERO) return zero(to, x.sign);
  if (!fromHalf && context.flushInputs && x.significand < from.format.hiddenBit) {
    context.flags |= context.rules.flushedInputFlags;
    return zero(to, x.sign);
  }
  const value = { sign: x.sign, exponent: x.exponent, significand: to.significand(x.significand) };
  return roundInto(to, value, mode, !toHalf && context.flushOutputs, toAlternative, context);
}

/** Converts between formats in the context's rounding mode (FCVT). */
export function convertFormat<From extends RawBits, To extends RawBits>(
  from: Representation<From>,
  to: Representation<To>,
  a: From,
  context: FloatContext,
): To {
  return convertFormatRounded(from, to, a, context.roundingMode, context);
}

/** Converts to a narrower format by rounding to odd, so that a second rounding is safe (FCVTXN). */
export function convertFormatToOdd<From extends RawBits, To extends RawBits>(
  from: Representation<From>,
  to: Representation<To>,
  a: From,
  context: FloatContext,
): To {
  return convertFormatRounded(from, to, a, RoundingMode.ODD, context);
}
