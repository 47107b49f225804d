import type { Builder, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import { type Definition, define, type FieldReader, imm32, vector } from "../define.ts";
import {
  arrangement,
  arrangements,
  checkEnabled,
  scalarSizes,
  shiftArrangements,
  shiftSize,
} from "./forms.ts";
import { everyLane, lanesOf, lowest, type Size, shiftRight, type Vector, wider } from "./lanes.ts";
import { limitToNarrow, type NarrowingRange, recordSaturation } from "./saturation.ts";
import { type Half, lowParts, type NarrowSize, narrowSizeOf, placeNarrow } from "./width.ts";

const notDoubles: readonly Size[] = [0, 1, 2];

/** How values become narrow: cut off, or limited to a range. */
type Narrowing = "truncate" | NarrowingRange;

/**
 * Each element shifted right and rounded to nearest, ties upwards. The distance is given less one, so that it is below the
 * width, and the last bit out is there to be added.
 */
export function shiftRightRounding(
  b: Builder,
  size: Size,
  v: Vector,
  distanceLessOne: Value<"i32">,
  signed: boolean,
): Vector {
  const almost = shiftRight(b, size, v, distanceLessOne, signed);
  const lastOut = b.v128.and(almost, everyLane(b, size, 1n));
  return lanesOf(b, size).add(shiftRight(b, size, almost, 1, signed), lastOut);
}

/** The distance of a right shift by an immediate less one: 2 · esize − immh:immb − 1. */
export function rightDistanceLessOne(f: FieldReader): number {
  return (16 << shiftSize(f)) - (f("immh") * 8 + f("immb")) - 1;
}

/** Narrows all elements of `wide` (`bytes` of them count) and writes them; see `placeNarrow`. */
function writeNarrow(
  b: Builder,
  size: NarrowSize,
  destination: RegisterOperand<"v128">,
  wide: Vector,
  how: Narrowing,
  half: Half,
): void {
  const limited = how === "truncate" ? undefined : limitToNarrow(b, size, wide, how);
  const narrow = lowParts(b, size, limited?.value ?? wide);
  const result = placeNarrow(b, half, narrow, () => b.get(destination));
  if (limited !== undefined) recordSaturation(b, limited.saturated);
  b.set(destination, result);
}

/** The scalar form: one element becomes one of half its width. */
function writeNarrowScalar(
  b: Builder,
  size: NarrowSize,
  destination: RegisterOperand<"v128">,
  wide: Vector,
  how: NarrowingRange,
): void {
  const limited = limitToNarrow(b, size, lowest(b, wide, 2 << size), how);
  recordSaturation(b, limited.saturated);
  b.set(destination, lowest(b, limited.value, 1 << size));
}

const registers = { d: vector("Rd"), n: vector("Rn") };

const extract: readonly Definition[] = (
  [
    { name: "XTN", how: "truncate" },
    { name: "SQXTN", how: "signed" },
    { name: "UQXTN", how: "unsigned" },
    { name: "SQXTUN", how: "signedToUnsigned" },
  ] as const
).flatMap(({ name, how }) => {
  const vectorForm = define({
    encoding: `${name}_vector`,
    variants: { arrangement: arrangements(notDoubles) },
    operands: registers,
    semantics: (b, o, variant) => {
      const { size, half } = arrangement(variant.arrangement);
      checkEnabled(b);
      writeNarrow(b, narrowSizeOf(size), o.d, b.get(o.n), how, half);
    },
  });
  if (how === "truncate") return [vectorForm];
  const scalarForm = define({
    encoding: `${name}_sisd`,
    variants: { size: scalarSizes(notDoubles) },
    operands: registers,
    semantics: (b, o, variant) => {
      checkEnabled(b);
      writeNarrowScalar(b, narrowSizeOf(variant.size), o.d, b.get(o.n), how);
    },
  });
  return [vectorForm, scalarForm];
});

const shifted: readonly Definition[] = (
  [
    { name: "SHRN", how: "truncate", rounding: false, signed: false },
    { name: "RSHRN", how: "truncate", rounding: true, signed: false },
    { name: "SQSHRN", how: "signed", rounding: false, signed: true },
    { name: "SQRSHRN", how: "signed", rounding: true, signed: true },
    { name: "UQSHRN", how: "unsigned", rounding: false, signed: false },
    { name: "UQRSHRN", how: "unsigned", rounding: true, signed: false },
    { name: "SQSHRUN", how: "signedToUnsigned", rounding: false, signed: true },
    { name: "SQRSHRUN", how: "signedToUnsigned", rounding: true, signed: true },
  ] as const
).flatMap(({ name, how, rounding, signed }) => {
  const operands = { ...registers, distance: imm32(rightDistanceLessOne) };
  const shift = (b: Builder, size: NarrowSize, n: Vector, distanceLessOne: Value<"i32">): Vector => {
    if (rounding) return shiftRightRounding(b, wider(size), n, distanceLessOne, signed);
    return shiftRight(b, wider(size), n, b.i32.add(distanceLessOne, 1), signed);
  };
  const vectorForm = define({
    encoding: `${name}_vector`,
    variants: { arrangement: shiftArrangements(notDoubles) },
    operands,
    semantics: (b, o, variant) => {
      const { size: anySize, half } = arrangement(variant.arrangement);
      const size = narrowSizeOf(anySize);
      checkEnabled(b);
      writeNarrow(b, size, o.d, shift(b, size, b.get(o.n), o.distance), how, half);
    },
  });
  if (how === "truncate") return [vectorForm];
  const scalarForm = define({
    encoding: `${name}_sisd`,
    variants: { size: { values: notDoubles, from: shiftSize } },
    operands,
    semantics: (b, o, variant) => {
      const size = narrowSizeOf(variant.size);
      checkEnabled(b);
      writeNarrowScalar(b, size, o.d, shift(b, size, b.get(o.n), o.distance), how);
    },
  });
  return [vectorForm, scalarForm];
});

/** Instructions whose results have half the width: XTN, SHRN and their limiting and rounding relatives, vector and scalar. */
export const narrow: readonly Definition[] = [...extract, ...shifted];
