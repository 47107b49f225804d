import { existsSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findSection, parseElf, sectionBytes, segmentBytes } from "../../../src/debugger/symbols/elf.ts";
import {
  ELF_MACHINE,
  ELF_TYPE,
  SECTION_FLAG,
  SECTION_TYPE,
  SEGMENT_TYPE,
} from "../../../src/debugger/symbols/elfConstants.ts";
import { ElfError } from "../../../src/debugger/symbols/elfError.ts";
import { buildId } from "../../../src/debugger/symbols/elfNotes.ts";
import { elfSymbols, kernelSymbolsOfElf } from "../../../src/debugger/symbols/elfSymbols.ts";
import { type ElfSpec, writeElf } from "../../../src/debugger/symbols/elfWriter.ts";
import { hasTool, run } from "./support/tools.ts";

const note = Uint8Array.of(4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 0x47, 0x4e, 0x55, 0, 0xde, 0xad, 0xbe, 0xef);
const spec: ElfSpec = {
  type: ELF_TYPE.EXEC,
  machine: ELF_MACHINE.AARCH64,
  entry: 0xffff_8000_0800_0000n,
  sections: [
    {
      name: ".text",
      type: SECTION_TYPE.PROGBITS,
      flags: SECTION_FLAG.ALLOC | SECTION_FLAG.EXECINSTR,
      address: 0xffff_8000_0800_0000n,
      align: 16,
      contents: Uint8Array.of(0xc0, 0x03, 0x5f, 0xd6),
    },
    {
      name: ".note",
      type: SECTION_TYPE.NOTE,
      flags: SECTION_FLAG.ALLOC,
      address: 0n,
      align: 4,
      contents: note,
    },
    {
      name: ".bss",
      type: SECTION_TYPE.NOBITS,
      flags: SECTION_FLAG.ALLOC | SECTION_FLAG.WRITE,
      address: 0x1000n,
      align: 1,
      contents: 0x1_0000_0000n,
    },
  ],
  segments: [{ type: SEGMENT_TYPE.LOAD, flags: 5, section: 0 }],
  symbols: [
    { name: "start", value: 0xffff_8000_0800_0000n, size: 4n, type: 2, binding: 1, section: 0 },
    { name: "local", value: 0xffff_8000_0800_0002n, size: 2n, type: 2, binding: 0, section: 0 },
    { name: "zeroed", value: 0x1008n, size: 8n, type: 1, binding: 0, section: 2 },
    { name: "absolute", value: 42n, size: 0n, type: 0, binding: 1, section: "absolute" },
  ],
};

describe("ELF reader and writer", () => {
  it.each([true, false])("reads back what was written (little endian: %s)", (littleEndian) => {
    const elf = parseElf(
      writeElf({
        ...spec,
        littleEndian,
        sections: spec.sections.filter(({ name }) => littleEndian || name !== ".note"),
        symbols: spec.symbols.filter(({ section }) => littleEndian || section !== 2),
      }),
    );
    expect(elf).toMatchObject({ littleEndian, type: 2, machine: 183, entry: spec.entry });
    const text = findSection(elf, ".text");
    expect(text?.address).toBe(0xffff_8000_0800_0000n);
    expect(text && sectionBytes(elf, text)).toEqual(Uint8Array.of(0xc0, 0x03, 0x5f, 0xd6));
    expect(elf.segments).toHaveLength(1);
    expect(elf.segments[0] && segmentBytes(elf, elf.segments[0])).toHaveLength(4);
    expect(elfSymbols(elf, "symtab")).toContainEqual({
      name: "start",
      value: spec.entry,
      size: 4n,
      type: 2,
      binding: 1,
      section: 1,
    });
    expect(
      elfSymbols(elf, "symtab")
        .map(({ name }) => name)
        .at(-1),
    ).toBe("absolute");
    expect(elfSymbols(elf, "dynsym")).toEqual([]);
    expect(buildId(elf)).toBe(littleEndian ? "deadbeef" : undefined);
    expect(findSection(elf, ".bss")?.size).toBe(0x1_0000_0000);
  });

  it("gives a vmlinux's symbols as the debugger keeps them", () => {
    expect(kernelSymbolsOfElf(parseElf(writeElf(spec)))).toEqual([
      { name: "absolute", type: "A", address: 42n },
      { name: "zeroed", type: "b", address: 0x1008n },
      { name: "start", type: "T", address: 0xffff_8000_0800_0000n },
      { name: "local", type: "t", address: 0xffff_8000_0800_0002n },
    ]);
  });

  it("refuses names and places that cannot be written", () => {
    const symbol = { name: "a\0b", value: 0n, size: 0n, type: 0, binding: 0, section: 0 };
    expect(() => writeElf({ ...spec, symbols: [symbol] })).toThrow(ElfError);
    expect(() => writeElf({ ...spec, symbols: [{ ...symbol, name: "a", section: 7 }] })).toThrow(/section 7/);
    expect(() => writeElf({ ...spec, segments: [{ type: 1, flags: 0, section: 3 }] })).toThrow(/section 3/);
  });

  it.each<[string, (file: DataView) => void, RegExp]>([
    ["another magic", (file) => file.setUint8(0, 0), /no ELF/],
    ["32-bit class", (file) => file.setUint8(4, 1), /only 64-bit/],
    ["a strange encoding", (file) => file.setUint8(5, 3), /data encoding 3/],
    [
      "a section table past the end",
      (file) => file.setBigUint64(40, 0x1_0000_0000n, true),
      /section header 0 at file offset 0x100000000/,
    ],
    ["a section table at 2^63", (file) => file.setBigUint64(40, 1n << 63n, true), /no size or offset/],
    ["too many sections", (file) => file.setUint16(60, 0xfeff, true), /section header table/],
    ["section headers too small", (file) => file.setUint16(58, 8, true), /e_shentsize/],
    ["no such name table", (file) => file.setUint16(62, 99, true), /e_shstrndx/],
    ["program headers past the end", (file) => file.setUint16(56, 0x7fff, true), /program header table/],
  ])("names the fault of a file with %s", (_, damage, message) => {
    const file = writeElf(spec);
    damage(new DataView(file.buffer));
    expect(() => parseElf(file)).toThrow(ElfError);
    expect(() => parseElf(file)).toThrow(message);
  });

  it("throws only ElfError for damaged and truncated files", () => {
    const whole = writeElf(spec);
    const touch = (file: Uint8Array): void => {
      try {
        const elf = parseElf(file);
        for (const section of elf.sections) sectionBytes(elf, section);
        elfSymbols(elf, "symtab");
        buildId(elf);
      } catch (error) {
        if (!(error instanceof ElfError)) throw error;
      }
    };
    for (let length = 0; length < whole.length; length++) touch(whole.slice(0, length));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (writes) => {
          const file = whole.slice();
          for (const [at, byte] of writes) file[at] = byte;
          touch(file);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("does not spend forever on names that overlap", () => {
    const count = 20_000;
    const long = "x".repeat(100_000);
    const file = writeElf({
      ...spec,
      symbols: [{ name: long, value: 0n, size: 0n, type: 0, binding: 0, section: 0 }],
    });
    const elf = parseElf(file);
    const strings = findSection(elf, ".strtab");
    const headers = elf.sections.length;
    // A symbol table that begins a name at every byte of one long string.
    const table = new Uint8Array(count * 24);
    for (let index = 1; index < count; index++) new DataView(table.buffer).setUint32(index * 24, index, true);
    const larger = new Uint8Array(file.length + table.length);
    larger.set(file);
    larger.set(table, file.length);
    const view = new DataView(larger.buffer);
    const header = Number(view.getBigUint64(40, true)) + (headers - 3) * 64;
    expect(strings?.index).toBe(headers - 2);
    view.setBigUint64(header + 24, BigInt(file.length), true);
    view.setBigUint64(header + 32, BigInt(table.length), true);
    expect(() => elfSymbols(parseElf(larger), "symtab")).toThrow(/overlap/);
  });
});

const program = ["/usr/bin/env", "/bin/true", process.execPath].find((path) => existsSync(path));
const canCompare = program !== undefined && process.platform === "linux" && hasTool("readelf");
describe.skipIf(!canCompare)("ELF reader beside readelf (needs binutils)", () => {
  it("sees the same sections, dynamic symbols and build id", () => {
    const elf = parseElf(new Uint8Array(readFileSync(program ?? "")));
    const listed = [
      ...run("readelf", ["-SW", program ?? ""]).matchAll(
        /^\s*\[\s*(\d+)\]\s(\S*)\s+(?!Type)(\S+)\s+([0-9a-f]{16})\s+([0-9a-f]+)\s+([0-9a-f]+)/gm,
      ),
    ];
    expect(listed.length).toBeGreaterThan(5);
    for (const [, index, name, , address, offset, size] of listed.slice(1)) {
      const section = elf.sections[Number(index)];
      expect([section?.name, section?.address, section?.offset, section?.size]).toEqual([
        name,
        BigInt(`0x${address}`),
        Number.parseInt(offset ?? "", 16),
        Number.parseInt(size ?? "", 16),
      ]);
    }
    const dynamic = [
      ...run("readelf", ["--dyn-syms", "-W", program ?? ""]).matchAll(
        /^\s*\d+: [0-9a-f]{16}[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]*(\S*)/gm,
      ),
    ];
    expect(elfSymbols(elf, "dynsym").map(({ name }) => name)).toEqual(
      dynamic.slice(1).map(([, name]) => (name ?? "").replace(/@.*/, "")),
    );
    const id = /Build ID: ([0-9a-f]+)/.exec(run("readelf", ["-n", program ?? ""]))?.[1];
    expect(buildId(elf)).toBe(id);
  });
});
