import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseElf, sectionBytes } from "../../../src/debugger/symbols/elf.ts";
import { elfSymbols } from "../../../src/debugger/symbols/elfSymbols.ts";
import { type KernelSymbols, recoverKallsyms } from "../../../src/debugger/symbols/kallsyms/recover.ts";
import { writeSymbolElf } from "../../../src/debugger/symbols/symbolElf.ts";
import { fakeKernel, modern } from "./support/kallsymsEncoder.ts";
import { kernelWitness, readKernelImage } from "./support/kernelImage.ts";
import { hasTool, run, temporaryDirectory } from "./support/tools.ts";

describe("writeSymbolElf", () => {
  const kernel = fakeKernel(modern);
  const memorySize = kernel.image.length + 0x2000;
  const options = { textBase: kernel.textBase, memorySize, image: kernel.image };
  const elf = parseElf(writeSymbolElf(kernel.symbols, options));

  it("keeps every symbol at its address", () => {
    const written = elfSymbols(elf, "symtab").map(({ name, value }) => `${value.toString(16)} ${name}`);
    expect(written.sort()).toEqual(
      kernel.symbols.map(({ name, address }) => `${address.toString(16)} ${name}`).sort(),
    );
  });

  it("puts the image's bytes at their addresses, each once, and zeroes behind them", () => {
    let next = kernel.textBase;
    for (const section of elf.sections.filter(({ flags }) => (flags & 2n) !== 0n)) {
      expect(section.address).toBe(next);
      const from = Number(section.address - kernel.textBase);
      const bytes = sectionBytes(elf, section);
      expect(bytes).toEqual(kernel.image.subarray(from, from + bytes.length));
      next += BigInt(section.size);
    }
    expect(next).toBe(kernel.textBase + BigInt(memorySize));
  });

  it("gives functions the distance to the next one as size, within their section", () => {
    const symbols = elfSymbols(elf, "symtab");
    const last = symbols.find(({ name }) => name === "größe");
    expect(last).toMatchObject({ type: 2, size: 0x40n });
    expect(symbols.find(({ name }) => name === "_etext")).toMatchObject({ type: 0, size: 0n });
    expect(symbols.find(({ name }) => name === "start_kernel")).toMatchObject({
      type: 2,
      binding: 1,
      size: 0x300n,
    });
  });

  it("can leave the bytes out", () => {
    const bare = writeSymbolElf(kernel.symbols, { textBase: kernel.textBase, memorySize });
    expect(bare.length).toBeLessThan(kernel.image.length);
    expect(elfSymbols(parseElf(bare), "symtab")).toHaveLength(kernel.symbols.length);
  });

  it("makes symbols outside the program absolute", () => {
    const odd = [...kernel.symbols, { name: "cpu_number", type: "A", address: 0x1a0n }];
    const found = elfSymbols(parseElf(writeSymbolElf(odd, options)), "symtab").find(
      ({ name }) => name === "cpu_number",
    );
    expect(found).toMatchObject({ value: 0x1a0n, size: 0n, section: 0xfff1 });
  });
});

const witness = kernelWitness();
if (witness.path === undefined) console.warn(witness.skipReason);
const hasGdb = hasTool("gdb-multiarch");
const hasLldb = hasTool("lldb");

describe.skipIf(witness.path === undefined)(`the symbol file of a real kernel ${witness.skipReason}`, () => {
  const directory = temporaryDirectory();
  const file = join(directory.path, "kernel.elf");
  let kernel: KernelSymbols;
  let image: Uint8Array;
  const address = (name: string): bigint =>
    kernel.symbols.find((symbol) => symbol.name === name)?.address ?? 0n;
  beforeAll(() => {
    image = readKernelImage(witness.path ?? "");
    kernel = recoverKallsyms(image);
    writeFileSync(file, writeSymbolElf(kernel.symbols, { ...kernel, image }));
  });
  afterAll(directory.remove);
  const wordsOf = (name: string, count: number): string[] => {
    const view = new DataView(image.buffer, image.byteOffset + Number(address(name) - kernel.textBase));
    return Array.from({ length: count }, (_, index) =>
      view
        .getUint32(index * 4, true)
        .toString(16)
        .padStart(8, "0"),
    );
  };
  const gdb = (...commands: string[]): string =>
    run("gdb-multiarch", ["-nx", "-batch", ...commands.flatMap((command) => ["-ex", command])]);

  it.skipIf(!hasGdb)(
    "is loaded by gdb, which finds, names and disassembles functions (needs gdb-multiarch)",
    () => {
      const start = address("start_kernel").toString(16);
      const out = gdb(
        `file ${file}`,
        "show architecture",
        "info address start_kernel",
        `info symbol 0x${(address("schedule") + 4n).toString(16)}`,
        "info symbol start_kernel",
        "disassemble /r schedule",
      );
      expect(out).toContain("aarch64");
      expect(out).toContain(`"start_kernel" is at 0x${start}`);
      expect(out).toContain("schedule + 4 in section .text");
      expect(out).toContain("start_kernel in section .init.text");
      const disassembled = [...out.matchAll(/<\+\d+>:\t([0-9a-f ]{8,11})\t/g)].map(([, bytes]) =>
        (bytes ?? "").replaceAll(" ", ""),
      );
      expect(disassembled.length).toBeGreaterThan(10);
      // gdb prints the four bytes in the order of memory or as a word, depending on its version.
      const words = wordsOf("schedule", disassembled.length);
      const swapped = words.map((word) => (word.match(/../g) ?? []).reverse().join(""));
      expect([words, swapped]).toContainEqual(disassembled);
    },
  );

  it.skipIf(!hasGdb)("is moved by add-symbol-file -o (needs gdb-multiarch)", () => {
    const slide = 0x20_0000n;
    const moved = address("schedule") + slide;
    const out = gdb(
      "set architecture aarch64",
      `add-symbol-file ${file} -o 0x${slide.toString(16)}`,
      "info address schedule",
      `info symbol 0x${(moved + 8n).toString(16)}`,
    );
    expect(out).toContain(`"schedule" is at 0x${moved.toString(16)}`);
    expect(out).toContain("schedule + 8 in section .text");
  });

  it.skipIf(!hasGdb)("loads without the image's bytes too (needs gdb-multiarch)", () => {
    const bare = join(directory.path, "bare.elf");
    writeFileSync(
      bare,
      writeSymbolElf(kernel.symbols, { textBase: kernel.textBase, memorySize: kernel.memorySize }),
    );
    expect(gdb("set architecture aarch64", `symbol-file ${bare}`, "info symbol schedule")).toContain(
      "schedule in section .text",
    );
  });

  it.skipIf(!hasLldb)("is loaded by lldb, which finds and disassembles functions (needs lldb)", () => {
    const out = run("lldb", [
      "-b",
      "-o",
      `target create ${file}`,
      "-o",
      "image lookup -n start_kernel",
      "-o",
      `image lookup -a 0x${(address("schedule") + 4n).toString(16)}`,
      "-o",
      "disassemble -b -n schedule",
      "-o",
      `target modules load --file kernel.elf --slide 0x200000`,
      "-o",
      `image lookup -a 0x${(address("schedule") + 0x20_0008n).toString(16)}`,
    ]);
    expect(out).toContain("(aarch64)");
    expect(out).toContain(`kernel.elf[0x${address("start_kernel").toString(16)}]`);
    expect(out).toContain("kernel.elf`schedule + 4");
    expect(out).toContain("kernel.elf`schedule + 8");
    expect(out).toContain(`<+0>:`);
    for (const word of wordsOf("schedule", 4)) expect(out).toContain(`0x${word}`);
  });
});
