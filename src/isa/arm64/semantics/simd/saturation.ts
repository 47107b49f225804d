import type { Builder, Operand } from "../../../../engine/ir/builder.ts";
import { arm64State } from "../../state.ts";
import { add, greater, maximum, minimum, subtract } from "./arithmetic.ts";
import {
  bitsOf,
  choose,
  everyLane,
  everySecond,
  lanesOf,
  largestSigned,
  type Size,
  signBits,
  signMask,
  type Vector,
  wider,
} from "./lanes.ts";

/** A result that may have been limited: `saturated` is not zero in exactly the elements where it was. */
export interface Saturating {
  readonly value: Vector;
  readonly saturated: Vector;
}

/** Sets FPSR.QC, which is sticky, when any bit of `saturated` is set. Arm ARM C5.2.8. */
export function recordSaturation(b: Builder, saturated: Vector): void {
  const cumulative = b.i32.shl(b.v128.any_true(saturated), 27);
  b.set(arm64State.fpsr, b.i32.or(b.get(arm64State.fpsr), cumulative));
}

/** x + y limited to the range of the element. Arm ARM J1.3 `SatQ`. */
export function addSaturating(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Saturating {
  const sum = add(b, size, x, y);
  if (size < 2) {
    const lanes = size === 0 ? b.i8x16 : b.i16x8;
    const value = signed ? lanes.add_sat_s(x, y) : lanes.add_sat_u(x, y);
    return { value, saturated: b.v128.xor(value, sum) };
  }
  if (!signed) {
    const saturated = greater(b, size, x, sum, false);
    return { value: b.v128.or(sum, saturated), saturated };
  }
  const overflow = b.v128.and(b.v128.xor(x, sum), b.v128.xor(y, sum));
  return limitSigned(b, size, x, sum, signMask(b, size, overflow));
}

/** x − y limited to the range of the element. */
export function subtractSaturating(
  b: Builder,
  size: Size,
  x: Vector,
  y: Vector,
  signed: boolean,
): Saturating {
  const difference = subtract(b, size, x, y);
  if (size < 2) {
    const lanes = size === 0 ? b.i8x16 : b.i16x8;
    const value = signed ? lanes.sub_sat_s(x, y) : lanes.sub_sat_u(x, y);
    return { value, saturated: b.v128.xor(value, difference) };
  }
  if (!signed) {
    const saturated = greater(b, size, y, x, false);
    return { value: b.v128.andnot(difference, saturated), saturated };
  }
  const overflow = b.v128.and(b.v128.xor(x, y), b.v128.xor(x, difference));
  return limitSigned(b, size, x, difference, signMask(b, size, overflow));
}

/** `value`, but the limit on x's side of zero where `saturated` has ones. */
export function limitSigned(b: Builder, size: Size, x: Vector, value: Vector, saturated: Vector): Saturating {
  const limit = b.v128.xor(signMask(b, size, x), largestSigned(b, size));
  return { value: choose(b, saturated, limit, value), saturated };
}

/** A signed d plus an unsigned n, limited to the signed range: with the sign bit inverted both are unsigned. */
export function addUnsignedToSigned(b: Builder, size: Size, d: Vector, n: Vector): Saturating {
  const biased = addSaturating(b, size, b.v128.xor(d, signBits(b, size)), n, false);
  return { value: b.v128.xor(biased.value, signBits(b, size)), saturated: biased.saturated };
}

/** An unsigned d plus a signed n, limited to the unsigned range: the carry must come exactly when n is negative. */
export function addSignedToUnsigned(b: Builder, size: Size, d: Vector, n: Vector): Saturating {
  const sum = add(b, size, d, n);
  const carry = greater(b, size, d, sum, false);
  const negative = signMask(b, size, n);
  const saturated = b.v128.xor(carry, negative);
  return { value: choose(b, saturated, b.v128.not(negative), sum), saturated };
}

/** |x|, or −x where `negate`; the smallest value has no opposite. */
export function negateSaturating(b: Builder, size: Size, x: Vector, how: "abs" | "neg"): Saturating {
  const saturated = lanesOf(b, size).eq(x, signBits(b, size));
  const value = how === "abs" ? lanesOf(b, size).abs(x) : lanesOf(b, size).neg(x);
  return { value: b.v128.xor(value, saturated), saturated };
}

/** Which values a narrowing takes and which it can give: both signed, both unsigned, or signed to unsigned. */
export type NarrowingRange = "signed" | "unsigned" | "signedToUnsigned";

/** Limits elements one size wider than `size` to what elements of `size` can hold; they stay wide. */
export function limitToNarrow(b: Builder, size: Size, wide: Vector, range: NarrowingRange): Saturating {
  const wideSize = wider(size);
  const bits = BigInt(bitsOf(size));
  const limits = {
    signed: { most: (1n << (bits - 1n)) - 1n, least: -1n << (bits - 1n) },
    unsigned: { most: (1n << bits) - 1n, least: undefined },
    signedToUnsigned: { most: (1n << bits) - 1n, least: 0n },
  }[range];
  const signed = range !== "unsigned";
  const below = minimum(b, wideSize, wide, everyLane(b, wideSize, limits.most), signed);
  const value =
    limits.least === undefined
      ? below
      : maximum(b, wideSize, below, everyLane(b, wideSize, limits.least), signed);
  return { value, saturated: b.v128.xor(wide, value) };
}

/** x << bits limited to the range of the element. `bits` is less than the width. */
export function shiftLeftSaturating(
  b: Builder,
  size: Size,
  x: Vector,
  bits: Operand<"i32">,
  signed: boolean,
): Saturating {
  const lanes = lanesOf(b, size);
  const shifted = lanes.shl(x, bits);
  if (signed) return limitSigned(b, size, x, shifted, lanes.ne(lanes.shr_s(shifted, bits), x));
  const saturated = lanes.ne(lanes.shr_u(shifted, bits), x);
  return { value: b.v128.or(shifted, saturated), saturated };
}

/** A signed x << bits limited to the unsigned range of the element. `bits` is less than the width. */
export function shiftLeftSaturatingToUnsigned(
  b: Builder,
  size: Size,
  x: Vector,
  bits: Operand<"i32">,
): Saturating {
  const lanes = lanesOf(b, size);
  const negative = signMask(b, size, x);
  const shifted = lanes.shl(x, bits);
  const tooLarge = lanes.ne(lanes.shr_u(shifted, bits), x);
  return {
    value: b.v128.andnot(b.v128.or(shifted, tooLarge), negative),
    saturated: b.v128.or(negative, tooLarge),
  };
}

/** The high half of 2 · x · y of 16 or 32-bit elements, rounded to nearest or down. Only the square of the smallest value is too large. */
export function doublingMultiplyHigh(
  b: Builder,
  size: Size,
  x: Vector,
  y: Vector,
  rounding: boolean,
): Saturating {
  const lanes = lanesOf(b, size);
  const least = signBits(b, size);
  const saturated = b.v128.and(lanes.eq(x, least), lanes.eq(y, least));
  if (size === 1) {
    if (rounding) return { value: b.i16x8.q15mulr_sat_s(x, y), saturated };
    const low = b.i32x4.shr_s(b.i32x4.extmul_low_i16x8_s(x, y), 15);
    const high = b.i32x4.shr_s(b.i32x4.extmul_high_i16x8_s(x, y), 15);
    return { value: b.i16x8.narrow_i32x4_s(low, high), saturated };
  }
  const half = (product: Vector): Vector => {
    const rounded = rounding ? b.i64x2.add(product, everyLane(b, 3, 1n << 30n)) : product;
    return b.i64x2.shr_u(rounded, 31);
  };
  const low = half(b.i64x2.extmul_low_i32x4_s(x, y));
  const high = half(b.i64x2.extmul_high_i32x4_s(x, y));
  // 2^31 where saturated: one less is the limit.
  const value = b.i32x4.add(everySecond(b, 2, low, high, 0), saturated);
  return { value, saturated };
}

/** 2 · product limited to the signed range, where `product` is a full product of signed elements half as wide. */
export function doubleProduct(b: Builder, wideSize: 2 | 3, product: Vector): Saturating {
  const lanes = lanesOf(b, wideSize);
  const largest = everyLane(b, wideSize, 1n << BigInt(bitsOf(wideSize) - 2));
  const saturated = lanes.eq(product, largest);
  return { value: lanes.add(lanes.add(product, product), saturated), saturated };
}

/** d ± 2 · product, each step limited to the signed range. */
export function accumulateDoubleProduct(
  b: Builder,
  wideSize: 2 | 3,
  d: Vector,
  product: Vector,
  subtracting: boolean,
): Saturating {
  const doubled = doubleProduct(b, wideSize, product);
  const operation = subtracting ? subtractSaturating : addSaturating;
  const total = operation(b, wideSize, d, doubled.value, true);
  return { value: total.value, saturated: b.v128.or(doubled.saturated, total.saturated) };
}
