import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import type { Representation } from "./representation.ts";
import { Lost, overflowsToInfinity, RoundingMode, roundsUp } from "./rounding.ts";
import type { RawBits, Unrounded } from "./unpacked.ts";
import { infinity, largest, zero } from "./values.ts";

/** Whether the context replaces denormals of this format by zero, as input or as output of arithmetic. */
export function flushes<B extends RawBits>(
  representation: Representation<B>,
  context: FloatContext,
  side: "input" | "output",
): boolean {
  if (representation.format.width === 16) return context.flushHalf;
  return side === "input" ? context.flushInputs : context.flushOutputs;
}

function isTiny<B extends RawBits>(
  representation: Representation<B>,
  value: Unrounded<B>,
  top: number,
  mode: RoundingMode,
  context: FloatContext,
): boolean {
  const { minimumExponent, fractionBits, hiddenBit } = representation.format;
  if (top >= minimumExponent) return false;
  if (context.rules.tininess === "before-rounding" || top < minimumExponent - 1) return true;
  const { kept, lost } = representation.truncate(value.significand, top - fractionBits - value.exponent);
  return kept + 1 < 2 * hiddenBit || !roundsUp(mode, value.sign, true, lost);
}

function overflow<B extends RawBits>(
  representation: Representation<B>,
  value: Unrounded<B>,
  mode: RoundingMode,
  alternative: boolean,
  context: FloatContext,
): B {
  if (alternative) {
    context.flags |= FloatException.IOC;
    const { exponentMask, hiddenBit } = representation.format;
    return representation.pack(value.sign, exponentMask, hiddenBit - 1);
  }
  context.flags |= FloatException.OFC | FloatException.IXC;
  return overflowsToInfinity(mode, value.sign)
    ? infinity(representation, value.sign)
    : largest(representation, value.sign);
}

/**
 * Rounds a non-zero value into a format and raises UFC, OFC, IXC (Arm ARM, FPRoundBase).
 * @param flush replace a tiny result by zero
 * @param alternative the target is Arm's alternative half precision, whose overflow is IOC
 */
export function roundInto<B extends RawBits>(
  representation: Representation<B>,
  value: Unrounded<B>,
  mode: RoundingMode,
  flush: boolean,
  alternative: boolean,
  context: FloatContext,
): B {
  const { minimumExponent, fractionBits, hiddenBit, exponentMask } = representation.format;
  const top = value.exponent + representation.bitLength(value.significand) - 1;
  const tiny = isTiny(representation, value, top, mode, context);
  if (tiny && flush) {
    context.flags |= context.rules.flushedOutputFlags;
    return zero(representation, value.sign);
  }
  const exponent = Math.max(top, minimumExponent);
  const { kept, lost } = representation.truncate(value.significand, exponent - fractionBits - value.exponent);
  const rounded = roundsUp(mode, value.sign, kept % 2 === 1, lost) ? kept + 1 : kept;
  // The hidden bit of a normal number, and a carry out of the fraction, add one to the exponent field when packed.
  const exponentField = exponent - minimumExponent;
  const finalField = exponentField + Math.floor(rounded / hiddenBit);
  if (finalField > (alternative ? exponentMask : exponentMask - 1)) {
    return overflow(representation, value, mode, alternative, context);
  }
  if (lost !== Lost.NOTHING) {
    context.flags |= tiny ? FloatException.UFC | FloatException.IXC : FloatException.IXC;
  }
  return representation.pack(value.sign, exponentField, rounded);
}

/** Rounds the result of an arithmetic instruction: the context's mode, flushed as the context says. */
export function roundResult<B extends RawBits>(
  representation: Representation<B>,
  value: Unrounded<B>,
  context: FloatContext,
): B {
  const flush = flushes(representation, context, "output");
  return roundInto(representation, value, context.roundingMode, flush, false, context);
}

/** Rounds an integer below 2^53 that the format can hold exactly. Raises nothing. */
export function exactInteger<B extends RawBits>(
  representation: Representation<B>,
  sign: 0 | 1,
  magnitude: number,
  context: FloatContext,
): B {
  const value = { sign, exponent: 0, significand: representation.significand(magnitude) };
  return roundInto(representation, value, RoundingMode.RZ, false, false, context);
}
