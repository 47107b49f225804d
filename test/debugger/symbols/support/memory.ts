import type { ReadMemory } from "../../../../src/debugger/symbols/readMemory.ts";

/** Guest memory made of pieces: reading anything outside of one piece fails. */
export class FakeMemory {
  readonly #pieces: { start: bigint; bytes: Uint8Array }[] = [];

  /** Puts bytes (shared, so they can be changed later) at an address. */
  map(start: bigint, bytes: Uint8Array): this {
    this.#pieces.push({ start, bytes });
    return this;
  }

  /** Instructions as bytes. */
  code(start: bigint, words: readonly number[]): this {
    const bytes = new Uint8Array(words.length * 4);
    words.forEach((word, index) => {
      new DataView(bytes.buffer).setUint32(index * 4, word >>> 0, true);
    });
    return this.map(start, bytes);
  }

  /** 64-bit words as bytes. */
  stack(start: bigint, words: readonly bigint[]): this {
    const bytes = new Uint8Array(words.length * 8);
    words.forEach((word, index) => {
      new DataView(bytes.buffer).setBigUint64(index * 8, BigInt.asUintN(64, word), true);
    });
    return this.map(start, bytes);
  }

  readonly read: ReadMemory = (address, length) => {
    for (const { start, bytes } of this.#pieces) {
      const from = Number(address - start);
      if (address >= start && from + length <= bytes.length) return bytes.slice(from, from + length);
    }
    return undefined;
  };
}
