import { unpackAccess } from "../../../src/engine/access.ts";
import { Engine, type EngineHost } from "../../../src/engine/engine.ts";
import { discardRegisterAddress, engineState, memoryMap } from "../../../src/engine/layout.ts";
import type { BlockLimits } from "../../../src/engine/region/blocks.ts";
import { RegionCompiler, type RegionModule } from "../../../src/engine/region/compile.ts";
import {
  compileCodes,
  instantiateCodes,
  type RegionResult,
  type TestCode,
  type TestRegion,
} from "./testRegion.ts";
import { r, type ToyInstruction, toySet } from "./toy.ts";

/** Where programs begin, one page. */
export const codeAddress = 0x1000n;
/** Two pages of memory; accesses elsewhere fault. */
export const dataAddress = 0x1_0000n;
const dataBytes = 0x2000;

/** What a mapped page of data allows; others allow everything, on the slow path. */
export interface Rights {
  readonly write: boolean;
  /** Misaligned accesses fault. */
  readonly strict: boolean;
}

/** A run of a region compared with the interpreter. */
export interface ToyComparison extends RegionResult {
  /** Names of the parts of the machine in which the two departed. */
  readonly differences: readonly string[];
}

/** A machine of the toy instruction set with both back ends. */
export class ToyMachine {
  readonly engine: Engine;
  /** Host calls, in order. */
  readonly calls: string[] = [];
  #program: readonly ToyInstruction[] = [];
  #firstWord = 0;
  readonly #compiler: RegionCompiler;
  /** Of the pages that are mapped. */
  readonly #rights: Rights[] = [];

  constructor(limits?: Partial<BlockLimits>) {
    const set = toySet((word) => this.#program[word - this.#firstWord]);
    const note = (name: string): void => {
      this.calls.push(name);
    };
    const fault = (name: string): void => {
      note(name);
      this.engine.abandon();
    };
    const host: EngineHost = {
      loadSlow: (address, access) => {
        const { view } = this.engine.memory;
        const { bytes } = unpackAccess(access);
        const at = this.#dataOffset(address, unpackAccess(access));
        if (at === undefined) fault("load fault");
        else if (bytes > 8)
          view.setBigInt64(engineState.wideHigh.place.address, view.getBigInt64(at + 8, true), true);
        return at === undefined ? 0n : view.getBigInt64(at, true);
      },
      storeSlow: (address, access, low, high) => {
        const { view } = this.engine.memory;
        const { bytes } = unpackAccess(access);
        const at = this.#dataOffset(address, unpackAccess(access));
        if (at === undefined) {
          fault("store fault");
          return;
        }
        view.setBigInt64(at, low, true);
        if (bytes > 8) view.setBigInt64(at + 8, high, true);
      },
      fetch: (address) =>
        address >> 12n === codeAddress >> 12n ? this.engine.code.records(this.engine.memory.ramBase) : 0,
      marked: () => true,
      hostCalls: {
        undefined: () => fault("undefined"),
        trap: () => fault("trap"),
        call: () => note("call"),
        result: () => {
          note("result");
          return 77n;
        },
      },
    };
    this.engine = new Engine(set, host, { ramBytes: 0x10000, contexts: 2 });
    this.#compiler = new RegionCompiler(set, limits);
    const { tlb, memory } = this.engine;
    memory.words[engineState.tlb.place.address >>> 2] = tlb.dataBase(0);
    memory.words[engineState.unprivilegedTlb.place.address >>> 2] = tlb.dataBase(1);
    memory.words[engineState.fetchTlb.place.address >>> 2] = tlb.fetchBase(0);
  }

  /** Holds a page of data in the TLB, so that accesses to it need no call. */
  map(page: 0 | 1, { write, strict }: Rights = { write: true, strict: false }): void {
    const address = dataAddress + BigInt(page) * 0x1000n;
    const host = this.engine.memory.ramBase + 0x1000 + page * 0x1000;
    this.engine.tlb.fill(0, address, host, { read: true, write, strict, asid: -1 });
    this.#rights[page] = { write, strict };
  }

  unmapAll(): void {
    this.#rights.length = 0;
    this.engine.tlb.flush(0);
  }

  /** Puts the program at `codeAddress`, PC on its first instruction. */
  place(program: readonly ToyInstruction[]): void {
    const { memory, code } = this.engine;
    this.#firstWord += this.#program.length;
    this.#program = program;
    program.forEach((_, i) => {
      memory.words[(memory.ramBase >>> 2) + i] = this.#firstWord + i;
    });
    code.written(memory.ramBase, 4 * program.length);
    this.pc = codeAddress;
    this.calls.length = 0;
  }

  /** Compiles the placed program from each of these instructions on. */
  compile(firsts: readonly number[]): RegionModule {
    return compileCodes(this.#compiler, this.#codes(firsts));
  }

  compileAll(firsts: readonly number[]): readonly (TestRegion | undefined)[] {
    return instantiateCodes(this.engine.memory, this.compile(firsts), this.#codes(firsts), codeAddress);
  }

  /** The code of the placed program's region. */
  code(): Uint8Array {
    return this.compile([0]).module;
  }

  /** The placed program as a region from an instruction on, or undefined when it cannot be one. */
  region(first = 0): TestRegion | undefined {
    return this.compileAll([first])[0];
  }

  /** As `region`, where there must be one. */
  compiled(first = 0): TestRegion {
    const region = this.region(first);
    if (region === undefined) throw new Error("the program is no region");
    return region;
  }

  /**
   * Runs the region, and the interpreter from the same state for as many instructions. After a side exit the interpreter takes
   * one more step from both: an instruction of two stores may have made the first. Leaves the region's state, and no calls.
   */
  compare(region: TestRegion, count: number): ToyComparison {
    const before = this.#keep();
    const result = region.run(count);
    const differences: string[] = [];
    const left = this.engine.memory.words[engineState.budget.place.address >>> 2];
    if (left !== count - result.retired) differences.push("budget");
    const after = this.#keep();
    const stepped = result.exit === "side" ? this.#step() : undefined;
    this.#put(before);
    const interpreted = this.engine.run(result.retired);
    if (interpreted.retired !== result.retired) differences.push("retired");
    const parts = stepped === undefined ? ["state", "memory"] : ["state"];
    differences.push(...this.#differences(after, parts));
    if (stepped !== undefined) {
      if (this.#step().calls !== stepped.calls) differences.push("calls");
      differences.push(
        ...this.#differences(stepped.kept, ["state", "memory"]).map((part) => `stepped ${part}`),
      );
    }
    this.#put(after);
    this.calls.length = 0;
    return { ...result, differences };
  }

  get pc(): bigint {
    return this.get(engineState.pc.place.address);
  }

  set pc(address: bigint) {
    this.set(engineState.pc.place.address, address);
  }

  get(address: number): bigint {
    return this.engine.memory.view.getBigUint64(address, true);
  }

  set(address: number, value: bigint): void {
    this.engine.memory.view.setBigUint64(address, BigInt.asUintN(64, value), true);
  }

  /** Registers from number 0 on. */
  setRegisters(...values: readonly bigint[]): void {
    values.forEach((value, n) => {
      this.set(r(n), value);
    });
  }

  /** A doubleword of the data pages. */
  data(offset: number): bigint {
    return this.get(this.engine.memory.ramBase + 0x1000 + offset);
  }

  #codes(firsts: readonly number[]): readonly TestCode[] {
    // Each time other words: what is known of a word must not outlive its program.
    const words = this.#program.map((_, i) => this.#firstWord + i);
    return firsts.map((first) => ({ words, first }));
  }

  #dataOffset(
    address: bigint,
    { bytes, element, write, willWrite }: ReturnType<typeof unpackAccess>,
  ): number | undefined {
    const offset = BigInt.asUintN(64, address) - dataAddress;
    if (offset < 0n || offset > BigInt(dataBytes - bytes)) return undefined;
    for (const end of [offset, offset + BigInt(bytes - 1)]) {
      const rights = this.#rights[Number(end >> 12n)];
      if (rights?.write === false && (write || willWrite)) return undefined;
      if (rights?.strict === true && address % BigInt(element) !== 0n) return undefined;
    }
    return this.engine.memory.ramBase + 0x1000 + Number(offset);
  }

  #step(): { readonly calls: string; readonly kept: readonly Uint8Array[] } {
    this.calls.length = 0;
    this.engine.run(1);
    return { calls: this.calls.join(), kept: this.#keep() };
  }

  #keep(): readonly Uint8Array[] {
    return this.#areas().map(({ bytes }) => bytes.slice());
  }

  #put(kept: readonly Uint8Array[]): void {
    this.#areas().forEach(({ bytes }, i) => {
      bytes.set(kept[i] ?? []);
    });
  }

  /** Where these parts of the machine are not as kept. */
  #differences(kept: readonly Uint8Array[], parts: readonly string[]): readonly string[] {
    return this.#areas().flatMap(({ name, bytes, ignored }, i) => {
      if (!parts.includes(name)) return [];
      const first = bytes.findIndex((byte, at) => byte !== kept[i]?.[at] && !ignored(at));
      return first < 0 ? [] : [`${name} at ${first}`];
    });
  }

  #areas() {
    const { bytes, ramBase } = this.engine.memory;
    const { window, windowEnd } = memoryMap;
    const bookkeeping = (at: number): boolean =>
      at + window < engineState.tlb.place.address ||
      (at + window >= discardRegisterAddress && at + window < discardRegisterAddress + 16);
    return [
      { name: "state", bytes: bytes.subarray(window, windowEnd), ignored: bookkeeping },
      {
        name: "memory",
        bytes: bytes.subarray(ramBase + 0x1000, ramBase + 0x1000 + dataBytes),
        ignored: () => false,
      },
    ];
  }
}
