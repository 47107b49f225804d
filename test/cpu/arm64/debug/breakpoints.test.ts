import { describe, expect, it } from "vitest";
import { a64 } from "../support/assembler.ts";
import { place } from "../support/machine.ts";
import { va } from "../support/mmu.ts";
import { control, ec, monitor, pstate, SelfDebuggingMachine } from "./support.ts";

const code = BigInt(place.code);
const program = [a64.nop, a64.addImm(1, 1, 1), a64.addImm(1, 1, 1)];

/** The EL1 program with a breakpoint on its second instruction, made of these registers. */
function withBreakpoint(registers: Readonly<Record<string, bigint>>): SelfDebuggingMachine {
  const machine = new SelfDebuggingMachine();
  for (const [name, value] of Object.entries(registers)) machine.write(name, value);
  return machine;
}

describe("breakpoints", () => {
  it("stop before the instruction: ELR is its address, ISS.IFSC a debug exception", () => {
    const machine = withBreakpoint({ DBGBVR0_EL1: code + 4n, DBGBCR0_EL1: control({}) });
    expect(machine.runAt(code, pstate.el1, program)).toMatchObject({
      vector: 0x200,
      ec: ec.breakpoint.el1,
      iss: 0x22,
      elr: place.code + 4,
    });
    expect(machine.x(1)).toBe(0n);
  });

  it.each([
    // HMC, SSC and PMC: where they match (Arm ARM Table D2-12). The CPU has EL2, and neither EL3 nor AArch32.
    [0, 0, 0, []],
    [0, 0, 1, ["el1"]],
    [0, 0, 2, ["el0"]],
    [0, 0, 3, ["el0", "el1"]],
    [1, 0, 0, []],
    [1, 0, 1, ["el1"]],
    [1, 0, 2, []],
    [1, 0, 3, ["el0", "el1"]],
    [0, 1, 3, []],
    [0, 2, 3, []],
    [0, 3, 3, []],
    [1, 3, 0, []],
  ] as const)("HMC %i, SSC %i, PMC %i match at %j", (hmc, ssc, levels, where) => {
    const fields = control({ hmc, ssc, levels });
    const machine = withBreakpoint({
      DBGBVR3_EL1: code + 4n,
      DBGBCR3_EL1: fields,
      DBGBVR1_EL1: va.userCode + 4n,
      DBGBCR1_EL1: fields,
    });
    const atEl1 = machine.runAt(code, pstate.el1, program)?.ec === ec.breakpoint.el1;
    machine.pstate = pstate.el0;
    machine.pc = va.userCode;
    machine.run();
    const atEl0 = machine.exception().ec === ec.breakpoint.el0;
    const matches: readonly ("el0" | "el1")[] = where;
    expect({ atEl0, atEl1 }).toEqual({ atEl0: matches.includes("el0"), atEl1: matches.includes("el1") });
  });

  it("BAS is RES1 without AArch32: it does not count", () => {
    const machine = withBreakpoint({ DBGBVR0_EL1: code + 4n, DBGBCR0_EL1: control({ byteSelect: 0 }) });
    expect(machine.runAt(code, pstate.el1, program)?.ec).toBe(ec.breakpoint.el1);
  });

  it("DBGBVR's bits 63:49 are the sign of bit 48", () => {
    const machine = withBreakpoint({ DBGBVR0_EL1: (code + 4n) | (0x7fffn << 49n), DBGBCR0_EL1: control({}) });
    expect(machine.runAt(code, pstate.el1, program)?.ec).toBe(ec.breakpoint.el1);
  });

  it("one linked to a context breakpoint counts only in that context", () => {
    for (const context of [0x55n, 0x56n]) {
      const machine = withBreakpoint({
        DBGBVR0_EL1: code + 4n,
        DBGBCR0_EL1: control({ type: 1, linkedTo: 5 }),
        DBGBVR5_EL1: 0x55n,
        DBGBCR5_EL1: control({ type: 3, levels: 0 }),
      });
      machine.write("CONTEXTIDR_EL1", context);
      expect(machine.runAt(code, pstate.el1, program)?.ec).toBe(
        context === 0x55n ? ec.breakpoint.el1 : undefined,
      );
    }
  });

  it.each([
    ["is no context breakpoint", { DBGBVR4_EL1: 0n, DBGBCR4_EL1: control({}) }],
    ["counts by itself", { DBGBVR4_EL1: 0x55n, DBGBCR4_EL1: control({ type: 2 }) }],
    ["is off", { DBGBVR4_EL1: 0x55n, DBGBCR4_EL1: control({ type: 3 }) & ~1n }],
    ["cannot compare contexts", { DBGBVR1_EL1: 0x55n, DBGBCR1_EL1: control({ type: 3 }) }],
  ])("one linked to a breakpoint that %s never matches", (_, other) => {
    const linkedTo = "DBGBVR1_EL1" in other ? 1 : 4;
    const machine = withBreakpoint({ DBGBVR0_EL1: va.nothing, ...other });
    machine.write("CONTEXTIDR_EL1", 0x55n);
    machine.write("DBGBVR0_EL1", code + 4n);
    machine.write("DBGBCR0_EL1", control({ type: 1, linkedTo }));
    const stops = machine.runAt(code, pstate.el1, program);
    // A context breakpoint by itself matches at once, and not where the linked one would.
    expect(stops?.elr).not.toBe(place.code + 4);
  });

  it("a context breakpoint by itself stops at the first instruction of its context, after what its fetch raises", () => {
    const machine = withBreakpoint({ DBGBVR4_EL1: 0x77n, DBGBCR4_EL1: control({ type: 2 }) });
    const change = [...a64.mov64(2, 0x77n), a64.msr("3 0 13 0 1", 2), a64.nop];
    expect(machine.runAt(code, pstate.el1, change)).toMatchObject({
      ec: ec.breakpoint.el1,
      elr: place.code + 20,
    });
    const [misaligned, unmapped] = [code + 2n, va.nothing].map((target) => {
      machine.write("CONTEXTIDR_EL1", 0x77n);
      machine.pstate = pstate.el1;
      machine.pc = target;
      machine.run();
      return machine.exception().ec;
    });
    expect([misaligned, unmapped]).toEqual([ec.pcAlignment, ec.instructionAbort]);
  });

  it("come before an illegal state, and after what the fetch raises", () => {
    const machine = withBreakpoint({
      DBGBVR0_EL1: code,
      DBGBCR0_EL1: control({}),
      DBGBVR1_EL1: va.nothing,
      DBGBCR1_EL1: control({}),
    });
    const illegal = 1n << 20n;
    expect(machine.runAt(code, pstate.el1 | illegal, program)?.ec).toBe(ec.breakpoint.el1);
    machine.write("DBGBCR0_EL1", 0n);
    expect(machine.runAt(code, pstate.el1 | illegal, program)?.ec).toBe(ec.illegalState);
    machine.pstate = pstate.el1;
    machine.pc = va.nothing;
    machine.run();
    expect(machine.exception().ec).toBe(ec.instructionAbort);
  });

  it("on SVC and BRK come first; what the instruction does comes when it has been passed", () => {
    for (const [word, other] of [
      [a64.svc(1), 0x15],
      [a64.brk(1), ec.brk],
    ] as const) {
      const machine = withBreakpoint({ DBGBVR0_EL1: code, DBGBCR0_EL1: control({}) });
      expect(machine.runAt(code, pstate.el1, [word])).toMatchObject({
        ec: ec.breakpoint.el1,
        elr: place.code,
      });
      machine.write("DBGBCR0_EL1", 0n);
      expect(machine.runAt(code, pstate.el1, [word])).toMatchObject({
        ec: other,
        elr: other === ec.brk ? place.code : place.code + 4,
      });
    }
  });

  it.each([
    ["MDE is clear", { MDSCR_EL1: monitor.KDE }, 0n],
    ["KDE is clear, at EL1", { MDSCR_EL1: monitor.MDE }, 0n],
    ["PSTATE.D is set, at EL1", {}, pstate.d],
    ["the OS lock is on", { OSLAR_EL1: 1n }, 0n],
    ["the double lock is on", { OSDLR_EL1: 1n }, 0n],
  ])("are silent while %s; BRK is not", (_, registers, state) => {
    const machine = withBreakpoint({ DBGBVR0_EL1: code + 4n, DBGBCR0_EL1: control({}), ...registers });
    expect(machine.runAt(code, pstate.el1 | state, program)).toBeUndefined();
    expect(machine.runAt(code, pstate.el1 | state, [a64.brk(2)])).toMatchObject({ ec: ec.brk, iss: 2 });
  });

  it("the double lock counts only while DBGPRCR_EL1.CORENPDRQ is clear", () => {
    const machine = withBreakpoint({
      DBGBVR0_EL1: code + 4n,
      DBGBCR0_EL1: control({}),
      OSDLR_EL1: 1n,
      DBGPRCR_EL1: 1n,
    });
    expect(machine.runAt(code, pstate.el1, program)?.ec).toBe(ec.breakpoint.el1);
  });

  it("KDE and D do not count at EL0", () => {
    const machine = withBreakpoint({
      DBGBVR0_EL1: va.userCode + 4n,
      DBGBCR0_EL1: control({}),
      MDSCR_EL1: monitor.MDE,
    });
    machine.load(place.code, program);
    machine.pstate = pstate.el0 | pstate.d;
    machine.pc = va.userCode;
    machine.run();
    expect(machine.exception()).toMatchObject({ vector: 0x400, ec: ec.breakpoint.el0 });
  });

  it("OSLSR_EL1 shows the lock, and most of MDSCR_EL1 can be written only under it", () => {
    const machine = new SelfDebuggingMachine();
    const { system } = machine.vcpu().cpu;
    system.set("MDSCR_EL1", 0xffff_ffffn);
    expect([system.get("OSLSR_EL1"), system.get("MDSCR_EL1")]).toEqual([8n, 0xb001n]);
    system.set("OSLAR_EL1", 1n);
    system.set("MDSCR_EL1", 0xffff_ffffn);
    expect([system.get("OSLSR_EL1"), system.get("MDSCR_EL1")]).toEqual([10n, 0x6ce0_f041n]);
  });
});
