import { describe, expect, test } from "vitest";
import { Engine, type EngineHost } from "../../src/engine/engine.ts";
import { engineState } from "../../src/engine/layout.ts";
import { arm64InstructionSet } from "../../src/isa/arm64/instructionSet.ts";
import { generalRegisterAddress } from "../../src/isa/arm64/state.ts";

const set = arm64InstructionSet();

/** A machine with one page of code at 0x1000, no translation. */
function machine(words: readonly number[]): Engine {
  const noted: string[] = [];
  const host: EngineHost = {
    loadSlow: () => 0n,
    storeSlow: () => {},
    fetch: (address) => {
      if (address >> 12n !== 1n) return 0;
      return engine.code.records(engine.memory.ramBase);
    },
    marked: () => true,
    hostCalls: Object.fromEntries(
      Object.keys(set.hostCalls).map((name) => [
        name,
        () => {
          noted.push(name);
          engine.abandon();
          return set.hostCalls[name]?.result === "i64" ? 0n : 0;
        },
      ]),
    ),
  };
  const engine = new Engine(set, host, { ramBytes: 0x10000, contexts: 2 });
  words.forEach((word, i) => {
    engine.memory.view.setUint32(engine.memory.ramBase + i * 4, word, true);
  });
  engine.memory.view.setUint32(engineState.tlb.place.address, engine.tlb.dataBase(0), true);
  engine.memory.view.setUint32(engineState.fetchTlb.place.address, engine.tlb.fetchBase(0), true);
  engine.memory.view.setBigUint64(engineState.pc.place.address, 0x1000n, true);
  return engine;
}

const x = (engine: Engine, n: number): bigint =>
  engine.memory.view.getBigUint64(generalRegisterAddress(n), true);
const pc = (engine: Engine): bigint => engine.memory.view.getBigUint64(engineState.pc.place.address, true);

describe("the interpreter", () => {
  test("executes as many instructions as the budget allows and stops with PC on the next", () => {
    const engine = machine([0x91000400, 0x91000400, 0x91000400]); // add x0, x0, #1
    expect(engine.run(2)).toEqual({ exit: "budget", retired: 2 });
    expect(x(engine, 0)).toBe(2n);
    expect(pc(engine)).toBe(0x1008n);
  });

  test("abandons an undefined instruction with PC on it and does not count it", () => {
    const engine = machine([0x91000400, 0x00000000]);
    expect(engine.run(10)).toEqual({ exit: "abandoned", retired: 1 });
    expect(pc(engine)).toBe(0x1004n);
  });

  test("leaves when a fetch faults past the end of a page", () => {
    const engine = machine(new Array<number>(1024).fill(0x91000400));
    expect(engine.run(5000)).toEqual({ exit: "fetch", retired: 1024 });
    expect(x(engine, 0)).toBe(1024n);
    expect(pc(engine)).toBe(0x2000n);
  });
});
