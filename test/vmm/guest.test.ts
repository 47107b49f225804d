import { describe, expect, it } from "vitest";
import { guestPhysical } from "../../src/machine/address.ts";
import type { BootPlan } from "../../src/machine/boot/bootPlan.ts";
import { GuestMachine } from "../../src/vmm/guest.ts";
import { a64, sysreg } from "../cpu/arm64/support/assembler.ts";
import { instructionSet, interpreter } from "../cpu/arm64/support/machine.ts";

const RAM = 0x4000_0000n;
const UART = 0x0900_0000n;
const psci = { CPU_ON: 0xc400_0003n, SYSTEM_OFF: 0x8400_0008n, SYSTEM_RESET: 0x8400_0009n };

interface Setup {
  readonly cpus?: number;
  readonly rom?: readonly number[];
}

/** A machine that runs these words from the start of its RAM, or of its ROM. */
function machineWith(words: readonly (number | readonly number[])[], setup: Setup = {}) {
  const sent: number[] = [];
  const machine = new GuestMachine({
    instructionSet,
    interpreter,
    memoryBytes: 1 << 20,
    cpus: setup.cpus ?? 1,
    gicVersion: 3,
    transmit: (byte) => {
      sent.push(byte);
    },
  });
  const bytes = new Uint8Array(Uint32Array.from(words.flat()).buffer);
  const piece = (address: bigint, contents: Uint8Array) => ({
    what: "program",
    address: guestPhysical(address),
    bytes: contents,
    size: BigInt(contents.length),
    zeroed: false,
  });
  const rom = setup.rom === undefined ? undefined : new Uint8Array(Uint32Array.from(setup.rom).buffer);
  const plan: BootPlan = {
    pieces: [piece(RAM, bytes), ...(rom === undefined ? [] : [piece(0n, rom)])],
    entry: { pc: guestPhysical(rom === undefined ? RAM : 0n), x0: 7n },
    ...(rom === undefined ? {} : { rom: { base: guestPhysical(0n), size: 0x1000n } }),
  };
  machine.boot(plan);
  return { machine, sent, text: () => String.fromCharCode(...sent) };
}

const x = (machine: GuestMachine, n: number, vcpu = 0): bigint | undefined =>
  machine.vm.vcpus[vcpu]?.cpu.registers.x(n);
const spin = a64.b(0);
const call = (id: bigint) => [...a64.mov64(0, id), a64.hvc(0)];
/** Arms the virtual timer so many ticks ahead and lets it interrupt; masked in PSTATE. */
const timerIn = (ticks: bigint) => [
  ...a64.mov64(9, ticks),
  a64.msr(sysreg.CNTV_TVAL_EL0, 9),
  a64.movz(9, 1),
  a64.msr(sysreg.CNTV_CTL_EL0, 9),
];
/** Lets PPI 27 through the GIC. */
const enableTimerInterrupt = [
  ...a64.mov64(10, 0x080b_0000n), // GICR of CPU 0, its SGI frame
  ...a64.mov64(11, 1n << 27n),
  a64.addImm(12, 10, 0x100),
  a64.str(11, 12, 4),
  a64.addImm(12, 10, 0x80),
  a64.str(11, 12, 4),
  ...a64.mov64(10, 0x0800_0000n),
  ...a64.mov64(11, 0x12n),
  a64.str(11, 10, 4), // GICD_CTLR: ARE, group 1
  ...a64.mov64(11, 0xf0n),
  a64.msr("3 0 4 6 0", 11), // ICC_PMR_EL1
  a64.movz(11, 1),
  a64.msr("3 0 12 12 7", 11), // ICC_IGRPEN1_EL1
];

describe("advance", () => {
  it("stops exactly at its limit", () => {
    const { machine } = machineWith([spin]);
    for (const limit of [1, 10, 12_345]) {
      const begin = machine.now;
      expect(machine.advance(limit)).toEqual({ kind: "limit" });
      expect(machine.now - begin).toBe(limit);
    }
    expect(machine.instructions).toBe(12_356);
  });

  it("does nothing for a limit of zero", () => {
    const { machine } = machineWith([spin]);
    expect(machine.advance(0)).toEqual({ kind: "limit" });
    expect(machine.now).toBe(0);
  });

  it("starts as the boot plan says", () => {
    const { machine } = machineWith([a64.mov(1, 0), spin]);
    machine.advance(2);
    expect(x(machine, 1)).toBe(7n);
  });

  it("connects the devices: what is stored to the UART is sent", () => {
    const { machine, text } = machineWith([
      ...a64.mov64(1, UART),
      ...[..."ok"].flatMap((c) => [a64.movz(2, c.charCodeAt(0)), a64.str(2, 1, 4)]),
      ...call(psci.SYSTEM_OFF),
    ]);
    expect(machine.advance(10_000)).toEqual({ kind: "system", event: "SHUTDOWN" });
    expect(text()).toBe("ok");
    expect(machine.exitCounts).toMatchObject({ MMIO: 2, SYSTEM_EVENT: 1 });
    // Nothing runs after it.
    expect(machine.advance(1000)).toEqual({ kind: "idle" });
  });

  it("an access where nothing is aborts in the guest", () => {
    const { machine } = machineWith([
      ...a64.mov64(1, RAM),
      a64.msr(sysreg.VBAR_EL1, 1),
      ...a64.mov64(1, 0x1000_0000n),
      a64.ldr(2, 1),
    ]);
    machine.memory.write(guestPhysical(RAM + 0x200n), new Uint8Array(Uint32Array.of(spin).buffer));
    machine.advance(50);
    expect(machine.vm.vcpus[0]?.cpu.system.raw("ESR_EL1")).toBe(0x9600_0010n);
  });
});

describe("waiting", () => {
  it("is idle when nothing in virtual time can wake the guest", () => {
    const { machine } = machineWith([a64.wfi, spin]);
    expect(machine.advance(1_000_000)).toEqual({ kind: "idle" });
    expect(machine.now).toBe(1);
    expect(machine.advance(1_000_000)).toEqual({ kind: "idle" });
  });

  it("skips virtual time to the next timer, and counts no instructions for it", () => {
    const { machine } = machineWith([
      ...enableTimerInterrupt,
      ...timerIn(1000n),
      a64.wfi,
      a64.movz(5, 1),
      spin,
    ]);
    const begin = machine.instructions;
    expect(machine.advance(100_000)).toEqual({ kind: "limit" });
    expect(machine.now).toBe(100_000);
    expect(x(machine, 5)).toBe(1n);
    expect(machine.instructions - begin).toBeLessThan(100_000 - 1000 * 16 + 100);
    expect(machine.instructions - begin).toBeGreaterThan(100_000 - 1001 * 16 - 100);
  });

  it("tells when asked to stop at waits, and goes on when time is let pass", () => {
    const { machine } = machineWith([
      ...enableTimerInterrupt,
      ...timerIn(1000n),
      a64.wfi,
      a64.movz(5, 1),
      spin,
    ]);
    const stop = machine.advance(100_000, { stopAtWaits: true });
    expect(stop.kind).toBe("waiting");
    const until = stop.kind === "waiting" ? stop.until : 0;
    expect(until % 16).toBe(0);
    expect(machine.now).toBeLessThan(200);
    expect(machine.advance(100_000, { stopAtWaits: true })).toEqual(stop);
    machine.skipTo(until - 1);
    expect(machine.advance(100_000, { stopAtWaits: true })).toEqual(stop);
    machine.skipTo(until);
    machine.advance(10, { stopAtWaits: true });
    expect(x(machine, 5)).toBe(1n);
  });

  it("a timer whose interrupt the GIC keeps back wakes nobody", () => {
    const { machine } = machineWith([...timerIn(1000n), a64.wfi, a64.movz(5, 1), spin]);
    expect(machine.advance(100_000)).toEqual({ kind: "idle" });
    expect(x(machine, 5)).toBe(0n);
  });

  it("the last vCPU's WFE is a wait as well", () => {
    const { machine } = machineWith([a64.wfe, a64.b(-1)]);
    expect(machine.advance(1_000_000)).toEqual({ kind: "idle" });
    expect(machine.now).toBeLessThan(10);
    const { machine: timed } = machineWith([
      ...enableTimerInterrupt,
      ...timerIn(1000n),
      ...a64.mov64(1, RAM + 0x1000n),
      a64.msr(sysreg.VBAR_EL1, 1),
      a64.daifClear(2),
      a64.wfe,
      a64.b(-1),
    ]);
    timed.memory.write(guestPhysical(RAM + 0x1280n), new Uint8Array(Uint32Array.of(spin).buffer));
    expect(timed.advance(100_000)).toEqual({ kind: "limit" });
    expect(timed.vm.vcpus[0]?.cpu.registers.pc).toBe(RAM + 0x1280n);
    expect(timed.exitCounts.HALTED).toBeLessThan(5);
  });

  it("the event stream ends WFE, at its transitions", () => {
    for (const [control, period, at] of [
      [0x4n | (5n << 4n), 64n, 32n],
      [0xcn | (7n << 4n), 256n, 0n],
    ] as const) {
      const { machine } = machineWith([
        ...a64.mov64(1, control),
        a64.msr("3 0 14 1 0", 1),
        ...[a64.wfe, a64.mrs(2, sysreg.CNTVCT_EL0), a64.wfe, a64.mrs(3, sysreg.CNTVCT_EL0)],
        ...[a64.wfe, a64.mrs(4, sysreg.CNTVCT_EL0), spin],
      ]);
      machine.advance(Number(period) * 16 * 4);
      const times = [2, 3, 4].map((n) => x(machine, n) ?? 0n);
      for (const time of times) expect(time % period).toBe(at);
      expect(times).toEqual([0n, 1n, 2n].map((n) => (times[0] ?? 0n) + n * period));
    }
  });

  it("WFE lets the others run, and is over when one of them can", () => {
    // vCPU 1 stores a flag after a long loop, without SEV; vCPU 0 looks at it between its WFEs.
    const flag = RAM + 0x8000n;
    const second = RAM + 0x4000n;
    const { machine } = machineWith(
      [
        ...a64.mov64(1, 1n),
        ...a64.mov64(2, second),
        ...call(psci.CPU_ON),
        ...a64.mov64(5, flag),
        ...[a64.wfe, a64.ldr(6, 5), a64.cbz(6, -2)],
        ...call(psci.SYSTEM_OFF),
      ],
      { cpus: 2 },
    );
    const other = [
      ...a64.mov64(1, 100_000n),
      ...[a64.subsImm(1, 1, 1), a64.cbnz(1, -1)],
      ...[...a64.mov64(5, flag), a64.movz(6, 1), a64.str(6, 5), a64.wfi, spin],
    ];
    machine.memory.write(guestPhysical(second), new Uint8Array(Uint32Array.from(other).buffer));
    expect(machine.advance(10_000_000)).toEqual({ kind: "system", event: "SHUTDOWN" });
  });

  it("input from outside wakes a guest that waits for the UART's interrupt", () => {
    const { machine } = machineWith([
      ...a64.mov64(10, 0x0800_0000n),
      ...a64.mov64(11, 0x12n),
      a64.str(11, 10, 4),
      // SPI 1 (INTID 33): group 1, enabled, to CPU 0.
      ...a64.mov64(11, 2n),
      a64.addImm(12, 10, 0x84),
      a64.str(11, 12, 4),
      a64.addImm(12, 10, 0x104),
      a64.str(11, 12, 4),
      ...a64.mov64(11, 0xf0n),
      a64.msr("3 0 4 6 0", 11),
      a64.movz(11, 1),
      a64.msr("3 0 12 12 7", 11),
      // UARTIMSC: receive and receive timeout.
      ...a64.mov64(1, UART),
      a64.movz(2, 0x50),
      a64.str(2, 1, 4),
      a64.addImm(3, 1, 0x38),
      a64.str(2, 3, 4),
      a64.wfi,
      a64.ldr(4, 1, 4),
      spin,
    ]);
    expect(machine.advance(1_000_000).kind).toBe("idle");
    machine.board.uart.receive(Uint8Array.of(0x41));
    machine.advance(10_000_000);
    expect(x(machine, 4)).toBe(0x41n);
  });
});

describe("several vCPUs", () => {
  /** Starts vCPU 1 at `second` and then counts in X5 for ever; so does vCPU 1. */
  const second = RAM + 0x4000n;
  const counter = [a64.addImm(5, 5, 1), a64.b(-1)];
  function counting() {
    const { machine } = machineWith(
      [...a64.mov64(1, 1n), ...a64.mov64(2, second), ...call(psci.CPU_ON), ...counter],
      { cpus: 2 },
    );
    machine.memory.write(guestPhysical(second), new Uint8Array(Uint32Array.from(counter).buffer));
    return machine;
  }

  it("run by turns and get the same time", () => {
    const machine = counting();
    machine.advance(2_000_000);
    const [a = 0n, b = 0n] = [x(machine, 5, 0), x(machine, 5, 1)];
    expect(a + b).toBeGreaterThan(999_000n);
    expect(a - b < 26_000n && b - a < 26_000n).toBe(true);
  });

  it("those that stand still do", () => {
    const machine = counting();
    machine.advance(1000);
    const before = x(machine, 5, 0);
    machine.advance(300_000, { standing: new Set([0]) });
    expect(x(machine, 5, 0)).toBe(before);
    expect(x(machine, 5, 1)).toBe(150_000n);
  });

  it("a machine whose vCPUs are all off is idle", () => {
    const { machine } = machineWith([...call(0x8400_0002n)], { cpus: 2 });
    expect(machine.advance(1000)).toEqual({ kind: "idle" });
  });
});

describe("reset", () => {
  it("starts again from the boot plan: memory, registers, devices, vCPUs", () => {
    const { machine, text } = machineWith([
      a64.nop, // overwritten by the guest
      ...a64.mov64(1, RAM),
      ...a64.mov64(2, BigInt(a64.udf)),
      a64.str(2, 1, 4),
      ...a64.mov64(3, UART),
      a64.movz(2, 0x2e),
      a64.str(2, 3, 4),
      ...a64.mov64(4, 1n << 40n),
      a64.msr(sysreg.TPIDR_EL1, 4),
      ...call(psci.SYSTEM_RESET),
    ]);
    for (const times of [1, 2, 3]) {
      expect(machine.advance(10_000)).toEqual({ kind: "system", event: "RESET" });
      expect(text()).toBe(".".repeat(times));
      const before = machine.now;
      machine.reset();
      // Time goes on; everything else is as at the start.
      expect(machine.now).toBe(before);
      expect(machine.vm.vcpus[0]?.cpu.registers.pc).toBe(RAM);
      expect(machine.vm.vcpus[0]?.cpu.system.raw("TPIDR_EL1")).toBe(0n);
    }
  });

  it("with ROM: the firmware is there, cannot be written, and runs again", () => {
    const rom = [
      ...a64.mov64(1, 0n),
      a64.movz(2, 1),
      a64.movz(3, 3),
      a64.ldr(4, 1, 4),
      ...call(psci.SYSTEM_RESET),
    ];
    const { machine } = machineWith([spin], { rom });
    for (let i = 0; i < 2; i++) {
      expect(machine.advance(1000)).toEqual({ kind: "system", event: "RESET" });
      expect(x(machine, 4)).toBe(BigInt(rom[0] ?? 0));
      machine.reset();
    }
  });
});
