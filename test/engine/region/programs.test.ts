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
  "loadNear",
  "loadByteNear",
  "loadPair",
  "loadWide",
  "callIf",
]);
/** Operations that write their second register. */
const secondWriters: ReadonlySet<ToyOperation> = new Set(["loadPair", "storePairBefore", "loadAndMove"]);

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
  // Around the border of the two pages.
  fc.integer({ min: -6, max: 6 }).map((offset) => dataAddress + 0x1000n + BigInt(offset * 4)),
);

const state = fc.array(value, { minLength: 14, maxLength: 14 });

/** Bits of what is mapped for a program and whether its guards trap. */
const surroundings = fc.nat(63);

/** Runs a program in regions and interpreted, side by side; counts how regions were left. */
function compare(
  words: readonly ToyInstruction[],
  values: readonly bigint[],
  pages: number,
  exits: Map<string, number>,
): void {
  machine.unmapAll();
  const strict = (pages & 32) !== 0;
  if ((pages & 1) !== 0) machine.map(0, { write: (pages & 8) === 0, strict });
  if ((pages & 2) !== 0) machine.map(1, { write: (pages & 16) === 0, strict });
  values.forEach((one, i) => {
    machine.set(r(i), one);
  });
  machine.set(toyState.trap.place.address, BigInt((pages >> 2) & 1));
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
}

describe("any program", () => {
  test("ends in the same state in regions and interpreted", () => {
    const exits = new Map<string, number>();
    const program = fc.array(instruction, { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(program, state, surroundings, (words, values, pages) =>
        compare(words, values, pages, exits),
      ),
      { numRuns: 1000 },
    );
    for (const exit of ["left", "side", "none"]) expect(exits.get(exit) ?? 0, exit).toBeGreaterThan(50);
  });

  test("of accesses near each other does, too", () => {
    const exits = new Map<string, number>();
    const base = fc.nat(2).map(r);
    const [any, distance] = [fc.nat(5).map(r), fc.integer({ min: -10, max: 40 })];
    const multiple = fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: -4, max: 34 }).map((words) => words * 8) },
      { weight: 1, arbitrary: distance },
    );
    const misaligned = fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.nat(7) },
    );
    const near = fc
      .constantFrom<ToyOperation>("loadNear", "storeNear", "loadByteNear", "loadAndMove", "storePairBefore")
      .chain((name) =>
        fc
          .tuple(any, base, name === "loadByteNear" ? distance : multiple)
          .map((values): ToyInstruction => [name, ...values]),
      );
    const pair = fc
      .constantFrom<ToyOperation>("loadPair", "storePair")
      .chain((name) => fc.tuple(any, any, base).map((values): ToyInstruction => [name, ...values]));
    const other = fc.oneof(
      fc.tuple(base, base, multiple).map((values): ToyInstruction => ["addImmediate", ...values]),
      fc.tuple(base, base).map((values): ToyInstruction => ["move", ...values]),
      fc.tuple(base, any, any).map((values): ToyInstruction => ["moveIf", ...values]),
      fc.tuple(base, any).map((values): ToyInstruction => ["writeLow", ...values]),
    );
    const program = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: near },
        { weight: 3, arbitrary: pair },
        { weight: 1, arbitrary: other },
      ),
      { minLength: 2, maxLength: 16 },
    );
    const offset = fc.oneof(fc.nat(0x3ff), fc.integer({ min: 0x1f0, max: 0x204 }));
    const bases = fc.array(
      fc.tuple(offset, misaligned).map(([words, bytes]) => dataAddress + BigInt(words * 8 + bytes)),
      { minLength: 6, maxLength: 6 },
    );
    const mapped = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(3, 35) },
      { weight: 1, arbitrary: surroundings },
    );
    fc.assert(
      fc.property(program, bases, mapped, (words, values, pages) => compare(words, values, pages, exits)),
      { numRuns: 1000 },
    );
    for (const exit of ["left", "side"]) expect(exits.get(exit) ?? 0, exit).toBeGreaterThan(50);
  });
});
