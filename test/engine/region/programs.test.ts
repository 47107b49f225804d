import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { discardRegisterAddress, zeroRegisterAddress } from "../../../src/engine/layout.ts";
import { r, type ToyInstruction, type ToyOperation, toyOperands, toyState } from "./toy.ts";
import { codeAddress, dataAddress, ToyMachine } from "./toyMachine.ts";

const machine = new ToyMachine();

/** Operations that write their first register and do not read it: they may discard the result. */
const writers: ReadonlySet<ToyOperation> = new Set([
  "add",
  "move",
  "addImmediate",
  "pc",
  "load",
  "loadPair",
  "loadWide",
  "callIf",
]);
/** Operations that write their second register. */
const secondWriters: ReadonlySet<ToyOperation> = new Set(["loadPair", "storePairBefore"]);

const numbered = fc.nat(7).map(r);
const rarely = (address: number): fc.Arbitrary<number> =>
  fc.oneof({ weight: 12, arbitrary: numbered }, { weight: 1, arbitrary: fc.constant(address) });
const source = rarely(zeroRegisterAddress);
const first = (name: ToyOperation): fc.Arbitrary<number> =>
  writers.has(name) ? rarely(discardRegisterAddress) : numbered;
const integer = fc.oneof(
  fc.integer({ min: -2, max: 10 }).map((words) => words * 4),
  // Instructions are at multiples of four, and a decoder sees to it that jumps get there.
  fc.integer().map((value) => value & ~3),
);

const instruction: fc.Arbitrary<ToyInstruction> = fc
  .constantFrom(...(Object.keys(toyOperands) as ToyOperation[]))
  .chain((name) => {
    const { registers, integers } = toyOperands[name];
    const operands = [
      ...Array.from({ length: registers }, (_, i) =>
        i === 0 ? first(name) : i === 1 && secondWriters.has(name) ? numbered : source,
      ),
      ...Array.from({ length: integers }, () => integer),
    ];
    return fc.tuple(...operands).map((values): ToyInstruction => [name, ...values]);
  });

const value = fc.oneof(
  fc.constantFrom(0n, 1n, 5n, 0x8000_0000n, 0xffff_ffffn, 0xffff_ffff_0000_0000n, 0xffff_ffff_ffff_ffffn),
  fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  fc.nat(0x3ff).map((offset) => dataAddress + BigInt(offset * 8)),
);

describe("any program", () => {
  test("ends in the same state in regions and interpreted", () => {
    const exits = new Map<string, number>();
    const program = fc.array(instruction, { minLength: 1, maxLength: 24 });
    const state = fc.array(value, { minLength: 14, maxLength: 14 });
    const check = (words: readonly ToyInstruction[], values: readonly bigint[], pages: number): void => {
      machine.unmapAll();
      if ((pages & 1) !== 0) machine.map(0);
      if ((pages & 2) !== 0) machine.map(1);
      values.forEach((one, i) => {
        machine.set(r(i), one);
      });
      machine.set(toyState.trap.place.address, BigInt(pages >> 2));
      machine.place(words);
      for (let regions = 0; regions < 6; regions++) {
        const index = Number((machine.pc - codeAddress) / 4n);
        if (machine.pc < codeAddress || index >= words.length || machine.pc % 4n !== 0n) break;
        const region = machine.region(index);
        const result = region && machine.compare(region, words.length);
        exits.set(result?.exit ?? "none", (exits.get(result?.exit ?? "none") ?? 0) + 1);
        expect(result?.differences ?? []).toEqual([]);
        if (result?.exit !== "left" && machine.engine.run(1).retired === 0) break;
      }
    };
    fc.assert(fc.property(program, state, fc.nat(7), check), { numRuns: 1000 });
    for (const exit of ["left", "side", "none"]) expect(exits.get(exit) ?? 0, exit).toBeGreaterThan(50);
  });
});
