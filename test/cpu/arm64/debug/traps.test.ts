import { describe, expect, it } from "vitest";
import { mdcr } from "../../../../src/cpu/arm64/controls.ts";
import { systemRegisters } from "../../../../src/cpu/arm64/systemRegisters/table.ts";
import { a64 } from "../support/assembler.ts";
import { BareMachine, place } from "../support/machine.ts";

const { TDA, TDRA, TDOSA, TPM, TPMCR, TDE } = mdcr;

/** What traps the registers of self-hosted debug and the performance monitor at EL1 (Arm ARM D17.3.16). */
const trappedBy: Readonly<Record<string, readonly number[]>> = {
  debug: [TDA, TDE],
  debugRom: [TDRA, TDE],
  osLock: [TDOSA, TDE],
  pmu: [TPM],
  pmcr: [TPM, TPMCR],
};

const numbers = (key: number): string =>
  `${key >> 14} ${(key >> 11) & 7} ${(key >> 7) & 15} ${(key >> 3) & 15} ${key & 7}`;

describe("accesses at EL1 trap to EL2", () => {
  const machine = new BareMachine();
  const { cluster } = machine.vm;
  const { cpu } = machine.vcpu();

  /** Whether the instruction comes to EL2 as a trapped access, with only this of MDCR_EL2 set. */
  const traps = (word: number, bits: number): boolean => {
    cluster.activate(0);
    machine.load(place.code, [word]);
    machine.pstate = 0x3c5n;
    machine.pc = BigInt(place.code);
    cpu.controls.writeMdcr(bits | 6);
    const exit = cpu.run(1);
    cpu.controls.writeMdcr(6);
    return exit.kind === "trap" && exit.syndrome >>> 26 === 0x18;
  };

  const rows = systemRegisters.filter(({ group }) => group !== undefined && group in trappedBy);

  it("there are debug registers and a performance monitor", () => {
    expect(rows.length).toBeGreaterThan(50);
  });

  it.each(rows.map((row) => [row.name, row] as const))("%s by its own controls and no others", (_, row) => {
    const word = row.access === "wo" ? a64.msr(numbers(row.key), 1) : a64.mrs(1, numbers(row.key));
    const expected = trappedBy[row.group ?? ""] ?? [];
    for (const bits of [TDA, TDRA, TDOSA, TPM, TPMCR, TDE])
      expect(traps(word, bits), `MDCR_EL2 0x${bits.toString(16)}`).toBe(expected.includes(bits));
    expect(traps(word, 0)).toBe(false);
  });
});
