import type { CodePage } from "./blocks.ts";
import type { CompiledRegion, RegionCompiler, RegionRequest } from "./compile.ts";
import { slotOwner } from "./site.ts";

/** What is known of an instruction of a page. */
export const codeState = { marked: 1, reached: 2, warm: 4, entry: 8 } as const;

/** A page of which regions are wanted, as it was when they were asked for. */
export interface PageJob {
  /** Number of the record page. */
  readonly page: number;
  /** The page's instruction words. */
  readonly words: Int32Array;
  /** Bits of `codeState` of each. */
  readonly states: Uint8Array;
  /** Address of the page's slots. */
  readonly slots: number;
  /** See `RegionPlace.apart`. */
  readonly apart: boolean;
  /** Numbers of the instructions at which regions are wanted to begin, and a place in the function table for each. */
  readonly roots: readonly number[];
  readonly places: readonly number[];
}

/** Regions to compile into one module. It is plain data, so that another thread may do it. */
export interface RegionJob {
  readonly number: number;
  readonly pages: readonly PageJob[];
  /** See `RegionRequest.whole`. */
  readonly whole: boolean;
}

/** A region of a page. */
export interface MadeRegion extends CompiledRegion {
  /** Its place in the function table. */
  readonly place: number;
}

/** What became of a page's roots. */
export interface PageResult {
  readonly made: readonly MadeRegion[];
  /** Roots at which no region can begin. */
  readonly impossible: readonly number[];
}

/** What became of a job. */
export interface RegionResult {
  readonly number: number;
  /** Undefined if there is no region. */
  readonly module: WebAssembly.Module | undefined;
  /** The module's size in bytes. */
  readonly bytes: number;
  /** For each page of the job. */
  readonly pages: readonly PageResult[];
}

/** Compiles regions while the guest goes on. */
export interface RegionService {
  /** False when it has broken down: nothing that was posted will come back. */
  readonly working: boolean;
  post(job: RegionJob): void;
  /** A result that has come. */
  take(): RegionResult | undefined;
}

/** Compiles a job's regions. */
export function runJob(compiler: RegionCompiler, { number, pages, whole }: RegionJob): RegionResult {
  const results = pages.map(() => ({ made: [] as MadeRegion[], impossible: [] as number[] }));
  function* requests(): Iterable<RegionRequest> {
    for (const [i, job] of pages.entries()) {
      const { made, impossible } = results[i] ?? { made: [], impossible: [] };
      const held = new Set<number>();
      const code = codePage(job, held);
      for (const [k, root] of job.roots.entries()) {
        if (code.isEntry(root * 4)) continue;
        const others = job.roots.filter((other) => other !== root && !code.isEntry(other * 4));
        const place = job.places[k] ?? 0;
        yield {
          page: code,
          roots: [root, ...others].map((index) => index * 4),
          whole,
          place: { owner: slotOwner(place), slots: job.slots, apart: job.apart },
          compiled: (region) => {
            if (region?.blocks.some(({ offset }) => offset === root * 4) !== true) impossible.push(root);
            if (region === undefined) return;
            for (const { offset } of region.blocks) held.add(offset);
            made.push({ ...region, place });
          },
        };
      }
    }
  }
  const { module } = compiler.compile(requests());
  const empty = results.every(({ made }) => made.length === 0);
  return {
    number,
    module: empty ? undefined : new WebAssembly.Module(module),
    bytes: empty ? 0 : module.length,
    pages: results,
  };
}

/** `held`: offsets of blocks of the job's regions. */
function codePage({ words, states }: PageJob, held: ReadonlySet<number>): CodePage {
  const is = (offset: number, bit: number): boolean => ((states[offset >>> 2] ?? 0) & bit) !== 0;
  return {
    word: (offset) => (is(offset, codeState.marked) ? undefined : (words[offset >>> 2] ?? 0)),
    reached: (offset) => is(offset, codeState.reached),
    warm: (offset) => is(offset, codeState.warm),
    isEntry: (offset) => held.has(offset) || is(offset, codeState.entry),
  };
}
