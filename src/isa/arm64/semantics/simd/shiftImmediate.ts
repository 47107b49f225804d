import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import { type Definition, define, type FieldReader, imm32, vector } from "../define.ts";
import { add } from "./arithmetic.ts";
import {
  arrangement,
  checkEnabled,
  type Elements,
  shiftArrangements,
  shiftSize,
  writeElements,
} from "./forms.ts";
import { choose, everyLane, lanesOf, type Size, shiftRight, sizeOf, type Vector, wider } from "./lanes.ts";
import { rightDistanceLessOne, shiftRightRounding } from "./narrow.ts";
import { shiftLeftSaturating, shiftLeftSaturatingToUnsigned } from "./saturation.ts";
import { narrowSizeOf, widen } from "./width.ts";

/** `distance` is the distance of a left shift, one less than that of a right shift: always less than the width. */
type ShiftOperation = (
  b: Builder,
  size: Size,
  n: Vector,
  distance: Value<"i32">,
  d: () => Vector,
) => Elements;

interface ShiftEntry {
  readonly name: string;
  /** How immh:immb gives the distance. */
  readonly direction: "left" | "right";
  /** Element sizes of the scalar form. */
  readonly scalar: readonly Size[];
  readonly operation: ShiftOperation;
}

const all: readonly Size[] = [0, 1, 2, 3];
const double: readonly Size[] = [3];

/** The distance of a left shift: immh:immb − esize. */
const leftDistance = (f: FieldReader): number => f("immh") * 8 + f("immb") - (8 << shiftSize(f));

/** A right shift; logical ones go by `distance` and then by one, so that the whole width works. */
const right = (b: Builder, size: Size, n: Vector, distance: Value<"i32">, signed: boolean): Vector =>
  shiftRight(b, size, shiftRight(b, size, n, distance, signed), 1, signed);

const accumulate =
  (operation: typeof right, signed: boolean): ShiftOperation =>
  (b, size, n, distance, d) =>
    add(b, size, d(), operation(b, size, n, distance, signed));

/** SLI and SRI: the bits that the shift leaves free keep their old values. */
const insert =
  (shift: (b: Builder, size: Size, v: Vector, distance: Value<"i32">) => Vector): ShiftOperation =>
  (b, size, n, distance, d) => {
    const taken = shift(b, size, everyLane(b, size, -1n), distance);
    return choose(b, taken, shift(b, size, n, distance), d());
  };

// biome-ignore format: one instruction per line
const operations: readonly ShiftEntry[] = [
  { name: "SSHR", direction: "right", scalar: double, operation: (b, size, n, distance) => right(b, size, n, distance, true) },
  { name: "USHR", direction: "right", scalar: double, operation: (b, size, n, distance) => right(b, size, n, distance, false) },
  { name: "SSRA", direction: "right", scalar: double, operation: accumulate(right, true) },
  { name: "USRA", direction: "right", scalar: double, operation: accumulate(right, false) },
  { name: "SRSHR", direction: "right", scalar: double, operation: (b, size, n, distance) => shiftRightRounding(b, size, n, distance, true) },
  { name: "URSHR", direction: "right", scalar: double, operation: (b, size, n, distance) => shiftRightRounding(b, size, n, distance, false) },
  { name: "SRSRA", direction: "right", scalar: double, operation: accumulate(shiftRightRounding, true) },
  { name: "URSRA", direction: "right", scalar: double, operation: accumulate(shiftRightRounding, false) },
  { name: "SRI", direction: "right", scalar: double, operation: insert((b, size, v, distance) => right(b, size, v, distance, false)) },
  { name: "SHL", direction: "left", scalar: double, operation: (b, size, n, distance) => lanesOf(b, size).shl(n, distance) },
  { name: "SLI", direction: "left", scalar: double, operation: insert((b, size, v, distance) => lanesOf(b, size).shl(v, distance)) },
  { name: "SQSHLU", direction: "left", scalar: all, operation: (b, size, n, distance) => shiftLeftSaturatingToUnsigned(b, size, n, distance) },
  { name: "SQSHL_imm", direction: "left", scalar: all, operation: (b, size, n, distance) => shiftLeftSaturating(b, size, n, distance, true) },
  { name: "UQSHL_imm", direction: "left", scalar: all, operation: (b, size, n, distance) => shiftLeftSaturating(b, size, n, distance, false) },
];

const sameWidth: readonly Definition[] = operations.flatMap(({ name, direction, scalar, operation }) => {
  const distance = imm32(direction === "left" ? leftDistance : rightDistanceLessOne);
  const operands = { d: vector("Rd"), n: vector("Rn"), distance };
  return [
    define({
      encoding: `${name}_vector`,
      variants: { arrangement: shiftArrangements(all) },
      operands,
      semantics: (b, o, variant) => {
        const { size, bytes } = arrangement(variant.arrangement);
        checkEnabled(b);
        writeElements(
          b,
          o.d,
          operation(b, size, b.get(o.n), o.distance, () => b.get(o.d)),
          bytes,
        );
      },
    }),
    define({
      encoding: `${name}_sisd`,
      variants: { size: { values: scalar, from: shiftSize } },
      operands,
      semantics: (b, o, variant) => {
        const size = sizeOf(variant.size);
        checkEnabled(b);
        writeElements(
          b,
          o.d,
          operation(b, size, b.get(o.n), o.distance, () => b.get(o.d)),
          1 << size,
        );
      },
    }),
  ];
});

const lengthening: readonly Definition[] = [
  { name: "SSHLL", signed: true },
  { name: "USHLL", signed: false },
].map(({ name, signed }) =>
  define({
    encoding: `${name}_vector`,
    variants: { arrangement: shiftArrangements([0, 1, 2]) },
    operands: { d: vector("Rd"), n: vector("Rn"), distance: imm32(leftDistance) },
    semantics: (b, o, variant) => {
      const { size: anySize, half } = arrangement(variant.arrangement);
      const size = narrowSizeOf(anySize);
      checkEnabled(b);
      const widened = widen(b, size, b.get(o.n), half, signed);
      b.set(o.d, lanesOf(b, wider(size)).shl(widened, o.distance));
    },
  }),
);

/** Arm ARM C4.1.6 "Advanced SIMD shift by immediate" and "scalar shift by immediate" without narrowing and fixed point. */
export const shiftImmediate: readonly Definition[] = [...sameWidth, ...lengthening];
