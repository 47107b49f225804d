import { roundSum, term } from "./arithmetic.ts";
import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import { F16, F32 } from "./numberSignificand.ts";
import { processNans, processNans3, unpackOperand } from "./operand.ts";
import type { Representation } from "./representation.ts";
import { roundResult } from "./round.ts";
import { exactZeroSign } from "./rounding.ts";
import { FloatKind, isNan, type RawBits, type Unpacked, type Unrounded } from "./unpacked.ts";
import { defaultNan, infinity, invalid, signedPowerOfTwo, zero } from "./values.ts";

const { ZERO, FINITE, INFINITY, QUIET_NAN } = FloatKind;

function isInvalidProduct(x: Unpacked<RawBits>, y: Unpacked<RawBits>): boolean {
  return (x.kind === INFINITY && y.kind === ZERO) || (x.kind === ZERO && y.kind === INFINITY);
}

function fusedNan<B extends RawBits>(
  r: Representation<B>,
  addend: Unpacked<B>,
  x: Unpacked<B>,
  y: Unpacked<B>,
  context: FloatContext,
): B {
  if (addend.kind === QUIET_NAN && isInvalidProduct(x, y)) {
    const choice = context.rules.invalidProductPlusQuietNan;
    if (choice !== "quiet-nan-without-invalid") context.flags |= FloatException.IOC;
    if (choice === "default-nan") return defaultNan(r, context);
  }
  return context.rules.fusedNanOrder === "addend-first"
    ? processNans3(r, addend, x, y, context)
    : processNans3(r, x, y, addend, context);
}

/** a × b + addend of operands that are no NaNs. */
function fusedSum<B extends RawBits>(
  r: Representation<B>,
  addend: Unpacked<B>,
  x: Unpacked<B>,
  y: Unpacked<B>,
  context: FloatContext,
): B {
  if (isInvalidProduct(x, y)) return invalid(r, context);
  const sign = x.sign === y.sign ? 0 : 1;
  if (x.kind === INFINITY || y.kind === INFINITY) {
    return addend.kind === INFINITY && addend.sign !== sign ? invalid(r, context) : infinity(r, sign);
  }
  if (addend.kind === INFINITY) return infinity(r, addend.sign);
  if (x.kind === FINITE && y.kind === FINITE) {
    const product = r.product(x, y);
    if (addend.kind === ZERO) return roundResult(r, product, context);
    return roundSum(r, r.sum(product, term(r, addend, addend.sign)), context);
  }
  if (addend.kind === FINITE) return roundResult(r, term(r, addend, addend.sign), context);
  return zero(r, addend.sign === sign ? sign : exactZeroSign(context.roundingMode));
}

/**
 * a × b + addend, rounded once (FMADD, FMLA; Arm ARM, FPMulAdd). FMSUB negates a beforehand, FNMADD a and the addend,
 * FNMSUB the addend: with {@link Representation.negate}, so that a NaN's sign is inverted too.
 */
export function fma<B extends RawBits>(
  r: Representation<B>,
  addend: B,
  a: B,
  b: B,
  context: FloatContext,
): B {
  const z = unpackOperand(r, addend, context);
  const x = unpackOperand(r, a, context);
  const y = unpackOperand(r, b, context);
  if (isNan(z) || isNan(x) || isNan(y)) return fusedNan(r, z, x, y, context);
  return fusedSum(r, z, x, y, context);
}

/** The f32 of the same value as an f16 operand; a NaN keeps its payload and stays signalling. */
function widenHalf(bits: number, context: FloatContext): number {
  const x = unpackOperand(F16, bits, context);
  const scale = F32.format.hiddenBit / F16.format.hiddenBit;
  switch (x.kind) {
    case ZERO:
      return zero(F32, x.sign);
    case FINITE: {
      const exponent = F16.bitLength(x.significand) - 1;
      const fraction = x.significand * 2 ** (F32.format.fractionBits - exponent);
      return F32.pack(x.sign, x.exponent + exponent - F32.format.minimumExponent, fraction);
    }
    default:
      return F32.pack(x.sign, F32.format.exponentMask, x.significand * scale);
  }
}

/**
 * a × b + addend with f16 factors and an f32 addend and result, rounded once (FMLAL, FMLSL; Arm ARM, FPMulAddH).
 * FMLSL negates a beforehand.
 */
export function fmaHalfToSingle(addend: number, a: number, b: number, context: FloatContext): number {
  return fma(F32, addend, widenHalf(a, context), widenHalf(b, context), context);
}

function step<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  context: FloatContext,
  constant: { readonly value: 2 | 3; readonly halved: boolean; readonly infinityTimesZero: () => B },
): B {
  const x = unpackOperand(r, r.negate(a), context);
  const y = unpackOperand(r, b, context);
  if (isNan(x) || isNan(y)) return processNans(r, x, y, context);
  if (isInvalidProduct(x, y)) return constant.infinityTimesZero();
  const sign = x.sign === y.sign ? 0 : 1;
  if (x.kind === INFINITY || y.kind === INFINITY) return infinity(r, sign);
  // Full-length, as `sum` wants it: 2 and 3 are 1 and 1.5 times 2.
  const { fractionBits, hiddenBit } = r.format;
  const start: Unrounded<B> = {
    sign: 0,
    exponent: 1 - fractionBits,
    significand: r.significand((constant.value / 2) * hiddenBit),
  };
  const total = x.kind === ZERO || y.kind === ZERO ? start : r.sum(start, r.product(x, y));
  return roundSum(r, constant.halved ? { ...total, exponent: total.exponent - 1 } : total, context);
}

/** 2 - a × b, fused (FRECPS; Arm ARM, FPRecipStepFused). */
export function recipStep<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return step(r, a, b, context, {
    value: 2,
    halved: false,
    infinityTimesZero: () => signedPowerOfTwo(r, 0, 1),
  });
}

/** (3 - a × b) ÷ 2, fused (FRSQRTS; Arm ARM, FPRSqrtStepFused). */
export function rsqrtStep<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return step(r, a, b, context, {
    value: 3,
    halved: true,
    infinityTimesZero: () => r.pack(0, -r.format.minimumExponent + 1, r.format.hiddenBit / 2),
  });
}
