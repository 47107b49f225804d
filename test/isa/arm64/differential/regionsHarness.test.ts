import { describe, expect, test } from "vitest";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { RegionMachine } from "./regionMachine.ts";
import { layout, TestState } from "./state.ts";

const both = new RegionMachine(arm64InstructionSet());
const { machine } = both;

/** Compares the region of some words with the interpretation of others. */
function differences(compiled: readonly number[], interpreted: readonly number[]): string {
  const state = new TestState();
  state.setX(0, layout.data.address);
  state.setX(1, 0x1234n);
  state.poke(layout.data.address, 8, 0n);
  machine.take(state);
  machine.map(layout.data.address, { read: true, write: true, strict: false, asid: -1 }, 0);
  const [region] = both.compile([{ words: compiled, first: 0 }]);
  if (region === undefined) throw new Error("no region");
  machine.place(interpreted);
  return both.compare(region, interpreted.length).differences.join();
}

describe("the comparison of regions with the interpreter", () => {
  const store = 0xf900_0001; // str x1, [x0]
  const add = 0x8b01_0022; // add x2, x1, x1
  test("is content when they do the same", () => {
    expect(differences([store, add], [store, add])).toBe("");
  });
  test.each([
    ["a wrong result", [add], [0xcb01_0022], "x2"], // sub x2, x1, x1
    ["flags that are not set", [add], [0xab01_0022], "flagN"], // adds x2, x1, x1
    ["a missing store", [0xd503_201f], [store], "memory"], // nop
    ["a wrong target", [0x1400_0004], [0x1400_0005], "pc"], // b .+16, b .+20
    ["a register that should not change", [add], [0xd503_201f], "x2"],
    ["a part of a vector register", [0x4e08_1c22], [0x4e18_1c22], "v2 high"], // mov v2.d[0], x1; mov v2.d[1], x1
  ])("finds %s", (_what, compiled, interpreted, where) => {
    expect(differences(compiled, interpreted)).toContain(where);
  });
});
