import { describe, expect, test } from "vitest";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { arm64State, generalRegisterAddress } from "../../../../src/isa/arm64/state.ts";
import { loadStoreCases } from "./loadStoreCases.ts";
import { TestMachine } from "./machine.ts";
import { layout, TestState } from "./state.ts";
import { describeDifferential } from "./suite.ts";

describeDifferential("loads and stores", loadStoreCases);

const machine = new TestMachine(arm64InstructionSet());

function run(word: number, change: (state: TestState) => void, setUp: () => void = () => {}) {
  const state = new TestState();
  state.setX(0, layout.data.address);
  state.setX(31, layout.data.address + 0x800n);
  change(state);
  machine.take(state);
  setUp();
  return machine.run([word]);
}

const checkAlignment = () => machine.setInt(arm64State.spAlignmentCheck.place.address, 1);
const misaligned = (state: TestState) => state.setX(31, layout.data.address + 0x808n);
const sp = () => machine.getLong(generalRegisterAddress(31));

describe("a misaligned stack pointer", () => {
  const stackForms: readonly (readonly [string, number])[] = [
    ["ldr x1, [sp]", 0xf940_03e1],
    ["str x1, [sp, #-16]!", 0xf81f_0fe1],
    ["ldp x1, x2, [sp], #16", 0xa8c1_0be1],
    ["ldr x1, [sp, x2]", 0xf862_6be1],
    ["ldr q1, [sp]", 0x3dc0_03e1],
    ["ldxr x1, [sp]", 0xc85f_7fe1],
    ["ldar x1, [sp]", 0xc8df_ffe1],
    ["ldadd x1, x2, [sp]", 0xf821_03e2],
  ];
  test.each(stackForms)("makes %s fault while the check is on", (_text, word) => {
    const outcome = run(word, misaligned, checkAlignment);
    expect(outcome).toEqual({ kind: "call", name: "stackAlignmentFault", args: [] });
    expect(sp()).toBe(layout.data.address + 0x808n);
  });
  test.each(stackForms)("is no matter to %s while the check is off", (_text, word) => {
    expect(run(word, misaligned)).toEqual({ kind: "ok" });
  });
  test("is no matter to a prefetch", () => {
    expect(run(0xf980_03e0, misaligned, checkAlignment)).toEqual({ kind: "ok" }); // prfm pldl1keep, [sp]
  });
  test("does not fault when it is aligned", () => {
    expect(run(0xf940_03e1, () => {}, checkAlignment)).toEqual({ kind: "ok" });
  });
});

describe("trapped floating point", () => {
  test.each([
    ["ldr b1, [x0]", 0x3d40_0001],
    ["str q1, [x0]", 0x3d80_0001],
    ["ldp d1, d2, [x0]", 0x6d40_0801],
    ["stp q1, q2, [x0, #-32]!", 0xadbf_0801],
    ["ldr d1, . + 8", 0x5c00_0041],
    ["ldr s1, [x0, x2]", 0xbc62_6801],
    ["stur h1, [x0, #-1]", 0x7c1f_f001],
  ])("makes %s trap before anything else", (_text, word) => {
    const trap = () => machine.setInt(arm64State.fpTrap.place.address, 1);
    const unmapped = (state: TestState) => state.setX(0, 0n);
    const outcome = run(word, unmapped, trap);
    expect(outcome).toEqual({ kind: "call", name: "floatingPointTrap", args: [] });
  });
});

describe("a load or store that faults", () => {
  test.each([
    ["ldr x1, [x0], #8", 0xf840_8401],
    ["ldp x1, x0, [x0, #-16]!", 0xa9ff_0001],
    ["str x1, [x0, #8]!", 0xf800_8c01],
    ["ldpsw x1, x2, [x0], #8", 0x68c1_0801],
  ])("leaves the registers alone: %s", (_text, word) => {
    const base = 0x5000_0000n;
    const outcome = run(word, (state) => {
      state.setX(0, base);
      state.setX(1, 0x77n);
    });
    expect(outcome.kind).toBe("memory");
    expect(machine.getLong(generalRegisterAddress(0))).toBe(base);
    expect(machine.getLong(generalRegisterAddress(1))).toBe(0x77n);
  });
});
