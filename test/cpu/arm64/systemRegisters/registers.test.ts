import { describe, expect, it } from "vitest";
import { systemRegisters } from "../../../../src/cpu/arm64/systemRegisters/table.ts";
import { systemRegisterArea } from "../../../../src/isa/arm64/state.ts";
import { a64, encoding } from "../support/assembler.ts";
import { BareMachine, place, stopped } from "../support/machine.ts";
import { MmuMachine } from "../support/mmu.ts";

/** `op0 op1 CRn CRm op2` of a key. */
const numbers = (key: number): string =>
  [key >> 14, (key >> 11) & 7, (key >> 7) & 15, (key >> 3) & 15, key & 7].join(" ");
const rowOf = (name: string) => {
  const row = systemRegisters.find((each) => each.name === name);
  if (row === undefined) throw new RangeError(name);
  return row;
};

/** Reads a register at EL1 by MRS. */
function read(machine: BareMachine, register: string): bigint {
  expect(machine.execute([a64.mrs(0, register)])).toEqual(stopped);
  expect(machine.pc, `MRS of ${register} was taken`).toBe(BigInt(place.code + 8));
  return machine.x(0);
}

function write(machine: BareMachine, register: string, value: bigint): void {
  machine.setX(1, value);
  expect(machine.execute([a64.msr(register, 1)])).toEqual(stopped);
  expect(machine.pc, `MSR of ${register} was taken`).toBe(BigInt(place.code + 8));
}

describe("the table", () => {
  it("fits its place, and has every register once", () => {
    expect(systemRegisterArea.begin + systemRegisters.length * 8).toBeLessThanOrEqual(systemRegisterArea.end);
    expect(new Set(systemRegisters.map((row) => row.key)).size).toBe(systemRegisters.length);
    expect(new Set(systemRegisters.map((row) => row.name)).size).toBe(systemRegisters.length);
  });

  it("every register that can be read at EL1 is, and every other is undefined there", () => {
    const machine = new BareMachine();
    machine.set("CPACR_EL1", 3n << 20n);
    for (const row of systemRegisters) {
      machine.execute([a64.mrs(0, numbers(row.key))]);
      const taken = machine.pc !== BigInt(place.code + 8);
      expect(taken, row.name).toBe(row.access === "wo");
    }
  });

  it("writing read-only registers is undefined, writing the others is not", () => {
    const machine = new BareMachine();
    for (const row of systemRegisters) {
      machine.vcpu().powerOn(0n, 0n);
      machine.set("CPACR_EL1", 3n << 20n);
      machine.set("VBAR_EL1", BigInt(place.vectors));
      machine.setX(1, machine.vcpu().cpu.system.get(row.name));
      machine.execute([a64.msr(numbers(row.key), 1)]);
      const taken = machine.pc !== BigInt(place.code + 8);
      expect(taken, row.name).toBe(row.access === "ro");
      if (taken) expect(machine.exception(), row.name).toMatchObject({ ec: 0, iss: 0 });
    }
  });

  it("at EL0 what only EL1 may use is undefined", () => {
    const machine = new MmuMachine();
    for (const row of systemRegisters.filter((each) => each.el0 === "none")) {
      machine.executeAtEl0([a64.mrs(0, numbers(row.key))]);
      expect(machine.exception(), row.name).toMatchObject({ vector: 0x400, ec: 0 });
    }
  });
});

describe("bits of control registers", () => {
  const all = (1n << 64n) - 1n;
  // RES0 bits read as zero, RES1 bits as one, whatever is written (Arm ARM D17.2, an Armv8.0 CPU with AArch64 only).
  it.each([
    ["SCTLR_EL1", "3 0 1 0 0", 0x34dd_db9fn, 0x30d0_0980n],
    ["CPACR_EL1", "3 0 1 0 2", 0x1030_0000n, 0n],
    ["TCR_EL1", "3 0 2 0 2", 0x77_ffff_ffbfn, 0n],
    ["TTBR0_EL1", "3 0 2 0 0", all, 0n],
    ["VBAR_EL1", "3 0 12 0 0", all & ~0x7ffn, 0n],
    ["SPSR_EL1", "3 0 4 0 0", 0xf030_03dfn, 0n],
    ["ESR_EL1", "3 0 5 2 0", 0xffff_ffffn, 0n],
    ["CONTEXTIDR_EL1", "3 0 13 0 1", 0xffff_ffffn, 0n],
    ["CNTKCTL_EL1", "3 0 14 1 0", 0x3ffn, 0n],
    ["ACTLR_EL1", "3 0 1 0 1", 0n, 0n],
    ["AFSR0_EL1", "3 0 5 1 0", 0n, 0n],
    ["AMAIR_EL1", "3 0 10 3 0", 0n, 0n],
    ["CSSELR_EL1", "3 2 0 0 0", 0xfn, 0n],
    ["NZCV", "3 3 4 2 0", 0xf000_0000n, 0n],
    ["DAIF", "3 3 4 2 1", 0x3c0n, 0n],
    ["SPSel", "3 0 4 2 0", 1n, 0n],
    ["FPCR", "3 3 4 4 0", 0x07c0_0000n, 0n],
    ["FPSR", "3 3 4 4 1", 0xf800_009fn, 0n],
    ["PMUSERENR_EL0", "3 3 9 14 0", 0xfn, 0n],
    ["PMSELR_EL0", "3 3 9 12 5", 0x1fn, 0n],
    // With the OS lock on, as out of reset.
    ["MDSCR_EL1", "2 0 0 2 2", 0x6ce0_f041n, 0n],
  ])("%s", (name, register, ones, zeros) => {
    const machine = new BareMachine();
    machine.set("CPACR_EL1", 3n << 20n);
    // With the MMU's bit the next instruction would need tables: written and read at once, by name.
    const { system } = machine.vcpu().cpu;
    if (name === "SCTLR_EL1") {
      system.set(name, all);
      expect(system.get(name)).toBe(ones);
      system.set(name, 0n);
      expect(system.get(name)).toBe(zeros);
      return;
    }
    const program = (value: bigint) => [
      ...a64.mov64(1, value),
      a64.msr(register, 1),
      a64.mrs(0, register),
      // Back to what the rest of the program needs.
      a64.spSel(1),
    ];
    machine.execute(program(all));
    expect(machine.x(0)).toBe(ones);
    machine.execute(program(0n));
    expect(machine.x(0)).toBe(zeros);
  });

  it("registers without reserved bits hold all 64", () => {
    const machine = new BareMachine();
    for (const name of [
      "TPIDR_EL0",
      "TPIDRRO_EL0",
      "TPIDR_EL1",
      "FAR_EL1",
      "ELR_EL1",
      "MAIR_EL1",
      "PAR_EL1",
    ]) {
      const register = numbers(rowOf(name).key);
      write(machine, register, 0xfedc_ba98_7654_3210n);
      expect(read(machine, register), name).toBe(0xfedc_ba98_7654_3210n);
    }
  });
});

describe("identification", () => {
  const machine = new BareMachine({ cpus: 3 });
  const field = (register: string, low: number): number =>
    Number((read(machine, register) >> BigInt(low)) & 15n);

  it("says AArch64 only, EL0 and EL1, with FP and SIMD", () => {
    expect(read(machine, "3 0 0 4 0") & 0xff_ffffn).toBe(0x11n);
  });

  it("names the instructions there are", () => {
    // AES with PMULL, SHA1, SHA256, CRC32, atomics; nothing of ISAR1.
    expect(read(machine, "3 0 0 6 0")).toBe(0x0021_1120n);
    expect(read(machine, "3 0 0 6 1")).toBe(0n);
  });

  it("names the granules and sizes of translation", () => {
    expect(field("3 0 0 7 0", 0), "PARange: 44 bits").toBe(4);
    expect(field("3 0 0 7 0", 4), "ASIDBits: 16").toBe(2);
    expect(field("3 0 0 7 0", 20), "TGran16: there").toBe(1);
    expect(field("3 0 0 7 0", 24), "TGran64: there").toBe(0);
    expect(field("3 0 0 7 0", 28), "TGran4: there").toBe(0);
    expect(field("3 0 0 7 1", 0), "HAFDBS: no hardware access flag").toBe(0);
    expect(field("3 0 0 7 1", 20), "PAN: none").toBe(0);
    expect(field("3 0 0 7 2", 0), "CnP: none").toBe(0);
  });

  it("has as many debug and performance registers as it says", () => {
    const breakpoints = field("3 0 0 5 0", 12) + 1;
    const watchpoints = field("3 0 0 5 0", 20) + 1;
    expect(systemRegisters.filter((row) => /^DBGBCR\d/.test(row.name))).toHaveLength(breakpoints);
    expect(systemRegisters.filter((row) => /^DBGWCR\d/.test(row.name))).toHaveLength(watchpoints);
    const counters = Number((read(machine, "3 3 9 12 0") >> 11n) & 31n);
    expect(systemRegisters.filter((row) => /^PMEVCNTR\d/.test(row.name))).toHaveLength(counters);
  });

  it("reads as zero in the rest of its space, AArch32's registers among it", () => {
    const known = new Set(["4 0", "5 0", "6 0", "7 0"]);
    for (let crm = 1; crm <= 7; crm++) {
      for (let op2 = 0; op2 <= 7; op2++) {
        if (!known.has(`${crm} ${op2}`))
          expect(read(machine, `3 0 0 ${crm} ${op2}`), `${crm} ${op2}`).toBe(0n);
      }
    }
  });

  it("numbers the vCPUs in MPIDR_EL1", () => {
    for (const vcpu of machine.vm.vcpus) {
      machine.vm.cluster.activate(vcpu.id);
      expect(vcpu.cpu.system.get("MPIDR_EL1")).toBe(0x8000_0000n | BigInt(vcpu.id));
    }
  });

  it("describes the caches that CLIDR_EL1 lists, by CSSELR_EL1", () => {
    const sizeOf = (selector: bigint): number => {
      write(machine, "3 2 0 0 0", selector);
      const value = Number(read(machine, "3 1 0 0 0"));
      return (1 << ((value & 7) + 4)) * (((value >> 3) & 0x3ff) + 1) * (((value >> 13) & 0x7fff) + 1);
    };
    const clidr = Number(read(machine, "3 1 0 0 1"));
    expect([clidr & 7, (clidr >> 3) & 7, (clidr >> 6) & 7]).toEqual([3, 4, 0]);
    expect(sizeOf(0n)).toBe(32 << 10);
    expect(sizeOf(1n)).toBe(48 << 10);
    expect(sizeOf(2n)).toBe(2 << 20);
  });

  it("DCZID_EL0 has DC ZVA's block size, and at EL0 whether it is prohibited", () => {
    const user = new MmuMachine();
    const program = [a64.mrs(0, "3 3 0 0 7"), a64.svc(0)];
    user.executeAtEl0(program);
    expect(user.x(0)).toBe(0x14n);
    user.control(1n << 14n);
    user.executeAtEl0(program);
    expect(user.x(0)).toBe(4n);
    user.control(1n << 14n, false);
    user.execute([a64.mrs(0, "3 3 0 0 7")]);
    expect(user.x(0)).toBe(4n);
  });
});

describe("PSTATE by system registers", () => {
  it("SPSel and SP_EL0 choose and reach the stack pointers", () => {
    const machine = new BareMachine();
    machine.execute([
      ...a64.mov64(1, 0x1000n),
      ...a64.mov64(2, 0x2000n),
      a64.movSp(1), // SP_EL1
      a64.msr("3 0 4 1 0", 2), // SP_EL0
      a64.spSel(0),
      a64.addImm(3, 31, 0),
      a64.mrs(5, "3 0 4 2 0"),
      a64.spSel(1),
      a64.addImm(4, 31, 0),
      a64.mrs(6, "3 0 4 2 0"),
      a64.mrs(7, "3 0 4 1 0"),
    ]);
    expect([3, 4, 5, 6, 7].map((n) => machine.x(n))).toEqual([0x2000n, 0x1000n, 0n, 1n, 0x2000n]);
  });

  it("SP_EL0 is undefined while it is the stack pointer", () => {
    const machine = new BareMachine();
    machine.execute([a64.spSel(0), a64.mrs(0, "3 0 4 1 0")]);
    expect(machine.exception()).toMatchObject({ vector: 0, ec: 0, elr: place.code + 4 });
    machine.execute([a64.spSel(0), a64.msr("3 0 4 1 0", 0)]);
    expect(machine.exception()).toMatchObject({ vector: 0, ec: 0 });
  });

  it("DAIFSet, DAIFClr and DAIF", () => {
    const machine = new BareMachine();
    machine.execute([
      a64.daifClear(15),
      a64.daifSet(5),
      a64.mrs(0, "3 3 4 2 1"),
      a64.daifSet(2),
      a64.daifClear(1),
      a64.mrs(1, "3 3 4 2 1"),
    ]);
    expect(machine.x(0)).toBe(5n << 6n);
    expect(machine.x(1)).toBe(6n << 6n);
  });

  it("CurrentEL and NZCV", () => {
    const machine = new BareMachine();
    machine.execute([a64.mrs(0, "3 0 4 2 2"), a64.subsImm(31, 31, 0), a64.mrs(1, "3 3 4 2 0")]);
    expect(machine.x(0)).toBe(4n);
    machine.execute([...a64.mov64(2, 0xa000_0000n), a64.msr("3 3 4 2 0", 2), a64.mrs(1, "3 3 4 2 0")]);
    expect(machine.x(1)).toBe(0xa000_0000n);
  });

  it("ISR_EL1 shows what is pending, masked or not", () => {
    const machine = new BareMachine();
    expect(read(machine, "3 0 12 1 0")).toBe(0n);
    machine.interrupts.irq[0] = true;
    expect(read(machine, "3 0 12 1 0")).toBe(0x80n);
    machine.interrupts.fiq[0] = true;
    expect(read(machine, "3 0 12 1 0")).toBe(0xc0n);
  });
});

describe("reset", () => {
  it("puts a vCPU that has run back to where it began", () => {
    const fresh = new BareMachine().vcpu();
    const machine = new BareMachine();
    const used = machine.vcpu();
    for (const row of systemRegisters)
      if (row.access === "rw" && row.name !== "SCTLR_EL1") used.cpu.system.set(row.name, (1n << 64n) - 1n);
    used.cpu.eventPending = true;
    machine.interrupts.ppi.clear();
    used.powerOn(0x1234n, 5n);
    fresh.powerOn(0x1234n, 5n);
    for (const row of systemRegisters)
      expect(used.cpu.system.raw(row.name), row.name).toBe(fresh.cpu.system.raw(row.name));
    expect(used.cpu.registers.pstate).toBe(0x3c5);
    expect(used.cpu.eventPending).toBe(false);
    expect([...machine.interrupts.ppi.values()]).toEqual([false, false, false]);
    expect(encoding("3 0 0 0 0")).toBe(rowOf("MIDR_EL1").key);
  });
});
