import type { Value } from "../../../engine/ir/builder.ts";
import type { FieldReader } from "./define.ts";
import type { Width } from "./registers.ts";

const kindOf = (f: FieldReader): number => (f("shift") === 0 && f("imm6") === 0 ? 0 : 1 + f("shift"));

/** Shift of a second operand as a variant: 0 none, 1 LSL, 2 LSR, 3 ASR. */
export const shiftKind = { values: [0, 1, 2, 3], from: kindOf } as const;
/** As `shiftKind`, and 4 ROR. */
export const shiftOrRotateKind = { values: [0, 1, 2, 3, 4], from: kindOf } as const;

/** The value shifted by `amount`, which is below the width. Arm ARM J1.3 `ShiftReg`. */
export function shifted<T extends "i32" | "i64">(
  w: Width<T>,
  value: Value<T>,
  kind: number,
  amount: Value<"i32">,
): Value<T> {
  if (kind === 0) return value;
  const operator = (["shl", "shr_u", "shr_s", "rotr"] as const)[kind - 1];
  if (operator === undefined) throw new RangeError(`no shift kind ${kind}`);
  return w.binary(operator, value, w.unsigned(amount));
}
