import { describe, expect, it } from "vitest";
import { a64, sysreg } from "../support/assembler.ts";
import { place } from "../support/machine.ts";
import { va } from "../support/mmu.ts";
import { ec, monitor, pstate, SelfDebuggingMachine } from "./support.ts";

const code = BigInt(place.code);
const [isv, ex, status] = [1 << 24, 1 << 6, 0x22];

/** A guest that returns from EL1 to `state` at EL0's code, or its own, with these controls. */
function returningTo(
  state: bigint,
  words: readonly number[],
  mdscr = monitor.SS | monitor.KDE,
): SelfDebuggingMachine {
  const machine = new SelfDebuggingMachine();
  machine.write("MDSCR_EL1", mdscr);
  const target = (state & 4n) === 0n ? va.userCode + 0x100n : code + 0x100n;
  machine.load(place.code + 0x100, [...words, a64.nop, a64.nop]);
  machine.load(place.code, [a64.eret]);
  machine.write("ELR_EL1", target);
  machine.write("SPSR_EL1", state);
  // With D set the machine is inactive before the return.
  machine.pstate = pstate.el1 | pstate.d;
  machine.pc = code;
  machine.setX(1, va.user);
  machine.run();
  return machine;
}

describe("the software step machine", () => {
  it.each([
    ["EL0", pstate.el0, ec.step.el0, Number(va.userCode)],
    ["EL1", pstate.el1, ec.step.el1, place.code],
  ] as const)(
    "at %s: one instruction, then the exception before the next; SPSR.SS is clear, ISV set",
    (_, state, exceptionClass, base) => {
      const machine = returningTo(state | pstate.ss, [a64.addImm(9, 9, 1), a64.addImm(9, 9, 1)]);
      expect(machine.exception()).toMatchObject({ ec: exceptionClass, iss: isv | status, elr: base + 0x104 });
      expect(machine.exception().spsr & Number(pstate.ss)).toBe(0);
      expect(machine.x(9)).toBe(1n);
    },
  );

  it("a return with SPSR.SS clear is active-pending at once: nothing is executed, and ISV is clear", () => {
    const machine = returningTo(pstate.el0, [a64.addImm(9, 9, 1)]);
    expect(machine.exception()).toMatchObject({
      ec: ec.step.el0,
      iss: status,
      elr: Number(va.userCode) + 0x100,
    });
    expect(machine.x(9)).toBe(0n);
  });

  it.each([
    ["ldxr", a64.ldxr(2, 1), true],
    ["ldxr w", a64.ldxr(2, 1, 4), true],
    ["ldaxp", 0xc87f8c22, true],
    ["ldr", a64.ldr(2, 1), false],
    ["cas", a64.cas(2, 3, 1), false],
    ["stxr", a64.stxr(4, 2, 1), false],
  ])("EX says whether the instruction was a load-exclusive: %s", (_, word, isExclusive) => {
    const machine = returningTo(pstate.el0 | pstate.ss, [word]);
    expect(machine.exception()).toMatchObject({
      ec: ec.step.el0,
      iss: isv | status | (isExclusive ? ex : 0),
    });
  });

  it("an SVC is executed and its handler entered: SPSR.SS is clear, and with D set nothing follows", () => {
    const machine = returningTo(pstate.el0 | pstate.ss, [a64.svc(4)]);
    expect(machine.exception()).toMatchObject({ vector: 0x400, ec: 0x15, elr: Number(va.userCode) + 0x104 });
    expect(machine.exception().spsr & Number(pstate.ss)).toBe(0);
  });

  it("an instruction that faults keeps SPSR.SS set, so that it is stepped when it is tried again", () => {
    const machine = returningTo(pstate.el0 | pstate.ss, [a64.brk(1)]);
    expect(machine.exception()).toMatchObject({ ec: ec.brk, elr: Number(va.userCode) + 0x100 });
    expect(machine.exception().spsr & Number(pstate.ss)).not.toBe(0);
  });

  it("an interrupt that comes first keeps SPSR.SS set", () => {
    const machine = new SelfDebuggingMachine();
    machine.interrupts.irq[0] = true;
    machine.write("MDSCR_EL1", monitor.SS);
    machine.load(place.code, [a64.nop, a64.nop]);
    machine.pstate = pstate.el0 | pstate.ss;
    machine.pc = va.userCode;
    machine.run();
    expect(machine.get("ELR_EL1")).toBe(va.userCode);
    expect(machine.get("SPSR_EL1") & pstate.ss).toBe(pstate.ss);
  });

  it("it is inactive at EL1 without KDE, and while D is set; unmasking D with SS clear raises it", () => {
    const words = [a64.nop, a64.daifClear(8), a64.nop];
    const masked = returningTo(pstate.el1 | pstate.d | pstate.ss, words);
    // Not active by the return, so SS was not taken over.
    expect(masked.exception()).toMatchObject({ ec: ec.step.el1, iss: status, elr: place.code + 0x108 });
    const without = returningTo(
      pstate.el1 | pstate.ss,
      [a64.addImm(9, 9, 1), a64.wfe, a64.b(-1)],
      monitor.SS,
    );
    expect(without.x(9)).toBe(1n);
    expect(without.pc).toBe(code + 0x108n);
  });

  it("a return from where it is active does not take SPSR.SS over: the step is complete", () => {
    const machine = new SelfDebuggingMachine();
    machine.write("MDSCR_EL1", monitor.SS | monitor.KDE);
    machine.load(place.code, [a64.eret]);
    machine.write("ELR_EL1", va.userCode + 0x100n);
    machine.write("SPSR_EL1", pstate.el0 | pstate.ss);
    machine.pstate = pstate.el1 | pstate.ss;
    machine.pc = code;
    machine.run();
    expect(machine.exception()).toMatchObject({ ec: ec.step.el0, elr: Number(va.userCode) + 0x100 });
  });

  it.each(["OSLAR_EL1", "OSDLR_EL1"])("%s silences it", (lock) => {
    const machine = new SelfDebuggingMachine();
    machine.write("MDSCR_EL1", monitor.SS | monitor.KDE);
    machine.write(lock, 1n);
    machine.load(place.code, [a64.addImm(9, 9, 1), a64.wfe, a64.b(-1)]);
    machine.pstate = pstate.el1 | pstate.ss;
    machine.pc = code;
    machine.run();
    expect([machine.x(9), machine.pc]).toEqual([1n, code + 8n]);
  });

  it("comes before a breakpoint on the next instruction, and that comes when the step has been handled", () => {
    const machine = returningTo(pstate.el0 | pstate.ss, [a64.nop]);
    machine.write("MDSCR_EL1", monitor.SS | monitor.MDE | monitor.KDE);
    machine.write("DBGBVR0_EL1", va.userCode + 0x104n);
    machine.write("DBGBCR0_EL1", 0x1e7n);
    machine.pstate = pstate.el0;
    machine.pc = va.userCode + 0x104n;
    machine.run();
    expect(machine.exception().ec).toBe(ec.step.el0);
    machine.pstate = pstate.el0 | pstate.ss;
    machine.pc = va.userCode + 0x104n;
    machine.run();
    expect(machine.exception().ec).toBe(ec.breakpoint.el0);
    expect(machine.exception().spsr & Number(pstate.ss)).not.toBe(0);
  });

  it("a guest that switches it on where it is enabled has its exception before the next instruction", () => {
    const machine = new SelfDebuggingMachine();
    machine.write("MDSCR_EL1", monitor.KDE);
    const words = [
      ...a64.mov64(2, monitor.KDE | monitor.SS),
      a64.msr("2 0 0 2 2", 2),
      a64.mrs(3, sysreg.NZCV),
    ];
    expect(machine.runAt(code, pstate.el1, words)).toMatchObject({
      ec: ec.step.el1,
      iss: status,
      elr: place.code + 20,
    });
  });
});
