import type { KallsymsBlob } from "./blob.ts";

/**
 * The dynamic relocations of a position-independent kernel. With `--no-apply-dynamic-relocs` (arm64 since Linux 5.0)
 * the words they patch are zero in the image, so pointers can only be read through them.
 */
export interface RelativeRelocations {
  /** Number of R_*_RELATIVE entries. */
  readonly count: number;
  /** Link-time address of the image's first byte. */
  readonly base: bigint;
  /** What the word at image offset `at` holds at link address, undefined when nothing relocates it. */
  addend(at: number): bigint | undefined;
}

interface Run {
  readonly start: number;
  readonly count: number;
}

/** Size of an Elf64_Rela. */
const ENTRY = 24;
/** Fewest entries of a run that is taken for a part of the table. */
const FEWEST = 16;
const SAMPLES = 512;
const PAGE = 0x1000n;

/** Whether bits 63:52, given bits 63:32, are ones: a kernel address for every size of address space arm64 has. */
export function isKernelHigh(high32: number): boolean {
  return high32 >= 0xfff00000;
}

function isEntry(blob: KallsymsBlob, at: number, type: number): boolean {
  return blob.low32(at + 8) === type && blob.high32(at + 8) === 0 && isKernelHigh(blob.high32(at));
}

/** Runs of relative relocations; entries of other kinds may stand between them. */
function findRuns(blob: KallsymsBlob, type: number): Run[] {
  const runs: Run[] = [];
  const end = blob.length - ENTRY;
  for (let at = 0; at <= end; at += 8) {
    if (!isEntry(blob, at, type)) continue;
    let next = at;
    while (next <= end && isEntry(blob, next, type)) next += ENTRY;
    const count = (next - at) / ENTRY;
    if (count >= FEWEST) runs.push({ start: at, count });
    at = next - 8;
  }
  return runs;
}

/**
 * The page-aligned link address for which all relocated words lie in the image and hold what an unapplied (0) or
 * applied (the addend) relocation leaves there; undefined unless exactly one does.
 */
function voteBase(blob: KallsymsBlob, runs: readonly Run[], total: number): bigint | undefined {
  let lowest = 2n ** 64n;
  let highest = 0n;
  let index = 0;
  const samples: { readonly place: bigint; readonly addend: bigint }[] = [];
  const step = Math.max(1, Math.floor(total / SAMPLES));
  for (const { start, count } of runs) {
    for (let at = start; at < start + count * ENTRY; at += ENTRY) {
      const place = blob.u64(at);
      if (place < lowest) lowest = place;
      if (place > highest) highest = place;
      if (index++ % step === 0) samples.push({ place, addend: blob.u64(at + 16) });
    }
  }
  const length = BigInt(blob.length);
  const first = ((highest + 8n - length + PAGE - 1n) / PAGE) * PAGE;
  let found: bigint | undefined;
  for (let base = first; base <= lowest; base += PAGE) {
    const holds = samples.every(({ place, addend }) => {
      const at = Number(place - base);
      return (blob.low32(at) === 0 && blob.high32(at) === 0) || blob.u64(at) === addend;
    });
    if (!holds) continue;
    if (found !== undefined) return undefined;
    found = base;
  }
  return found;
}

/**
 * Finds `.rela.dyn` by its shape, and from it the link address; undefined when there is none or it does not say.
 * @param type the machine's R_*_RELATIVE (1027 for AArch64: AAELF64 "Dynamic relocations").
 */
export function findRelativeRelocations(blob: KallsymsBlob, type: number): RelativeRelocations | undefined {
  const runs = findRuns(blob, type);
  const count = runs.reduce((sum, run) => sum + run.count, 0);
  if (count === 0) return undefined;
  const base = voteBase(blob, runs, count);
  if (base === undefined) return undefined;
  let entryOfPlace: Map<number, number> | undefined;
  return {
    count,
    base,
    addend(place) {
      if (entryOfPlace === undefined) {
        entryOfPlace = new Map();
        for (const run of runs) {
          for (let at = run.start; at < run.start + run.count * ENTRY; at += ENTRY) {
            entryOfPlace.set(Number(blob.u64(at) - base), at);
          }
        }
      }
      const entry = entryOfPlace.get(place);
      return entry === undefined ? undefined : blob.u64(entry + 16);
    },
  };
}
