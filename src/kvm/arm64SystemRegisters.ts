import { systemRegisters } from "../cpu/arm64/systemRegisters/table.ts";
import { arm64Reg } from "./oneReg.ts";

/** A system register that one-reg reaches. */
export interface Arm64SystemRegister {
  /** As in the Arm ARM, such as `VBAR_EL1`. */
  readonly name: string;
  /** Its one-reg id. */
  readonly id: bigint;
  /** `ro`: writing it changes nothing. */
  readonly access: "rw" | "ro";
}

/** The system registers of a vCPU that can be read, in a stable order. */
export const arm64SystemRegisters: readonly Arm64SystemRegister[] = systemRegisters.flatMap((row) =>
  row.access === "wo" ? [] : [{ name: row.name, id: arm64Reg.sysreg(row.key), access: row.access }],
);

const idByName = new Map(arm64SystemRegisters.map((register) => [register.name, register.id]));

/** The one-reg id of a system register; throws when there is none of that name: a mistake in the caller. */
export function arm64SystemRegisterId(name: string): bigint {
  const id = idByName.get(name);
  if (id === undefined) throw new RangeError(`no system register ${name}`);
  return id;
}
