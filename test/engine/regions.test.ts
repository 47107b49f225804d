import { describe, expect, test } from "vitest";
import { Engine, type EngineHost, type EngineOptions } from "../../src/engine/engine.ts";
import { engineState } from "../../src/engine/layout.ts";
import { arm64InstructionSet } from "../../src/isa/arm64/instructionSet.ts";
import { generalRegisterAddress } from "../../src/isa/arm64/state.ts";
import { interpreter } from "../cpu/arm64/support/machine.ts";

const set = arm64InstructionSet();
const pages = 32;

/** Code at 0x1000 and the pages behind it, one to one. */
class Machine {
  readonly engine: Engine;
  /** Marked records that were reached. */
  marks = 0;

  constructor(options: Partial<EngineOptions>) {
    const host: EngineHost = {
      loadSlow: () => 0n,
      storeSlow: () => {},
      fetch: (address) => {
        const page = Number(address >> 12n) - 1;
        return page < 0 || page >= pages ? 0 : this.engine.code.records(this.#host(page * 0x1000));
      },
      marked: () => {
        this.marks++;
        return true;
      },
      hostCalls: Object.fromEntries(
        Object.keys(set.hostCalls).map((name) => [name, () => this.engine.abandon()]),
      ),
    };
    this.engine = new Engine(set, host, { ramBytes: pages * 0x1000, contexts: 2, interpreter, ...options });
    const { view } = this.engine.memory;
    view.setUint32(engineState.tlb.place.address, this.engine.tlb.dataBase(0), true);
    view.setUint32(engineState.fetchTlb.place.address, this.engine.tlb.fetchBase(0), true);
  }

  #host(offset: number): number {
    return this.engine.memory.ramBase + offset;
  }

  /** Writes code `offset` bytes behind 0x1000, as the guest's stores would. */
  write(offset: number, ...words: readonly number[]): void {
    words.forEach((word, i) => {
      this.engine.memory.view.setUint32(this.#host(offset + 4 * i), word, true);
    });
    this.engine.code.written(this.#host(offset), 4 * words.length);
  }

  mark(offset: number): void {
    this.engine.code.mark(this.#host(offset));
  }

  unmark(offset: number): void {
    this.engine.code.unmark(this.#host(offset));
  }

  run(pc: number, count: number): { readonly retired: number; readonly x0: bigint } {
    const { view } = this.engine.memory;
    view.setBigUint64(engineState.pc.place.address, BigInt(pc), true);
    const { retired } = this.engine.run(count);
    return { retired, x0: view.getBigUint64(generalRegisterAddress(0), true) };
  }

  get regions() {
    const { regions } = this.engine.statistics;
    if (regions === undefined) throw new Error("the engine makes no regions");
    return regions;
  }
}

const addOne = 0x9100_0400; // add x0, x0, #1
const addTwo = 0x9100_0800; // add x0, x0, #2
const branch = (words: number): number => (0x1400_0000 | (words & 0x3ff_ffff)) >>> 0;
const loop = [addOne, branch(-1)];

describe("code becomes a region", () => {
  test("when control has got to it by as many jumps as the heat says, and not before", () => {
    const machine = new Machine({ heat: 100 });
    machine.write(0, ...loop);
    machine.run(0x1000, 2 * 99);
    expect(machine.regions.live).toBe(0);
    machine.run(0x1000, 2 * 200);
    expect(machine.regions.live).toBe(1);
    expect(machine.engine.statistics.compiledInstructions).toBeGreaterThan(100);
  });
  test("at once with a heat of 0, and never when it is to be interpreted", () => {
    const machine = new Machine({ heat: 0 });
    machine.write(0, ...loop);
    expect(machine.run(0x1000, 20)).toEqual({ retired: 20, x0: 10n });
    expect(machine.engine.statistics.compiledInstructions).toBe(20);
    const interpreting = new Machine({ mode: "interpreter" });
    interpreting.write(0, ...loop);
    expect(interpreting.run(0x1000, 100_000)).toEqual({ retired: 100_000, x0: 50_000n });
    expect(interpreting.engine.statistics.regions).toBeUndefined();
  });
  test("and retires exactly what it may", () => {
    const machine = new Machine({ heat: 0 });
    machine.write(0, addOne, addOne, addOne, branch(-3));
    for (const count of [1, 2, 3, 4, 5, 0, 7, 100_001])
      expect(machine.run(0x1000, count).retired).toBe(count);
  });
});

describe("a region goes away", () => {
  test("when an instruction of it is written, and only then", () => {
    const machine = new Machine({ heat: 0 });
    machine.write(0, ...loop);
    machine.run(0x1000, 20);
    machine.write(0x100, addTwo);
    expect(machine.regions.live).toBe(1);
    machine.write(0, addTwo);
    expect(machine.regions.live).toBe(0);
    expect(machine.run(0x1000, 20).x0).toBe(10n + 20n);
  });
  test("when a mark is put on an instruction of it; the mark is met every time", () => {
    const machine = new Machine({ heat: 0 });
    machine.write(0, ...loop);
    machine.run(0x1000, 20);
    machine.mark(0);
    expect(machine.regions.live).toBe(0);
    expect(machine.run(0x1000, 20).x0).toBe(20n);
    expect(machine.marks).toBe(10);
  });
  test("not for a mark elsewhere in the page, nor when a mark is taken away", () => {
    const machine = new Machine({ heat: 0 });
    machine.write(0, ...loop);
    machine.run(0x1000, 20);
    machine.mark(0x200);
    machine.mark(0x200);
    machine.unmark(0x200);
    machine.run(0x1000, 20);
    expect(machine.regions).toMatchObject({ live: 1, compiled: 1 });
  });
  test("with all others when the records are dropped", () => {
    const machine = new Machine({ heat: 0 });
    machine.write(0, ...loop);
    machine.run(0x1000, 20);
    machine.engine.code.dropAll();
    expect(machine.regions.live).toBe(0);
    expect(machine.run(0x1000, 20)).toEqual({ retired: 20, x0: 20n });
  });
});

describe("the code cache is bounded", () => {
  test("by a number of regions; the oldest go, and come again", () => {
    const machine = new Machine({ heat: 0, mostRegions: 4 });
    let x0 = 0n;
    for (let round = 0; round < 3; round++) {
      for (let page = 0; page < pages; page++) {
        if (round === 0) machine.write(page * 0x1000, ...loop);
        x0 += 5n;
        expect(machine.run(0x1000 + page * 0x1000, 10)).toEqual({ retired: 10, x0 });
        expect(machine.regions.live).toBeLessThanOrEqual(4);
        expect(machine.regions.modules).toBeLessThanOrEqual(4);
      }
    }
  });
  test("where code is written again and again: that stays interpreted for ever longer", () => {
    const machine = new Machine({ heat: 2 });
    let x0 = 0n;
    for (let n = 0; n < 2000; n++) {
      const [word, sum] = n % 2 === 0 ? [addOne, 1n] : [addTwo, 2n];
      machine.write(0, word, branch(-1));
      x0 += 10n * sum;
      expect(machine.run(0x1000, 20)).toEqual({ retired: 20, x0 });
    }
    expect(machine.regions.compiled).toBeLessThan(100);
    expect(machine.regions.live).toBeLessThanOrEqual(1);
  });
});

describe("a pair of registers across the border of two pages that share an entry of the TLB", () => {
  for (const heat of [0, Number.POSITIVE_INFINITY])
    test(`is not where the second page is, with a heat of ${heat}`, () => {
      const machine = new Machine(heat === 0 ? { heat } : { mode: "interpreter" });
      const { tlb, memory } = machine.engine;
      const host = memory.ramBase + 0x4000;
      memory.bytes.fill(0x77, host - 8, host + 8);
      tlb.fill(0, 0x8000_0000n, host, { read: true, write: true, strict: false, asid: -1 });
      machine.write(0, 0xa940_0440, addOne, branch(-2)); // ldp x0, x1, [x2]; add x0, x0, #1; b
      memory.view.setBigUint64(generalRegisterAddress(2), 0x7fff_fff8n, true);
      expect(machine.run(0x1000, 300).x0).toBe(1n);
      expect(memory.view.getBigUint64(generalRegisterAddress(1), true)).toBe(0n);
    });
});

describe("accesses near each other that are often in two pages", () => {
  test("are each looked at", () => {
    const machine = new Machine({ heat: 0 });
    const { tlb, memory } = machine.engine;
    for (const page of [0x4000, 0x5000])
      tlb.fill(0, BigInt(page), memory.ramBase + page - 0x1000, {
        read: true,
        write: true,
        strict: false,
        asid: -1,
      });
    // ldr x1, [x2]; ldr x3, [x2, #8]; add x0, x0, #1; b
    machine.write(0, 0xf940_0041, 0xf940_0443, addOne, branch(-3));
    memory.view.setBigUint64(generalRegisterAddress(2), 0x4ff8n, true);
    expect(machine.run(0x1000, 400_000)).toEqual({ retired: 400_000, x0: 100_000n });
    const { side } = machine.engine.statistics.exits;
    expect(side).toBeGreaterThan(1000);
    expect(side).toBeLessThan(10_000);
    expect(machine.regions).toMatchObject({ live: 1, compiled: 2 });
  });
});

describe("regions of a page that call each other often", () => {
  test("are put together", () => {
    const machine = new Machine({ heat: 0 });
    // A loop that calls a function by register: at first they do not know of each other.
    machine.write(0, 0xd63f_0020, 0x9100_0442, branch(-2)); // blr x1; add x2, x2, #1; b
    machine.write(0x400, addOne, 0xd65f_03c0); // add x0, x0, #1; ret
    machine.engine.memory.view.setBigUint64(generalRegisterAddress(1), 0x1400n, true);
    machine.run(0x1400, 1);
    const before = machine.run(0x1000, 10).x0;
    expect(machine.run(0x1000, 100_000)).toEqual({ retired: 100_000, x0: before + 20_000n });
    expect(machine.regions.live).toBe(1);
    expect(machine.engine.statistics.exits.left).toBeLessThan(25_000);
  });
});
