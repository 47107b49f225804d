import { beforeEach, describe, expect, it } from "vitest";
import { InterruptControllerError } from "../../../src/machine/gic/gicCore.ts";
import { Gicv2 } from "../../../src/machine/gic/gicv2.ts";

const GICD = {
  CTLR: 0,
  TYPER: 4,
  IGROUPR: 0x80,
  ISENABLER: 0x100,
  ICENABLER: 0x180,
  ISPENDR: 0x200,
  ICPENDR: 0x280,
  ISACTIVER: 0x300,
  ICACTIVER: 0x380,
  IPRIORITYR: 0x400,
  ITARGETSR: 0x800,
  ICFGR: 0xc00,
  SGIR: 0xf00,
  CPENDSGIR: 0xf10,
  SPENDSGIR: 0xf20,
};
const GICC = {
  CTLR: 0,
  PMR: 4,
  BPR: 8,
  IAR: 0xc,
  EOIR: 0x10,
  RPR: 0x14,
  HPPIR: 0x18,
  ABPR: 0x1c,
  AIAR: 0x20,
  AEOIR: 0x24,
  DIR: 0x1000,
};

let gic: Gicv2;
const d = (offset: number, cpu = 0) => Number(gic.distributor.read(offset, 4, cpu));
const D = (offset: number, value: number, cpu = 0) =>
  gic.distributor.write(offset, 4, BigInt(value >>> 0), cpu);
const c = (offset: number, cpu = 0) => Number(gic.cpuInterface.read(offset, 4, cpu));
const C = (offset: number, value: number, cpu = 0) =>
  gic.cpuInterface.write(offset, 4, BigInt(value >>> 0), cpu);
const byte = (offset: number, value: number, cpu = 0) => gic.distributor.write(offset, 1, BigInt(value), cpu);
const irq = (cpu = 0) => gic.pending(cpu).irq;

function enable(intid: number, cpu = 0): void {
  D(GICD.ISENABLER + (intid >> 5) * 4, 1 << (intid & 31), cpu);
}

/** As Linux's irq-gic.c sets up two CPUs: all SPIs level, priority 0xa0, to CPU 0; interfaces on at PMR 0xf0. */
beforeEach(() => {
  gic = new Gicv2(2);
  for (let intid = 32; intid < 288; intid += 4) {
    D(GICD.ITARGETSR + intid, 0x0101_0101);
    D(GICD.IPRIORITYR + intid, 0xa0a0_a0a0);
  }
  D(GICD.CTLR, 1);
  for (const cpu of [0, 1]) {
    for (let intid = 0; intid < 32; intid += 4) D(GICD.IPRIORITYR + intid, 0xa0a0_a0a0, cpu);
    C(GICC.PMR, 0xf0, cpu);
    C(GICC.CTLR, 1, cpu);
  }
});

describe("GICv2 identification", () => {
  it("is a GICv2 with 288 interrupts and the CPUs it has, each of which learns its number from ITARGETSR0", () => {
    expect(d(GICD.TYPER)).toBe((1 << 5) | 8);
    expect(d(0xfe8) & 0xf0).toBe(0x20);
    expect([d(GICD.ITARGETSR, 0), d(GICD.ITARGETSR, 1)]).toEqual([0x0101_0101, 0x0202_0202]);
    expect(c(0xfc) & 0xf_0fff).toBe(0x2_043b);
  });

  it("refuses wrong CPUs, interrupts and numbers of them", () => {
    expect(() => new Gicv2(9)).toThrow(InterruptControllerError);
    expect(() => new Gicv2(0)).toThrow(/1 to 8/);
    expect(() => new Gicv2(1, 100)).toThrow(/multiple of 32/);
    expect(() => gic.setSpi(31, true)).toThrow(/no SPI/);
    expect(() => gic.setSpi(288, true)).toThrow(/no SPI/);
    expect(() => gic.setPpi(0, 15, true)).toThrow(/no PPI/);
    expect(() => gic.setPpi(2, 16, true)).toThrow(/CPU 2/);
    expect(() => gic.pending(-1)).toThrow(InterruptControllerError);
  });
});

describe("GICv2 signalling", () => {
  it("signals a level-sensitive SPI while its line is high: IAR, EOIR, again", () => {
    enable(33);
    gic.setSpi(33, true);
    expect(irq()).toBe(true);
    expect(c(GICC.HPPIR)).toBe(33);
    expect(c(GICC.IAR)).toBe(33);
    expect(irq()).toBe(false);
    expect(c(GICC.RPR)).toBe(0xa0);
    C(GICC.EOIR, 33);
    expect(irq()).toBe(true);
    expect(c(GICC.IAR)).toBe(33);
    gic.setSpi(33, false);
    C(GICC.EOIR, 33);
    expect(irq()).toBe(false);
    expect(c(GICC.IAR)).toBe(1023);
    expect(c(GICC.RPR)).toBe(0xff);
  });

  it("signals an edge once, and a second edge during handling once more", () => {
    enable(40);
    D(GICD.ICFGR + 8, 2 << 16);
    gic.setSpi(40, true);
    gic.setSpi(40, false);
    expect(c(GICC.IAR)).toBe(40);
    gic.setSpi(40, true);
    expect(d(GICD.ISPENDR + 4)).toBe(1 << 8);
    expect(irq()).toBe(false);
    C(GICC.EOIR, 40);
    expect(irq()).toBe(true);
    expect(c(GICC.IAR)).toBe(40);
    C(GICC.EOIR, 40);
    expect(irq()).toBe(false);
  });

  // Each row: a state in which SPI 33 is pending but something keeps it from CPU 0, and what lets it through.
  const gates: { gate: string; close: () => void; open: () => void }[] = [
    { gate: "GICD_CTLR", close: () => D(GICD.CTLR, 0), open: () => D(GICD.CTLR, 1) },
    { gate: "GICC_CTLR", close: () => C(GICC.CTLR, 0), open: () => C(GICC.CTLR, 1) },
    { gate: "GICC_PMR", close: () => C(GICC.PMR, 0xa0), open: () => C(GICC.PMR, 0xa8) },
    { gate: "ICENABLER", close: () => D(GICD.ICENABLER + 4, 2), open: () => D(GICD.ISENABLER + 4, 2) },
    {
      gate: "ITARGETSR",
      close: () => byte(GICD.ITARGETSR + 33, 2),
      open: () => byte(GICD.ITARGETSR + 33, 3),
    },
    { gate: "ISACTIVER", close: () => D(GICD.ISACTIVER + 4, 2), open: () => D(GICD.ICACTIVER + 4, 2) },
    { gate: "IGROUPR", close: () => D(GICD.IGROUPR + 4, 2), open: () => D(GICD.IGROUPR + 4, 0) },
    {
      gate: "IPRIORITYR",
      close: () => byte(GICD.IPRIORITYR + 33, 0xf0),
      open: () => byte(GICD.IPRIORITYR + 33, 0xe8),
    },
  ];
  it.each(gates)("$gate can keep an interrupt back", ({ close, open }) => {
    enable(33);
    gic.setSpi(33, true);
    expect(irq()).toBe(true);
    close();
    expect(irq()).toBe(false);
    expect(d(GICD.ISPENDR + 4)).toBe(2);
    open();
    expect(irq()).toBe(true);
  });

  it("tells of each change of an input, once, after it has happened", () => {
    const seen: string[] = [];
    gic.onChange = (cpu) => seen.push(`${cpu}:${gic.pending(cpu).irq}`);
    enable(33);
    byte(GICD.ITARGETSR + 33, 3);
    gic.setSpi(33, true);
    gic.setSpi(33, true);
    expect(c(GICC.IAR, 1)).toBe(33);
    gic.setSpi(33, false);
    C(GICC.EOIR, 33, 1);
    expect(seen).toEqual(["0:true", "1:true", "0:false", "1:false"]);
  });

  it("keeps each CPU's PPIs and their settings apart", () => {
    enable(27, 1);
    gic.setPpi(0, 27, true);
    gic.setPpi(1, 27, true);
    expect([irq(0), irq(1)]).toEqual([false, true]);
    expect(c(GICC.IAR, 1)).toBe(27);
    expect([d(GICD.ISACTIVER, 0), d(GICD.ISACTIVER, 1)]).toEqual([0, 1 << 27]);
  });

  it("answers the more urgent first, the lower INTID among equals", () => {
    for (const intid of [33, 34, 50]) {
      enable(intid);
      gic.setSpi(intid, true);
    }
    byte(GICD.IPRIORITYR + 50, 0x40);
    expect([c(GICC.IAR), c(GICC.IAR)]).toEqual([50, 1023]);
    C(GICC.EOIR, 50);
    gic.setSpi(50, false);
    expect(c(GICC.IAR)).toBe(33);
  });

  it("preempts by group priority and comes back", () => {
    enable(33);
    enable(50);
    byte(GICD.IPRIORITYR + 50, 0x98);
    gic.setSpi(33, true);
    expect(c(GICC.IAR)).toBe(33);
    gic.setSpi(50, true);
    expect(irq()).toBe(true);
    C(GICC.BPR, 4);
    expect(irq()).toBe(true);
    byte(GICD.IPRIORITYR + 50, 0x80);
    C(GICC.BPR, 6);
    expect(irq()).toBe(false);
    C(GICC.BPR, 2);
    expect(c(GICC.IAR)).toBe(50);
    expect(c(GICC.RPR)).toBe(0x80);
    gic.setSpi(50, false);
    C(GICC.EOIR, 50);
    expect(c(GICC.RPR)).toBe(0xa0);
  });

  it("splits priority drop and deactivation with EOImode", () => {
    C(GICC.CTLR, 1 | (1 << 9));
    enable(33);
    gic.setSpi(33, true);
    expect(c(GICC.IAR)).toBe(33);
    C(GICC.EOIR, 33);
    expect(c(GICC.RPR)).toBe(0xff);
    expect(d(GICD.ISACTIVER + 4)).toBe(2);
    expect(irq()).toBe(false);
    C(GICC.DIR, 33);
    expect(irq()).toBe(true);
    C(GICC.CTLR, 1);
    expect(c(GICC.IAR)).toBe(33);
    C(GICC.DIR, 33);
    expect(d(GICD.ISACTIVER + 4)).toBe(2);
  });

  it("lets software set and clear pending, but not against a high level", () => {
    enable(33);
    D(GICD.ISPENDR + 4, 2);
    expect(irq()).toBe(true);
    D(GICD.ICPENDR + 4, 2);
    expect(irq()).toBe(false);
    gic.setSpi(33, true);
    D(GICD.ICPENDR + 4, 2);
    expect(irq()).toBe(true);
    D(GICD.ISPENDR + 4, 2);
    gic.setSpi(33, false);
    expect(irq()).toBe(true);
    expect(c(GICC.IAR)).toBe(33);
    expect(d(GICD.ISPENDR + 4)).toBe(0);
  });
});

describe("GICv2 groups", () => {
  beforeEach(() => {
    enable(33);
    D(GICD.IGROUPR + 4, 2);
    D(GICD.CTLR, 3);
    gic.setSpi(33, true);
  });

  it("shows group 1 as 1022 unless AckCtl or the alias asks for it", () => {
    C(GICC.CTLR, 3);
    expect(irq()).toBe(true);
    expect(c(GICC.IAR)).toBe(1022);
    expect(c(GICC.AIAR)).toBe(33);
    C(GICC.AEOIR, 33);
    C(GICC.CTLR, 7);
    expect(c(GICC.IAR)).toBe(33);
    C(GICC.EOIR, 33);
  });

  it("signals group 0 as FIQ with FIQEn", () => {
    D(GICD.IGROUPR + 4, 0);
    C(GICC.CTLR, 3 | 8);
    expect(gic.pending(0)).toEqual({ irq: false, fiq: true });
    D(GICD.IGROUPR + 4, 2);
    expect(gic.pending(0)).toEqual({ irq: true, fiq: false });
  });

  it("does not let a disabled group's interrupt hide the other's", () => {
    enable(34);
    byte(GICD.IPRIORITYR + 33, 0);
    gic.setSpi(34, true);
    C(GICC.CTLR, 1);
    expect(c(GICC.IAR)).toBe(34);
  });
});

describe("GICv2 software-generated interrupts", () => {
  it("go to a list, to all others, or to the sender, and carry its number", () => {
    D(GICD.SGIR, (1 << 24) | 3, 0);
    expect([irq(0), irq(1)]).toEqual([false, true]);
    expect(c(GICC.IAR, 1)).toBe(3);
    C(GICC.EOIR, 3, 1);
    D(GICD.SGIR, (3 << 16) | 5, 1);
    expect(c(GICC.IAR, 0)).toBe(5 | (1 << 10));
    expect(c(GICC.IAR, 1)).toBe(5 | (1 << 10));
    C(GICC.EOIR, 5 | (1 << 10), 0);
    D(GICD.SGIR, (2 << 24) | 7, 0);
    expect(c(GICC.IAR, 0)).toBe(7);
  });

  it("are pending once for each sender", () => {
    D(GICD.SGIR, (1 << 16) | 2, 0);
    D(GICD.SGIR, (1 << 16) | 2, 1);
    expect(d(GICD.SPENDSGIR, 0)).toBe(3 << 16);
    expect(c(GICC.IAR)).toBe(2);
    expect(irq()).toBe(false);
    C(GICC.EOIR, 2);
    expect(c(GICC.IAR)).toBe(2 | (1 << 10));
    C(GICC.EOIR, 2 | (1 << 10));
    expect(irq()).toBe(false);
  });

  it("are enabled always, edge-triggered always, and set and cleared through their own registers", () => {
    D(GICD.ICENABLER, 0xffff_ffff);
    expect(d(GICD.ISENABLER)).toBe(0xffff);
    D(GICD.ICFGR, 0);
    expect(d(GICD.ICFGR)).toBe(0xaaaa_aaaa);
    D(GICD.ISPENDR, 1);
    expect(irq()).toBe(false);
    byte(GICD.SPENDSGIR + 9, 2);
    expect(c(GICC.HPPIR)).toBe(9 | (1 << 10));
    byte(GICD.CPENDSGIR + 9, 2);
    expect(irq()).toBe(false);
  });
});

describe("a GICv2 of one CPU", () => {
  it("has no target registers and sends everything to that CPU", () => {
    gic = new Gicv2(1);
    D(GICD.ITARGETSR + 32, 0);
    expect([d(GICD.ITARGETSR), d(GICD.ITARGETSR + 32)]).toEqual([0, 0]);
    D(GICD.CTLR, 1);
    C(GICC.CTLR, 1);
    C(GICC.PMR, 0xff);
    enable(33);
    gic.setSpi(33, true);
    expect(irq()).toBe(true);
  });
});
