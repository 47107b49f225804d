import { describe, expect, it } from "vitest";
import { a64, sysreg } from "./support/assembler.ts";
import { BareMachine, place, vector } from "./support/machine.ts";
import { MmuMachine, sctlr, va } from "./support/mmu.ts";

const forInterrupt = { reason: "HALTED", until: "interrupt" };
const forEvent = { reason: "HALTED", until: "event" };

function at(machine: BareMachine, words: readonly number[], pstate = 0x3c5n): void {
  machine.load(place.code, words);
  machine.pstate = pstate;
  machine.pc = BigInt(place.code);
}

describe("WFI", () => {
  it("waits after the instruction until an interrupt is pending, masked or not", () => {
    const machine = new BareMachine();
    at(machine, [a64.wfi, a64.movz(0, 1), a64.wfe]);
    expect(machine.run()).toEqual(forInterrupt);
    expect(machine.pc).toBe(BigInt(place.code + 4));
    expect(machine.vcpu().mpState).toBe("HALTED");
    expect(machine.vcpu().runnable).toBe(false);
    expect(machine.run()).toEqual(forInterrupt);
    machine.interrupts.irq[0] = true;
    expect(machine.vcpu().runnable).toBe(true);
    expect(machine.run()).toEqual(forEvent);
    expect(machine.x(0)).toBe(1n);
  });

  it("takes the interrupt that ends it before the next instruction", () => {
    for (const [line, offset] of [
      ["irq", vector.irq],
      ["fiq", vector.fiq],
    ] as const) {
      const machine = new BareMachine();
      at(machine, [a64.wfi, a64.movz(0, 1)], 0x5n);
      machine.run();
      machine.interrupts[line][0] = true;
      machine.run(100);
      expect(machine.exception()).toMatchObject({
        vector: vector.current + offset,
        elr: place.code + 4,
        spsr: 5,
      });
      expect(machine.x(0)).toBe(0n);
    }
  });

  it("does not wait when an interrupt is pending already", () => {
    const machine = new BareMachine();
    machine.interrupts.irq[0] = true;
    at(machine, [a64.wfi, a64.movz(0, 1), a64.wfe]);
    expect(machine.run()).toEqual(forEvent);
    expect(machine.x(0)).toBe(1n);
  });

  it("wakes by a timer whose interrupt is masked in PSTATE", () => {
    const machine = new BareMachine();
    machine.interrupts.connected = [27];
    machine.setX(1, 1n);
    machine.set("CNTV_CVAL_EL0", 100n);
    at(machine, [a64.msr(sysreg.CNTV_CTL_EL0, 1), a64.wfi, a64.movz(0, 1), a64.wfe]);
    expect(machine.run()).toEqual(forInterrupt);
    expect(machine.vcpu().timerDeadline()).toBe(1600);
    machine.vm.cluster.clock.advance(1599 - machine.vm.cluster.clock.nanoseconds);
    expect(machine.vcpu().runnable).toBe(false);
    machine.vm.cluster.clock.advance(1);
    expect(machine.vcpu().runnable).toBe(true);
    expect(machine.run()).toEqual(forEvent);
  });
});

describe("WFE and SEV", () => {
  it("WFE lets others run, and goes on by itself", () => {
    const machine = new BareMachine();
    at(machine, [a64.wfe, a64.movz(0, 1), a64.wfe]);
    expect(machine.run()).toEqual(forEvent);
    expect(machine.x(0)).toBe(0n);
    expect(machine.run()).toEqual(forEvent);
    expect(machine.x(0)).toBe(1n);
  });

  it("an event that is registered is used up instead", () => {
    const machine = new BareMachine();
    at(machine, [a64.sevl, a64.wfe, a64.movz(0, 1), a64.wfe]);
    expect(machine.run()).toEqual(forEvent);
    expect(machine.x(0)).toBe(1n);
  });

  it("SEV registers it on every vCPU, SEVL on its own", () => {
    for (const [instruction, others] of [
      [a64.sev, true],
      [a64.sevl, false],
    ] as const) {
      const machine = new BareMachine({ cpus: 2 });
      at(machine, [instruction, a64.nop]);
      machine.vcpu().run(2);
      expect(machine.vm.cluster.cpus.map((cpu) => cpu.eventPending)).toEqual([true, others]);
    }
  });

  it("a masked interrupt does not end WFE", () => {
    const machine = new BareMachine();
    machine.interrupts.irq[0] = true;
    at(machine, [a64.wfe]);
    expect(machine.run()).toEqual(forEvent);
  });
});

describe("waits at EL0", () => {
  it.each([
    ["WFI", a64.wfi, sctlr.nTWI, 0, forInterrupt],
    ["WFE", a64.wfe, sctlr.nTWE, 1, forEvent],
  ] as const)("%s is trapped to EL1 unless SCTLR_EL1 allows it", (_, instruction, bit, ti, exit) => {
    const machine = new MmuMachine();
    machine.control(bit);
    expect(machine.executeAtEl0([instruction])).toEqual(exit);
    expect(machine.pc).toBe(va.userCode + 4n);
    machine.vcpu().powerOff();
    const trapping = new MmuMachine();
    trapping.control(bit, false);
    trapping.executeAtEl0([instruction]);
    expect(trapping.exception()).toMatchObject({
      vector: vector.lower,
      ec: 0x01,
      iss: 0x1e0_0000 | ti,
      elr: Number(va.userCode),
    });
  });
});
