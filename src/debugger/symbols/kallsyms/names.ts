import { type KallsymsBlob, LABEL_ALIGNMENTS, type SearchBudget } from "./blob.ts";
import type { TokenTable } from "./tokenTable.ts";

/** `kallsyms_names` with its markers and count. */
export interface NameTable {
  /** Offset of `kallsyms_num_syms`, which stands before the names in every layout. */
  readonly countAt: number;
  readonly count: number;
  /** Offset of the first name, and the offset behind the last. */
  readonly start: number;
  readonly end: number;
  /** Offset of `kallsyms_markers` and the width of one marker (8 bytes before Linux 4.20). */
  readonly markers: number;
  readonly markerSize: 4 | 8;
}

/** Symbols per marker. */
const STRIDE = 256;
/** Bytes that 256 compressed names take: at least a length and one code each; 256 a name on average is far too many. */
const LEAST_STRIDE = STRIDE * 2;
const MOST_STRIDE = STRIDE * 256;
/** Fewest markers accepted, so that stray small numbers are not taken for markers: no kernel has so few symbols. */
const FEWEST_MARKERS = 4;
/** Longest expanded name accepted; KSYM_NAME_LEN is 512 since Linux 6.1. */
const LONGEST_NAME = 2048;

/** Length in bytes of the compressed name at `at` and of its length field, which has two bytes from 128 on. */
export function nameLength(
  bytes: Uint8Array,
  at: number,
): { readonly header: 1 | 2; readonly length: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { header: 1, length: first };
  return { header: 2, length: (first & 0x7f) | ((bytes[at + 1] ?? 0) << 7) };
}

function marker(blob: KallsymsBlob, at: number, size: 4 | 8): number {
  if (size === 4) return blob.u32(at);
  return blob.high32(at) === 0 ? blob.low32(at) : Number.MAX_SAFE_INTEGER;
}

/** Number of markers from `at` on that could belong together: 0 first, each a plausible step above the last. */
function chainLength(blob: KallsymsBlob, at: number, size: 4 | 8, end: number): number {
  let previous = 0;
  let length = 1;
  for (let next = at + size; next + size <= end; next += size) {
    const value = marker(blob, next, size);
    if (value - previous < LEAST_STRIDE || value - previous > MOST_STRIDE) break;
    previous = value;
    length++;
  }
  return length;
}

/** Walks `count` names from `start`, checking each marker; the offset behind them, or undefined. */
function walkNames(
  blob: KallsymsBlob,
  start: number,
  count: number,
  markers: number,
  size: 4 | 8,
  budget: SearchBudget,
): number | undefined {
  const { bytes } = blob;
  let at = start;
  for (let index = 0; index < count; index++) {
    if (index % STRIDE === 0) {
      if (!budget.take(STRIDE)) return undefined;
      if (at - start !== marker(blob, markers + (index / STRIDE) * size, size)) return undefined;
    }
    const { header, length } = nameLength(bytes, at);
    at += header + length;
    if (length === 0 || at > markers) return undefined;
  }
  return at;
}

function namesBefore(
  blob: KallsymsBlob,
  markers: number,
  size: 4 | 8,
  chain: number,
  budget: SearchBudget,
): NameTable | undefined {
  // The array may run on into bytes that look like one marker more, so shorter counts are tried too.
  for (let used = chain; used >= Math.max(FEWEST_MARKERS, chain - 2); used--) {
    const lastMarker = marker(blob, markers + (used - 1) * size, size);
    const highest = markers - lastMarker - 2;
    const lowest = Math.max(8, highest - MOST_STRIDE);
    for (let start = highest - (highest % 4); start >= lowest; start -= 4) {
      if (!budget.take(1)) return undefined;
      for (const align of LABEL_ALIGNMENTS) {
        const countAt = start - align;
        if (start % align !== 0 || countAt < 0) continue;
        // A 32-bit count; before Linux 4.20 a 64-bit one, whose low word is the second in a big-endian kernel.
        const wide = !blob.littleEndian && size === 8 && align >= 8;
        const count = blob.u32(wide ? countAt + 4 : countAt);
        if (count <= (used - 1) * STRIDE || count > used * STRIDE) continue;
        const end = walkNames(blob, start, count, markers, size, budget);
        if (end === undefined || markers - end >= align) continue;
        return { countAt, count, start, end, markers, markerSize: size };
      }
    }
  }
  return undefined;
}

/**
 * The names that belong to a token table. The markers stand before the table, directly or with
 * `kallsyms_seqs_of_names` between (Linux 6.2 and 6.3, and where that was ported back).
 */
export function findNames(
  blob: KallsymsBlob,
  tokens: TokenTable,
  budget: SearchBudget,
): NameTable | undefined {
  for (let at = tokens.start - 8; at >= 8; at -= 4) {
    if (blob.u32(at) !== 0) continue;
    for (const size of [4, 8] as const) {
      if (size === 8 && (at % 8 !== 0 || blob.u32(at + 4) !== 0)) continue;
      const chain = chainLength(blob, at, size, tokens.start);
      if (chain < FEWEST_MARKERS) continue;
      const names = namesBefore(blob, at, size, chain, budget);
      if (names !== undefined) return names;
    }
    if (!budget.take(1)) return undefined;
  }
  return undefined;
}

/** The names in order, type letter first (Latin-1), or undefined when one is empty or they are absurdly long. */
export function expandNames(
  blob: KallsymsBlob,
  table: NameTable,
  tokens: readonly string[],
): string[] | undefined {
  const { bytes } = blob;
  const names: string[] = [];
  // Compression halves names; tokens that blow them up without bound are not the kernel's.
  let left = 65_536 + (table.end - table.start) * 16;
  let at = table.start;
  for (let index = 0; index < table.count; index++) {
    const { header, length } = nameLength(bytes, at);
    at += header;
    let name = "";
    for (const end = at + length; at < end; at++) {
      name += tokens[bytes[at] ?? 0] ?? "";
      if (name.length > LONGEST_NAME) return undefined;
    }
    left -= name.length;
    if (name.length < 2 || left < 0) return undefined;
    names.push(name);
  }
  return names;
}
