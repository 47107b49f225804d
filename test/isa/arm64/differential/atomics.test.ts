import { describe, expect, test } from "vitest";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { arm64State, generalRegisterAddress } from "../../../../src/isa/arm64/state.ts";
import { atomicCases } from "./atomicCases.ts";
import { unicornDeparture } from "./departures.ts";
import { type OurOutcome, TestMachine } from "./machine.ts";
import { Random } from "./random.ts";
import { layout, TestState } from "./state.ts";
import { describeDifferential } from "./suite.ts";

describeDifferential("exclusives and atomics", atomicCases);

const machine = new TestMachine(arm64InstructionSet());
const address = layout.data.address + 0x100n;

/** Runs words with X0 as base, X1 as first source. */
function run(words: readonly number[], x0: bigint, x1: bigint, memory: bigint): OurOutcome {
  const state = new TestState();
  state.setX(0, x0);
  state.setX(1, x1);
  state.setX(2, 0x5555n);
  state.poke(address, 8, memory);
  state.poke(address + 8n, 8, 0n);
  machine.take(state);
  return machine.run(words);
}

const x = (n: number): bigint => machine.getLong(generalRegisterAddress(n));
const stored = (): bigint =>
  new DataView(machine.memory.buffer, machine.memory.byteOffset).getBigUint64(0x100, true);

describe(unicornDeparture.minMaxExtension, () => {
  const operations = [
    { name: "ldsmax", opc: 4, choose: (a: bigint, b: bigint) => a >= b, signed: true },
    { name: "ldsmin", opc: 5, choose: (a: bigint, b: bigint) => a <= b, signed: true },
    { name: "ldumax", opc: 6, choose: (a: bigint, b: bigint) => a >= b, signed: false },
    { name: "ldumin", opc: 7, choose: (a: bigint, b: bigint) => a <= b, signed: false },
  ];
  const rows = operations.flatMap((operation) => [0, 1, 2, 3].map((size) => ({ ...operation, size })));
  test.each(rows)("$name of 1 << $size bytes", ({ name, opc, choose, signed, size }) => {
    const bits = 8 << size;
    const extend = (value: bigint) => (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
    const random = new Random(1, `${name}${size}`);
    const word = ((size << 30) | 0x3821_0002 | (opc << 12)) >>> 0; // ld<op> x1, x2, [x0]
    for (let i = 0; i < 1000; i++) {
      const [memory, register] = [random.u64(), random.u64()];
      expect(run([word], address, register, memory)).toEqual({ kind: "ok" });
      const [a, b] = [extend(memory), extend(register)];
      const kept = memory & ~((1n << BigInt(bits)) - 1n);
      expect(x(2)).toBe(BigInt.asUintN(bits, memory));
      expect(stored()).toBe(kept | BigInt.asUintN(bits, choose(a, b) ? a : b));
    }
  });
});

describe("misaligned accesses that Unicorn allows", () => {
  const stxr = 0xc802_7c01; // stxr w2, x1, [x0]
  const stlxp = 0xc822_8c01; // stlxp w2, x1, x3, [x0]
  test.each([
    ["ldar", 0xc8df_fc01],
    ["ldarh", 0x48df_fc01],
    ["stlr", 0xc89f_fc01],
    ["stlr of a word", 0x889f_fc01],
    ["stxr without a mark", stxr],
    ["stlxp without a mark", stlxp],
  ])("%s faults", (_name, word) => {
    expect(run([word], address + 1n, 7n, 1n)).toEqual({ kind: "alignment", address: address + 1n });
    expect([x(1), x(2), stored()]).toEqual([7n, 0x5555n, 1n]);
  });
  test("ldarb does not fault", () => {
    expect(run([0x08df_fc01], address + 1n, 7n, 0x2211n)).toEqual({ kind: "ok" }); // ldarb w1, [x0]
    expect(x(1)).toBe(0x22n);
  });
});

describe("the local exclusive monitor", () => {
  const ldxr = 0xc85f_7c03; // ldxr x3, [x0]
  const ldxrWord = 0x885f_7c03; // ldxr w3, [x0]
  const stxr = 0xc802_7c01; // stxr w2, x1, [x0]
  const advance = 0x9100_2000; // add x0, x0, #8
  test("lets a store through after the load-exclusive of the same address and size", () => {
    expect(run([ldxr, stxr], address, 7n, 1n)).toEqual({ kind: "ok" });
    expect([x(2), x(3), stored()]).toEqual([0n, 1n, 7n]);
  });
  test("is open after the store", () => {
    run([ldxr, stxr, stxr], address, 7n, 1n);
    expect(x(2)).toBe(1n);
    expect(machine.getInt(arm64State.exclusiveBytes.place.address)).toBe(0);
  });
  test.each([
    ["another size", [ldxrWord, stxr]],
    ["another address", [ldxr, advance, stxr]],
  ])("refuses %s and opens", (_what, words) => {
    expect(run(words, address, 7n, 1n)).toEqual({ kind: "ok" });
    expect([x(2), stored()]).toEqual([1n, 1n]);
    expect(machine.getInt(arm64State.exclusiveBytes.place.address)).toBe(0);
  });
});
