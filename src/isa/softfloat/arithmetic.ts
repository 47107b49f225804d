import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import { processNan, processNans, unpackOperand } from "./operand.ts";
import type { Representation } from "./representation.ts";
import { roundResult } from "./round.ts";
import { exactZeroSign, type Sign } from "./rounding.ts";
import { FloatKind, isNan, type RawBits, type Unpacked, type Unrounded } from "./unpacked.ts";
import { infinity, invalid, signedPowerOfTwo, zero } from "./values.ts";

const { ZERO, FINITE, INFINITY } = FloatKind;

/** An operand as a term of a sum. */
export function term<B extends RawBits>(r: Representation<B>, x: Unpacked<B>, sign: Sign): Unrounded<B> {
  return { sign, exponent: x.exponent, significand: r.significand(x.significand) };
}

/** Rounds a sum of non-zero terms, which may have cancelled. */
export function roundSum<B extends RawBits>(
  r: Representation<B>,
  value: Unrounded<B>,
  context: FloatContext,
): B {
  if (r.bitLength(value.significand) === 0) return zero(r, exactZeroSign(context.roundingMode));
  return roundResult(r, value, context);
}

function addSigned<B extends RawBits>(
  r: Representation<B>,
  x: Unpacked<B>,
  y: Unpacked<B>,
  ySign: Sign,
  context: FloatContext,
): B {
  if (x.kind === INFINITY) {
    return y.kind === INFINITY && x.sign !== ySign ? invalid(r, context) : infinity(r, x.sign);
  }
  if (y.kind === INFINITY) return infinity(r, ySign);
  if (x.kind === FINITE && y.kind === FINITE) {
    return roundSum(r, r.sum(term(r, x, x.sign), term(r, y, ySign)), context);
  }
  if (x.kind === FINITE) return roundResult(r, term(r, x, x.sign), context);
  if (y.kind === FINITE) return roundResult(r, term(r, y, ySign), context);
  return zero(r, x.sign === ySign ? x.sign : exactZeroSign(context.roundingMode));
}

/** a + b (FADD; Arm ARM, FPAdd). */
export function add<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  const x = unpackOperand(r, a, context);
  const y = unpackOperand(r, b, context);
  if (isNan(x) || isNan(y)) return processNans(r, x, y, context);
  return addSigned(r, x, y, y.sign, context);
}

/** a - b (FSUB; Arm ARM, FPSub). A NaN b keeps its sign. */
export function sub<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  const x = unpackOperand(r, a, context);
  const y = unpackOperand(r, b, context);
  if (isNan(x) || isNan(y)) return processNans(r, x, y, context);
  return addSigned(r, x, y, y.sign === 0 ? 1 : 0, context);
}

function multiply<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  context: FloatContext,
  infinityTimesZero: (sign: Sign) => B,
): B {
  const x = unpackOperand(r, a, context);
  const y = unpackOperand(r, b, context);
  if (isNan(x) || isNan(y)) return processNans(r, x, y, context);
  const sign = x.sign === y.sign ? 0 : 1;
  if (x.kind === INFINITY || y.kind === INFINITY) {
    return x.kind === ZERO || y.kind === ZERO ? infinityTimesZero(sign) : infinity(r, sign);
  }
  if (x.kind === ZERO || y.kind === ZERO) return zero(r, sign);
  return roundResult(r, r.product(x, y), context);
}

/** a × b (FMUL; Arm ARM, FPMul). */
export function mul<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return multiply(r, a, b, context, () => invalid(r, context));
}

/** a × b where infinity × 0 is ±2 (FMULX; Arm ARM, FPMulX). */
export function mulx<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return multiply(r, a, b, context, (sign) => signedPowerOfTwo(r, sign, 1));
}

/** -(a × b) (FNMUL): the product is rounded, then its sign inverted, a NaN's too. */
export function nmul<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return r.negate(mul(r, a, b, context));
}

/** a ÷ b (FDIV; Arm ARM, FPDiv). */
export function div<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  const x = unpackOperand(r, a, context);
  const y = unpackOperand(r, b, context);
  if (isNan(x) || isNan(y)) return processNans(r, x, y, context);
  const sign = x.sign === y.sign ? 0 : 1;
  if (x.kind === y.kind && x.kind !== FINITE) return invalid(r, context);
  if (x.kind === INFINITY) return infinity(r, sign);
  if (y.kind === ZERO) {
    context.flags |= FloatException.DZC;
    return infinity(r, sign);
  }
  if (x.kind === ZERO || y.kind === INFINITY) return zero(r, sign);
  return roundResult(r, r.quotient(x, y), context);
}

/** Square root (FSQRT; Arm ARM, FPSqrt); that of -0 is -0. */
export function sqrt<B extends RawBits>(r: Representation<B>, a: B, context: FloatContext): B {
  const x = unpackOperand(r, a, context);
  if (isNan(x)) return processNan(r, x, context);
  if (x.kind === ZERO) return zero(r, x.sign);
  if (x.sign === 1) return invalid(r, context);
  if (x.kind === INFINITY) return infinity(r, 0);
  return roundResult(r, r.squareRoot(x), context);
}

/** The operand with its sign inverted (FNEG): bits only, no flags, NaNs too. */
export function neg<B extends RawBits>(r: Representation<B>, a: B): B {
  return r.negate(a);
}

/** The operand without its sign (FABS): bits only, no flags, NaNs too. */
export function abs<B extends RawBits>(r: Representation<B>, a: B): B {
  return r.absolute(a);
}

/** |a - b| (FABD): the difference is rounded, then its sign dropped, a NaN's too. */
export function absoluteDifference<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  context: FloatContext,
): B {
  return r.absolute(sub(r, a, b, context));
}
