import type { KernelSymbols } from "./kallsyms/recover.ts";
import type { ReadMemory } from "./readMemory.ts";
import { isTextSymbol } from "./symbol.ts";

/**
 * How sure a comparison of memory with the kernel's text is:
 * `certain` - nearly every sampled function is there; `likely` - most are, or few could be read;
 * `none` - this is not where the kernel is, or not this kernel; `unreadable` - too little could be read to tell.
 */
export type TextConfidence = "certain" | "likely" | "none" | "unreadable";

/** The outcome of comparing samples of text with memory. Counts are of functions. */
export interface TextMatch {
  readonly confidence: TextConfidence;
  readonly matched: number;
  readonly compared: number;
  readonly unreadable: number;
}

/** A stretch of a function to compare: its image offset and its instructions, undefined where patching is usual. */
interface Sample {
  readonly offset: number;
  readonly words: readonly (number | undefined)[];
}

const SAMPLES = 64;
const WORDS = 16;
/** Words of a sample that must be comparable for it to say anything. */
const LEAST_WORDS = 6;
/** Shares of words that make a function match, and of functions that make the text match. */
const FUNCTION_SHARE = 0.75;
const CERTAIN_SHARE = 0.9;
const LIKELY_SHARE = 0.6;
const LEAST_CERTAIN = 8;

/**
 * Whether a running kernel may have another instruction here than its image: hints (NOP, PACIASP, BTI: ftrace,
 * alternatives, shadow call stack patching), B and BL (static keys, ftrace, alternatives), and immediates that are
 * patched at boot are either of these or too rare to matter.
 */
function isOftenPatched(word: number): boolean {
  const isHint = (word & 0xfffff01f) >>> 0 === 0xd503201f; // Arm ARM, HINT
  const isBranch = (word & 0x7c000000) === 0x14000000; // Arm ARM, B and BL
  return isHint || isBranch;
}

/** The kernel's text as something to compare memory with. Made once for an image, used for any number of places. */
export class KernelText {
  /** Link-time address of the image's first byte. */
  readonly textBase: bigint;
  /** Bytes of the image. */
  readonly length: number;
  readonly #image: DataView;
  readonly #samples: readonly Sample[];

  /** @param image the raw `Image` that `kernel` was recovered from. */
  constructor(kernel: Pick<KernelSymbols, "symbols" | "textBase">, image: Uint8Array) {
    this.textBase = kernel.textBase;
    this.#image = new DataView(image.buffer, image.byteOffset, image.byteLength);
    const offsetOf = (name: string): number | undefined => {
      const symbol = kernel.symbols.find((candidate) => candidate.name === name);
      return symbol === undefined ? undefined : Number(symbol.address - kernel.textBase);
    };
    const limit = image.length - (image.length % 4);
    this.length = image.length;
    // Only text that stays: what is before _stext or initial is given back after the start.
    const start = Math.max(0, offsetOf("_stext") ?? 0);
    const end = Math.min(limit, offsetOf("_etext") ?? limit);
    const functions: number[] = [];
    kernel.symbols.forEach(({ type, address }, index) => {
      const offset = Number(address - kernel.textBase);
      const next = Number((kernel.symbols[index + 1]?.address ?? address) - kernel.textBase);
      if (!isTextSymbol(type) || offset < start || next > end || offset % 4 !== 0) return;
      if (next - offset >= WORDS * 4) functions.push(offset);
    });
    const step = Math.max(1, Math.floor(functions.length / SAMPLES));
    this.#samples = functions
      .filter((_, index) => index % step === 0)
      .map((offset) => ({ offset, words: this.#wordsAt(offset) }))
      .filter(({ words }) => words.filter((word) => word !== undefined).length >= LEAST_WORDS);
  }

  /** Image offset of a function that tells kernels apart, for quick tests; undefined when the kernel has none. */
  get probe(): number | undefined {
    return this.#samples[0]?.offset;
  }

  #wordsAt(offset: number): (number | undefined)[] {
    return Array.from({ length: WORDS }, (_, index) => {
      const word = this.#image.getUint32(offset + index * 4, true);
      return isOftenPatched(word) ? undefined : word;
    });
  }

  /**
   * Compares samples of the text, spread over all of it, with memory in which the image's first byte is at `base`.
   * `read` and `base` are both virtual or both physical. Never throws.
   */
  compareAt(base: bigint, read: ReadMemory): TextMatch {
    let matched = 0;
    let compared = 0;
    let unreadable = 0;
    for (const { offset, words } of this.#samples) {
      const bytes = read(BigInt.asUintN(64, base + BigInt(offset)), WORDS * 4);
      if (bytes === undefined || bytes.length < WORDS * 4) {
        unreadable++;
        continue;
      }
      compared++;
      if (sameWords(words, bytes)) matched++;
    }
    return { confidence: judge(matched, compared, unreadable), matched, compared, unreadable };
  }

  /**
   * Whether `bytes` could be the image's from `offset` on: a cheap first test of one place, with the same tolerance.
   * False where the image has too few instructions that tell anything.
   */
  resembles(offset: number, bytes: Uint8Array): boolean {
    if (offset < 0 || offset % 4 !== 0 || offset + bytes.length > this.#image.byteLength) return false;
    const words = Array.from({ length: bytes.length >> 2 }, (_, index) => {
      const word = this.#image.getUint32(offset + index * 4, true);
      return isOftenPatched(word) ? undefined : word;
    });
    return sameWords(words, bytes);
  }
}

function sameWords(words: readonly (number | undefined)[], bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let total = 0;
  let same = 0;
  words.forEach((word, index) => {
    if (word === undefined) return;
    total++;
    if (view.getUint32(index * 4, true) === word) same++;
  });
  return total > 0 && same >= total * FUNCTION_SHARE;
}

function judge(matched: number, compared: number, unreadable: number): TextConfidence {
  if (compared === 0) return "unreadable";
  const share = matched / compared;
  if (share < LIKELY_SHARE) return "none";
  if (compared < LEAST_CERTAIN || unreadable > compared) return "likely";
  return share >= CERTAIN_SHARE ? "certain" : "likely";
}
