import { describe, expect, it } from "vitest";
import { a64, type SysregName, sysreg } from "./support/assembler.ts";
import { BareMachine, place, stop, vector } from "./support/machine.ts";

const TICK = 16n;
const [ENABLE, IMASK, ISTATUS] = [1n, 2n, 4n];
const PPI = { P: 30, V: 27 } as const;

type Which = keyof typeof PPI;
const names = (which: Which) =>
  ({
    count: `CNT${which}CT_EL0`,
    control: `CNT${which}_CTL_EL0`,
    compare: `CNT${which}_CVAL_EL0`,
    value: `CNT${which}_TVAL_EL0`,
  }) as const satisfies Record<string, SysregName>;

const read = (t: number, name: SysregName): number => a64.mrs(t, sysreg[name]);
const write = (name: SysregName, t: number): number => a64.msr(sysreg[name], t);

/** Passes time: as many NOPs as nanoseconds. */
function spend(machine: BareMachine, nanoseconds: number): void {
  machine.load(
    place.code,
    Array.from({ length: Math.min(nanoseconds, 4000) }, () => a64.nop),
  );
  machine.pc = BigInt(place.code);
  machine.vcpu().run(nanoseconds);
}

describe.each(["P", "V"] as const)("the generic timer CNT%s", (which) => {
  const { count, control, compare, value } = names(which);

  it("counts 62.5 MHz of virtual time, exact within a run", () => {
    const machine = new BareMachine();
    const begin = machine.vm.cluster.clock.nanoseconds;
    const program = [
      read(0, count),
      ...Array.from({ length: 31 }, () => a64.nop),
      read(1, count),
      read(2, count),
    ];
    machine.execute(program);
    expect(machine.x(0)).toBe(BigInt(Math.floor(begin / 16)));
    expect(machine.x(1)).toBe(BigInt(Math.floor((begin + 32) / 16)));
    expect(machine.x(2)).toBe(BigInt(Math.floor((begin + 33) / 16)));
  });

  it("CTL holds ENABLE and IMASK, and shows ISTATUS while the condition is met and the timer enabled", () => {
    const machine = new BareMachine();
    machine.set(control, 0xffff_ffff_ffff_ffffn);
    expect(machine.get(control)).toBe(ENABLE | IMASK | ISTATUS);
    machine.set(control, ENABLE);
    machine.set(compare, 1000n);
    expect(machine.get(control)).toBe(ENABLE);
    machine.set(compare, 0n);
    expect(machine.get(control)).toBe(ENABLE | ISTATUS);
    machine.set(control, 0n);
    expect(machine.get(control)).toBe(0n);
  });

  it("TVAL is the signed distance: written it sets CVAL, read it is 32 bits of it", () => {
    const machine = new BareMachine();
    const now = machine.get(count);
    machine.set(value, 100n);
    expect(machine.get(compare)).toBe(now + 100n);
    expect(machine.get(value)).toBe(100n);
    machine.set(value, 0xffff_ffffn);
    expect(machine.get(compare)).toBe(BigInt.asUintN(64, now - 1n));
    expect(machine.get(value)).toBe(0xffff_ffffn);
    machine.set(compare, now + (1n << 40n) + 7n);
    expect(machine.get(value)).toBe(7n);
    spend(machine, 160);
    expect(machine.get(value)).toBe(BigInt.asUintN(32, 7n - 10n));
  });

  it("drives its private interrupt by ENABLE, IMASK and the condition", () => {
    const machine = new BareMachine();
    const line = (): boolean | undefined => machine.interrupts.ppi.get(`0,${PPI[which]}`);
    machine.set(compare, 0n);
    expect(line()).toBe(false);
    machine.set(control, ENABLE);
    expect(line()).toBe(true);
    machine.set(control, ENABLE | IMASK);
    expect(line()).toBe(false);
    machine.set(control, ENABLE);
    machine.set(compare, machine.get(count) + 1n);
    expect(line()).toBe(false);
  });

  it.each([1, 2, 3, 10, 63, 64, 100])(
    "the interrupt is taken at the exact instruction, %i ticks ahead",
    (ticks) => {
      const machine = new BareMachine();
      machine.interrupts.connected = [PPI[which]];
      const begin = machine.vm.cluster.clock.nanoseconds;
      const deadline = machine.get(count) + BigInt(ticks);
      machine.set(compare, deadline);
      machine.setX(1, ENABLE);
      // The loop body is three instructions, so that the deadline falls anywhere in it.
      const program = [a64.daifClear(2), write(control, 1), ...[a64.addImm(2, 2, 1), a64.nop, a64.b(-2)]];
      machine.load(place.code, program);
      machine.pc = BigInt(place.code);
      machine.run(100_000);
      const { vector: at, elr } = machine.exception();
      expect(at).toBe(vector.current + vector.irq);
      const retired = Number(deadline * TICK) - begin;
      const inLoop = retired - 2;
      expect(elr).toBe(place.code + 8 + 4 * (inLoop % 3));
      expect(machine.x(2)).toBe(BigInt(Math.ceil(inLoop / 3)));
    },
  );

  it.each([1, 2, 7, 31])(
    "is taken at the same instruction when the run is cut into slices of %i",
    (slice) => {
      const results = [100_000, slice].map((length) => {
        const machine = new BareMachine();
        machine.interrupts.connected = [PPI[which]];
        machine.set(compare, machine.get(count) + 20n);
        machine.set(control, ENABLE);
        machine.load(place.code, [a64.daifClear(2), a64.addImm(2, 2, 1), a64.nop, a64.b(-2)]);
        machine.load(place.vectors + vector.current + vector.irq, [read(3, count), ...stop]);
        machine.pc = BigInt(place.code);
        while (machine.exits.at(-1)?.reason !== "HALTED") machine.run(length);
        return [machine.get("ELR_EL1"), machine.x(2), machine.x(3), machine.vm.cluster.clock.nanoseconds];
      });
      expect(results[1]).toEqual(results[0]);
    },
  );

  it("a deadline that a write moves into the past is taken after that instruction", () => {
    const machine = new BareMachine();
    machine.interrupts.connected = [PPI[which]];
    machine.setX(1, ENABLE);
    machine.load(place.code, [a64.daifClear(2), write(control, 1), a64.nop, a64.nop]);
    machine.pc = BigInt(place.code);
    machine.run(100);
    expect(machine.exception()).toMatchObject({ vector: vector.current + vector.irq, elr: place.code + 8 });
  });

  it("an interrupt that is masked comes with the instruction that unmasks it", () => {
    const machine = new BareMachine();
    machine.interrupts.connected = [PPI[which]];
    machine.set(control, ENABLE);
    machine.load(place.code, [a64.nop, a64.nop, a64.daifClear(2), a64.movz(2, 1)]);
    machine.pc = BigInt(place.code);
    machine.run(100);
    expect(machine.exception()).toMatchObject({ elr: place.code + 12 });
    expect(machine.x(2)).toBe(0n);
  });

  it("the next deadline is known while it is to come, and a compare value that time never reaches is none", () => {
    const machine = new BareMachine();
    const vcpu = machine.vcpu();
    expect(vcpu.timerDeadline()).toBeUndefined();
    machine.set(compare, 1000n);
    machine.set(control, ENABLE);
    expect(vcpu.timerDeadline()).toBe(16_000);
    machine.set(control, ENABLE | IMASK);
    expect(vcpu.timerDeadline()).toBeUndefined();
    machine.set(control, ENABLE);
    machine.set(compare, 0xffff_ffff_ffff_ffffn);
    expect(vcpu.timerDeadline()).toBeUndefined();
    machine.set(compare, 0n);
    expect(vcpu.timerDeadline()).toBeUndefined();
  });
});

describe("EL0 and the counters", () => {
  const kernelControl = "3 0 14 1 0";
  const cases: readonly [SysregName, bigint][] = [
    ["CNTPCT_EL0", 1n << 0n],
    ["CNTVCT_EL0", 1n << 1n],
    ["CNTV_CTL_EL0", 1n << 8n],
    ["CNTV_CVAL_EL0", 1n << 8n],
    ["CNTV_TVAL_EL0", 1n << 8n],
    ["CNTP_CTL_EL0", 1n << 9n],
    ["CNTP_CVAL_EL0", 1n << 9n],
    ["CNTP_TVAL_EL0", 1n << 9n],
  ];
  it.each(cases)("%s is trapped to EL1 unless CNTKCTL_EL1 allows it", (name, bit) => {
    for (const allowed of [false, true]) {
      const machine = new BareMachine();
      machine.setX(1, allowed ? bit : 0x3ffn & ~bit);
      machine.execute([a64.msr(kernelControl, 1)]);
      machine.load(place.code, [read(0, name), a64.svc(1)]);
      machine.pstate = 0n;
      machine.pc = BigInt(place.code);
      machine.run(100);
      expect(machine.exception().ec).toBe(allowed ? 0x15 : 0x18);
    }
  });

  it("CNTFRQ_EL0 is readable when either counter is, and never writable", () => {
    for (const bits of [0n, 1n, 2n]) {
      const machine = new BareMachine();
      machine.setX(1, bits);
      machine.execute([a64.msr(kernelControl, 1), read(0, "CNTFRQ_EL0")]);
      expect(machine.x(0)).toBe(62_500_000n);
      machine.load(place.code, [read(2, "CNTFRQ_EL0"), a64.svc(1)]);
      machine.pstate = 0n;
      machine.pc = BigInt(place.code);
      machine.run(100);
      expect(machine.exception().ec).toBe(bits === 0n ? 0x18 : 0x15);
      machine.execute([write("CNTFRQ_EL0", 1)]);
      expect(machine.exception().ec).toBe(0);
    }
  });
});

describe("CNTVOFF_EL2", () => {
  it("moves the virtual count and its timer, not the physical ones", () => {
    const machine = new BareMachine();
    spend(machine, 1600);
    machine.vcpu().cpu.timers.setVirtualCount(5n);
    expect(machine.get("CNTVCT_EL0")).toBe(5n);
    expect(machine.get("CNTPCT_EL0")).toBe(100n);
    machine.set("CNTV_CVAL_EL0", 8n);
    machine.set("CNTV_CTL_EL0", ENABLE);
    expect(machine.vcpu().timerDeadline()).toBe(1600 + 48);
    spend(machine, 48);
    expect(machine.get("CNTV_CTL_EL0")).toBe(ENABLE | ISTATUS);
    // Ahead of the physical count.
    machine.vcpu().cpu.timers.setVirtualCount(1n << 40n);
    expect(machine.get("CNTVCT_EL0")).toBe(1n << 40n);
    machine.set("CNTV_CVAL_EL0", (1n << 40n) + 2n);
    expect(machine.vcpu().timerDeadline()).toBe(1648 + 32);
  });
});
