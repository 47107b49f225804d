import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineTable, lineSectionsOfElf } from "../../../src/debugger/symbols/dwarf/lineTable.ts";
import { parseElf } from "../../../src/debugger/symbols/elf.ts";
import { kernelSymbolsOfElf } from "../../../src/debugger/symbols/elfSymbols.ts";
import { SymbolTable } from "../../../src/debugger/symbols/symbolTable.ts";
import { endSequence, LineWriter, lineUnit, setAddress, type UnitOptions } from "./support/lineEncoder.ts";
import { hasTool, run, temporaryDirectory } from "./support/tools.ts";

const START = 0xffff_8000_0801_0000n;

/** Lines 10, 11 and 20 of main.c, 3 of h.h, 12 of main.c; one instruction or more each. */
function program(writer: LineWriter): void {
  setAddress(writer, START);
  writer.u8(3).sleb(9).u8(1); // advance_line, copy: 10 at +0
  writer.u8(13 + 14 * 1 + 6); // special: +1 instruction, +1 line: 11 at +4
  writer.u8(2).uleb(1).u8(3).sleb(9).u8(5).uleb(7).u8(1); // advance_pc, column 7: 20 at +8
  writer.u8(8).u8(4).uleb(2).u8(3).sleb(-17).u8(6).u8(1); // const_add_pc, file 2, not a statement: 3 at +76
  writer.u8(9).number(8, 2).u8(4).uleb(1).u8(6).u8(3).sleb(9).u8(10).u8(1); // fixed_advance_pc: 12 at +84
  writer.u8(2).uleb(4);
  endSequence(writer);
}

function table(unit: Uint8Array, littleEndian = true): LineTable {
  return LineTable.from({ line: unit, littleEndian });
}

const forms: readonly [string, UnitOptions][] = [
  ["version 2", { version: 2 }],
  ["version 3", { version: 3 }],
  ["version 4", { version: 4 }],
  ["version 5", { version: 5 }],
  ["version 5, 64-bit", { version: 5, is64Bit: true }],
  ["version 4, big-endian", { version: 4, littleEndian: false }],
];

describe("LineTable", () => {
  it.each(forms)("finds lines by address in %s", (_, options) => {
    const lines = table(lineUnit(options, program), options.littleEndian ?? true);
    expect(lines.problems).toEqual([]);
    const root = options.version >= 5 ? "/src/" : "";
    const at = (distance: bigint) => {
      const found = lines.locate(START + distance);
      return found && [found.file, found.line, found.column, found.address - START, found.end - START];
    };
    expect(at(0n)).toEqual([`${root}main.c`, 10, 0, 0n, 4n]);
    expect(at(4n)).toEqual([`${root}main.c`, 11, 0, 4n, 8n]);
    expect(at(75n)).toEqual([`${root}main.c`, 20, 7, 8n, 76n]);
    expect(at(76n)).toEqual([`${root}inc/h.h`, 3, 7, 76n, 84n]);
    expect(at(99n)).toEqual([`${root}main.c`, 12, 7, 84n, 100n]);
    expect(at(100n)).toBeUndefined();
    expect(at(-1n)).toBeUndefined();
  });

  it.each(forms)("finds addresses by line in %s", (_, options) => {
    const lines = table(lineUnit(options, program), options.littleEndian ?? true);
    const found = (file: string, line: number) =>
      lines.addressesOf(file, line).map((entry) => [entry.line, entry.addresses]);
    expect(found("main.c", 10)).toEqual([[10, [START]]]);
    expect(found("main.c", 13)).toEqual([[20, [START + 8n]]]);
    expect(found("main.c", 21)).toEqual([]);
    expect(found("inc/h.h", 3)).toEqual([]); // no statement begins there
    expect(found("n.c", 1)).toEqual([]);
    expect(lines.filesNamed("h.h")).toEqual([options.version >= 5 ? "/src/inc/h.h" : "inc/h.h"]);
  });

  it("skips opcodes that it does not know by the lengths the header gives", () => {
    const unit = lineUnit(
      { version: 4, opcodeBase: 15, operands: [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2, 0] },
      (writer) => {
        setAddress(writer, 0x1000n);
        writer.u8(13).uleb(300).uleb(5).u8(14); // two operands, none
        writer.u8(0).uleb(4).u8(0x80, 1, 2, 3); // a vendor's extended opcode
        writer.u8(1).u8(2).uleb(1);
        endSequence(writer);
      },
    );
    expect(table(unit).locate(0x1000n)).toMatchObject({ line: 1, file: "main.c" });
  });

  it("counts the operations of long instruction words", () => {
    const unit = lineUnit({ version: 4, minimumInstructionLength: 16, maximumOperations: 3 }, (writer) => {
      setAddress(writer, 0x1000n);
      writer.u8(1).u8(2).uleb(4).u8(3).sleb(1).u8(1).u8(2).uleb(2); // 4 operations = 1 word and 1; 6 = 2 words
      endSequence(writer);
    });
    expect(table(unit).locate(0x1010n)).toMatchObject({ line: 2, address: 0x1010n, end: 0x1020n });
  });

  it("knows files that the program defines, and addresses of 4 bytes", () => {
    const unit = lineUnit({ version: 2 }, (writer) => {
      const name = new LineWriter().u8(3).text("late.c").uleb(1).uleb(0).uleb(0);
      setAddress(writer, 0x8000n, 4);
      writer
        .u8(0)
        .uleb(name.bytes.length)
        .u8(...name.bytes);
      writer.u8(4).uleb(3).u8(1).u8(2).uleb(1);
      endSequence(writer);
    });
    expect(table(unit).locate(0x8000n)?.file).toBe("inc/late.c");
  });

  it("reads the other units when one is not understood", () => {
    const good = lineUnit({ version: 5 }, program);
    const odd = lineUnit({ version: 4 }, program);
    odd[4] = 9; // its version
    const lines = table(Uint8Array.from([...odd, ...good]));
    expect(lines.units).toBe(1);
    expect(lines.problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/version 9 is not 2 to 5/),
    ]);
    expect(lines.locate(START)?.line).toBe(10);
  });

  it("finds an address in the second of overlapping sequences", () => {
    const one = (base: bigint, words: number, line: number) =>
      lineUnit({ version: 4 }, (writer) => {
        setAddress(writer, base);
        writer
          .u8(3)
          .sleb(line - 1)
          .u8(1)
          .u8(2)
          .uleb(words);
        endSequence(writer);
      });
    const lines = table(
      Uint8Array.from([...one(0x1000n, 1000, 1), ...one(0x1100n, 2, 2), ...one(0x1200n, 2, 3)]),
    );
    expect(
      [0x1000n, 0x1104n, 0x1180n, 0x1204n, 0x1300n, 0x1fa0n].map((at) => lines.locate(at)?.line),
    ).toEqual([1, 2, 1, 3, 1, undefined]);
  });

  it("never throws anything for damaged tables, nor runs on", () => {
    const whole = Uint8Array.from([
      ...lineUnit({ version: 5 }, program),
      ...lineUnit({ version: 2 }, program),
    ]);
    const touch = (line: Uint8Array): void => {
      const lines = table(line);
      lines.locate(START + 5n);
      lines.addressesOf("main.c", 1);
    };
    for (let length = 0; length < whole.length; length++) touch(whole.slice(0, length));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (writes) => {
          const line = whole.slice();
          for (const [at, byte] of writes) line[at] = byte;
          touch(line);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

const SOURCE = `#include "h.h"
static int twice(int x) { return x * 2; }
int loop(int n) {
  int s = 0;
  for (int i = 0; i < n; i++) {
    s += helper(i);
    s ^= twice(s);
  }
  return s;
}
__attribute__((section(".init.text"))) int early(int x) {
  return loop(x) + 1;
}
void _start(void) { early(3); }
`;
const HEADER = `static inline int helper(int v) {
  if (v & 1) v *= 3;
  return v + 1;
}
`;
const canCompile = ["clang", "ld.lld", "llvm-dwarfdump"].every(hasTool);

describe.skipIf(!canCompile)("LineTable beside llvm-dwarfdump (needs clang, lld, llvm)", () => {
  it.each([
    [2, "-O0"],
    [3, "-O1"],
    [4, "-O2"],
    [5, "-O0"],
    [5, "-O2"],
  ])("agrees on every row of DWARF %i at %s", (version, level) => {
    const directory = temporaryDirectory();
    try {
      const file = (name: string): string => join(directory.path, name);
      execFileSync("mkdir", [file("inc")]);
      writeFileSync(file("a.c"), SOURCE);
      writeFileSync(file("inc/h.h"), HEADER);
      run("clang", [
        "--target=aarch64-linux-gnu",
        level,
        "-g",
        `-gdwarf-${version}`,
        `-I${file("inc")}`,
        "-ffreestanding",
        "-c",
        file("a.c"),
        "-o",
        file("a.o"),
      ]);
      run("ld.lld", ["-Ttext", "0x400000", file("a.o"), "-o", file("a.elf")]);
      const elf = parseElf(new Uint8Array(readFileSync(file("a.elf"))));
      const sections = lineSectionsOfElf(elf);
      if (sections === undefined) throw new Error("no .debug_line");
      const lines = LineTable.from(sections);
      expect(lines.problems).toEqual([]);
      const dump = run("llvm-dwarfdump", ["--debug-line", file("a.elf")]);
      const names = new Map(
        [...dump.matchAll(/file_names\[\s*(\d+)\]:\s+name: "([^"]+)"/g)].map(([, index, name]) => [
          index,
          name,
        ]),
      );
      const rows = [...dump.matchAll(/^0x([0-9a-f]+) +(\d+) +(\d+) +(\d+) +\d+ +\d+ *(.*)$/gm)];
      let compared = 0;
      rows.forEach(([, address, line, column, name, flags], index) => {
        // Of several rows at one address the last one counts.
        if (flags?.includes("end_sequence") || rows[index + 1]?.[1] === address) return;
        const found = lines.locate(BigInt(`0x${address}`));
        expect([found?.line, found?.column, found?.file.split("/").at(-1)]).toEqual([
          Number(line),
          Number(column),
          names.get(name)?.split("/").at(-1),
        ]);
        expect(found?.end).toBe(BigInt(`0x${rows[index + 1]?.[1]}`));
        compared++;
      });
      expect(compared).toBeGreaterThan(10);
      if (level === "-O0") {
        const symbols = SymbolTable.from(kernelSymbolsOfElf(elf));
        const [found] = lines.addressesOf("a.c", 6, symbols);
        expect(found?.addresses.map((address) => symbols.locate(address)?.symbol.name)).toEqual(["loop"]);
        expect(found?.line).toBe(6);
      }
    } finally {
      directory.remove();
    }
  });
});
