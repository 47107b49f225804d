import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import { processNans, unpackOperand } from "./operand.ts";
import type { Representation } from "./representation.ts";
import { FloatKind, isNan, type RawBits, type Unpacked } from "./unpacked.ts";
import { infinity, zero } from "./values.ts";

/** Outcome of comparing two floats. */
export type FloatOrder = "less" | "equal" | "greater" | "unordered";

function order<B extends RawBits>(x: Unpacked<B>, y: Unpacked<B>): FloatOrder {
  const xZero = x.kind === FloatKind.ZERO;
  const yZero = y.kind === FloatKind.ZERO;
  if (xZero && yZero) return "equal";
  if (xZero) return y.sign === 1 ? "greater" : "less";
  if (yZero || x.sign !== y.sign) return x.sign === 1 ? "less" : "greater";
  if (x.bits === y.bits) return "equal";
  // Of two floats of one sign the greater magnitude has the greater bit pattern.
  return x.bits < y.bits === (x.sign === 0) ? "less" : "greater";
}

/**
 * Compares two floats.
 * @param signalling a quiet NaN raises IOC too; a signalling one always does
 */
export function compareOrder<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  signalling: boolean,
  context: FloatContext,
): FloatOrder {
  const x = unpackOperand(r, a, context);
  const y = unpackOperand(r, b, context);
  if (!isNan(x) && !isNan(y)) return order(x, y);
  if (signalling || x.kind === FloatKind.SIGNALLING_NAN || y.kind === FloatKind.SIGNALLING_NAN) {
    context.flags |= FloatException.IOC;
  }
  return "unordered";
}

/** PSTATE.NZCV of each outcome, N in bit 3 (Arm ARM, FPCompare). */
export const NZCV_OF_ORDER: Readonly<Record<FloatOrder, number>> = {
  less: 0b1000,
  equal: 0b0110,
  greater: 0b0010,
  unordered: 0b0011,
};

/** NZCV (N in bit 3) of a quiet comparison (FCMP). */
export function compareQuiet<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  context: FloatContext,
): number {
  return NZCV_OF_ORDER[compareOrder(r, a, b, false, context)];
}

/** NZCV (N in bit 3) of a signalling comparison (FCMPE). */
export function compareSignalling<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  context: FloatContext,
): number {
  return NZCV_OF_ORDER[compareOrder(r, a, b, true, context)];
}

/** a = b as 1 or 0 (FCMEQ; Arm ARM, FPCompareEQ): quiet. */
export function compareEqual<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  context: FloatContext,
): 0 | 1 {
  return compareOrder(r, a, b, false, context) === "equal" ? 1 : 0;
}

/** a ≥ b as 1 or 0 (FCMGE, and FACGE on absolute values; Arm ARM, FPCompareGE): signalling. */
export function compareGreaterEqual<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  context: FloatContext,
): 0 | 1 {
  const outcome = compareOrder(r, a, b, true, context);
  return outcome === "greater" || outcome === "equal" ? 1 : 0;
}

/** a > b as 1 or 0 (FCMGT, and FACGT on absolute values; Arm ARM, FPCompareGT): signalling. */
export function compareGreater<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  context: FloatContext,
): 0 | 1 {
  return compareOrder(r, a, b, true, context) === "greater" ? 1 : 0;
}

type Extreme = "max" | "min";

function extremum<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  which: Extreme,
  context: FloatContext,
): B {
  const x = unpackOperand(r, a, context);
  const y = unpackOperand(r, b, context);
  if (isNan(x) || isNan(y)) return processNans(r, x, y, context);
  if (x.kind === FloatKind.ZERO && y.kind === FloatKind.ZERO) {
    const negative = which === "max" ? x.sign & y.sign : x.sign | y.sign;
    return zero(r, negative === 1 ? 1 : 0);
  }
  const chosen = order(x, y) === (which === "max" ? "greater" : "less") ? x : y;
  return chosen.kind === FloatKind.ZERO ? zero(r, chosen.sign) : chosen.bits;
}

/** The greater operand, a NaN if either is one; +0 > -0 (FMAX; Arm ARM, FPMax). */
export function max<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return extremum(r, a, b, "max", context);
}

/** The lesser operand, a NaN if either is one; -0 < +0 (FMIN; Arm ARM, FPMin). */
export function min<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return extremum(r, a, b, "min", context);
}

// A lone quiet NaN counts as the infinity that loses (Arm ARM, FPMaxNum and FPMinNum).
function extremumOfNumbers<B extends RawBits>(
  r: Representation<B>,
  a: B,
  b: B,
  which: Extreme,
  context: FloatContext,
): B {
  const aQuiet = r.unpack(a, false).kind === FloatKind.QUIET_NAN;
  const bQuiet = r.unpack(b, false).kind === FloatKind.QUIET_NAN;
  const loser = infinity(r, which === "max" ? 1 : 0);
  return extremum(r, aQuiet && !bQuiet ? loser : a, bQuiet && !aQuiet ? loser : b, which, context);
}

/** The greater operand, a number if only one is a quiet NaN (FMAXNM; Arm ARM, FPMaxNum). */
export function maxnm<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return extremumOfNumbers(r, a, b, "max", context);
}

/** The lesser operand, a number if only one is a quiet NaN (FMINNM; Arm ARM, FPMinNum). */
export function minnm<B extends RawBits>(r: Representation<B>, a: B, b: B, context: FloatContext): B {
  return extremumOfNumbers(r, a, b, "min", context);
}
