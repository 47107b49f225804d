import { beforeEach, describe, expect, test } from "vitest";
import { constants } from "./codeSearch.ts";
import { producerMarks, r, type ToyInstruction, toyState } from "./toy.ts";
import { dataAddress, ToyMachine } from "./toyMachine.ts";

let machine: ToyMachine;
beforeEach(() => {
  machine = new ToyMachine();
  machine.setRegisters(5n, 5n, 9n, dataAddress, 2n);
});

const compare: ToyInstruction = ["compare", r(0), r(1)];
const compareOthers: ToyInstruction = ["compare", r(2), r(1)];

/** How often the code of a program has the expansion of a producer, or at least its first flag. */
function expansions(program: readonly ToyInstruction[], producer: keyof typeof producerMarks): number {
  machine.place(program);
  return constants(machine.code(), producerMarks[producer]);
}

function agree(program: readonly ToyInstruction[], retired = program.length): void {
  machine.place(program);
  const result = machine.compare(machine.compiled(), program.length);
  expect(result).toEqual({
    exit: retired === program.length ? "left" : result.exit,
    retired,
    differences: [],
  });
}

describe("flags are computed", () => {
  test("once for many producers, on the way out", () => {
    expect(expansions([compare, compareOthers, compare, compareOthers], "sub")).toBe(1);
  });
  test("in one place for all exits", () => {
    expect(expansions([compare, ["load", r(5), r(3)], compare, ["load", r(5), r(3)]], "sub")).toBe(1);
  });
  test("not where nothing makes them", () => {
    expect(
      expansions(
        [
          ["load", r(5), r(3)],
          ["increment", r(5)],
        ],
        "sub",
      ),
    ).toBe(0);
  });
  test("where one is read", () => {
    expect(expansions([compare, ["readZero", r(5)], compareOthers], "sub")).toBe(2);
  });
  test("once where one is read twice", () => {
    expect(expansions([compare, ["readZero", r(5)], ["readZero", r(6)], compareOthers], "sub")).toBe(2);
  });
  test("not where a condition on them follows their producer, which tells as well", () => {
    expect(expansions([compare, ["jumpIfEqual", 0x100], compareOthers], "sub")).toBe(1);
    expect(expansions([compare, ["readZero", r(5)], ["jumpIfEqual", 0x100]], "sub")).toBe(2);
  });
});

describe("the flags are right", () => {
  test.each<[string, ToyInstruction[]]>([
    ["at the end", [compare]],
    [
      "although the operands have changed since",
      [compare, ["addImmediate", r(0), r(0), 7], ["move", r(1), r(2)]],
    ],
    ["when they are read later", [compare, ["move", r(0), r(2)], ["readZero", r(5)], ["readCarry", r(6)]]],
    ["when a producer leaves one of them to the producer before", [compareOthers, ["increment", r(0)]]],
    ["when that one is read", [compareOthers, ["increment", r(0)], ["readCarry", r(5)], ["readZero", r(6)]]],
    ["when one is read and then the rest", [compareOthers, ["readCarry", r(5)], compare, ["readZero", r(6)]]],
    ["when one is written otherwise", [compareOthers, ["writeCarry", r(4)], ["readZero", r(6)]]],
    ["when an instruction sets and reads them", [compare, ["compareAndRead", r(5), r(2), r(1)]]],
    ["when they may be set", [compareOthers, ["compareIf", r(4), r(0), r(1)]]],
    [
      "when they may be set and are not",
      [compareOthers, ["compareIf", r(7), r(0), r(1)], ["readZero", r(5)]],
    ],
    ["when they are set one way or another", [compareOthers, ["compareEither", r(4), r(0), r(1)]]],
    ["when the two ways differ in which they set", [compareOthers, ["compareEither", r(7), r(0), r(1)]]],
    ["after a jump that was not taken", [compare, ["jumpIfZero", 0x100], compareOthers, ["readZero", r(5)]]],
    ["when a condition on them holds", [["compare", r(0), r(0)], ["jumpIfEqual", 4], compare]],
    ["when a condition on them does not hold", [compareOthers, ["jumpIfEqual", 8], ["move", r(0), r(2)]]],
    [
      "when a condition is asked of another producer",
      [
        ["increment", r(0)],
        ["jumpIfEqual", 0x100],
      ],
    ],
    [
      "when a condition is asked in another block",
      [compareOthers, ["jumpIfZero", 4], ["jumpIfEqual", 0x100]],
    ],
    [
      "when a condition is asked after one was written otherwise",
      [compare, ["writeCarry", r(2)], ["jumpIfEqual", 0x100]],
    ],
    [
      "when many are pending",
      Array.from({ length: 40 }, (_, i) => ["compare", r(i & 7), r((i * 3) & 7)] as const),
    ],
  ])("%s", (_when, program) => agree(program));

  test.each([0, 1, 2, 3])("after a side exit behind %s comparisons", (before) => {
    const program: ToyInstruction[] = [
      ...Array.from({ length: before }, (_, i) => (i % 2 === 0 ? compare : compareOthers)),
      ["load", r(5), r(3)],
      compare,
    ];
    machine.set(toyState.carry.place.address, 1n);
    agree(program, before);
  });
  test("when a jump is taken", () => {
    machine.set(r(0), 5n + producerMarks.sub);
    agree([compareOthers, compare, ["jumpIfZero", 0x100], compareOthers], 3);
  });
  test("when the instruction that sets them jumps", () => {
    agree([compareOthers, ["compareAndJump", r(0), r(1), 0x100], compareOthers], 2);
  });
  test.each([
    ["jumps", r(1), 2],
    ["does not jump", r(7), 3],
  ])("when the instruction that may set them %s first", (_what, register, retired) => {
    machine.set(r(7), 0n);
    agree([compareOthers, ["jumpOrCompare", register, r(2), 0x100], ["move", r(0), r(1)]], retired);
  });
  test.each<[string, ToyInstruction, number]>([
    ["the producer before the block, which says yes", compare, 3],
    ["the same with others' values, which says no", compareOthers, 4],
    ["another producer", ["increment", r(0)], 4],
    ["nothing in the region", ["move", r(4), r(0)], 4],
  ])("for a condition at the beginning of a block, when control comes from %s", (_what, first, retired) => {
    const program: ToyInstruction[] = [
      first,
      ["jump", 8],
      compare,
      ["jumpIfEqual", 0x100],
      ["move", r(4), r(1)],
    ];
    machine.set(toyState.zero.place.address, 1n);
    agree(program, retired);
  });
  test("in a side exit between a producer and the next one of the same arguments", () => {
    agree([compare, ["add", r(0), r(2), r(2)], ["load", r(5), r(3)], compare], 2);
  });
});
