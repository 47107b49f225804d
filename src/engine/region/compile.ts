import { anyMemoryPages } from "../memory.ts";
import type { InstructionSet } from "../operation.ts";
import { ModuleWriter } from "../wasm/module.ts";
import { RegionPlanner } from "./plan.ts";
import type { RegionInstruction } from "./specialise.ts";
import { type RegionSite, writeRegion } from "./writeRegion.ts";

/** How to compile regions. */
export interface RegionOptions {
  /** Most instructions of one region. Default 400: V8's code gets slower above that. */
  readonly maximumLength?: number;
}

/** A region's place in its module and what its results mean. */
export interface CompiledRegion {
  /** Name of its function, `() → i32`, among the module's exports; see `RegionSite` for the result. */
  readonly name: string;
  /** Guest-virtual address of each instruction, in order. */
  readonly addresses: readonly bigint[];
  /** Site number n at place n − 1. */
  readonly sites: readonly RegionSite[];
}

/** A module with regions; undefined stands for lists of which nothing could be compiled. */
export interface RegionModule {
  readonly module: Uint8Array<ArrayBuffer>;
  readonly regions: readonly (CompiledRegion | undefined)[];
}

const defaultLength = 400;

/** Compiles regions of one instruction set; keeps what it learns of the operations. */
export class RegionCompiler {
  readonly #planner: RegionPlanner;
  readonly #maximumLength: number;

  constructor(set: InstructionSet, { maximumLength = defaultLength }: RegionOptions = {}) {
    if (!Number.isInteger(maximumLength) || maximumLength < 1)
      throw new RangeError(`a region has at least one instruction, not ${maximumLength}`);
    this.#planner = new RegionPlanner(set);
    this.#maximumLength = maximumLength;
  }

  /**
   * Compiles lists of instructions, each in the order of their execution, into one module. A region is as long a beginning
   * of its list as can be compiled; there is none when the first instruction always calls out. Regions are in the order of
   * the lists.
   */
  compile(lists: readonly (readonly RegionInstruction[])[]): RegionModule {
    const module = new ModuleWriter(anyMemoryPages);
    const regions = lists.map((instructions, index): CompiledRegion | undefined => {
      const plan = this.#planner.plan(instructions, this.#maximumLength);
      if (plan.instructions.length === 0) return undefined;
      const { code, sites } = writeRegion(plan);
      const name = `region${index}`;
      const number = module.declareFunction(code.signature);
      module.defineFunction(number, code);
      module.exportFunction(name, number);
      return { name, addresses: plan.instructions.map(({ address }) => address), sites };
    });
    return { module: module.finish(), regions };
  }
}

/** Compiles one region; see `RegionCompiler.compile`. */
export function compileRegion(
  set: InstructionSet,
  instructions: readonly RegionInstruction[],
  options?: RegionOptions,
): RegionModule {
  return new RegionCompiler(set, options).compile([instructions]);
}
