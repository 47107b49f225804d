import { describe, expect, it } from "vitest";
import { readRegime } from "../../../../src/cpu/arm64/translation/regime.ts";
import {
  rights,
  type Translation,
  type WalkFault,
  walk,
} from "../../../../src/cpu/arm64/translation/walk.ts";
import { attribute, firstLevel, granules, TableBuilder, type TcrFields, tcr } from "../support/tables.ts";

const ON = 1n;
const WXN = 1n << 19n;
const TABLES = 0x10_0000;
const status = { addressSize: 0, translation: 4, accessFlag: 8, externalOnWalk: 0x14 } as const;

interface Setup extends TcrFields {
  readonly sctlr?: bigint;
  readonly mair?: bigint;
  readonly physicalBits?: number;
  /** Replaces TTBR0. */
  readonly ttbr0?: bigint;
}

/** Memory that holds descriptors, and a walk over it. */
class Memory {
  readonly words = new Map<number, bigint>();
  /** Descriptors read, in order. */
  readonly reads: number[] = [];
  readonly low: TableBuilder;
  readonly high: TableBuilder;

  constructor(granuleBits = 12, lowBits = 48, highBits = lowBits) {
    const write = (address: number, value: bigint): void => {
      this.words.set(address, value);
    };
    this.low = new TableBuilder(write, TABLES, granuleBits, lowBits);
    this.high = new TableBuilder(write, TABLES + 0x100_0000, granuleBits, highBits);
  }

  walk(va: bigint, setup: Setup = {}): Translation | WalkFault {
    const regime = readRegime({
      sctlr: setup.sctlr ?? ON,
      tcr: tcr(setup),
      ttbr0: setup.ttbr0 ?? BigInt(this.low.root),
      ttbr1: BigInt(this.high.root),
      mair: setup.mair ?? 0xffn,
      physicalBits: setup.physicalBits ?? 44,
    });
    this.reads.length = 0;
    return walk(regime, BigInt.asUintN(64, va), (address) => {
      this.reads.push(address);
      if (address >= 0x1000_0000) return undefined;
      const value = this.words.get(address) ?? 0n;
      return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
    });
  }
}

const HIGH = 0xffff_0000_0000_0000n;

describe("walk: granules, sizes and levels", () => {
  for (const granule of granules) {
    for (let tsz = 16; tsz <= 39; tsz++) {
      const bits = 64 - tsz;
      it(`${granule.name}, ${bits}-bit input: pages from level ${firstLevel(granule.bits, bits)}, first and last address, both halves`, () => {
        const memory = new Memory(granule.bits, bits);
        const setup = { granule, t0sz: tsz, t1sz: tsz };
        const size = 2 ** granule.bits;
        const last = (1n << BigInt(bits)) - BigInt(size);
        const base = BigInt.asUintN(64, -(1n << BigInt(bits)));
        const cases = [
          { table: memory.low, va: 0n, pa: size * 16 },
          { table: memory.low, va: last, pa: size * 17 },
          { table: memory.high, va: base, pa: size * 18 },
          { table: memory.high, va: base + last, pa: size * 19 },
        ];
        for (const { table, va, pa } of cases) table.map(va, pa);
        for (const { va, pa } of cases) {
          const levels = 4 - firstLevel(granule.bits, bits);
          expect(memory.walk(va, setup)).toMatchObject({ page: pa, level: 3, blockBits: granule.bits });
          expect(memory.reads).toHaveLength(levels);
          expect(memory.walk(va + BigInt(size - 1), setup)).toMatchObject({ page: pa + size - 0x1000 });
        }
        // The addresses next to the ends belong to neither half.
        for (const va of [last + BigInt(size), base - 1n]) {
          expect(memory.walk(va, setup)).toEqual({ kind: "fault", status: status.translation });
          expect(memory.reads).toEqual([]);
        }
      });
    }
  }

  it.each([
    ["4 KiB", 1, 30],
    ["4 KiB", 2, 21],
    ["16 KiB", 2, 25],
    ["64 KiB", 2, 29],
  ] as const)("%s: a block at level %i maps 2^%i bytes", (name, level, blockBits) => {
    const granule = granules.find((each) => each.name === name) ?? granules[0];
    const memory = new Memory(granule.bits);
    const pa = 3 * 2 ** blockBits;
    memory.low.map(1n << BigInt(blockBits), pa, 0n, level);
    const inside = 2 ** blockBits - 0x3000;
    expect(memory.walk((1n << BigInt(blockBits)) + BigInt(inside) + 5n, { granule })).toMatchObject({
      kind: "translation",
      page: pa + inside,
      level,
      blockBits,
    });
  });

  it.each([
    ["4 KiB", 0],
    ["16 KiB", 0],
    ["16 KiB", 1],
    ["64 KiB", 1],
  ] as const)("%s: a block descriptor at level %i is a translation fault", (name, level) => {
    const granule = granules.find((each) => each.name === name) ?? granules[0];
    const memory = new Memory(granule.bits);
    memory.low.map(0n, 0, 0n, level);
    expect(memory.walk(0n, { granule })).toEqual({ kind: "fault", status: status.translation | level });
  });

  it("a level 3 descriptor of type 1 is a translation fault", () => {
    const memory = new Memory();
    memory.low.set(memory.low.at(0n, 3), attribute.accessed | 1n);
    expect(memory.walk(0n)).toEqual({ kind: "fault", status: status.translation | 3 });
  });

  it("output address bits that a block's or page's size covers are ignored", () => {
    const memory = new Memory(16);
    memory.low.map(0n, 0x7_f000, 0n, 3);
    expect(memory.walk(0x1_0000n - 1n, { granule: granules[2] })).toMatchObject({ page: 0x7_f000 });
  });

  it("the contiguous hint changes nothing", () => {
    const memory = new Memory();
    memory.low.map(0n, 0x5000, attribute.contiguous);
    expect(memory.walk(0n)).toMatchObject({ page: 0x5000, blockBits: 12 });
    expect(memory.walk(0x1000n)).toEqual({ kind: "fault", status: status.translation | 3 });
  });

  it("TnSZ outside 16–39 counts as the nearest of them", () => {
    const memory = new Memory(12, 25);
    memory.low.map(0x1ff_f000n, 0x5000);
    expect(memory.walk(0x1ff_f000n, { t0sz: 45 })).toMatchObject({ page: 0x5000 });
    const wide = new Memory(12, 48);
    wide.low.map(0xffff_ffff_f000n, 0x5000);
    expect(wide.walk(0xffff_ffff_f000n, { t0sz: 3 })).toMatchObject({ page: 0x5000 });
  });

  it("a reserved granule counts as 4 KiB", () => {
    const memory = new Memory();
    memory.low.map(0x1000n, 0x5000);
    const regime = readRegime({
      sctlr: ON,
      tcr: tcr() | (3n << 14n),
      ttbr0: BigInt(memory.low.root),
      ttbr1: 0n,
      mair: 0xffn,
      physicalBits: 44,
    });
    expect(regime.low.granule).toBe(12);
    expect(regime.high.granule).toBe(12);
  });

  it("the first table may be smaller than a page, and is aligned to its size", () => {
    // 25 bits of 4 KiB pages: 16 entries at level 2, 128 bytes.
    const memory = new Memory(12, 25);
    const root = TABLES + 0x80;
    memory.words.set(root + 15 * 8, 0x20_0000n | attribute.block | attribute.accessed);
    for (const low of [0n, 1n, 0x7fn]) {
      expect(memory.walk(0x1ff_f000n, { t0sz: 39, ttbr0: BigInt(root) | low })).toMatchObject({
        page: 0x3f_f000,
        level: 2,
      });
    }
  });

  it("the ASID in TTBRn is no part of the table's address", () => {
    const memory = new Memory();
    memory.low.map(0n, 0x5000);
    const ttbr0 = BigInt(memory.low.root) | (0xabcdn << 48n);
    expect(memory.walk(0n, { ttbr0 })).toMatchObject({ page: 0x5000 });
  });
});

describe("walk: faults", () => {
  for (const granule of granules) {
    const first = firstLevel(granule.bits, 48);
    for (let level = first; level <= 3; level++) {
      it(`${granule.name}: an invalid descriptor at level ${level} is a translation fault of that level`, () => {
        const memory = new Memory(granule.bits);
        memory.low.set(memory.low.at(0n, level), 0xffff_ffff_fffen);
        expect(memory.walk(0n, { granule })).toEqual({ kind: "fault", status: status.translation | level });
      });
    }
  }

  it("the access flag is checked in pages and blocks, at their level", () => {
    const memory = new Memory();
    memory.low.set(memory.low.at(0n, 3), 0x5000n | attribute.page);
    memory.low.set(memory.low.at(1n << 21n, 2), (1n << 21n) | attribute.block);
    memory.low.set(memory.low.at(1n << 30n, 1), (1n << 30n) | attribute.block);
    expect(memory.walk(0n)).toEqual({ kind: "fault", status: status.accessFlag | 3 });
    expect(memory.walk(1n << 21n)).toEqual({ kind: "fault", status: status.accessFlag | 2 });
    expect(memory.walk(1n << 30n)).toEqual({ kind: "fault", status: status.accessFlag | 1 });
  });

  it("EPDn: no table is read, translation fault of level 0", () => {
    const memory = new Memory();
    memory.low.map(0n, 0x5000);
    memory.high.map(HIGH, 0x6000);
    expect(memory.walk(0n, { epd0: true })).toEqual({ kind: "fault", status: status.translation });
    expect(memory.reads).toEqual([]);
    expect(memory.walk(HIGH, { epd0: true })).toMatchObject({ page: 0x6000 });
    expect(memory.walk(HIGH, { epd1: true })).toEqual({ kind: "fault", status: status.translation });
    expect(memory.walk(0n, { epd1: true })).toMatchObject({ page: 0x5000 });
  });

  it.each([
    [0, 32],
    [1, 36],
    [2, 40],
    [3, 42],
    [4, 44],
    [5, 44],
    [6, 44],
  ])("IPS %i: outputs of more than %i bits are address size faults", (ips, bits) => {
    const memory = new Memory();
    const beyond = 2 ** bits;
    memory.low.map(0x0000n, beyond - 0x1000);
    memory.low.map(0x1000n, beyond);
    memory.low.map(1n << 21n, beyond, 0n, 2);
    memory.low.set(memory.low.at(1n << 22n, 2), BigInt(beyond) | attribute.table);
    expect(memory.walk(0n, { ips })).toMatchObject({ page: beyond - 0x1000 });
    expect(memory.walk(0x1000n, { ips })).toEqual({ kind: "fault", status: status.addressSize | 3 });
    expect(memory.walk(1n << 21n, { ips })).toEqual({ kind: "fault", status: status.addressSize | 2 });
    // A table at such an address.
    expect(memory.walk(1n << 22n, { ips })).toEqual({ kind: "fault", status: status.addressSize | 2 });
  });

  it("a first table beyond the output size is an address size fault of level 0", () => {
    const memory = new Memory();
    expect(memory.walk(0n, { ips: 0, ttbr0: 1n << 32n })).toEqual({
      kind: "fault",
      status: status.addressSize,
    });
  });

  it("a table where nothing answers is an external abort on the walk, at its level", () => {
    const memory = new Memory();
    memory.low.set(memory.low.at(0n, 1), 0x2000_0000n | attribute.table);
    expect(memory.walk(0n)).toEqual({
      kind: "fault",
      status: status.externalOnWalk | 2,
      table: 0x2000_0000,
    });
    expect(memory.walk(0n, { ttbr0: 0x3000_0000n })).toMatchObject({ status: status.externalOnWalk });
  });

  it("an access flag that is clear comes before permissions, an address size fault before it", () => {
    const memory = new Memory();
    memory.low.set(memory.low.at(0n, 3), (1n << 44n) | attribute.page);
    expect(memory.walk(0n)).toEqual({ kind: "fault", status: status.addressSize | 3 });
  });
});

const all = { r0: 1, w0: 2, x0: 4, r1: 8, w1: 16, x1: 32 } as const;
const named = (bits: number): string =>
  Object.entries(all)
    .flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]))
    .join(" ");

describe("walk: permissions", () => {
  const { el0, readOnly, uxn, pxn, uxnTable, pxnTable, el0NoAccessTable, readOnlyTable } = attribute;
  // Arm ARM D8.4: AP[2:1], UXN, PXN; what is writable at EL0 is never executable at EL1.
  const leaf: readonly [string, bigint, string, string][] = [
    ["EL1 only, writable", 0n, "x0 r1 w1 x1", "x0 r1 w1"],
    ["EL0 too, writable", el0, "r0 w0 x0 r1 w1", "r0 w0 r1 w1"],
    ["EL1 only, read-only", readOnly, "x0 r1 x1", "x0 r1 x1"],
    ["EL0 too, read-only", el0 | readOnly, "r0 x0 r1 x1", "r0 x0 r1 x1"],
    ["UXN", uxn, "r1 w1 x1", "r1 w1"],
    ["PXN", pxn, "x0 r1 w1", "x0 r1 w1"],
    ["both, EL0 too", uxn | pxn | el0, "r0 w0 r1 w1", "r0 w0 r1 w1"],
    ["both, read-only", uxn | pxn | readOnly, "r1", "r1"],
  ];
  it.each(leaf)("%s", (_, bits, expected, expectedWithWxn) => {
    const memory = new Memory();
    memory.low.map(0n, 0x5000, bits);
    memory.low.map(1n << 30n, 1 << 30, bits, 1);
    for (const va of [0n, 1n << 30n]) {
      const plain = memory.walk(va);
      expect(plain.kind === "translation" ? named(plain.rights) : plain).toBe(expected);
      const wxn = memory.walk(va, { sctlr: ON | WXN });
      expect(wxn.kind === "translation" ? named(wxn.rights) : wxn).toBe(expectedWithWxn);
    }
  });

  const tables: readonly [string, bigint, bigint, string][] = [
    ["APTable[0] takes EL0's access", el0NoAccessTable, el0, "x0 r1 w1 x1"],
    ["APTable[1] takes writing", readOnlyTable, el0, "r0 x0 r1 x1"],
    ["both", readOnlyTable | el0NoAccessTable, el0, "x0 r1 x1"],
    ["UXNTable", uxnTable, 0n, "r1 w1 x1"],
    ["PXNTable", pxnTable, 0n, "x0 r1 w1"],
    ["all", uxnTable | pxnTable | readOnlyTable | el0NoAccessTable, el0, "r1"],
  ];
  it.each(tables)("hierarchical: %s, from whatever level", (_, tableBits, leafBits, expected) => {
    for (const level of [0, 1, 2]) {
      const memory = new Memory();
      memory.low.map(0n, 0x5000, leafBits);
      const table = memory.low.at(0n, level);
      memory.low.set(table, (memory.words.get(table) ?? 0n) | tableBits);
      const found = memory.walk(0n);
      expect(found.kind === "translation" ? named(found.rights) : found).toBe(expected);
    }
  });

  it("table attributes in a leaf's place mean nothing", () => {
    const memory = new Memory();
    memory.low.map(0n, 0x5000, readOnlyTable | el0NoAccessTable | uxnTable | pxnTable | el0);
    const found = memory.walk(0n);
    expect(found.kind === "translation" ? named(found.rights) : found).toBe("r0 w0 x0 r1 w1");
  });

  it("nG makes a translation local", () => {
    const memory = new Memory();
    memory.low.map(0n, 0x5000, attribute.notGlobal);
    memory.low.map(0x1000n, 0x5000);
    expect(memory.walk(0n)).toMatchObject({ global: false });
    expect(memory.walk(0x1000n)).toMatchObject({ global: true });
  });

  it("MAIR's byte by AttrIndx says whether it is device memory", () => {
    const memory = new Memory();
    const mair = 0x00_04_08_0c_44_bb_ff_00n;
    const bytes = [0x00, 0xff, 0xbb, 0x44, 0x0c, 0x08, 0x04, 0x00];
    bytes.forEach((attributes, n) => {
      memory.low.map(BigInt(n) << 12n, 0x5000, attribute.index(n) | attribute.innerShareable);
      const found = memory.walk(BigInt(n) << 12n, { mair });
      expect(found).toMatchObject({ attributes, shareability: 3 });
      expect(found.kind === "translation" && (found.rights & rights.device) !== 0).toBe(attributes < 0x10);
    });
  });
});

describe("walk: ignored top bytes", () => {
  it("a tag is ignored with TBIn and a translation fault without", () => {
    const memory = new Memory();
    memory.low.map(0x1000n, 0x5000);
    memory.high.map(HIGH | 0x1000n, 0x6000);
    const low = 0xab00_0000_0000_1000n;
    const high = 0xabff_0000_0000_1000n;
    expect(memory.walk(low, { tbi0: true })).toMatchObject({ page: 0x5000 });
    expect(memory.walk(high, { tbi1: true })).toMatchObject({ page: 0x6000 });
    expect(memory.walk(low, { tbi1: true })).toEqual({ kind: "fault", status: status.translation });
    expect(memory.walk(high, { tbi0: true })).toEqual({ kind: "fault", status: status.translation });
  });

  it("bit 55 chooses the half, and bits 54:48 are not part of the tag", () => {
    const memory = new Memory();
    memory.low.map(0x1000n, 0x5000);
    memory.high.map(HIGH | 0x1000n, 0x6000);
    expect(memory.walk(0x00ff_0000_0000_1000n, { tbi0: true, tbi1: true })).toMatchObject({ page: 0x6000 });
    expect(memory.walk(0xff00_0000_0000_1000n, { tbi0: true, tbi1: true })).toMatchObject({ page: 0x5000 });
    expect(memory.walk(0x0001_0000_0000_1000n, { tbi0: true })).toEqual({
      kind: "fault",
      status: status.translation,
    });
  });
});

describe("walk: with the MMU off", () => {
  const off = { sctlr: 0n } as const;
  it("is flat, of device memory, with every right, and global", () => {
    const memory = new Memory();
    const found = memory.walk(0x1234_5678n, off);
    expect(found).toMatchObject({ kind: "translation", page: 0x1234_5000, global: true });
    expect(found.kind === "translation" ? found.rights : 0).toBe(0x7f);
    expect(memory.reads).toEqual([]);
  });

  it("reaches the whole physical address space whatever TCR_EL1.IPS is, and not beyond", () => {
    const memory = new Memory();
    expect(memory.walk(0xfff_ffff_f000n, { ...off, ips: 0 })).toMatchObject({ page: 0xfff_ffff_f000 });
    for (const va of [1n << 44n, HIGH])
      expect(memory.walk(va, off)).toEqual({ kind: "fault", status: status.addressSize });
  });

  it("ignores a tag where TBI says so", () => {
    const memory = new Memory();
    expect(memory.walk(0xab00_0000_4000_0000n, { ...off, tbi0: true })).toMatchObject({ page: 0x4000_0000 });
    expect(memory.walk(0xab00_0000_4000_0000n, off)).toEqual({ kind: "fault", status: status.addressSize });
  });
});
