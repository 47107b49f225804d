import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { a64Encodings } from "../../../src/isa/arm64/decode.ts";
import { requireTool } from "../../support/tools.ts";

/** The features of the decode tables, in LLVM's names; SMC and DCPS3 need `el3` there. */
export const modelFeatures = "+crc,+aes,+sha2,+lse,+el3";

/**
 * Disassembles words with `llvm-mc`.
 *
 * @returns one line `mnemonic operands` per word, `undefined` where it finds the encoding invalid
 */
export function disassembleWithLlvm(
  words: readonly number[],
  features: string,
): readonly (string | undefined)[] {
  const bytes = (word: number) =>
    [0, 8, 16, 24].map((shift) => `0x${((word >>> shift) & 255).toString(16)}`).join(" ");
  const { stdout, stderr } = runOnFiles(
    "llvm-mc",
    ["--disassemble", "--triple=aarch64", `--mattr=${features}`],
    words.map(bytes).join("\n"),
  );
  const invalid = new Set<number>();
  for (const match of stderr.matchAll(/^<stdin>:(\d+):\d+: warning: invalid/gm)) {
    invalid.add(Number(match[1]) - 1);
  }
  const lines = stdout.split("\n").filter((line) => line.startsWith("\t") && line !== "\t.text");
  if (lines.length + invalid.size !== words.length) {
    throw new Error(`llvm-mc answered ${lines.length} + ${invalid.size} of ${words.length} words`);
  }
  let next = 0;
  return words.map((_, index) => {
    if (invalid.has(index)) return undefined;
    const line = lines[next] ?? "";
    next += 1;
    return line.trim().replace("\t", " ");
  });
}

/**
 * Disassembles words with GNU objdump; word `i` is at address `4 * i`.
 *
 * @returns one line `mnemonic operands` per word, `undefined` where it finds the encoding undefined
 */
export function disassembleWithObjdump(words: readonly number[]): readonly (string | undefined)[] {
  const bytes = Uint32Array.from(words);
  const { stdout } = runOnFiles(
    "aarch64-linux-gnu-objdump",
    ["-D", "-z", "-b", "binary", "-m", "aarch64"],
    new Uint8Array(bytes.buffer),
    "file argument",
  );
  const lines = stdout.split("\n").filter((line) => /^ *[0-9a-f]+:\t/.test(line));
  return lines.map((line) => {
    const [, , mnemonic = "", ...operands] = line.split("\t");
    return mnemonic === ".inst" ? undefined : `${mnemonic} ${operands.join(" ")}`.trim();
  });
}

/** Runs a program on files instead of pipes: its many small writes of warnings are slow through a pipe. */
function runOnFiles(
  program: string,
  options: readonly string[],
  input: string | Uint8Array,
  inputAs: "standard input" | "file argument" = "standard input",
): { readonly stdout: string; readonly stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), "vmexit-witness-"));
  const [inputFile, stdoutFile, stderrFile] = ["input", "stdout", "stderr"].map((name) => join(folder, name));
  if (inputFile === undefined || stdoutFile === undefined || stderrFile === undefined)
    throw new Error(folder);
  try {
    writeFileSync(inputFile, input);
    const descriptors = [openSync(inputFile, "r"), openSync(stdoutFile, "w"), openSync(stderrFile, "w")];
    const argument = inputAs === "file argument" ? [inputFile] : [];
    const { error } = spawnSync(program, [...options, ...argument], { stdio: descriptors });
    for (const descriptor of descriptors) closeSync(descriptor);
    if (error !== undefined) throw error;
    return { stdout: readFileSync(stdoutFile, "utf8"), stderr: readFileSync(stderrFile, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const kernelVariable = "VMEXIT_KERNEL_IMAGE";
const cachedKernel = new URL("../../../.cache/debian-arm64/vmlinuz", import.meta.url).pathname;

/** Whether an arm64 kernel image is here, and if not, says so. */
export function kernelAvailable(): boolean {
  const named = process.env[kernelVariable];
  if (named === undefined) return requireTool("debian-arm64").available;
  if (!existsSync(named)) throw new Error(`${kernelVariable} names ${named}, which is not there`);
  return true;
}

/** The distinct words of the kernel image's executable part, in order of appearance. */
export function kernelWords(): readonly number[] {
  const file = readFileSync(process.env[kernelVariable] ?? cachedKernel);
  const image = file.readUInt16BE(0) === 0x1f8b ? gunzipSync(file) : file;
  // Linux Documentation/arm64/booting.rst: "ARM\x64" at 56; the EFI header that makes it a PE file lists sections.
  if (image.readUInt32LE(56) !== 0x644d5241) throw new Error("the kernel file is no arm64 Image");
  const optionalHeader = image.readUInt32LE(60) + 24;
  const sizeOfCode = image.readUInt32LE(optionalHeader + 4);
  const baseOfCode = image.readUInt32LE(optionalHeader + 20);
  const words = new Set<number>();
  const view = new DataView(image.buffer, image.byteOffset + baseOfCode, sizeOfCode);
  for (let at = 0; at < sizeOfCode; at += 4) words.add(view.getUint32(at, true));
  return [...words];
}

/** Marsaglia's xorshift: the same words every run. */
export function randomWords(count: number, seed: number): readonly number[] {
  const random = xorshift(seed);
  return Array.from({ length: count }, random);
}

/**
 * Words near the forms of the tables: a form's fixed bits, random fields with many 31s, then up to
 * `flips` random bits flipped.
 */
export function wordsNearForms(count: number, seed: number, flips: number): readonly number[] {
  const random = xorshift(seed);
  return Array.from({ length: count }, () => {
    const encoding = a64Encodings[random() % a64Encodings.length];
    if (encoding === undefined) throw new Error("the table is empty");
    let word = encoding.value | (random() & ~encoding.mask);
    for (const { width, lsb } of encoding.fields) if (width === 5 && random() % 4 === 0) word |= 31 << lsb;
    for (let left = random() % (flips + 1); left > 0; left -= 1) word ^= 1 << (random() % 32);
    return word >>> 0;
  });
}

function xorshift(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** Every SYS, SYSL, MSR and MRS with Rt 0 and 31, every hint, barrier and MSR (immediate). */
export function systemWords(): readonly number[] {
  const words: number[] = [];
  const range = (base: number, lsb: number, count: number) => {
    for (let value = 0; value < count; value += 1) words.push((base | (value << lsb)) >>> 0);
  };
  for (const base of [0xd5080000, 0xd5280000, 0xd5100000, 0xd5300000]) {
    const count = base & 0x100000 ? 1 << 15 : 1 << 14;
    range(base, 5, count);
    range(base | 31, 5, count);
  }
  range(0xd503201f, 5, 128);
  range(0xd503301f, 5, 128);
  for (let op1 = 0; op1 < 8; op1 += 1) range(0xd500401f | (op1 << 16), 5, 128);
  return words;
}

/** Every logical immediate, bitfield, wide and modified immediate, FMOV immediate. */
export function immediateWords(): readonly number[] {
  const words: number[] = [];
  for (let operation = 0; operation < 8; operation += 1) {
    for (let immediate = 0; immediate < 1 << 13; immediate += 1) {
      for (const registers of [0x3e4, 0x3ff, 0x064]) {
        words.push(((operation << 29) | 0x12000000 | (immediate << 10) | registers) >>> 0);
      }
      words.push(((operation << 29) | 0x13000000 | (immediate << 10) | 0x64) >>> 0);
    }
    for (const imm16 of [0, 1, 2, 0x7fff, 0x8000, 0xfffe, 0xffff]) {
      for (let hw = 0; hw < 4; hw += 1) {
        words.push(((operation << 29) | 0x12800000 | (hw << 21) | (imm16 << 5) | 9) >>> 0);
      }
    }
  }
  for (let immediate = 0; immediate < 1 << 14; immediate += 1) {
    const op = immediate >> 12;
    const abc = (immediate >> 9) & 7;
    const cmode = (immediate >> 5) & 15;
    words.push(((op << 29) | 0x0f000407 | (abc << 16) | (cmode << 12) | ((immediate & 31) << 5)) >>> 0);
  }
  for (let imm8 = 0; imm8 < 256; imm8 += 1) {
    words.push(0x1e201003 | (imm8 << 13), 0x1e601003 | (imm8 << 13));
  }
  return words;
}
