import type { Builder } from "../../../../engine/ir/builder.ts";
import {
  bitsOf,
  choose,
  everyLane,
  everySecond,
  lanesOf,
  type Size,
  signBits,
  type Vector,
} from "./lanes.ts";

/** x + y in each element. */
export function add(b: Builder, size: Size, x: Vector, y: Vector): Vector {
  return lanesOf(b, size).add(x, y);
}

/** x − y in each element. */
export function subtract(b: Builder, size: Size, x: Vector, y: Vector): Vector {
  return lanesOf(b, size).sub(x, y);
}

/** The low half of x · y in each element. */
export function multiply(b: Builder, size: Size, x: Vector, y: Vector): Vector {
  if (size !== 0) return lanesOf(b, size).mul(x, y);
  const low = b.i16x8.extmul_low_i8x16_u(x, y);
  const high = b.i16x8.extmul_high_i8x16_u(x, y);
  return everySecond(b, 0, low, high, 0);
}

/** All ones where x > y. */
export function greater(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Vector {
  if (signed) return lanesOf(b, size).gt_s(x, y);
  if (size !== 3) return lanesOf(b, size).gt_u(x, y);
  return b.i64x2.gt_s(b.v128.xor(x, signBits(b, 3)), b.v128.xor(y, signBits(b, 3)));
}

/** All ones where x ≥ y. */
export function greaterOrEqual(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Vector {
  if (signed) return lanesOf(b, size).ge_s(x, y);
  if (size !== 3) return lanesOf(b, size).ge_u(x, y);
  return b.i64x2.ge_s(b.v128.xor(x, signBits(b, 3)), b.v128.xor(y, signBits(b, 3)));
}

/** All ones where x and y have a one in common. */
export function haveCommonBits(b: Builder, size: Size, x: Vector, y: Vector): Vector {
  return lanesOf(b, size).ne(b.v128.and(x, y), everyLane(b, size, 0n));
}

/** The larger of x and y. */
export function maximum(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Vector {
  if (size === 3) return choose(b, greater(b, size, x, y, signed), x, y);
  return signed ? lanesOf(b, size).max_s(x, y) : lanesOf(b, size).max_u(x, y);
}

/** The smaller of x and y. */
export function minimum(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Vector {
  if (size === 3) return choose(b, greater(b, size, x, y, signed), y, x);
  return signed ? lanesOf(b, size).min_s(x, y) : lanesOf(b, size).min_u(x, y);
}

/** |x − y|, modulo the element's width. */
export function absoluteDifference(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Vector {
  return subtract(b, size, maximum(b, size, x, y, signed), minimum(b, size, x, y, signed));
}

/** x >> 1 in each element. */
function halve(b: Builder, size: Size, x: Vector, signed: boolean): Vector {
  return signed ? lanesOf(b, size).shr_s(x, 1) : lanesOf(b, size).shr_u(x, 1);
}

/** (x + y) >> 1 without losing the carry: the common bits count twice, the others once. */
export function halvingAdd(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Vector {
  return add(b, size, b.v128.and(x, y), halve(b, size, b.v128.xor(x, y), signed));
}

/** (x + y + 1) >> 1 without losing the carry. */
export function roundingHalvingAdd(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Vector {
  if (!signed && size < 2) return size === 0 ? b.i8x16.avgr_u(x, y) : b.i16x8.avgr_u(x, y);
  return subtract(b, size, b.v128.or(x, y), halve(b, size, b.v128.xor(x, y), signed));
}

/** (x − y) >> 1 without losing the borrow: x − y is (x ^ y) − 2 (~x & y). */
export function halvingSubtract(b: Builder, size: Size, x: Vector, y: Vector, signed: boolean): Vector {
  return subtract(b, size, halve(b, size, b.v128.xor(x, y), signed), b.v128.andnot(y, x));
}

/** The sum of each element's two halves, as elements of `size` + 1. */
export function addLongPairs(b: Builder, size: 0 | 1 | 2, v: Vector, signed: boolean): Vector {
  switch (size) {
    case 0:
      return signed ? b.i16x8.extadd_pairwise_i8x16_s(v) : b.i16x8.extadd_pairwise_i8x16_u(v);
    case 1:
      return signed ? b.i32x4.extadd_pairwise_i16x8_s(v) : b.i32x4.extadd_pairwise_i16x8_u(v);
    case 2: {
      const shift = signed ? b.i64x2.shr_s : b.i64x2.shr_u;
      return b.i64x2.add(shift(v, 32), shift(b.i64x2.shl(v, 32), 32));
    }
  }
}

/** Applies `combine` to the lowest `bytes` of `v` until one element is left, in element 0; the others are not meaningful. */
export function reduce(
  b: Builder,
  size: Size,
  v: Vector,
  bytes: number,
  combine: (x: Vector, y: Vector) => Vector,
): Vector {
  let result = v;
  for (let distance = bytes >> 1; distance >= 1 << size; distance >>= 1) {
    const lanes = Array.from({ length: 16 }, (_, i) => (i + distance) & 15);
    result = combine(result, b.shuffle(result, result, lanes));
  }
  return result;
}

/** The number of ones in each element. */
export function countOnes(b: Builder, size: 0 | 1 | 2, v: Vector): Vector {
  let count = b.i8x16.popcnt(v);
  if (size >= 1) count = b.i16x8.extadd_pairwise_i8x16_u(count);
  if (size >= 2) count = b.i32x4.extadd_pairwise_i16x8_u(count);
  return count;
}

/** The number of zeros above the highest one of each element: the ones of the complement after smearing it downwards. */
export function countLeadingZeros(b: Builder, size: 0 | 1 | 2, v: Vector): Vector {
  let smeared = v;
  for (let distance = 1; distance < bitsOf(size); distance <<= 1) {
    smeared = b.v128.or(smeared, lanesOf(b, size).shr_u(smeared, distance));
  }
  return countOnes(b, size, b.v128.not(smeared));
}

/** The number of bits below the sign bit that equal it. */
export function countLeadingSignBits(b: Builder, size: 0 | 1 | 2, v: Vector): Vector {
  const changes = b.v128.xor(v, lanesOf(b, size).shr_s(v, 1));
  return subtract(b, size, countLeadingZeros(b, size, changes), everyLane(b, size, 1n));
}

/** The bits of each byte in reverse order, by looking up both nibbles. */
export function reverseBitsOfBytes(b: Builder, v: Vector): Vector {
  const low = b.v128.and(v, everyLane(b, 0, 15n));
  const high = b.i8x16.shr_u(v, 4);
  const reversedLow = b.constV128(0xe060_a020_c040_8000n, 0xf070_b030_d050_9010n);
  const reversedHigh = b.constV128(0x0e06_0a02_0c04_0800n, 0x0f07_0b03_0d05_0901n);
  return b.v128.or(b.i8x16.swizzle(reversedLow, low), b.i8x16.swizzle(reversedHigh, high));
}
