import { recordBytes } from "./layout.ts";

const recordWords = recordBytes / 4;
/** An entry: the instruction word, then its record. */
const entryWords = 1 + recordWords;
/** Kernels have some ten thousand different words, a boot to a shell ninety thousand. */
const indexBits = 16;

/**
 * Records of instruction words that were decoded before, since most words come again elsewhere. A word has one place, where it
 * pushes out another's: a map of them all would keep the garbage collector busy.
 */
export class RecordImages {
  readonly #entries = new Int32Array(entryWords << indexBits);

  /** Copies the record of `word` to index `at`; whether it is known. */
  copy(word: number, words: Int32Array, at: number): boolean {
    const entries = this.#entries;
    const entry = entryOf(word);
    // A record begins with its handler's number, which is not 0.
    if (entries[entry] !== word || entries[entry + 1] === 0) return false;
    for (let i = 0; i < recordWords; i++) words[at + i] = entries[entry + 1 + i] ?? 0;
    return true;
  }

  /** Remembers the record at index `at` as that of `word`. */
  keep(word: number, words: Int32Array, at: number): void {
    const entry = entryOf(word);
    this.#entries[entry] = word;
    for (let i = 0; i < recordWords; i++) this.#entries[entry + 1 + i] = words[at + i] ?? 0;
  }
}

/** Multiplicative hashing: bits of the whole word get into the upper ones. Knuth, TAOCP 6.4. */
function entryOf(word: number): number {
  return (Math.imul(word, 0x9e37_79b1) >>> (32 - indexBits)) * entryWords;
}
