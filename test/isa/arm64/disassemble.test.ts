import { describe, expect, it } from "vitest";
import { a64Encodings, decodeA64 } from "../../../src/isa/arm64/decode.ts";
import { disassembleA64 } from "../../../src/isa/arm64/disassemble.ts";
import { a64Aliases } from "../../../src/isa/arm64/disassembly/aliases.ts";
import { systemRegisters } from "../../../src/isa/arm64/disassembly/systemRegisters.ts";
import { requireTool } from "../../support/tools.ts";
import {
  disassembleWithLlvm,
  disassembleWithObjdump,
  immediateWords,
  kernelAvailable,
  kernelWords,
  modelFeatures,
  systemWords,
  wordsNearForms,
} from "./disassemblerWitness.ts";

const hex = (word: number) => `0x${(word >>> 0).toString(16).padStart(8, "0")}`;

function text(word: number, pc = 0n): string {
  const { mnemonic, operands } = disassembleA64(word, pc);
  return operands === "" ? mnemonic : `${mnemonic} ${operands}`;
}

describe("disassembleA64", () => {
  it.each([
    [0xaa0103e0, "mov x0, x1"],
    [0x910003fd, "mov x29, sp"],
    [0xd2800540, "mov x0, #42"],
    [0x92800000, "mov x0, #-1"],
    [0x12800000, "mov w0, #-1"],
    [0xb2407fe0, "mov x0, #0xffffffff"],
    [0xf2a24680, "movk x0, #4660, lsl #16"],
    [0xf100041f, "cmp x0, #1"],
    [0xeb01001f, "cmp x0, x1"],
    [0x6b21c01f, "cmp w0, w1, sxtw"],
    [0x8b224c20, "add x0, x1, w2, uxtw #3"],
    [0x8b2263ff, "add sp, sp, x2"],
    [0xcb0103e0, "neg x0, x1"],
    [0xd37ef420, "lsl x0, x1, #2"],
    [0x53027c20, "lsr w0, w1, #2"],
    [0x93407c20, "sxtw x0, w1"],
    [0xd3441c20, "ubfx x0, x1, #4, #4"],
    [0xb3780c20, "bfi x0, x1, #8, #4"],
    [0x9a9f17e0, "cset x0, eq"],
    [0xda9f03e0, "csetm x0, ne"],
    [0x9b02fc20, "mneg x0, x1, x2"],
    [0xf240001f, "tst x0, #0x1"],
    [0xd65f03c0, "ret"],
    [0xd65f0020, "ret x1"],
    [0xf9400420, "ldr x0, [x1, #8]"],
    [0xf8627820, "ldr x0, [x1, x2, lsl #3]"],
    [0x38624820, "ldrb w0, [x1, w2, uxtw]"],
    [0xa9bf7bfd, "stp x29, x30, [sp, #-16]!"],
    [0xf9800020, "prfm pldl1keep, [x1]"],
    [0xf821003f, "stadd x1, [x1]"],
    [0x4ea11c20, "mov v0.16b, v1.16b"],
    [0x0c40a020, "ld1 { v0.8b, v1.8b }, [x1]"],
    [0x0c40201f, "ld1 { v31.8b, v0.8b, v1.8b, v2.8b }, [x0]"],
    [0x1e6e1000, "fmov d0, #1.00000000"],
    [0x6f03e7e0, "movi v0.2d, #0x00ffffffffffffff"],
    [0x320043e4, "orr w4, wzr, #0x1ffff"],
    [0xd5380000, "mrs x0, MIDR_EL1"],
    [0xd51b4200, "msr NZCV, x0"],
    [0xd538cc00, "mrs x0, ICC_IAR1_EL1"],
    [0xd53be041, "mrs x1, CNTVCT_EL0"],
    [0xd50342df, "msr DAIFSet, #2"],
    [0xd5033f9f, "dsb sy"],
    [0xd5033bbf, "dmb ish"],
    [0xd5033fdf, "isb"],
    [0xd503201f, "nop"],
    [0xd503233f, "paciasp"],
    [0xd508871f, "tlbi vmalle1"],
    [0xd50b7e20, "dc civac, x0"],
    [0xd4200020, "brk #0x1"],
    [0xd4000001, "svc #0x0"],
  ])("prints %i as %s", (word, expected) => {
    expect(text(word)).toBe(expected);
  });

  it("prints branch, literal and page targets as absolute addresses", () => {
    const pc = 0xffff_8000_0801_0ff8n;
    expect(text(0x14000002, pc)).toBe("b 0xffff800008011000");
    expect(text(0x17ffffff, pc)).toBe("b 0xffff800008010ff4");
    expect(text(0x54000040, pc)).toBe("b.eq 0xffff800008011000");
    expect(text(0xb7f80040, pc)).toBe("tbnz x0, #63, 0xffff800008011000");
    expect(text(0x58000040, pc)).toBe("ldr x0, 0xffff800008011000");
    expect(text(0x10000040, pc)).toBe("adr x0, 0xffff800008011000");
    expect(text(0xb0000000, pc)).toBe("adrp x0, 0xffff800008011000");
    expect(text(0x17ffffff, 0n)).toBe("b 0xfffffffffffffffc");
  });

  it("prints an undefined word as data", () => {
    expect(disassembleA64(0, 0n)).toEqual({ mnemonic: ".word", operands: "0x00000000" });
    expect(disassembleA64(0xffffffff, 0n)).toEqual({ mnemonic: ".word", operands: "0xffffffff" });
    expect(disassembleA64(-1, 0n)).toEqual({ mnemonic: ".word", operands: "0xffffffff" });
  });

  it("prints a text for every form and leaves no operand out", () => {
    for (const word of wordsNearForms(50_000, 3, 0)) {
      const line = text(word);
      expect(line, hex(word)).not.toMatch(/undefined|NaN|<|>|, ,|, $|\[, /);
    }
  });

  it("has aliases only of forms that exist", () => {
    const names = new Set(a64Encodings.map(({ name }) => name));
    expect(a64Aliases.filter(({ of }) => !names.has(of))).toEqual([]);
  });

  it("gives each system register one name and each encoding one name per direction", () => {
    const names = systemRegisters.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const letter of ["r", "w"]) {
      const encodings = systemRegisters
        .filter(([, , , , , , access]) => access.includes(letter))
        .map(([, ...encoding]) => encoding.slice(0, 5).join(" "));
      expect(new Set(encodings).size).toBe(encodings.length);
    }
  });
});

/** Numbers without their base, sign and `#`: modulo the width of the first register. */
function withPlainNumbers(line: string): string {
  const bits = /^\S+ w/.test(line) ? 32 : 64;
  return line.replace(/#?-?\b0x[0-9a-f]+|#-?\d+(?!\d*\.)/g, (number) => {
    const magnitude = BigInt(number.replace(/[#-]/g, ""));
    return String(BigInt.asUintN(bits, number.includes("-") ? -magnitude : magnitude));
  });
}

const spaced = (line: string) =>
  line
    .replace(/\s*\/\/.*/, "")
    .replace(/\s+/g, " ")
    .trim();

/** LLVM 14 prints no SXTL and UXTL, which the Arm ARM prefers. */
const withLengthening = (line: string) =>
  line.replace(/^([su])shll(2?) (.*), #0$/, (_, sign, half, registers) => `${sign}xtl${half} ${registers}`);

const isHint = (word: number) => decodeA64(word)?.encoding.name === "HINT";

/** The names of hints and registers of Armv8.1 and later that execute as NOP or are plain names here. */
const hintFeatures = `${modelFeatures},+pauth,+bti,+ras,+spe,+tracev8.4`;

const llvm = requireTool("llvm-objdump");
const objdump = requireTool("aarch64-linux-gnu-objdump");
const kernel = kernelAvailable();
const minutes = 60_000;

describe.skipIf(!llvm.available)("disassembleA64 beside llvm-mc, but for the spelling of numbers", () => {
  const differences = (words: readonly number[], features = `${modelFeatures},+v8.1a`) => {
    const decodable = words.filter((word) => decodeA64(word) !== undefined);
    const theirs = disassembleWithLlvm(decodable, features);
    return decodable.flatMap((word, index) => {
      const ours = withPlainNumbers(text(word));
      const other = withPlainNumbers(withLengthening(spaced(theirs[index] ?? "")));
      return ours === other ? [] : [`${hex(word)}: ${ours} here, ${other} there`];
    });
  };

  it("prints 300,000 words of all forms alike", { timeout: 3 * minutes }, () => {
    const words = wordsNearForms(300_000, 104_729, 0).filter((word) => !isHint(word));
    expect(differences(words)).toEqual([]);
  });

  it("prints system instructions and registers alike", { timeout: 3 * minutes }, () => {
    const words = systemWords();
    expect(differences(words.filter((word) => !isHint(word)))).toEqual([]);
    expect(differences(words.filter(isHint), hintFeatures)).toEqual([]);
  });

  it("prints immediates and their aliases alike", { timeout: 3 * minutes }, () => {
    expect(differences(immediateWords())).toEqual([]);
  });

  it.skipIf(!kernel)(
    "prints every distinct word of the Linux kernel's text alike",
    { timeout: 5 * minutes },
    () => {
      const words = kernelWords();
      expect(words.filter((word) => decodeA64(word) !== undefined).length).toBeGreaterThan(100_000);
      expect(differences(words.filter((word) => !isHint(word)))).toEqual([]);
      expect(differences(words.filter(isHint), hintFeatures)).toEqual([]);
    },
  );
});

/** `{v0.8b-v2.8b}` in full, as LLVM writes it. */
const withFullLists = (line: string) =>
  line
    .replace(/\{v(\d+)\.(\w+)-v(\d+)\.\w+\}/, (_, first, suffix, last) => {
      const count = Number(last) - Number(first) + 1;
      return `{${Array.from({ length: count }, (_, index) => `v${Number(first) + index}.${suffix}`).join(", ")}}`;
    })
    .replace(/\{(v[^}]*)\}/, "{ $1 }");

/** CS and CC are HS and LO. */
const withLlvmConditions = (line: string) =>
  line
    .replace(/^b\.cs /, "b.hs ")
    .replace(/^b\.cc /, "b.lo ")
    .replace(/, cs$/, ", hs")
    .replace(/, cc$/, ", lo");

/** Addresses with `0x` and without the symbol objdump makes up. */
const withAddresses = (line: string) =>
  line
    .replace(/ <[^>]*>$/, "")
    .replace(/^((?:b|bl|b\.\w\w|cbn?z|tbn?z|ldr|ldrsw|prfm|adrp?) (?:.*, )?)([0-9a-f]+)$/, "$10x$2");

const withPlainFloats = (line: string) =>
  line.replace(/#(-?\d+\.\d+(?:e[+-]\d+)?)$/, (_, number) => `${Number(number)}`);

/** What GNU objdump 2.40 prints otherwise on purpose. */
const objdumpDiffers: readonly { readonly why: string; readonly is: (word: number) => boolean }[] = [
  {
    why: "objdump names registers and operations of every later extension; LLVM's test covers names",
    is: (word) => ["MRS", "MSR_reg", "SYS", "HINT"].includes(decodeA64(word)?.encoding.name ?? ""),
  },
  {
    why: "BFC is an alias of Armv8.2",
    is: (word) => decodeA64(word)?.encoding.name === "BFM" && ((word >>> 5) & 31) === 31,
  },
  {
    why: "objdump wants the should-be-one bits of LDAR to be one",
    is: (word) => decodeA64(word)?.encoding.name === "LDAR" && (word & 0x1f7c00) !== 0x1f7c00,
  },
  {
    why: "objdump leaves CONSTRAINED UNPREDICTABLE LDPSW undefined: one register twice, or write-back to a target",
    is: (word) => {
      const [t, n, t2] = [word & 31, (word >>> 5) & 31, (word >>> 10) & 31];
      return /^LDPSW/.test(decodeA64(word)?.encoding.name ?? "") && (t === t2 || n === t || n === t2);
    },
  },
  {
    why: "objdump prints ORR as MOV for WSP and SP even where MOVZ could move the constant",
    is: (word) => decodeA64(word)?.encoding.name === "ORR_imm" && (word & 0x3ff) === 0x3ff,
  },
  {
    why: "objdump takes no SPSel above 1",
    is: (word) => decodeA64(word)?.encoding.name === "MSR_imm" && ((word >>> 9) & 7) !== 0,
  },
];

describe.skipIf(!objdump.available)("disassembleA64 beside GNU objdump, but for its spelling", () => {
  const differences = (words: readonly number[]) => {
    const comparable = words.filter(
      (word) => decodeA64(word) !== undefined && !objdumpDiffers.some(({ is }) => is(word)),
    );
    const theirs = disassembleWithObjdump(comparable);
    return comparable.flatMap((word, index) => {
      const ours = withPlainFloats(withPlainNumbers(text(word, BigInt(4 * index))));
      const line = withLlvmConditions(withFullLists(withAddresses(spaced(theirs[index] ?? ""))));
      const other = withPlainFloats(withPlainNumbers(line));
      return ours.toLowerCase() === other.toLowerCase() ? [] : [`${hex(word)}: ${ours} here, ${other} there`];
    });
  };

  it("prints 200,000 words of all forms alike", { timeout: 3 * minutes }, () => {
    expect(differences(wordsNearForms(200_000, 15_485_863, 0))).toEqual([]);
  });

  it.skipIf(!kernel)(
    "prints every distinct word of the Linux kernel's text alike",
    { timeout: 5 * minutes },
    () => {
      expect(differences(kernelWords())).toEqual([]);
    },
  );
});
