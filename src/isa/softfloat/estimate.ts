import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import { processNan, unpackOperand } from "./operand.ts";
import type { Representation } from "./representation.ts";
import { flushes } from "./round.ts";
import { overflowsToInfinity } from "./rounding.ts";
import { FloatKind, isNan, type RawBits, type Unpacked } from "./unpacked.ts";
import { infinity, invalid, largest, zero } from "./values.ts";

/** 1 ÷ x to 8 bits: a in 256 … 511 stands for 0.5 ≤ x < 1, the result for 1 … 2 in the same steps (Arm ARM, RecipEstimate). */
function reciprocalEstimate(a: number): number {
  return (Math.floor(0x8_0000 / (2 * a + 1)) + 1) >> 1;
}

/** 1 ÷ √x to 8 bits: a in 128 … 511 stands for 0.25 ≤ x < 1 (Arm ARM, RecipSqrtEstimate). */
function reciprocalSquareRootEstimate(a: number): number {
  const middle = a < 256 ? 2 * a + 1 : 2 * (2 * (a >> 1) + 1);
  let b = 512;
  while (middle * (b + 1) * (b + 1) < 0x1000_0000) b += 1;
  return (b + 1) >> 1;
}

/** An operand's exponent as its field would hold it without denormals (may be ≤ 0), and the top 8 bits of its fraction. */
function normalized<B extends RawBits>(
  r: Representation<B>,
  x: Unpacked<B>,
): { readonly exponentField: number; readonly fraction8: number } {
  const length = r.bitLength(r.significand(x.significand));
  const { minimumExponent } = r.format;
  return {
    exponentField: x.exponent + length - minimumExponent,
    fraction8: Math.floor(x.significand * 2 ** (9 - length)) - 0x100,
  };
}

/** Estimate of 1 ÷ a, 8 bits (FRECPE; Arm ARM, FPRecipEstimate). */
export function recipEstimate<B extends RawBits>(r: Representation<B>, a: B, context: FloatContext): B {
  const x = unpackOperand(r, a, context);
  if (isNan(x)) return processNan(r, x, context);
  if (x.kind === FloatKind.INFINITY) return zero(r, x.sign);
  if (x.kind === FloatKind.ZERO) {
    context.flags |= FloatException.DZC;
    return infinity(r, x.sign);
  }
  const { exponentField, fraction8 } = normalized(r, x);
  if (exponentField < -1) {
    context.flags |= FloatException.OFC | FloatException.IXC;
    return overflowsToInfinity(context.roundingMode, x.sign) ? infinity(r, x.sign) : largest(r, x.sign);
  }
  const { exponentMask, hiddenBit } = r.format;
  const resultField = exponentMask - 2 - exponentField;
  if (resultField <= 0 && flushes(r, context, "output")) {
    context.flags |= context.rules.flushedOutputFlags;
    return zero(r, x.sign);
  }
  const fraction = (reciprocalEstimate(0x100 + fraction8) - 0x100) * (hiddenBit / 0x100);
  if (resultField > 0) return r.pack(x.sign, resultField, fraction);
  // A denormal result: the estimate's hidden bit enters the fraction; what falls out below is zero.
  return r.pack(x.sign, 0, Math.floor((hiddenBit + fraction) / 2 ** (1 - resultField)));
}

/** Estimate of 1 ÷ √a, 8 bits (FRSQRTE; Arm ARM, FPRSqrtEstimate). */
export function rsqrtEstimate<B extends RawBits>(r: Representation<B>, a: B, context: FloatContext): B {
  const x = unpackOperand(r, a, context);
  if (isNan(x)) return processNan(r, x, context);
  if (x.kind === FloatKind.ZERO) {
    context.flags |= FloatException.DZC;
    return infinity(r, x.sign);
  }
  if (x.sign === 1) return invalid(r, context);
  if (x.kind === FloatKind.INFINITY) return zero(r, 0);
  const { exponentField, fraction8 } = normalized(r, x);
  const scaled = exponentField % 2 === 0 ? 0x100 + fraction8 : 0x80 + (fraction8 >> 1);
  const estimate = reciprocalSquareRootEstimate(scaled);
  const { exponentMask, hiddenBit } = r.format;
  // 44, 380 and 3068 of the manual, for the three formats.
  const resultField = Math.floor((3 * (exponentMask >> 1) - 1 - exponentField) / 2);
  return r.pack(0, resultField, (estimate - 0x100) * (hiddenBit / 0x100));
}

/** The power of two used to scale a before a reciprocal (FRECPX; Arm ARM, FPRecpX). */
export function recipExponent<B extends RawBits>(r: Representation<B>, a: B, context: FloatContext): B {
  const x = unpackOperand(r, a, context);
  if (isNan(x)) return processNan(r, x, context);
  const { exponentMask, hiddenBit, minimumExponent, fractionBits } = r.format;
  if (x.kind === FloatKind.INFINITY) return zero(r, x.sign);
  if (x.kind === FloatKind.ZERO || x.significand < hiddenBit) return r.pack(x.sign, exponentMask - 1, 0);
  const exponentField = x.exponent + fractionBits - minimumExponent + 1;
  return r.pack(x.sign, exponentMask - exponentField, 0);
}

/** Unsigned estimate of 1 ÷ a with a a u32 fraction (URECPE; Arm ARM, UnsignedRecipEstimate). No flags. */
export function unsignedRecipEstimate(a: number): number {
  if (a < 0x8000_0000) return 0xffff_ffff;
  return (reciprocalEstimate(a >>> 23) << 23) >>> 0;
}

/** Unsigned estimate of 1 ÷ √a with a a u32 fraction (URSQRTE; Arm ARM, UnsignedRSqrtEstimate). No flags. */
export function unsignedRsqrtEstimate(a: number): number {
  if (a < 0x4000_0000) return 0xffff_ffff;
  return (reciprocalSquareRootEstimate(a >>> 23) << 23) >>> 0;
}
