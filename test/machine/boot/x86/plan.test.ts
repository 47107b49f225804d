import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acpiTables } from "../../../../src/machine/acpi/tables.ts";
import { guestPhysical } from "../../../../src/machine/address.ts";
import { BOOT_MAP, PC_MAP } from "../../../../src/machine/board/x86PcMap.ts";
import { BootImageError, BootLayoutError } from "../../../../src/machine/boot/bootError.ts";
import { classifyX86Image, isX86Image } from "../../../../src/machine/boot/x86/classify.ts";
import { planX86Boot, planX86Firmware } from "../../../../src/machine/boot/x86/plan.ts";
import type { X86BootPlan } from "../../../../src/machine/boot/x86/protocol.ts";
import { mpTable } from "../../../../src/machine/mpTable.ts";
import { bzImage, elf, multibootHeader } from "./images.ts";

const ram = { base: guestPhysical(0n), size: 64n << 20n };
const acpi = acpiTables(Number(PC_MAP.acpi), 1);
const mp = mpTable(Number(PC_MAP.mpTable), 2);

const planOf = (
  bytes: Uint8Array,
  more: { readonly initrd?: Uint8Array; readonly commandLine?: string; readonly name?: string } = {},
): X86BootPlan => planX86Boot({ image: classifyX86Image(bytes), ram, acpi, mpTable: mp, ...more });

/** A piece of a plan as a view, by its address. */
function at(plan: X86BootPlan, address: bigint): DataView {
  const found = plan.pieces.find((piece) => piece.address === address);
  if (found === undefined) throw new Error(`nothing at 0x${address.toString(16)}`);
  return new DataView(found.bytes.buffer, found.bytes.byteOffset, found.bytes.length);
}

function textAt(view: DataView): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** Memory that a plan calls RAM, in a list of entries. */
const entries = (
  view: DataView,
  from: number,
  count: number,
  step: number,
): (readonly [bigint, bigint, number])[] =>
  Array.from({ length: count }, (_, i) => [
    view.getBigUint64(from + i * step, true),
    view.getBigUint64(from + i * step + 8, true),
    view.getUint32(from + i * step + 16, true),
  ]);

const map = [
  [0n, 0x9_fc00n, 1],
  [0x9_fc00n, 0x400n, 2],
  [0xe_0000n, 0x1_0000n, 3],
  [0xf_0000n, 0x1_0000n, 2],
  [0x10_0000n, (64n << 20n) - 0x10_0000n, 1],
];

describe("a bzImage", () => {
  it("is entered in long mode 0x200 behind where it goes, with the zero page in RSI", () => {
    const plan = planOf(bzImage(), { commandLine: "console=ttyS0" });
    expect(plan.entry).toMatchObject({
      mode: "long",
      registers: { rip: 0x100_0200n, rsi: BOOT_MAP.zeroPage },
    });
    const page = at(plan, BOOT_MAP.zeroPage);
    expect(page.getUint32(0x202, true)).toBe(0x5372_6448);
    expect(page.getUint8(0x210)).toBe(0xff);
    expect(BigInt(page.getUint32(0x228, true))).toBe(BOOT_MAP.commandLine);
    expect(page.getBigUint64(0x70, true)).toBe(PC_MAP.acpi);
    expect(entries(page, 0x2d0, page.getUint8(0x1e8), 20)).toEqual(map);
    expect(textAt(at(plan, BOOT_MAP.commandLine))).toBe("console=ttyS0");
    expect(at(plan, 0x100_0000n).byteLength).toBe(4096);
  });

  it("has its initrd as high as it may be", () => {
    const initrd = new Uint8Array(5000).fill(7);
    const page = at(planOf(bzImage(), { initrd }), BOOT_MAP.zeroPage);
    expect([page.getUint32(0x218, true), page.getUint32(0x21c, true)]).toEqual([(64 << 20) - 8192, 5000]);
    const low = bzImage(4096, (view) => view.setUint32(0x22c, 0x1ff_ffff, true));
    expect(at(planOf(low, { initrd }), BOOT_MAP.zeroPage).getUint32(0x218, true)).toBe((32 << 20) - 8192);
  });

  it.each([
    [
      "an initrd that does not fit",
      () => planOf(bzImage(), { initrd: new Uint8Array(60 << 20) }),
      /initrd \(62914560/,
    ],
    [
      "a command line that is too long",
      () => planOf(bzImage(), { commandLine: "x".repeat(2048) }),
      /2048 bytes; this guest takes 2047/,
    ],
    [
      "a kernel that needs more memory than there is",
      () => planOf(bzImage(4096, (view) => view.setUint32(0x260, 0x400_0000, true))),
      /kernel .* outside the guest's RAM/,
    ],
  ])("is refused with %s", (_, plan, message) => {
    expect(plan).toThrow(BootLayoutError);
    expect(plan).toThrow(message);
  });

  it("without a 64-bit entry point is entered in 32-bit protected mode where it goes, with the zero page in RSI", () => {
    const plan = planOf(bzImage(4096, (view) => view.setUint16(0x236, 0, true)));
    expect(plan.entry).toMatchObject({
      mode: "protected",
      registers: { rip: 0x100_0000n, rsi: BOOT_MAP.zeroPage },
    });
    expect(plan.protocol).toBe("Linux, 32-bit boot protocol");
    // Linux wants flat code at selector 0x10 and data at 0x18.
    const table = at(plan, BOOT_MAP.gdt);
    expect([table.getBigUint64(0x10, true), table.getBigUint64(0x18, true)]).toEqual([
      0x00cf_9b00_0000_ffffn,
      0x00cf_9300_0000_ffffn,
    ]);
  });

  it("that cannot be moved goes to 1 MiB", () => {
    const fixed = bzImage(4096, (view) => {
      view.setUint16(0x236, 0, true);
      view.setUint8(0x234, 0);
    });
    expect(planOf(fixed).entry.registers.rip).toBe(0x10_0000n);
  });

  it.each([
    [
      "of an old boot protocol",
      (view: DataView) => view.setUint16(0x206, 0x203, true),
      /protocol 2\.03,.*real mode/,
    ],
    ["that goes below 1 MiB", (view: DataView) => view.setUint8(0x211, 0), /protocol 2\.15,.*real mode/],
  ])("is refused when it is one %s", (_, change, message) => {
    expect(() => classifyX86Image(bzImage(4096, change))).toThrow(message);
  });
});

describe("an ELF image", () => {
  it("of 64 bits is entered in long mode, with a zero page", () => {
    const plan = planOf(elf({ bits: 64, entry: 0x10_0010n, memorySize: 0x1000n }));
    expect(plan.entry).toMatchObject({
      mode: "long",
      registers: { rip: 0x10_0010n, rsi: BOOT_MAP.zeroPage },
    });
    expect(plan.pieces.find(({ address }) => address === 0x10_0000n)).toMatchObject({
      size: 0x1000n,
      zeroed: true,
    });
    expect(entries(at(plan, BOOT_MAP.zeroPage), 0x2d0, 5, 20)).toEqual(map);
  });

  it("of 32 bits is entered in protected mode", () => {
    expect(planOf(elf({ bits: 32 })).entry).toMatchObject({
      mode: "protected",
      registers: { rip: 0x10_0000n },
    });
  });

  it("with a virtual entry point is entered at the physical address behind it", () => {
    const virtualAddress = 0xffff_ffff_8010_0000n;
    const plan = planOf(elf({ bits: 64, virtualAddress, entry: virtualAddress + 4n }));
    expect(plan.entry.registers.rip).toBe(0x10_0004n);
  });

  it("with PVH's note is entered there in protected mode, with the start info in EBX", () => {
    const initrd = new Uint8Array(100);
    const plan = planOf(elf({ bits: 64, pvhEntry: 0x10_0020n }), { initrd, commandLine: "a b" });
    expect(plan.entry).toMatchObject({
      mode: "protected",
      registers: { rip: 0x10_0020n, rbx: BOOT_MAP.info },
    });
    const info = at(plan, BOOT_MAP.info);
    expect([info.getUint32(0, true), info.getUint32(4, true), info.getUint32(12, true)]).toEqual([
      0x336e_c578, 1, 1,
    ]);
    expect(textAt(at(plan, info.getBigUint64(24, true)))).toBe("a b");
    expect(info.getBigUint64(32, true)).toBe(PC_MAP.acpi);
    const within = (address: bigint): number => Number(address - BOOT_MAP.info);
    const module = within(info.getBigUint64(16, true));
    expect([info.getBigUint64(module, true), info.getBigUint64(module + 8, true)]).toEqual([
      (64n << 20n) - 4096n,
      100n,
    ]);
    expect(entries(info, within(info.getBigUint64(40, true)), info.getUint32(48, true), 24)).toEqual(map);
  });

  it.each([
    ["another machine's", { bits: 64, machine: 183 }, /another architecture/],
    ["a shared object", { bits: 64, type: 3 }, /type 3, not an executable/],
    ["one whose segment is larger in the file", { bits: 64, memorySize: 1n }, /larger in the file/],
    ["one at virtual addresses only", { bits: 64, address: 1n << 60n }, /virtual one/],
    ["one whose entry is nowhere", { bits: 64, entry: 0x5000n }, /entry point 0x5000 is in none/],
    ["one whose PVH entry is nowhere", { bits: 64, pvhEntry: 0x5000n }, /PVH, 0x5000, is in none/],
  ] as const)("is refused as %s", (_, options, message) => {
    const make = () => planOf(elf(options));
    expect(make).toThrow(BootImageError);
    expect(make).toThrow(message);
  });

  it("is refused where this machine can have no RAM", () => {
    expect(() => planOf(elf({ bits: 64, address: 0xfee0_0000n }))).toThrow(
      /can have no RAM: that is at 0x0–0xc0000000/,
    );
    expect(() => planOf(elf({ bits: 64, address: 0x800_0000n }))).toThrow(/give the guest more memory/);
  });

  it("is refused on top of what the boot loader hands over", () => {
    expect(() => planOf(elf({ bits: 64, address: BOOT_MAP.gdt }))).toThrow(/overlap/);
  });
});

describe("a Multiboot image", () => {
  const header = multibootHeader(3);
  const kernel = elf({
    bits: 64,
    bytes: Uint8Array.from([...header, ...new Uint8Array(64)]),
    entry: 0x10_000cn,
  });

  it("is entered in protected mode with the magic number and its information", () => {
    const plan = planOf(kernel, { initrd: new Uint8Array(10), commandLine: "x=1" });
    expect(plan.entry).toMatchObject({
      mode: "protected",
      registers: { rip: 0x10_000cn, rax: 0x2bad_b002n, rbx: BOOT_MAP.multiboot.info },
    });
    const info = at(plan, BOOT_MAP.multiboot.info);
    expect(info.getUint32(0, true)).toBe(0x24d);
    expect([info.getUint32(4, true), info.getUint32(8, true)]).toEqual([639, 63 << 10]);
    expect(textAt(at(plan, BigInt(info.getUint32(16, true))))).toBe("x=1");
    const module = info.getUint32(24, true) - Number(BOOT_MAP.multiboot.info);
    expect([info.getUint32(module, true), info.getUint32(module + 4, true)]).toEqual([0x10_1000, 0x10_100a]);
    const mapAt = info.getUint32(48, true) - Number(BOOT_MAP.multiboot.info);
    expect(info.getUint32(mapAt, true)).toBe(20);
    expect(entries(info, mapAt + 4, info.getUint32(44, true) / 24, 24)).toEqual(map);
  });

  it.each([
    [{ name: "a/k.elf", commandLine: "x=1 y" }, "a/k.elf x=1 y"],
    [{ name: "my kernel" }, "my_kernel"],
    [{ commandLine: "x=1" }, "x=1"],
    [{}, ""],
  ])("has its name before its command line: %j", (given, line) => {
    const plan = planOf(kernel, given);
    expect(textAt(at(plan, BOOT_MAP.multiboot.commandLine))).toBe(line);
  });

  it("in low memory has its information elsewhere", () => {
    const bytes = new Uint8Array(0x1_0000).fill(0x90);
    bytes.set(multibootHeader(0x1_0000, [0x1000, 0x1000, 0, 0, 0x1020]));
    const plan = planOf(bytes, { commandLine: "x=1" });
    expect(plan.entry.registers.rbx).toBe(BOOT_MAP.info);
    expect(at(plan, BOOT_MAP.info).getUint32(16, true)).toBe(Number(BOOT_MAP.commandLine));
  });

  it("of version 2 is told, unless it can be entered by PVH", () => {
    const header = new Uint8Array(Uint32Array.of(0xe852_50d6, 0, 24, -(0xe852_50d6 + 24) >>> 0, 0, 8).buffer);
    const second = elf({ bits: 64, bytes: header });
    expect(isX86Image(header)).toBe(true);
    expect(() => classifyX86Image(second)).toThrow(/Multiboot 2 kernel/);
    expect(planOf(elf({ bits: 64, bytes: header, pvhEntry: 0x10_0000n })).protocol).toBe("ELF, PVH");
  });

  it("without ELF goes where its header says", () => {
    const bytes = new Uint8Array(0x100).fill(0x90);
    bytes.set(multibootHeader(0x1_0000, [0x20_0040, 0x20_0000, 0, 0x20_1000, 0x20_0060]), 0x40);
    const plan = planOf(bytes);
    expect(plan.entry.registers.rip).toBe(0x20_0060n);
    expect(plan.pieces[0]).toMatchObject({ address: 0x20_0000n, size: 0x1000n, zeroed: true });
    expect(plan.pieces[0]?.bytes.length).toBe(0x100);
  });

  it.each([
    ["a video mode", multibootHeader(4), /video mode/],
    ["something unknown", multibootHeader(0x8000), /0x8000/],
    ["neither ELF nor addresses", multibootHeader(0), /no ELF file/],
    ["addresses that do not fit", multibootHeader(0x1_0000, [0x10_0000, 0x20_0000, 0, 0, 0]), /do not fit/],
    [
      "an entry point elsewhere",
      multibootHeader(0x1_0000, [0x10_0000, 0x10_0000, 0, 0, 5]),
      /0x5 is outside/,
    ],
  ])("is refused when it requires %s", (_, bytes, message) => {
    expect(() => planOf(bytes)).toThrow(message);
  });
});

describe("what says nothing of itself", () => {
  it("is a boot sector at 0x7c00 in real mode", () => {
    const plan = planOf(Uint8Array.of(0xf4));
    expect(plan.entry).toEqual({ mode: "real", registers: { rip: 0x7c00n, rsp: 0x7c00n, rdx: 0x80n } });
    expect(plan.pieces.map(({ address }) => address)).toEqual([0x7c00n]);
  });

  it("is an x86 guest only with a boot sector's signature", () => {
    const sector = new Uint8Array(512);
    expect(isX86Image(sector)).toBe(false);
    sector.set([0x55, 0xaa], 510);
    expect(isX86Image(sector)).toBe(true);
    expect(isX86Image(elf({ bits: 32 }))).toBe(true);
    expect(isX86Image(elf({ bits: 64, machine: 183 }))).toBe(false);
  });

  it("never makes the readers fail but with an error of theirs", () => {
    const seeds = [
      bzImage(64),
      elf({ bits: 64, pvhEntry: 1n }),
      elf({ bits: 32 }),
      multibootHeader(0x1_0000, [1, 2, 3, 4, 5]),
    ];
    fc.assert(
      fc.property(
        fc.nat(seeds.length - 1),
        fc.array(fc.tuple(fc.nat(0x300), fc.nat(255)), { maxLength: 8 }),
        fc.nat(0x800),
        (which, changes, length) => {
          const bytes = (seeds[which] ?? new Uint8Array()).slice(0, length);
          for (const [offset, value] of changes) if (offset < bytes.length) bytes[offset] = value;
          try {
            planOf(bytes);
          } catch (error) {
            expect(
              [BootImageError, BootLayoutError].some((kind) => error instanceof kind),
              String(error),
            ).toBe(true);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("firmware", () => {
  it("ends at 4 GiB and below 1 MiB, and starts as after reset", () => {
    const bytes = new Uint8Array(0x4_0000);
    bytes[0x3_fff0] = 0xea;
    const plan = planX86Firmware(bytes);
    expect(plan.entry).toEqual({ mode: "reset", registers: {} });
    expect(plan.rom).toEqual({ base: 0xfffc_0000n, size: 0x4_0000n });
    expect(at(plan, 0xe_0000n).getUint8(0x1_fff0)).toBe(0xea);
  });

  it.each([0, 100, 17 << 20])("cannot have %d bytes", (length) => {
    expect(() => planX86Firmware(new Uint8Array(length))).toThrow(BootLayoutError);
  });
});

describe("ACPI's tables", () => {
  const view = new DataView(acpi.buffer);
  const base = Number(PC_MAP.acpi);
  const name = (offset: number): string => String.fromCharCode(...acpi.subarray(offset, offset + 4));
  const sum = (from: number, length: number): number =>
    acpi.subarray(from, from + length).reduce((total, byte) => (total + byte) & 0xff, 0);

  it("add up to zero, each of them, and lead from one to the other", () => {
    expect([sum(0, 20), sum(0, 36)]).toEqual([0, 0]);
    const xsdt = Number(view.getBigUint64(24, true)) - base;
    expect(name(xsdt)).toBe("XSDT");
    const tables = [0, 1].map((i) => Number(view.getBigUint64(xsdt + 36 + 8 * i, true)) - base);
    expect(tables.map(name)).toEqual(["FACP", "APIC"]);
    const rsdt = view.getUint32(16, true) - base;
    expect(name(rsdt)).toBe("RSDT");
    expect([0, 1].map((i) => view.getUint32(rsdt + 36 + 4 * i, true) - base)).toEqual(tables);
    const dsdt = view.getUint32((tables[0] ?? 0) + 40, true) - base;
    expect(name(dsdt)).toBe("DSDT");
    for (const at of [xsdt, rsdt, ...tables, dsdt]) expect(sum(at, view.getUint32(at + 4, true))).toBe(0);
  });

  it("list each processor once", () => {
    const four = acpiTables(base, 4);
    const text = String.fromCharCode(...four);
    const madt = text.indexOf("APIC");
    const listed = Array.from({ length: 4 }, (_, i) => [
      ...four.subarray(madt + 44 + 8 * i, madt + 52 + 8 * i),
    ]);
    expect(listed).toEqual([0, 1, 2, 3].map((id) => [0, 8, id, id, 1, 0, 0, 0]));
  });
});

describe("a BIOS's data", () => {
  it("tell where low memory ends, and the serial port", () => {
    const data = at(planOf(bzImage()), 0x400n);
    expect([data.getUint16(0, true), data.getUint16(0xe, true), data.getUint16(0x13, true)]).toEqual([
      0x3f8, 0x9fc0, 639,
    ]);
    expect(at(planOf(bzImage()), 0x9_fc00n).getUint8(0)).toBe(1);
  });

  it("give way to a guest that goes there", () => {
    const plan = planOf(elf({ bits: 32, address: 0x4f0n }));
    expect(plan.pieces.some(({ address }) => address === 0x400n)).toBe(false);
    expect(plan.entry.registers.rip).toBe(0x4f0n);
  });
});

describe("Intel's MultiProcessor table", () => {
  const view = new DataView(mp.buffer);
  const sum = (from: number, length: number): number =>
    mp.subarray(from, from + length).reduce((total, byte) => (total + byte) & 0xff, 0);

  it("is found by its pointer, and both add up to zero", () => {
    expect(String.fromCharCode(...mp.subarray(0, 4))).toBe("_MP_");
    const table = view.getUint32(4, true) - Number(PC_MAP.mpTable);
    expect(String.fromCharCode(...mp.subarray(table, table + 4))).toBe("PCMP");
    expect([sum(0, 16), sum(table, view.getUint16(table + 4, true))]).toEqual([0, 0]);
    expect(table + view.getUint16(table + 4, true)).toBe(mp.length);
  });

  it("lists processors, the bus, the I/O APIC and ISA's interrupts at inputs of their numbers", () => {
    const entries: number[][] = [];
    for (let at = 60; at < mp.length; at += mp[at] === 0 ? 20 : 8)
      entries.push([...mp.subarray(at, at + (mp[at] === 0 ? 20 : 8))]);
    expect(entries).toHaveLength(view.getUint16(16 + 34, true));
    expect(entries.slice(0, 2).map((each) => each.slice(0, 4))).toEqual([
      [0, 0, 0x14, 3],
      [0, 1, 0x14, 1],
    ]);
    expect(entries[3]).toEqual([2, 2, 0x11, 1, 0, 0, 0xc0, 0xfe]);
    expect(entries.filter(([type]) => type === 3).map((each) => [each[5], each[7]])).toEqual(
      Array.from({ length: 16 }, (_, irq) => [irq, irq]),
    );
  });
});
