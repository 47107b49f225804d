import { anyMemoryPages } from "../memory.ts";
import type { InstructionSet } from "../operation.ts";
import { ModuleWriter } from "../wasm/module.ts";
import { type BlockLimits, type CodePage, findBlocks } from "./blocks.ts";
import { FlagMeanings } from "./flagMeanings.ts";
import { leaveLazyFlags } from "./flagResidence.ts";
import { planRegion } from "./plan.ts";
import { Translator } from "./translation.ts";
import { type RegionPlace, writeRegion } from "./writeRegion.ts";

/** A region to compile. */
export interface RegionRequest {
  readonly page: CodePage;
  /** Offsets in the page at which control is wanted to enter. */
  readonly roots: readonly number[];
  readonly place: RegionPlace;
  /** Put together as much as one region can be, because control goes back and forth. */
  readonly whole?: boolean;
  readonly compiled?: (region: CompiledRegion | undefined) => void;
}

/** A region's place in its module and what it covers. */
export interface CompiledRegion {
  /** Name of its function, of `regionSignature`, among the module's exports. */
  readonly name: string;
  /** Offset in the page and number of instructions of each block, by block number. */
  readonly blocks: readonly { readonly offset: number; readonly instructions: number }[];
}

/** A module with regions; undefined stands for requests of which nothing could be compiled. */
export interface RegionModule {
  readonly module: Uint8Array<ArrayBuffer>;
  readonly regions: readonly (CompiledRegion | undefined)[];
}

/** V8's code gets slower above these sizes; entries have 8 bits for the block. */
const defaultLimits: BlockLimits = { instructions: 400, blocks: 100, together: 128, speculative: false };

/** A region can have no more blocks than that. */
const mostBlocks = 256;

/** Compiles regions of one instruction set; keeps what it learns of the instructions. */
export class RegionCompiler {
  readonly #translator: Translator;
  readonly #meanings: FlagMeanings;
  readonly #limits: BlockLimits;

  constructor(set: InstructionSet, limits: Partial<BlockLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
    const { instructions } = this.#limits;
    if (!Number.isInteger(instructions) || instructions < 1)
      throw new RangeError(`a region has at least one instruction, not ${instructions}`);
    this.#translator = new Translator(set);
    this.#meanings = new FlagMeanings(set.flags, this.#translator.builder);
  }

  /**
   * Compiles a region for each request into one module. The next request is asked for when the one before is compiled, and
   * told what became of it.
   */
  compile(requests: Iterable<RegionRequest>): RegionModule {
    const module = new ModuleWriter(anyMemoryPages);
    const regions: (CompiledRegion | undefined)[] = [];
    for (const request of requests) {
      const region = this.#region(request, `region${regions.length}`, module);
      request.compiled?.(region);
      regions.push(region);
    }
    return { module: module.finish(), regions };
  }

  #region(
    { page, roots, place, whole = false }: RegionRequest,
    name: string,
    module: ModuleWriter,
  ): CompiledRegion | undefined {
    const limits = whole ? { ...this.#limits, together: this.#limits.instructions } : this.#limits;
    const all = findBlocks(page, roots, this.#translator, limits);
    const blocks = all.length > mostBlocks ? all.slice(0, mostBlocks) : all;
    if (blocks.length === 0) return undefined;
    const plan = leaveLazyFlags(planRegion(blocks, this.#translator), this.#meanings);
    const code = writeRegion(plan, this.#meanings, place);
    const number = module.declareFunction(code.signature);
    module.defineFunction(number, code);
    module.exportFunction(name, number);
    return {
      name,
      blocks: blocks.map(({ offset, instructions }) => ({ offset, instructions: instructions.length })),
    };
  }
}
