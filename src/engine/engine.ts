import { CodeCache, recordPageAddress } from "./codeCache.ts";
import type { EngineImport } from "./imports.ts";
import { type Interpreter, writeInterpreter } from "./interpreter/interpreter.ts";
import { handler, interpreterExit } from "./interpreter/mainFunction.ts";
import { engineState, engineWords } from "./layout.ts";
import { anyMemoryPages, EngineMemory } from "./memory.ts";
import type { InstructionSet } from "./operation.ts";
import type { RegionService } from "./region/job.ts";
import { RegionCache, type RegionStatistics } from "./region/regionCache.ts";
import { type CountedExit, regionExit } from "./region/site.ts";
import { TranslationCaches } from "./tlb.ts";

/** The CPU's half of the engine: what generated code calls when it cannot go on alone. */
export interface EngineHost {
  loadSlow(address: bigint, access: number): bigint;
  storeSlow(address: bigint, access: number, low: bigint, high: bigint): void;
  /** Translates a fetch and returns the page's records, or 0 after noting the fault. */
  fetch(address: bigint): number;
  /** A marked instruction is about to execute: whether it should. If not, the CPU notes why. */
  marked(record: number): boolean;
  readonly hostCalls: Readonly<Record<string, (...args: never[]) => unknown>>;
}

/** How a run ended, and how many instructions it retired. */
export interface RunResult {
  readonly exit: "budget" | "abandoned" | "fetch";
  readonly retired: number;
}

const exitNames = {
  [interpreterExit.budget]: "budget",
  [interpreterExit.abandoned]: "abandoned",
  [interpreterExit.fetch]: "fetch",
} as const;

/**
 * How guest code is executed: interpreted; compiled as soon as it is met again; or compiled where it is hot. Whichever it is, the
 * guest does the same.
 */
export type EngineMode = "interpreter" | "jit" | "auto";

/** How often control must get to an instruction by jumps before it is compiled, unless it is said. */
const defaultHeat: Readonly<Record<EngineMode, number>> = {
  interpreter: Number.POSITIVE_INFINITY,
  jit: 1,
  auto: 2500,
};

const defaultRegions = 12_000;

/** What an engine is made of. */
export interface EngineOptions {
  /** Guest RAM, for all memory slots together. */
  readonly ramBytes: number;
  /** Translation contexts in use; the CPU numbers them from 0. */
  readonly contexts: number;
  /** The instruction set's interpreter, if it was generated before; else it is generated now. */
  readonly interpreter?: Interpreter | undefined;
  /** Default: auto. */
  readonly mode?: EngineMode | undefined;
  /** How often control must get to an instruction by jumps before it is compiled; by default the mode says. */
  readonly heat?: number | undefined;
  /** Regions in use at a time: some kilobytes each. Default 12,000. */
  readonly mostRegions?: number | undefined;
  /** Who compiles regions while the guest goes on. Left out: the guest waits for its regions. */
  readonly regionService?: RegionService | undefined;
}

/** What an engine has done. */
export interface EngineStatistics {
  readonly regions: RegionStatistics | undefined;
  /** Instructions that regions have retired. */
  readonly compiledInstructions: number;
  /** How often regions were left, by kind. */
  readonly exits: Readonly<Record<CountedExit, number>>;
  /** Accesses that the TLBs did not answer: misses, devices, code pages, watched pages. */
  readonly slowLoads: number;
  readonly slowStores: number;
  /** Fetches that the fetch TLB did not answer. */
  readonly slowFetches: number;
}

/** Memory, decoded code and the interpreter of one machine. Knows no instruction set but through `InstructionSet`. */
export class Engine {
  readonly memory: EngineMemory;
  readonly code: CodeCache;
  readonly tlb: TranslationCaches;
  readonly #run: () => number;
  readonly #regions: RegionCache | undefined;
  #withheld = 0;
  #slowLoads = 0;
  #slowStores = 0;
  #slowFetches = 0;

  /** @throws EngineMemoryError when the host cannot provide the memory. */
  constructor(set: InstructionSet, host: EngineHost, options: EngineOptions) {
    const interpreter = options.interpreter ?? writeInterpreter(set, anyMemoryPages);
    this.memory = new EngineMemory(options.ramBytes);
    this.tlb = new TranslationCaches(this.memory, options.contexts);
    this.code = new CodeCache(this.memory, set, interpreter, () => this.endRunSoon());
    this.code.observe({
      changed: () => {},
      released: (pages) => this.tlb.flushFetchesOf(new Set([...pages].map(recordPageAddress))),
      dropped: () => this.tlb.flushFetches(),
    });
    const imports: Record<EngineImport, unknown> & Record<string, unknown> = {
      loadSlow: (address: bigint, access: number) => {
        this.#slowLoads++;
        return host.loadSlow(address, access);
      },
      storeSlow: (address: bigint, access: number, low: bigint, high: bigint) => {
        this.#slowStores++;
        host.storeSlow(address, access, low, high);
      },
      fetch: (address: bigint) => {
        this.#slowFetches++;
        return host.fetch(address);
      },
      hot: (record: number) => this.#regions?.hot(record),
      crossed: (records: number) => this.#regions?.crossed(records),
      apart: (records: number) => this.#regions?.apart(records),
      decode: (record: number) => this.code.decode(record),
      marked: (record: number) =>
        host.marked(record) ? this.code.handlerUnderMark(record) : handler.undecoded,
      memory: this.memory.memory,
      ...host.hostCalls,
    };
    const instance = new WebAssembly.Instance(
      interpreter.compiled ?? new WebAssembly.Module(interpreter.module),
      {
        env: imports as WebAssembly.ModuleImports,
      },
    );
    this.#run = instance.exports["run"] as () => number;
    const heat = options.heat ?? defaultHeat[options.mode ?? "auto"];
    if (Number.isFinite(heat)) {
      const table = instance.exports["functions"] as WebAssembly.Table;
      this.#regions = new RegionCache(this.memory, this.code, set, table, {
        heat,
        mostRegions: options.mostRegions ?? defaultRegions,
        service: options.regionService,
      });
    } else {
      this.memory.words[engineWords.heat >>> 2] = 0x7fff_ffff;
    }
  }

  get statistics(): EngineStatistics {
    const count = (kind: CountedExit): number =>
      Number(this.memory.doublewords[(engineWords.exits >>> 3) + regionExit[kind]] ?? 0n);
    return {
      regions: this.#regions?.statistics,
      compiledInstructions: Number(this.memory.doublewords[engineWords.retired >>> 3] ?? 0n),
      exits: { side: count("side"), short: count("short"), jump: count("jump"), left: count("left") },
      slowLoads: this.#slowLoads,
      slowStores: this.#slowStores,
      slowFetches: this.#slowFetches,
    };
  }

  /** Runs at most `count` (≥ 0, < 2^31) instructions of the vCPU in the state window. */
  run(count: number): RunResult {
    this.code.releaseStale();
    this.#regions?.takeResults();
    const { words } = this.memory;
    words[statusIndex] = 0;
    words[budgetIndex] = count;
    this.#withheld = 0;
    const code = this.#run();
    const exit = exitNames[code as keyof typeof exitNames];
    if (exit === undefined) throw new RangeError(`interpreter returned ${code}`);
    const left = (words[budgetIndex] ?? 0) + this.#withheld + (exit === "abandoned" ? 1 : 0);
    return { exit, retired: count - left };
  }

  /** During a call: abandons the current instruction. */
  abandon(): void {
    this.memory.words[statusIndex] = 1;
  }

  /** During a call: ends the run after the current instruction. */
  endRunSoon(): void {
    this.#withheld += this.memory.words[budgetIndex] ?? 0;
    this.memory.words[budgetIndex] = 0;
  }

  /** During a call: instructions still allowed, the current one not among them. */
  get remaining(): number {
    return (this.memory.words[budgetIndex] ?? 0) + this.#withheld;
  }
}

const statusIndex = engineState.status.place.address >>> 2;
const budgetIndex = engineState.budget.place.address >>> 2;
