import { engineState } from "../layout.ts";
import type { EngineMemory } from "../memory.ts";
import type { CompiledRegion, RegionModule } from "./compile.ts";
import { notEntered } from "./writeRegion.ts";

/** How a run of a region ended. In every case the state window, PC and budget among it, is exact. */
export interface RegionResult {
  /**
   * - `budget`: the region was not entered, because it is longer than the run may be.
   * - `side`: the instruction at PC is for the interpreter: it faults, misses the TLB or calls out.
   * - `left`: control went on behind or outside the region.
   */
  readonly exit: "budget" | "side" | "left";
  readonly retired: number;
}

/** An instantiated region. It does not notice when guest code changes: whoever keeps it must drop it then. */
export class Region {
  readonly #memory: EngineMemory;
  readonly #compiled: CompiledRegion;
  readonly #run: () => number;

  constructor(memory: EngineMemory, compiled: CompiledRegion, exports: WebAssembly.Instance["exports"]) {
    this.#memory = memory;
    this.#compiled = compiled;
    this.#run = exports[compiled.name] as () => number;
  }

  /** Guest-virtual address at which it may be run, with PC there. */
  get address(): bigint {
    return this.#compiled.addresses[0] ?? 0n;
  }

  /** Instructions from its beginning to its end. */
  get length(): number {
    return this.#compiled.addresses.length;
  }

  /** Runs it once, for at most `count` (≥ 0, < 2^31) instructions. */
  run(count: number): RegionResult {
    const { words, doublewords } = this.#memory;
    words[budgetIndex] = count;
    const number = this.#run();
    if (number === notEntered) return { exit: "budget", retired: 0 };
    const site = this.#compiled.sites[number - 1];
    if (site === undefined) throw new RangeError(`the region at ${this.address} has no site ${number}`);
    if (site.kind === "side") {
      words[budgetIndex] = count - site.retired;
      doublewords[pcIndex] = BigInt.asIntN(64, this.#compiled.addresses[site.index] ?? 0n);
    }
    return { exit: site.kind, retired: site.retired };
  }
}

/** Makes a module's regions ready to run on a machine's memory; undefined where there is no region. */
export function instantiateRegions(
  memory: EngineMemory,
  compiled: RegionModule,
): readonly (Region | undefined)[] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(compiled.module), {
    env: { memory: memory.memory },
  });
  return compiled.regions.map((region) => region && new Region(memory, region, exports));
}

const budgetIndex = engineState.budget.place.address >>> 2;
const pcIndex = engineState.pc.place.address >>> 3;
