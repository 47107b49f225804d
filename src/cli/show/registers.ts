import type { DebuggedVcpu } from "../../debugger/vcpu.ts";
import { hex } from "./number.ts";

const GENERAL = [...Array.from({ length: 31 }, (_, n) => `x${n}`), "sp", "pc", "cpsr"];
const COLUMNS = 4;

/** The general registers, four in a line. */
export function showRegisters(vcpu: DebuggedVcpu): string[] {
  const cells = GENERAL.map((name) => `${name.padStart(4)} ${hex(vcpu.register(name)).padEnd(18)}`);
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += COLUMNS) {
    lines.push(
      cells
        .slice(at, at + COLUMNS)
        .join(" ")
        .trimEnd(),
    );
  }
  return lines;
}
