import { type CodeCache, isRegionEntry, recordPageAddress } from "../codeCache.ts";
import { handler } from "../interpreter/mainFunction.ts";
import { recordBytes, recordPage, regionEntry } from "../layout.ts";
import type { EngineMemory } from "../memory.ts";
import type { CompiledRegion } from "./compile.ts";
import { slotBits, slotOwner } from "./site.ts";

/** A region in use. */
export interface LiveRegion {
  readonly page: number;
  readonly blocks: CompiledRegion["blocks"];
  /** Its place in the function table. */
  readonly place: number;
  readonly module: LiveModule;
}

/** Regions that were compiled together. */
export interface LiveModule {
  readonly regions: Set<LiveRegion>;
}

/** What is known of a record page with regions. */
export interface PageState {
  readonly regions: Set<LiveRegion>;
  /** How often compiled code of it was overwritten. */
  rewrites: number;
  /** How often its regions were put together. */
  merges: number;
  /** Whether each access looks for itself in which page it is. */
  apart: boolean;
  /** Instructions that regions had retired when that was last asked. */
  apartAt: number;
}

/** Places in the function table taken from WebAssembly at a time. */
const tableStep = 1024;

/** The regions in use: where the interpreter enters them, and their functions. */
export class LiveRegions {
  readonly #memory: EngineMemory;
  readonly #code: CodeCache;
  readonly #table: WebAssembly.Table;
  readonly #free: number[] = [];
  readonly #pages = new Map<number, PageState>();
  /** Oldest first. */
  readonly #modules = new Set<LiveModule>();
  #live = 0;
  #entered = 0;
  #instructions = 0;

  constructor(memory: EngineMemory, code: CodeCache, table: WebAssembly.Table) {
    this.#memory = memory;
    this.#code = code;
    this.#table = table;
  }

  /** Regions that there have been, and those that there are; their modules; instructions of all that there have been. */
  get statistics(): Record<"compiled" | "live" | "modules" | "instructions", number> {
    return {
      compiled: this.#entered,
      live: this.#live,
      modules: this.#modules.size,
      instructions: this.#instructions,
    };
  }

  /** What is known of a record page, if it has had regions. */
  known(page: number): PageState | undefined {
    return this.#pages.get(page);
  }

  /** What is known of a record page, beginning with nothing. */
  stateOf(page: number): PageState {
    let state = this.#pages.get(page);
    if (state === undefined) {
      state = { regions: new Set(), rewrites: 0, merges: 0, apart: false, apartAt: 0 };
      this.#pages.set(page, state);
    }
    return state;
  }

  /** Whether a block of a region begins at an instruction of a record page. */
  isEntry(page: number, index: number): boolean {
    return isRegionEntry(this.#memory.halfwords[(recordPageAddress(page) + index * recordBytes) >>> 1] ?? 0);
  }

  /** Sets what the interpreter has beside an instruction: jumps that got there, or its region and block. */
  setSlot(page: number, index: number, value: number): void {
    this.#memory.words[(recordPageAddress(page) + recordPage.slots + index * 4) >>> 2] = value;
  }

  /** Takes a place in the function table. */
  takePlace(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const next = this.#table.grow(tableStep);
    for (let place = next + tableStep - 1; place > next; place--) this.#free.push(place);
    return next;
  }

  /** Gives a place back. */
  freePlace(place: number): void {
    this.#table.set(place, null);
    this.#free.push(place);
  }

  /** Has the interpreter enter the region at each of its blocks; `run` is its function. */
  enter(region: LiveRegion, run: unknown): void {
    const { page, blocks, place, module } = region;
    const { halfwords } = this.#memory;
    this.#table.set(place, run);
    blocks.forEach(({ offset, instructions }, block) => {
      this.#instructions += instructions;
      // Another region that has the same code keeps its entry.
      if (this.isEntry(page, offset >>> 2)) return;
      const record = recordPageAddress(page) + (offset >>> 2) * recordBytes;
      if (halfwords[record >>> 1] === handler.undecoded) this.#code.decode(record);
      halfwords[record >>> 1] = (halfwords[record >>> 1] ?? 0) | regionEntry;
      this.setSlot(page, offset >>> 2, (slotOwner(place) << slotBits.region) | block);
    });
    this.stateOf(page).regions.add(region);
    module.regions.add(region);
    this.#modules.add(module);
    this.#live++;
    this.#entered++;
  }

  /** The interpreter enters the region no more. */
  drop(region: LiveRegion): void {
    const { page, blocks, place, module } = region;
    const { halfwords, words } = this.#memory;
    blocks.forEach(({ offset }, block) => {
      const index = offset >>> 2;
      const at = (recordPageAddress(page) + recordPage.slots + index * 4) >>> 2;
      if (words[at] !== ((slotOwner(place) << slotBits.region) | block)) return;
      const record = (recordPageAddress(page) + index * recordBytes) >>> 1;
      halfwords[record] = (halfwords[record] ?? 0) & (regionEntry - 1);
      words[at] = 0;
    });
    this.#pages.get(page)?.regions.delete(region);
    module.regions.delete(region);
    if (module.regions.size === 0) this.#modules.delete(module);
    this.#live--;
    this.freePlace(place);
  }

  /** Drops the regions of the oldest modules until at most so many are left. */
  trim(most: number): void {
    for (const { regions } of this.#modules) {
      if (this.#live <= most) return;
      for (const region of [...regions]) this.drop(region);
    }
  }

  /** A record page is another one's from now on. */
  forget(page: number): void {
    this.#pages.delete(page);
  }

  /** There are no record pages any more. */
  forgetAll(): void {
    for (const { regions } of this.#pages.values()) for (const { place } of regions) this.freePlace(place);
    this.#pages.clear();
    this.#modules.clear();
    this.#live = 0;
  }
}
