import type { Builder } from "../../../../engine/ir/builder.ts";
import { arm64State } from "../../state.ts";
import type { VariantSpec } from "../define.ts";
import {
  type Arithmetic,
  type InPrecision,
  scalarDouble,
  scalarSingle,
  vectorDouble,
  vectorSingle,
} from "./arithmetic.ts";

/** The check that begins every floating-point instruction. Arm ARM J1.1 `CheckFPEnabled64`. */
export function checkEnabled(b: Builder): void {
  b.guard(arm64State.fpTrap, "floatingPointTrap");
}

/** The variants of a scalar form: 0 single, 1 double, in the field of that name. */
export function precisions(field: "ftype" | "sz"): VariantSpec {
  return { values: [0, 1], from: (f) => f(field) };
}

/** The variants of a vector form: sz · 2 + Q; doubles come in pairs only. */
export const arrangements: VariantSpec = { values: [0, 1, 3], from: (f) => 2 * f("sz") + f("Q") };

/** Runs `body` with scalar arithmetic: `precision` 0 single, 1 double. */
export function inPrecision(b: Builder, precision: number, body: InPrecision<void>): void {
  if (precision === 1) body(scalarDouble(b));
  else body(scalarSingle(b));
}

/** The arithmetic of a vector arrangement. */
export function vectorArithmetic(b: Builder, arrangement: number): Arithmetic<"v128", "v128"> {
  return arrangement === 3 ? vectorDouble(b) : vectorSingle(b, arrangement === 1 ? 4 : 2);
}
