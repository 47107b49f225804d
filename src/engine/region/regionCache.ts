import {
  type CodeCache,
  type CodeObserver,
  isRegionEntry,
  placeOf,
  recordPageAddress,
} from "../codeCache.ts";
import { handler } from "../interpreter/mainFunction.ts";
import { manyApart, manyCrossings } from "../interpreter/runRegions.ts";
import { engineWords, recordBytes, recordPage } from "../layout.ts";
import type { EngineMemory } from "../memory.ts";
import type { InstructionSet } from "../operation.ts";
import { type CompiledRegion, RegionCompiler } from "./compile.ts";
import {
  codeState,
  type PageJob,
  type RegionJob,
  type RegionResult,
  type RegionService,
  runJob,
} from "./job.ts";
import { type LiveModule, type LiveRegion, LiveRegions, type PageState } from "./liveRegions.ts";
import { isRegionSlot } from "./site.ts";

/** When regions are made. */
export interface RegionPolicy {
  /** How often control must get to an instruction by jumps before a region is made of it: 0 or more. */
  readonly heat: number;
  /** Regions in use; more make those of the oldest module go. */
  readonly mostRegions: number;
  /** Who compiles them while the guest goes on. Left out: the guest waits for its regions. */
  readonly service?: RegionService | undefined;
}

/** What the region cache has done. */
export interface RegionStatistics {
  /** Regions compiled, and those of them that are still there. */
  readonly compiled: number;
  readonly live: number;
  readonly modules: number;
  readonly instructions: number;
  /** Bytes of WebAssembly. */
  readonly bytes: number;
  /** Milliseconds spent in compiling, as far as it holds the guest up. */
  readonly milliseconds: number;
}

/** A job that is being done elsewhere. */
interface PendingJob {
  readonly job: RegionJob;
  /** Numbers of the instructions that have changed since, by record page. */
  readonly changed: Map<number, Set<number>>;
  /** Record pages that are something else now. */
  readonly gone: Set<number>;
  /** Regions that its regions take the place of. */
  readonly replaced: readonly LiveRegion[];
}

/** Regions in one module: the fixed cost of a module is that of some twenty regions. */
const largestBatch = 40;

/** An instruction that gets hot while it waits for others is asked again after that many more jumps; then it waits no longer. */
const patience = 48;

/** Jumps after which what waits for a job looks whether it is done. */
const jumpsBetweenLooks = 256;

/** Below this heat the guest is a test: nothing waits, and code is compiled that has not been reached. */
const impatient = 16;

/** How often the regions of a page are put together; each time it takes twice as many crossings. */
const mostMerges = 4;

/** A branch is followed where its target was reached a 2^warmShift-th as often as what is hot. */
const warmShift = 5;

/** Rewrites of a page, as when memory is used for other code, before it is held against it. */
const forgivenRewrites = 4;

/** When `manyApart` ways out come within so many instructions, a page does without what saves less. */
const instructionsForApart = manyApart * 4000;

/** Jumps before an instruction that cannot be compiled is looked at again. */
const veryCold = -(1 << 27);

/**
 * Compiled regions: makes them of what gets hot, has the interpreter enter them, and takes them away when their code changes.
 * A region belongs to a page of host memory and serves every mapping of it.
 */
export class RegionCache implements CodeObserver {
  readonly #memory: EngineMemory;
  readonly #code: CodeCache;
  readonly #live: LiveRegions;
  readonly #policy: RegionPolicy;
  readonly #set: InstructionSet;
  #compiler: RegionCompiler | undefined;
  #service: RegionService | undefined;
  /** By number. */
  readonly #pending = new Map<number, PendingJob>();
  #nextJob = 0;
  /** Roots that wait to be compiled, by record page. */
  #waiting = new Map<number, Set<number>>();
  #waitingRoots = 0;
  #bytes = 0;
  #milliseconds = 0;

  constructor(
    memory: EngineMemory,
    code: CodeCache,
    set: InstructionSet,
    table: WebAssembly.Table,
    policy: RegionPolicy,
  ) {
    this.#memory = memory;
    this.#code = code;
    this.#live = new LiveRegions(memory, code, table);
    this.#policy = policy;
    this.#set = set;
    this.#service = policy.heat < impatient ? undefined : policy.service;
    memory.words[engineWords.heat >>> 2] = policy.heat;
    code.observe(this);
  }

  get statistics(): RegionStatistics {
    return { ...this.#live.statistics, bytes: this.#bytes, milliseconds: this.#milliseconds };
  }

  /** Control has got to this record often. */
  hot(record: number): void {
    const { page, index } = placeOf(record);
    const { heat } = this.#policy;
    this.takeResults();
    if (this.#live.isEntry(page, index)) return;
    if (this.#isPending(page)) {
      this.#live.setSlot(page, index, heat - jumpsBetweenLooks);
      return;
    }
    let roots = this.#waiting.get(page);
    if (roots === undefined) {
      roots = new Set();
      this.#waiting.set(page, roots);
    }
    const again = roots.has(index);
    if (!again) {
      roots.add(index);
      this.#waitingRoots++;
    }
    this.#live.setSlot(page, index, heat - patience);
    if (again || heat < impatient || this.#waitingRoots >= largestBatch) this.#compileWaiting();
  }

  /** Control often goes from region to region in the page with these records: makes larger regions of them. */
  crossed(records: number): void {
    const { page } = placeOf(records);
    const state = this.#live.known(page);
    const { words } = this.#memory;
    if (state === undefined) return;
    this.takeResults();
    if (this.#isPending(page)) {
      words[(records + recordPage.crossings) >>> 2] = manyCrossings - jumpsBetweenLooks;
      return;
    }
    state.merges = Math.min(state.merges + 1, mostMerges);
    words[(records + recordPage.crossings) >>> 2] =
      state.merges === mostMerges ? veryCold : manyCrossings - (manyCrossings << state.merges);
    const regions = [...state.regions].reverse();
    if (regions.length < 2) return;
    const roots = new Set(regions.flatMap(({ blocks }) => blocks.map(({ offset }) => offset >>> 2)));
    this.#compile(new Map([[page, roots]]), regions);
  }

  /** Accesses of the page with these records that were taken to be near each other are often in two pages. */
  apart(records: number): void {
    const { page } = placeOf(records);
    const { words, doublewords } = this.#memory;
    words[(records + recordPage.apart) >>> 2] = 0;
    const state = this.#live.known(page);
    if (state === undefined) return;
    const retired = Number(doublewords[engineWords.retired >>> 3]);
    const often = retired - state.apartAt < instructionsForApart;
    state.apartAt = retired;
    if (!often && !state.apart) return;
    // A job that was posted before may bring such regions once more.
    state.apart = true;
    for (const region of [...state.regions]) this.#live.drop(region);
  }

  changed(page: number, from: number, to: number): void {
    const { words } = this.#memory;
    for (const { changed } of this.#pending.values()) {
      const indexes = changed.get(page);
      if (indexes !== undefined) for (let i = from; i < to; i++) indexes.add(i);
    }
    const slots = (recordPageAddress(page) + recordPage.slots) >>> 2;
    // What could not be compiled is something else now.
    for (let i = from; i < to; i++) if ((words[slots + i] ?? 0) >> 8 === veryCold >> 8) words[slots + i] = 0;
    const state = this.#live.known(page);
    if (state === undefined) return;
    let rewritten = false;
    for (const region of [...state.regions]) {
      if (!holds(region.blocks, from, to)) continue;
      rewritten = true;
      this.#live.drop(region);
    }
    if (rewritten) this.#rewritten(page, state);
  }

  /** Code that is written again and again must get ever hotter before it is compiled once more. */
  #rewritten(page: number, state: PageState): void {
    const { words } = this.#memory;
    const slots = (recordPageAddress(page) + recordPage.slots) >>> 2;
    state.rewrites++;
    const doublings = Math.min(Math.max(state.rewrites - forgivenRewrites, 0), 20);
    const coldness = Math.min(this.#policy.heat * (2 ** doublings - 1), -veryCold);
    for (let i = slots; i < slots + recordPage.records; i++) {
      if (!isRegionSlot(words[i] ?? 0)) words[i] = -coldness;
    }
  }

  released(pages: ReadonlySet<number>): void {
    for (const page of pages) {
      this.#live.forget(page);
      this.#waitingRoots -= this.#waiting.get(page)?.size ?? 0;
      this.#waiting.delete(page);
      for (const { gone } of this.#pending.values()) gone.add(page);
    }
  }

  dropped(): void {
    this.#live.forgetAll();
    for (const { job, gone } of this.#pending.values()) for (const { page } of job.pages) gone.add(page);
    this.#waiting.clear();
    this.#waitingRoots = 0;
  }

  #compileWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    this.#waitingRoots = 0;
    this.#compile(waiting, undefined);
  }

  /** Takes in the regions of jobs that are done. */
  takeResults(): void {
    if (this.#pending.size === 0 || this.#service === undefined) return;
    const begin = performance.now();
    for (;;) {
      const result = this.#service.take();
      if (result === undefined) break;
      const pending = this.#pending.get(result.number);
      if (pending === undefined) continue;
      this.#pending.delete(result.number);
      this.#takeIn(pending, result);
    }
    if (!this.#service.working) this.#doWithoutService();
    this.#milliseconds += performance.now() - begin;
  }

  /** `merged`: regions of which larger ones are made. */
  #compile(
    waiting: ReadonlyMap<number, ReadonlySet<number>>,
    merged: readonly LiveRegion[] | undefined,
  ): void {
    const begin = performance.now();
    const pages = [...waiting].map(([page, roots]) => this.#pageJob(page, [...roots], merged !== undefined));
    const job: RegionJob = { number: this.#nextJob++, pages, whole: merged !== undefined };
    const changed = new Map(pages.map(({ page }) => [page, new Set<number>()]));
    const pending: PendingJob = { job, changed, gone: new Set(), replaced: merged ?? [] };
    if (this.#service === undefined) this.#takeIn(pending, this.#run(job));
    else {
      this.#pending.set(job.number, pending);
      this.#service.post(job);
    }
    this.#milliseconds += performance.now() - begin;
  }

  #run(job: RegionJob): RegionResult {
    this.#compiler ??= new RegionCompiler(this.#set, { speculative: this.#policy.heat < impatient });
    return runJob(this.#compiler, job);
  }

  #doWithoutService(): void {
    this.#service = undefined;
    const left = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of left) this.#takeIn(pending, this.#run(pending.job));
  }

  #isPending(page: number): boolean {
    for (const { job } of this.#pending.values())
      if (job.pages.some((pageJob) => pageJob.page === page)) return true;
    return false;
  }

  #takeIn(
    { job, changed, gone, replaced }: PendingJob,
    { module: compiled, bytes, pages }: RegionResult,
  ): void {
    const exports =
      compiled && new WebAssembly.Instance(compiled, { env: { memory: this.#memory.memory } }).exports;
    const module: LiveModule = { regions: new Set() };
    job.pages.forEach(({ page, places }, i) => {
      const { made, impossible } = pages[i] ?? { made: [], impossible: [] };
      const indexes = [...(changed.get(page) ?? [])];
      const current = gone.has(page)
        ? []
        : made.filter(({ blocks }) => !indexes.some((at) => holds(blocks, at)));
      if (!gone.has(page)) {
        for (const region of replaced)
          if (this.#live.known(page)?.regions.has(region)) this.#live.drop(region);
        for (const index of indexes.length > 0 ? [] : impossible)
          if (!this.#live.isEntry(page, index)) this.#live.setSlot(page, index, veryCold);
        if (current.length < made.length) this.#rewritten(page, this.#live.stateOf(page));
      }
      for (const { name, blocks, place } of current) {
        this.#live.enter({ page, blocks, place, module }, exports?.[name]);
      }
      const used = new Set(current.map(({ place }) => place));
      for (const place of places) if (!used.has(place)) this.#live.freePlace(place);
    });
    if (module.regions.size === 0) return;
    this.#bytes += bytes;
    this.#live.trim(this.#policy.mostRegions);
  }

  /** `anew`: the page's regions will go, and count for nothing. */
  #pageJob(page: number, roots: readonly number[], anew: boolean): PageJob {
    const { halfwords, words } = this.#memory;
    const records = recordPageAddress(page);
    const slots = records + recordPage.slots;
    const host = this.#code.hostOf(page, 0);
    const states = new Uint8Array(recordPage.records);
    for (let i = 0; i < recordPage.records; i++) {
      const number = halfwords[(records + i * recordBytes) >>> 1] ?? 0;
      const entry = !anew && isRegionEntry(number);
      const jumps = words[(slots >>> 2) + i] ?? 0;
      states[i] =
        (this.#code.isMarked(host + i * 4) ? codeState.marked : 0) |
        (number === handler.undecoded ? 0 : codeState.reached) |
        (entry || jumps >= this.#policy.heat >> warmShift ? codeState.warm : 0) |
        (entry ? codeState.entry : 0);
    }
    return {
      page,
      words: words.slice(host >>> 2, (host >>> 2) + recordPage.records),
      states,
      slots,
      roots,
      apart: this.#live.known(page)?.apart ?? false,
      places: roots.map(() => this.#live.takePlace()),
    };
  }
}

/** Whether one of the blocks has one of the instructions from number `from` to before `to`. */
function holds(blocks: CompiledRegion["blocks"], from: number, to: number = from + 1): boolean {
  return blocks.some(({ offset, instructions }) => {
    const first = offset >>> 2;
    return first < to && from < first + instructions;
  });
}
