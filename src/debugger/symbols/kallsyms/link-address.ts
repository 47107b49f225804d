import type { KallsymsBlob } from "./blob.ts";
import { isKernelHigh } from "./relocations.ts";

const POINTERS = 1024;
const GRANULE = 0x1000n;
/** Share of the pointers that must hit a symbol exactly, and how far the best base must be ahead of the next. */
const LEAST_SHARE = 0.05;
const LEAD = 2;

/** Evenly spread sample of the 64-bit words that look like kernel addresses and repeat no other. */
function samplePointers(blob: KallsymsBlob): bigint[] {
  const all = new Set<bigint>();
  for (let at = 0; at + 8 <= blob.length; at += 8) {
    const high = blob.high32(at);
    if (isKernelHigh(high) && high !== 0xffffffff) all.add(blob.u64(at));
    if (all.size >= POINTERS * 64) break;
  }
  const pointers = [...all];
  const step = Math.max(1, Math.floor(pointers.length / POINTERS));
  return pointers.filter((_, index) => index % step === 0);
}

/**
 * The link address of the image's first byte, by asking the image's own pointers: at the right one many of them
 * (function pointers in tables) point exactly at symbols.
 * @param offsets the symbols' distances from the image's first byte, in bytes.
 * @returns undefined when no page-aligned address stands out.
 */
export function voteLinkAddress(blob: KallsymsBlob, offsets: readonly number[]): bigint | undefined {
  const targets = new Set(offsets);
  const pointers = samplePointers(blob);
  if (pointers.length < 16) return undefined;
  const sorted = [...pointers].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const middle = sorted[sorted.length >> 1] ?? 0n;
  const span = offsets.reduce((most, offset) => Math.max(most, offset), 0);
  const nearby = sorted.filter((value) => value > middle - BigInt(span) && value < middle + BigInt(span));
  const relative = nearby.map((value) => Number(value - middle));
  const first = (middle - BigInt(span)) / GRANULE;
  const last = middle / GRANULE;
  let best = { hits: 0, base: 0n };
  let second = 0;
  for (let page = first; page <= last; page++) {
    const base = page * GRANULE;
    const shift = Number(middle - base);
    let hits = 0;
    for (const value of relative) if (targets.has(value + shift)) hits++;
    if (hits > best.hits) {
      second = best.hits;
      best = { hits, base };
    } else if (hits > second) {
      second = hits;
    }
  }
  return best.hits >= nearby.length * LEAST_SHARE && best.hits >= second * LEAD && best.hits >= 16
    ? best.base
    : undefined;
}
