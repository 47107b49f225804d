import { beforeEach, describe, expect, it } from "vitest";
import { Gicv3 } from "../../../src/machine/gic/gicv3.ts";
import { ICC } from "../../../src/machine/gic/gicv3Registers.ts";
import { systemRegister } from "../../../src/machine/interruptController.ts";

const GICD = {
  CTLR: 0,
  TYPER: 4,
  IIDR: 8,
  IGROUPR: 0x80,
  ISENABLER: 0x100,
  ICENABLER: 0x180,
  ISPENDR: 0x200,
  ISACTIVER: 0x300,
  ICACTIVER: 0x380,
  IPRIORITYR: 0x400,
  ICFGR: 0xc00,
  IROUTER: 0x6000,
  PIDR2: 0xffe8,
};
const STRIDE = 0x2_0000;
const SGI = 0x1_0000;

let gic: Gicv3;
const d = (offset: number) => Number(gic.distributor.read(offset, 4));
const D = (offset: number, value: number) => gic.distributor.write(offset, 4, BigInt(value >>> 0));
const r = (cpu: number, offset: number) => Number(gic.redistributors.read(cpu * STRIDE + offset, 4));
const R = (cpu: number, offset: number, value: number) =>
  gic.redistributors.write(cpu * STRIDE + offset, 4, BigInt(value >>> 0));
const read = (register: number, cpu = 0) => Number(gic.readSystemRegister(cpu, register));
const write = (register: number, value: number | bigint, cpu = 0) =>
  expect(gic.writeSystemRegister(cpu, register, BigInt(value))).toBe(true);
const irq = (cpu = 0) => gic.pending(cpu).irq;
const enable = (intid: number) => D(GICD.ISENABLER + (intid >> 5) * 4, 1 << (intid & 31));

/** As Linux's irq-gic-v3.c sets it up, for 4 CPUs. */
beforeEach(() => {
  gic = new Gicv3(4);
  D(GICD.CTLR, 0);
  for (let word = 1; word < 9; word += 1) D(GICD.IGROUPR + word * 4, 0xffff_ffff);
  for (let intid = 32; intid < 288; intid += 4) D(GICD.IPRIORITYR + intid, 0xa0a0_a0a0);
  D(GICD.CTLR, 0x13);
  for (let cpu = 0; cpu < 4; cpu += 1) {
    R(cpu, 0x14, 0);
    R(cpu, SGI + GICD.IGROUPR, 0xffff_ffff);
    for (let intid = 0; intid < 32; intid += 4) R(cpu, SGI + GICD.IPRIORITYR + intid, 0xa0a0_a0a0);
    R(cpu, SGI + GICD.ISENABLER, 0xffff);
    write(ICC.SRE_EL1, 7, cpu);
    write(ICC.PMR_EL1, 0xf0, cpu);
    write(ICC.BPR1_EL1, 0, cpu);
    write(ICC.CTLR_EL1, 0, cpu);
    write(ICC.IGRPEN1_EL1, 1, cpu);
  }
});

describe("GICv3 identification", () => {
  it("shows one Security state with affinity routing, no LPIs, 288 interrupts", () => {
    expect(d(GICD.CTLR)).toBe(0x53);
    const typer = d(GICD.TYPER);
    expect(typer & 0x1f).toBe(8);
    expect([(typer >> 17) & 1, (typer >> 16) & 1, (typer >> 10) & 1]).toEqual([0, 0, 0]);
    expect(((typer >> 19) & 0x1f) + 1).toBe(10);
    expect(d(GICD.PIDR2) & 0xf0).toBe(0x30);
    expect(r(0, GICD.PIDR2) & 0xf0).toBe(0x30);
    expect(d(GICD.IIDR)).toBe(0x43b);
  });

  it("gives each redistributor its number, its affinity, and the last its mark", () => {
    const typers = [0, 1, 2, 3].map((cpu) => gic.redistributors.read(cpu * STRIDE + 8, 8));
    expect(typers).toEqual([0x0n, 0x1_0000_0100n, 0x2_0000_0200n, 0x3_0000_0310n]);
    expect(gic.redistributors.read(4 * STRIDE + 8, 8)).toBe(0n);
  });

  it("sleeps at reset and wakes when it is told", () => {
    const fresh = new Gicv3(1);
    expect(fresh.redistributors.read(0x14, 4)).toBe(6n);
    fresh.redistributors.write(0x14, 4, 0n);
    expect(fresh.redistributors.read(0x14, 4)).toBe(0n);
  });

  it("has a CPU interface of 5 priority bits that is reached by system registers only", () => {
    expect(read(ICC.SRE_EL1)).toBe(7);
    write(ICC.SRE_EL1, 0);
    expect(read(ICC.SRE_EL1)).toBe(7);
    expect((read(ICC.CTLR_EL1) >> 8) & 7).toBe(4);
    write(ICC.PMR_EL1, 0xff);
    expect(read(ICC.PMR_EL1)).toBe(0xf8);
  });

  it("shows ICC_BPR1 as one more than ICC_BPR0 while ICC_CTLR.CBPR is set, and keeps it for later", () => {
    write(ICC.BPR0_EL1, 4);
    write(ICC.BPR1_EL1, 3);
    write(ICC.CTLR_EL1, 1);
    expect(read(ICC.BPR1_EL1)).toBe(5);
    write(ICC.BPR1_EL1, 7);
    write(ICC.BPR0_EL1, 7);
    expect(read(ICC.BPR1_EL1)).toBe(7);
    write(ICC.CTLR_EL1, 0);
    expect(read(ICC.BPR1_EL1)).toBe(3);
  });

  it("leaves registers undefined that do not exist, or not for that direction", () => {
    const absent = [
      systemRegister(3, 0, 12, 8, 5),
      systemRegister(3, 0, 12, 9, 1),
      systemRegister(3, 0, 0, 0, 0),
    ];
    for (const register of absent) {
      expect(gic.readSystemRegister(0, register)).toBeUndefined();
      expect(gic.writeSystemRegister(0, register, 0n)).toBe(false);
    }
    const readOnly = [ICC.IAR0_EL1, ICC.IAR1_EL1, ICC.HPPIR0_EL1, ICC.HPPIR1_EL1, ICC.RPR_EL1];
    for (const register of readOnly) expect(gic.writeSystemRegister(0, register, 0n)).toBe(false);
    const writeOnly = [
      ICC.EOIR0_EL1,
      ICC.EOIR1_EL1,
      ICC.DIR_EL1,
      ICC.SGI0R_EL1,
      ICC.SGI1R_EL1,
      ICC.ASGI1R_EL1,
    ];
    for (const register of writeOnly) expect(gic.readSystemRegister(0, register)).toBeUndefined();
  });
});

describe("GICv3 routing", () => {
  it("sends an SPI to the CPU of its route only", () => {
    enable(33);
    gic.setSpi(33, true);
    expect([0, 1, 2, 3].map(irq)).toEqual([true, false, false, false]);
    gic.distributor.write(GICD.IROUTER + 33 * 8, 8, 2n);
    expect([0, 1, 2, 3].map(irq)).toEqual([false, false, true, false]);
    expect(gic.distributor.read(GICD.IROUTER + 33 * 8, 8)).toBe(2n);
  });

  it("keeps an SPI pending that is routed to a CPU that does not exist", () => {
    enable(33);
    gic.distributor.write(GICD.IROUTER + 33 * 8, 8, 0x1_0000_0000n);
    gic.setSpi(33, true);
    expect([0, 1, 2, 3].map(irq)).toEqual([false, false, false, false]);
    D(GICD.IROUTER + 33 * 8 + 4, 0);
    expect(irq(0)).toBe(true);
  });

  it("has no 1-of-N routing and no route for private interrupts", () => {
    gic.distributor.write(GICD.IROUTER + 33 * 8, 8, 0x8000_0001n);
    expect(gic.distributor.read(GICD.IROUTER + 33 * 8, 8)).toBe(1n);
    gic.distributor.write(GICD.IROUTER + 5 * 8, 8, 1n);
    expect(gic.distributor.read(GICD.IROUTER + 5 * 8, 8)).toBe(0n);
  });

  it("reads private interrupts as zero in the distributor", () => {
    expect(d(GICD.ISENABLER)).toBe(0);
    D(GICD.ISENABLER, 0xffff_ffff);
    expect(r(0, SGI + GICD.ISENABLER)).toBe(0xffff);
  });
});

describe("GICv3 handling", () => {
  it("acknowledges and ends a PPI", () => {
    R(1, SGI + GICD.ISENABLER, 1 << 27);
    gic.setPpi(1, 27, true);
    expect([irq(0), irq(1)]).toEqual([false, true]);
    expect(read(ICC.HPPIR1_EL1, 1)).toBe(27);
    expect(read(ICC.IAR1_EL1, 1)).toBe(27);
    expect([read(ICC.RPR_EL1, 1), read(ICC.AP1R0_EL1, 1)]).toEqual([0xa0, 1 << 20]);
    expect(r(1, SGI + GICD.ISACTIVER)).toBe(1 << 27);
    gic.setPpi(1, 27, false);
    write(ICC.EOIR1_EL1, 27, 1);
    expect([read(ICC.RPR_EL1, 1), r(1, SGI + GICD.ISACTIVER)]).toEqual([0xff, 0]);
    expect(read(ICC.IAR1_EL1, 1)).toBe(1023);
  });

  it("signals group 0 as FIQ and answers it through group 0's registers only", () => {
    D(GICD.IGROUPR + 4, 0);
    write(ICC.IGRPEN0_EL1, 1);
    enable(33);
    gic.setSpi(33, true);
    expect(gic.pending(0)).toEqual({ irq: false, fiq: true });
    expect([read(ICC.IAR1_EL1), read(ICC.HPPIR1_EL1)]).toEqual([1023, 1023]);
    expect(read(ICC.HPPIR0_EL1)).toBe(33);
    expect(read(ICC.IAR0_EL1)).toBe(33);
    gic.setSpi(33, false);
    write(ICC.EOIR1_EL1, 33);
    expect(read(ICC.RPR_EL1)).toBe(0xa0);
    write(ICC.EOIR0_EL1, 33);
    expect(read(ICC.RPR_EL1)).toBe(0xff);
  });

  const gates: { gate: string; close: () => void; open: () => void }[] = [
    { gate: "GICD_CTLR", close: () => D(GICD.CTLR, 1), open: () => D(GICD.CTLR, 2) },
    { gate: "ICC_IGRPEN1", close: () => write(ICC.IGRPEN1_EL1, 0), open: () => write(ICC.IGRPEN1_EL1, 1) },
    { gate: "ICC_PMR", close: () => write(ICC.PMR_EL1, 0xa0), open: () => write(ICC.PMR_EL1, 0xff) },
    { gate: "ICENABLER", close: () => D(GICD.ICENABLER + 4, 2), open: () => enable(33) },
    { gate: "ISACTIVER", close: () => D(GICD.ISACTIVER + 4, 2), open: () => D(GICD.ICACTIVER + 4, 2) },
    { gate: "IGROUPR", close: () => D(GICD.IGROUPR + 4, 0), open: () => D(GICD.IGROUPR + 4, 2) },
  ];
  it.each(gates)("$gate can keep an interrupt back", ({ close, open }) => {
    enable(33);
    gic.setSpi(33, true);
    expect(irq()).toBe(true);
    close();
    expect(gic.pending(0)).toEqual({ irq: false, fiq: false });
    open();
    expect(irq()).toBe(true);
  });

  it("splits the end in two with EOImode", () => {
    write(ICC.CTLR_EL1, 2);
    expect(read(ICC.CTLR_EL1) & 3).toBe(2);
    enable(33);
    gic.setSpi(33, true);
    expect(read(ICC.IAR1_EL1)).toBe(33);
    write(ICC.EOIR1_EL1, 33);
    expect([read(ICC.RPR_EL1), irq(), d(GICD.ISACTIVER + 4)]).toEqual([0xff, false, 2]);
    write(ICC.DIR_EL1, 33);
    expect(irq()).toBe(true);
  });

  it("preempts with a pseudo-NMI's priority while PMR masks the rest", () => {
    enable(33);
    enable(34);
    gic.distributor.write(GICD.IPRIORITYR + 34, 1, 0x20n);
    gic.setSpi(33, true);
    expect(read(ICC.IAR1_EL1)).toBe(33);
    write(ICC.PMR_EL1, 0x60);
    gic.setSpi(34, true);
    expect(irq()).toBe(true);
    expect(read(ICC.IAR1_EL1)).toBe(34);
    expect(read(ICC.RPR_EL1)).toBe(0x20);
    write(ICC.EOIR1_EL1, 34);
    expect(read(ICC.RPR_EL1)).toBe(0xa0);
  });

  it("ignores the end of special and unknown interrupts", () => {
    enable(33);
    gic.setSpi(33, true);
    expect(read(ICC.IAR1_EL1)).toBe(33);
    for (const intid of [1020, 1023, 500, 0xff_ffff]) write(ICC.EOIR1_EL1, intid);
    expect(read(ICC.RPR_EL1)).toBe(0xa0);
  });
});

describe("GICv3 software-generated interrupts", () => {
  const pendingSgis = () => [0, 1, 2, 3].map((cpu) => r(cpu, SGI + GICD.ISPENDR));

  // Value written to ICC_SGI1R_EL1 by CPU 1, and the CPUs that get it.
  const table: { name: string; value: bigint; cpus: number[] }[] = [
    { name: "a list", value: (7n << 24n) | 0b1101n, cpus: [0, 2, 3] },
    { name: "itself", value: (7n << 24n) | 0b0010n, cpus: [1] },
    { name: "all others", value: (7n << 24n) | (1n << 40n), cpus: [0, 2, 3] },
    { name: "CPUs that do not exist", value: (7n << 24n) | 0xfff0n, cpus: [] },
    { name: "another cluster (Aff1)", value: (7n << 24n) | (1n << 16n) | 0xfn, cpus: [] },
    { name: "another cluster (Aff3)", value: (7n << 24n) | (1n << 48n) | 0xfn, cpus: [] },
    { name: "another range (RS)", value: (7n << 24n) | (1n << 44n) | 0xfn, cpus: [] },
  ];
  it.each(table)("go to $name", ({ value, cpus }) => {
    write(ICC.SGI1R_EL1, value, 1);
    expect(pendingSgis()).toEqual([0, 1, 2, 3].map((cpu) => (cpus.includes(cpu) ? 1 << 7 : 0)));
    expect([0, 1, 2, 3].filter(irq)).toEqual(cpus);
  });

  it("reach group 0 through every register and group 1 through ICC_SGI1R only", () => {
    R(2, SGI + GICD.IGROUPR, 0xffff_fffe);
    const sent: [number, number][] = [
      [ICC.SGI0R_EL1, 1],
      [ICC.ASGI1R_EL1, 1],
      [ICC.SGI1R_EL1, 3],
    ];
    for (const [register, expected] of sent) {
      R(2, SGI + 0x280, 0xffff);
      write(register, 4);
      write(register, (1n << 24n) | 4n);
      expect(r(2, SGI + GICD.ISPENDR)).toBe(expected);
    }
  });

  it("are edge-triggered whatever is written, and are acknowledged once", () => {
    R(0, SGI + GICD.ICFGR, 0);
    expect(r(0, SGI + GICD.ICFGR)).toBe(0xaaaa_aaaa);
    write(ICC.SGI1R_EL1, 1);
    expect(read(ICC.IAR1_EL1)).toBe(0);
    write(ICC.EOIR1_EL1, 0);
    expect(irq()).toBe(false);
  });
});
