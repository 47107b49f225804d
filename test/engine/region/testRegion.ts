import { recordPageAddress } from "../../../src/engine/codeCache.ts";
import { engineState, recordPage } from "../../../src/engine/layout.ts";
import type { EngineMemory } from "../../../src/engine/memory.ts";
import type { CompiledRegion, RegionCompiler, RegionModule } from "../../../src/engine/region/compile.ts";
import { type RegionExit, regionExit, siteBits, slotOwner } from "../../../src/engine/region/site.ts";

/** How a run of a region ended. PC and budget in the state window are exact afterwards. */
export interface RegionResult {
  /** `budget`: less was left than the next block has; `side`: the interpreter is to execute the instruction at PC; `left`: elsewhere. */
  readonly exit: "budget" | "side" | "left";
  readonly retired: number;
}

/** Words of code at a page's beginning, to be compiled from one of them on. */
export interface TestCode {
  readonly words: readonly number[];
  readonly first: number;
}

/** A region outside an engine, entered by hand at its first root. */
export class TestRegion {
  readonly #memory: EngineMemory;
  readonly #compiled: CompiledRegion;
  readonly #first: number;
  readonly #end: number;
  readonly #base: bigint;
  readonly #run: (base: bigint, entry: number, budget: number) => bigint;

  constructor(
    memory: EngineMemory,
    compiled: CompiledRegion,
    exports: WebAssembly.Instance["exports"],
    { words, first }: TestCode,
    base: bigint,
  ) {
    this.#memory = memory;
    this.#compiled = compiled;
    this.#first = first;
    this.#end = words.length * 4;
    this.#base = base;
    this.#run = exports[compiled.name] as (base: bigint, entry: number, budget: number) => bigint;
  }

  /** Instructions in all its blocks. */
  get length(): number {
    return this.#compiled.blocks.reduce((sum, { instructions }) => sum + instructions, 0);
  }

  /** Runs it once for at most `count` instructions. */
  run(count: number): RegionResult {
    const entry = this.#compiled.blocks.findIndex(({ offset }) => offset === this.#first * 4);
    const { view } = this.#memory;
    view.setInt32(engineState.budget.place.address, 0, true);
    const result = BigInt.asUintN(64, this.#run(this.#base, entry, count));
    const left = Number(result >> 32n);
    const site = Number(result & 0xffff_ffffn);
    const kind = (Object.keys(regionExit) as RegionExit[]).find(
      (name) => regionExit[name] === site >> siteBits.kind,
    );
    view.setInt32(engineState.budget.place.address, left, true);
    if (kind !== "left")
      view.setBigInt64(
        engineState.pc.place.address,
        BigInt.asIntN(64, this.#base + BigInt(site & siteBits.offset)),
        true,
      );
    const side = kind === "side" || kind === "apart";
    const exit = kind === "short" ? "budget" : side && (site & siteBits.offset) < this.#end ? "side" : "left";
    return { exit, retired: count - left };
  }
}

/** Compiles codes into one module; control that runs off the words, or jumps there, leaves. */
export function compileCodes(compiler: RegionCompiler, codes: readonly TestCode[]): RegionModule {
  return compiler.compile(
    codes.map(({ words, first }, index) => ({
      page: {
        word: (offset) => words[offset / 4],
        reached: () => true,
        warm: () => true,
        isEntry: () => false,
      },
      roots: [first * 4],
      place: { owner: slotOwner(index), slots: recordPageAddress(1) + recordPage.slots },
    })),
  );
}

/** Makes a module's regions ready to run; undefined where there is no region. */
export function instantiateCodes(
  memory: EngineMemory,
  { module, regions }: RegionModule,
  codes: readonly TestCode[],
  base: bigint,
): readonly (TestRegion | undefined)[] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), {
    env: { memory: memory.memory },
  });
  return regions.map((region, i) => {
    const code = codes[i];
    const begins = region?.blocks.some(({ offset }) => offset === (code?.first ?? 0) * 4);
    return region && code && begins ? new TestRegion(memory, region, exports, code, base) : undefined;
  });
}
