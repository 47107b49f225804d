import type { Builder } from "../../../../engine/ir/builder.ts";
import { bitsOf, choose, everyLane, lanesOf, type Size, shiftRight, signMask, type Vector } from "./lanes.ts";
import { limitSigned, type Saturating } from "./saturation.ts";

/** Both directions of the shift, and where the elements go right. */
interface Directions {
  readonly left: Vector;
  readonly right: Vector;
  readonly toRight: Vector;
  /** Shifts `v` right by what `left` was shifted left. */
  shiftBack(v: Vector): Vector;
}

/**
 * Each element of x shifted left by the signed low byte of the element of y, and right by its opposite. WebAssembly shifts
 * all elements by the same distance, so the distance is taken bit by bit: shift by 1, 2, 4… where it has that bit. Since a
 * right shift by −s is one by ~s and then one by 1, the same bits serve both directions, inverted, and the last bit out is
 * there for rounding.
 */
function shiftBothWays(
  b: Builder,
  size: Size,
  x: Vector,
  y: Vector,
  signed: boolean,
  rounding: boolean,
): Directions {
  const bits = bitsOf(size);
  const lanes = lanesOf(b, size);
  const distance = size === 0 ? y : lanes.shr_s(lanes.shl(y, bits - 8), bits - 8);
  const masks: { readonly by: number; readonly mask: Vector }[] = [];
  for (let by = 1, bit = 0; by < bits; by <<= 1, bit++) {
    masks.push({ by, mask: signMask(b, size, lanes.shl(distance, bits - 1 - bit)) });
  }
  const farBits = everyLane(b, size, BigInt(0xff & -bits));
  const far = b.v128.and(distance, farBits);

  let left = x;
  for (const { by, mask } of masks) left = choose(b, mask, lanes.shl(left, by), left);
  left = b.v128.andnot(left, lanes.ne(far, everyLane(b, size, 0n)));

  let right = x;
  for (const { by, mask } of masks) right = choose(b, mask, right, shiftRight(b, size, right, by, signed));
  const tooFar = lanes.ne(far, farBits);
  right = signed ? choose(b, tooFar, signMask(b, size, x), right) : b.v128.andnot(right, tooFar);
  const halved = shiftRight(b, size, right, 1, signed);
  right = rounding ? lanes.add(halved, b.v128.and(right, everyLane(b, size, 1n))) : halved;

  const shiftBack = (v: Vector): Vector =>
    masks.reduce((at, { by, mask }) => choose(b, mask, shiftRight(b, size, at, by, signed), at), v);
  return { left, right, toRight: signMask(b, size, distance), shiftBack };
}

/** SSHL, USHL, SRSHL, URSHL: shifts by the signed low byte of each element of y, right when it is negative. */
export function shiftByRegister(
  b: Builder,
  size: Size,
  x: Vector,
  y: Vector,
  signed: boolean,
  rounding: boolean,
): Vector {
  const { left, right, toRight } = shiftBothWays(b, size, x, y, signed, rounding);
  return choose(b, toRight, right, left);
}

/** SQSHL, UQSHL, SQRSHL, UQRSHL: the same, limited to the range of the element. */
export function shiftByRegisterSaturating(
  b: Builder,
  size: Size,
  x: Vector,
  y: Vector,
  signed: boolean,
  rounding: boolean,
): Saturating {
  const { left, right, toRight, shiftBack } = shiftBothWays(b, size, x, y, signed, rounding);
  const saturated = b.v128.andnot(lanesOf(b, size).ne(shiftBack(left), x), toRight);
  const value = choose(b, toRight, right, left);
  if (signed) return limitSigned(b, size, x, value, saturated);
  return { value: b.v128.or(value, saturated), saturated };
}
