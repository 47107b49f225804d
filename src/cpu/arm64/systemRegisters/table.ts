import { systemRegisterArea } from "../../../isa/arm64/state.ts";
import { controlRegisters, timerRegisters } from "./control.ts";
import { debugRegisters } from "./debug.ts";
import { identificationRegisters } from "./identification.ts";
import { performanceRegisters } from "./performance.ts";
import type { SystemRegisterRow } from "./row.ts";

/** Registers that instructions reach without a call stand first, in this order (see the state layout of A64). */
const direct = ["TPIDR_EL0", "TPIDRRO_EL0", "TPIDR_EL1", "CTR_EL0", "DCZID_EL0"];

const rows = [
  ...controlRegisters,
  ...timerRegisters,
  ...identificationRegisters,
  ...debugRegisters,
  ...performanceRegisters,
];
const rank = (row: SystemRegisterRow): number =>
  direct.includes(row.name) ? direct.indexOf(row.name) : direct.length;

/** All system registers of the CPU. */
export const systemRegisters: readonly SystemRegisterRow[] = rows.toSorted((a, b) => rank(a) - rank(b));

const byKey = new Map(
  systemRegisters.map((row, index) => [row.key, { row, address: systemRegisterArea.begin + index * 8 }]),
);
const byName = new Map([...byKey.values()].map((entry) => [entry.row.name, entry]));

/** A register and the address of its storage in the state window. */
export interface StoredRegister {
  readonly row: SystemRegisterRow;
  readonly address: number;
}

/** The register with this encoding. */
export function registerByKey(key: number): StoredRegister | undefined {
  return byKey.get(key);
}

/** The register of this name; throws when the table has none: a mistake in the caller. */
export function registerByName(name: string): StoredRegister {
  const entry = byName.get(name);
  if (entry === undefined) throw new RangeError(`no system register ${name}`);
  return entry;
}
