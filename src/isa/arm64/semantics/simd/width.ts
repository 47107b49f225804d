import type { Builder } from "../../../../engine/ir/builder.ts";
import { bitsOf, everyLane, everySecond, lanesOf, pick, type Vector, wider } from "./lanes.ts";

/** Which half of a register: 0 the low one, 1 the high one (the manual's `part`, mostly from Q). */
export type Half = 0 | 1;

/** Sizes that have a wider one. */
export type NarrowSize = 0 | 1 | 2;

/** Checks a decoded size that must have a wider one. */
export function narrowSizeOf(value: number): NarrowSize {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new RangeError(`no element size ${value} that has a wider one`);
}

/** Each element of one half of `v`, extended to twice its width. */
export function widen(b: Builder, size: NarrowSize, v: Vector, half: Half, signed: boolean): Vector {
  const part = half === 1 ? "high" : "low";
  const extension = signed ? "s" : "u";
  switch (size) {
    case 0:
      return b.op(`i16x8.extend_${part}_i8x16_${extension}`, v);
    case 1:
      return b.op(`i32x4.extend_${part}_i16x8_${extension}`, v);
    case 2:
      return b.op(`i64x2.extend_${part}_i32x4_${extension}`, v);
  }
}

/** The full products of the elements of one half of x and y. */
export function multiplyLong(
  b: Builder,
  size: NarrowSize,
  x: Vector,
  y: Vector,
  half: Half,
  signed: boolean,
): Vector {
  const part = half === 1 ? "high" : "low";
  const extension = signed ? "s" : "u";
  switch (size) {
    case 0:
      return b.op(`i16x8.extmul_${part}_i8x16_${extension}`, x, y);
    case 1:
      return b.op(`i32x4.extmul_${part}_i16x8_${extension}`, x, y);
    case 2:
      return b.op(`i64x2.extmul_${part}_i32x4_${extension}`, x, y);
  }
}

/** The low half of each element one size wider than `size`, in both halves of the result. */
export function lowParts(b: Builder, size: NarrowSize, wide: Vector): Vector {
  return everySecond(b, size, wide, wide, 0);
}

/** The high half of each element one size wider than `size`, in both halves of the result. */
export function highParts(b: Builder, size: NarrowSize, wide: Vector): Vector {
  return everySecond(b, size, wide, wide, 1);
}

/** Adds half of the weight of the lowest bit that `highParts` keeps. */
export function roundForHighParts(b: Builder, size: NarrowSize, wide: Vector): Vector {
  const half = everyLane(b, wider(size), 1n << BigInt(bitsOf(size) - 1));
  return lanesOf(b, wider(size)).add(wide, half);
}

/**
 * What a narrowing instruction leaves in the register: `narrow` (the same in both halves) in the low half and zeros above,
 * or, for the "2" forms, `narrow` above the low half that was there.
 */
export function placeNarrow(b: Builder, half: Half, narrow: Vector, before: () => Vector): Vector {
  if (half === 1) return pick(b, 3, before(), narrow, [0, 2]);
  return b.i64x2.replace_lane(1, narrow, 0n);
}
