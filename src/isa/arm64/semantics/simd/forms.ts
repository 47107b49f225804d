import type { Builder, RegisterOperand } from "../../../../engine/ir/builder.ts";
import { arm64State } from "../../state.ts";
import type { FieldReader, VariantSpec } from "../define.ts";
import { lowest, type Size, sizeOf, type Vector } from "./lanes.ts";
import { recordSaturation, type Saturating } from "./saturation.ts";

/** What an operation on elements gives: the elements, or these and which of them were limited. */
export type Elements = Vector | Saturating;

/** The check that begins every SIMD instruction. Arm ARM J1.1 `CheckFPAdvSIMDEnabled64`. */
export function checkEnabled(b: Builder): void {
  b.guard(arm64State.fpTrap, "floatingPointTrap");
}

/**
 * Writes a SIMD register of which the instruction means the lowest `bytes` (1–16): the rest becomes zero. Elements limited
 * within these bytes set FPSR.QC.
 */
export function writeElements(
  b: Builder,
  destination: RegisterOperand<"v128">,
  result: Elements,
  bytes: number,
): void {
  if ("saturated" in result) {
    recordSaturation(b, lowest(b, result.saturated, bytes));
    b.set(destination, lowest(b, result.value, bytes));
  } else {
    b.set(destination, lowest(b, result, bytes));
  }
}

/** The variants of a vector form: size · 2 + Q of the arrangements that exist (64-bit elements come in pairs only). */
export function arrangements(sizes: readonly Size[]): VariantSpec {
  const values = sizes.flatMap((size) => (size === 3 ? [7] : [2 * size, 2 * size + 1]));
  const fixed = sizes.length === 1 ? sizes[0] : undefined;
  return { values, from: (f) => 2 * (fixed ?? f("size")) + f("Q") };
}

/** The same by the place of the highest one in `immh`. */
export function shiftArrangements(sizes: readonly Size[]): VariantSpec {
  const values = sizes.flatMap((size) => (size === 3 ? [7] : [2 * size, 2 * size + 1]));
  return { values, from: (f) => 2 * shiftSize(f) + f("Q") };
}

/** Element size of a shift by an immediate. */
export function shiftSize(f: FieldReader): number {
  return 31 - Math.clz32(f("immh"));
}

/** What an arrangement number stands for. */
export function arrangement(number: number): {
  readonly size: Size;
  readonly bytes: 8 | 16;
  readonly half: 0 | 1;
} {
  const half = (number & 1) as 0 | 1;
  return { size: sizeOf(number >> 1), bytes: half === 1 ? 16 : 8, half };
}

/** The variants of a scalar form: its size field, or none where there is but one size. */
export function scalarSizes(sizes: readonly Size[]): VariantSpec {
  const fixed = sizes.length === 1 ? sizes[0] : undefined;
  return { values: sizes, from: (f) => fixed ?? f("size") };
}
