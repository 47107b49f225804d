import type { KallsymsBlob } from "./blob.ts";
import { isKernelHigh } from "./relocations.ts";

const POINTERS = 1024;
const MOST_WORDS = 1 << 18;
const GRANULE = 0x1000n;
/** Share of the pointers that must hit a symbol exactly, and how far the best base must be ahead of the next. */
const LEAST_SHARE = 0.05;
const LEAST_HITS = 16;
const LEAD = 2;

/** The different 64-bit words that look like kernel addresses, in order of value. */
function kernelWords(blob: KallsymsBlob): bigint[] {
  const all = new Set<bigint>();
  for (let at = 0; at + 8 <= blob.length && all.size < MOST_WORDS; at += 8) {
    if (isKernelHigh(blob.high32(at))) all.add(blob.u64(at));
  }
  return [...BigUint64Array.from(all).sort()];
}

/**
 * The words in the window of `span` bytes that has the most of them: pairs of negative 32-bit distances look like
 * kernel addresses too, but only pointers crowd within the size of a kernel.
 */
function densest(words: readonly bigint[], span: bigint): bigint[] {
  let best = { from: 0, count: 0 };
  let from = 0;
  words.forEach((word, index) => {
    while (word - (words[from] ?? word) > span) from++;
    if (index + 1 - from > best.count) best = { from, count: index + 1 - from };
  });
  return words.slice(best.from, best.from + best.count);
}

/**
 * The link address of the image's first byte, by asking the image's own pointers: at the right one many of them
 * (function pointers in tables) point exactly at symbols.
 * @param offsets the symbols' distances from the image's first byte, in bytes.
 * @returns undefined when no page-aligned address stands out.
 */
export function voteLinkAddress(blob: KallsymsBlob, offsets: readonly number[]): bigint | undefined {
  const targets = new Set(offsets);
  const span = offsets.reduce((most, offset) => Math.max(most, offset), 0);
  const crowd = densest(kernelWords(blob), BigInt(span));
  const lowest = crowd[0];
  if (lowest === undefined) return undefined;
  const step = Math.max(1, Math.floor(crowd.length / POINTERS));
  const pointers = crowd.filter((_, index) => index % step === 0).map((word) => Number(word - lowest));
  let best = { hits: 0, base: 0n };
  let second = 0;
  for (let page = (lowest - BigInt(span)) / GRANULE; page <= lowest / GRANULE; page++) {
    const base = page * GRANULE;
    const shift = Number(lowest - base);
    let hits = 0;
    for (const pointer of pointers) if (targets.has(pointer + shift)) hits++;
    if (hits > best.hits) {
      second = best.hits;
      best = { hits, base };
    } else if (hits > second) {
      second = hits;
    }
  }
  const stands =
    best.hits >= LEAST_HITS && best.hits >= pointers.length * LEAST_SHARE && best.hits >= second * LEAD;
  return stands ? best.base : undefined;
}
