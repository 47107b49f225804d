import { describe, expect, it } from "vitest";
import { a64 } from "./support/assembler.ts";
import { BareMachine, place, stopped, vector } from "./support/machine.ts";
import { MmuMachine } from "./support/mmu.ts";

const register = {
  PMCR: "3 3 9 12 0",
  CNTENSET: "3 3 9 12 1",
  CNTENCLR: "3 3 9 12 2",
  OVSCLR: "3 3 9 12 3",
  SWINC: "3 3 9 12 4",
  SELR: "3 3 9 12 5",
  CCNTR: "3 3 9 13 0",
  XEVTYPER: "3 3 9 13 1",
  XEVCNTR: "3 3 9 13 2",
  USERENR: "3 3 9 14 0",
  OVSSET: "3 3 9 14 3",
  INTENSET: "3 0 9 14 1",
  INTENCLR: "3 0 9 14 2",
  CCFILTR: "3 3 14 15 7",
  counter: (n: number) => `3 3 14 8 ${n}`,
  type: (n: number) => `3 3 14 12 ${n}`,
} as const;
const event = { software: 0x00n, retired: 0x08n, cycles: 0x11n, chain: 0x1en } as const;
const [E, P, C, D, LC] = [1n, 2n, 4n, 8n, 64n];
const CYCLES = 1n << 31n;
const NOT_EL1 = 1n << 31n;
const NOT_EL0 = 1n << 30n;
const PPI = "0,23";

const set = (name: string, value: bigint) => [...a64.mov64(9, value), a64.msr(name, 9)];
const nops = (count: number): number[] => Array.from({ length: count }, () => a64.nop);

describe("the performance monitor", () => {
  it("counts nothing until PMCR_EL0.E and the counter's enable are set", () => {
    for (const [pmcr, enabled] of [
      [0n, CYCLES],
      [E, 0n],
    ] as const) {
      const machine = new BareMachine();
      machine.execute([
        ...set(register.CNTENSET, enabled),
        ...set(register.PMCR, pmcr),
        ...nops(10),
        a64.mrs(0, register.CCNTR),
      ]);
      expect(machine.x(0)).toBe(0n);
    }
  });

  it("counts instructions exactly between two reads", () => {
    const machine = new BareMachine();
    machine.execute([
      ...set(register.type(0), event.retired),
      ...set(register.type(1), event.cycles),
      ...set(register.CNTENSET, CYCLES | 3n),
      ...set(register.PMCR, E | LC),
      a64.mrs(0, register.CCNTR),
      a64.mrs(1, register.counter(0)),
      a64.mrs(2, register.counter(1)),
      ...nops(100),
      a64.mrs(3, register.CCNTR),
      a64.mrs(4, register.counter(0)),
      a64.mrs(5, register.counter(1)),
    ]);
    expect([machine.x(3) - machine.x(0), machine.x(4) - machine.x(1), machine.x(5) - machine.x(2)]).toEqual([
      103n,
      103n,
      103n,
    ]);
  });

  it("counts by Exception level, the SVC at EL0 and the ERET at EL1", () => {
    const machine = new MmuMachine();
    // At EL0: three NOPs and the SVC; at EL1, in the handler: the rest.
    machine.load(place.vectors + vector.lower, [a64.b((place.data - place.vectors - vector.lower) / 4)]);
    machine.load(place.data, [
      a64.mrs(0, register.counter(0)),
      a64.mrs(1, register.counter(1)),
      a64.mrs(2, register.counter(2)),
      a64.wfe,
      a64.b(-1),
    ]);
    machine.execute([
      ...set(register.type(0), event.retired | NOT_EL1),
      ...set(register.type(1), event.retired | NOT_EL0),
      ...set(register.type(2), event.retired),
      ...set(register.CNTENSET, 7n),
    ]);
    expect(machine.pc).not.toBe(0n);
    machine.vm.cluster.cpus[0]?.system.set("PMCR_EL0", E);
    machine.executeAtEl0([...nops(3), a64.svc(0)]);
    expect(machine.x(0)).toBe(4n);
    // B, two MRS; then B, MRS for the last one.
    expect(machine.x(1)).toBe(2n);
    expect(machine.x(2)).toBe(7n);
  });

  it("PMCR_EL0.P resets the event counters, C the cycle counter; both read as zero", () => {
    const machine = new BareMachine();
    machine.execute([
      ...set(register.counter(3), 0x1234n),
      ...set(register.CCNTR, 0x5678n),
      ...set(register.PMCR, P),
      a64.mrs(0, register.counter(3)),
      a64.mrs(1, register.CCNTR),
      ...set(register.PMCR, C),
      a64.mrs(2, register.CCNTR),
      a64.mrs(3, register.PMCR),
    ]);
    expect([machine.x(0), machine.x(1), machine.x(2)]).toEqual([0n, 0x5678n, 0n]);
    // IMP, IDCODE and N (6 counters) are fixed.
    expect(machine.x(3)).toBe(0x4101_3000n);
  });

  it("PMCR_EL0.D counts every 64th cycle, unless LC is set", () => {
    for (const [control, expected] of [
      [E | C | D, 3n],
      [E | C | D | LC, 200n],
    ] as const) {
      const machine = new BareMachine();
      machine.execute([
        ...set(register.CNTENSET, CYCLES),
        ...set(register.PMCR, control),
        ...nops(199),
        a64.mrs(0, register.CCNTR),
      ]);
      const counted = machine.x(0);
      expect(counted === expected || counted === expected - 1n).toBe(true);
    }
  });

  it("a counter that overflows sets its flag, and drives the interrupt if that is enabled", () => {
    const machine = new BareMachine();
    const line = (): boolean | undefined => machine.interrupts.ppi.get(PPI);
    machine.execute([
      ...set(register.type(2), event.retired),
      ...set(register.counter(2), 0xffff_fff0n),
      ...set(register.CNTENSET, 4n),
      ...set(register.PMCR, E),
      ...nops(20),
      a64.mrs(0, register.OVSSET),
      a64.mrs(1, register.counter(2)),
    ]);
    expect(machine.x(0)).toBe(4n);
    expect(machine.x(1)).toBeLessThan(20n);
    expect(line()).toBe(false);
    machine.execute(set(register.INTENSET, 4n));
    expect(line()).toBe(true);
    // The flag counts, not whether the counter still runs.
    machine.execute(set(register.CNTENCLR, 4n));
    expect(line()).toBe(true);
    machine.execute(set(register.OVSCLR, 4n));
    expect(line()).toBe(false);
    machine.execute(set(register.OVSSET, 4n));
    expect(line()).toBe(true);
    machine.execute(set(register.PMCR, 0n));
    expect(line()).toBe(false);
  });

  it.each([10n, 11n, 12n, 13n, 1000n])(
    "the interrupt of an overflow %i ahead is taken exactly there",
    (ahead) => {
      const machine = new BareMachine();
      machine.interrupts.connected = [23];
      machine.execute([
        ...set(register.type(0), event.retired),
        ...set(register.counter(0), 0x1_0000_0000n - ahead),
        ...set(register.INTENSET, 1n),
        ...set(register.CNTENSET, 1n),
      ]);
      machine.vcpu().cpu.system.set("PMCR_EL0", E);
      machine.vcpu().cpu.performance.controlsChanged();
      machine.load(place.code, [a64.daifClear(2), a64.nop, a64.addImm(5, 5, 1), a64.b(-2)]);
      machine.pc = BigInt(place.code);
      machine.run(100_000);
      const inLoop = Number(ahead) - 1;
      expect(machine.exception()).toMatchObject({
        vector: vector.current + vector.irq,
        elr: place.code + 4 + 4 * (inLoop % 3),
      });
    },
  );

  it("CHAIN counts the overflows of the counter before it", () => {
    const machine = new BareMachine();
    machine.execute([
      ...set(register.type(0), event.retired),
      ...set(register.type(1), event.chain),
      ...set(register.counter(0), 0xffff_fff0n),
      ...set(register.counter(1), 0xffff_ffffn),
      ...set(register.CNTENSET, 3n),
      ...set(register.PMCR, E),
      ...nops(30),
      a64.mrs(0, register.counter(1)),
      a64.mrs(1, register.OVSCLR),
    ]);
    expect(machine.x(0)).toBe(0n);
    expect(machine.x(1)).toBe(3n);
  });

  it("PMSWINC_EL0 counts on the counters that count software increments", () => {
    const machine = new BareMachine();
    machine.execute([
      ...set(register.type(0), event.software),
      ...set(register.type(1), event.retired),
      ...set(register.counter(2), 0xffff_ffffn),
      ...set(register.CNTENSET, 5n),
      ...set(register.PMCR, E),
      ...set(register.SWINC, 7n),
      ...set(register.SWINC, 1n),
      a64.mrs(0, register.counter(0)),
      a64.mrs(1, register.counter(1)),
      a64.mrs(2, register.counter(2)),
      a64.mrs(3, register.OVSSET),
    ]);
    expect([0, 1, 2, 3].map((n) => machine.x(n))).toEqual([2n, 0n, 0n, 4n]);
  });

  it("PMSELR_EL0 chooses what PMXEVCNTR_EL0 and PMXEVTYPER_EL0 are", () => {
    const machine = new BareMachine();
    machine.execute([
      ...set(register.SELR, 4n),
      ...set(register.XEVCNTR, 0xabcn),
      ...set(register.XEVTYPER, 0x11n),
      a64.mrs(0, register.counter(4)),
      a64.mrs(1, register.type(4)),
      ...set(register.SELR, 31n),
      ...set(register.XEVTYPER, NOT_EL0),
      a64.mrs(2, register.CCFILTR),
    ]);
    expect([machine.x(0), machine.x(1), machine.x(2)]).toEqual([0xabcn, 0x11n, NOT_EL0]);
  });

  it("the set and clear registers read alike", () => {
    const machine = new BareMachine();
    for (const [on, off] of [
      [register.CNTENSET, register.CNTENCLR],
      [register.INTENSET, register.INTENCLR],
      [register.OVSSET, register.OVSCLR],
    ] as const) {
      machine.execute([
        ...set(on, 0xffff_ffff_ffff_ffffn),
        a64.mrs(0, on),
        a64.mrs(1, off),
        ...set(off, 0x8000_0005n),
        a64.mrs(2, on),
        a64.mrs(3, off),
      ]);
      expect([0, 1, 2, 3].map((n) => machine.x(n))).toEqual([0x8000_003fn, 0x8000_003fn, 0x3an, 0x3an]);
    }
  });

  it("the cycle counter is 64 bits long and overflows by LC at 64 or at 32", () => {
    for (const [control, flag] of [
      [E, CYCLES],
      [E | LC, 0n],
    ] as const) {
      const machine = new BareMachine();
      machine.execute([
        ...set(register.CCNTR, 0xffff_fff8n),
        ...set(register.CNTENSET, CYCLES),
        ...set(register.PMCR, control),
        ...nops(10),
        a64.mrs(0, register.OVSSET),
        a64.mrs(1, register.CCNTR),
      ]);
      expect(machine.x(0)).toBe(flag);
      expect(machine.x(1) >> 32n).toBe(1n);
    }
  });

  it("EL0 needs PMUSERENR_EL0", () => {
    const [EN, SW, CR, ER] = [1n, 2n, 4n, 8n];
    const cases: readonly [number, bigint][] = [
      [a64.mrs(0, register.PMCR), EN],
      [a64.mrs(0, register.CCNTR), EN | CR],
      [a64.msr(register.CCNTR, 0), EN],
      [a64.msr(register.SWINC, 0), EN | SW],
      [a64.mrs(0, register.counter(0)), EN | ER],
      [a64.msr(register.counter(0), 0), EN],
      [a64.mrs(0, register.XEVCNTR), EN | ER],
      [a64.msr(register.SELR, 0), EN | ER],
      [a64.mrs(0, register.type(0)), EN],
    ];
    const machine = new MmuMachine();
    for (const [instruction, allowing] of cases) {
      for (const bit of [0n, EN, SW, CR, ER]) {
        machine.vcpu().cpu.registers.setX(0, 0n);
        machine.vcpu().cpu.system.set("PMUSERENR_EL0", bit);
        machine.executeAtEl0([instruction, a64.svc(1)]);
        expect(machine.exception().ec, instruction.toString(16)).toBe((bit & allowing) !== 0n ? 0x15 : 0x18);
      }
    }
    machine.executeAtEl0([a64.mrs(0, register.USERENR), a64.svc(1)]);
    expect(machine.exception().ec).toBe(0x15);
    machine.executeAtEl0([a64.msr(register.USERENR, 0)]);
    expect(machine.exception().ec).toBe(0);
    expect(machine.execute([a64.nop])).toEqual(stopped);
  });
});
