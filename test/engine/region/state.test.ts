import { beforeEach, describe, expect, test } from "vitest";
import { loadsOf, storesTo } from "./codeSearch.ts";
import { r, type ToyInstruction, toyState } from "./toy.ts";
import { dataAddress, ToyMachine } from "./toyMachine.ts";

let machine: ToyMachine;
beforeEach(() => {
  machine = new ToyMachine();
  machine.setRegisters(
    0x0123_4567_89ab_cdefn,
    0xfedc_ba98_7654_3210n,
    0n,
    1n,
    5n,
    dataAddress,
    0xffff_ffff_ffff_ffffn,
    7n,
  );
  machine.set(toyState.vector.place.address, 0x1111_2222_3333_4444n);
  machine.set(toyState.vector.place.address + 8, 0x5555_6666_7777_8888n);
});

function codeOf(program: readonly ToyInstruction[]): Uint8Array {
  machine.place(program);
  return machine.code();
}

describe("a register", () => {
  const program: ToyInstruction[] = [
    ["add", r(0), r(1), r(2)],
    ["add", r(0), r(0), r(1)],
    ["move", r(3), r(0)],
  ];
  test("is loaded once when its value from before is read", () => {
    expect([loadsOf(codeOf(program), r(1)), loadsOf(codeOf(program), r(2))]).toEqual([1, 1]);
  });
  test("is loaded although it is written first: the budget may be too short to get there", () => {
    expect([loadsOf(codeOf(program), r(0)), loadsOf(codeOf(program), r(3))]).toEqual([1, 1]);
  });
  test("is stored when it is written, in one place for all exits", () => {
    const withExits = codeOf([...program, ["load", r(4), r(5)], ["jumpIfZero", 64], ...program]);
    expect([storesTo(withExits, r(0)), storesTo(withExits, r(3)), storesTo(withExits, r(4))]).toEqual([
      1, 1, 1,
    ]);
  });
  test("is not stored when it is only read", () => {
    expect([storesTo(codeOf(program), r(1)), storesTo(codeOf(program), r(2))]).toEqual([0, 0]);
  });
  test("is loaded when it is written on some path only, or in part", () => {
    expect(loadsOf(codeOf([["moveIf", r(0), r(1), r(2)]]), r(0))).toBe(1);
    expect(loadsOf(codeOf([["writeLow", r(0), r(1)]]), r(0))).toBe(1);
  });
  test("stays in memory in a region that reads across its bounds", () => {
    const code = codeOf([
      ["readAcross", r(4), r(0)],
      ["add", r(0), r(1), r(0)],
    ]);
    expect(loadsOf(code, r(0) + 4)).toBe(1);
    expect(storesTo(code, r(0))).toBe(1);
  });
});

describe("a region and the interpreter agree on", () => {
  test.each<[string, ToyInstruction[]]>([
    ["writing the low half", [["writeLow", r(0), r(1)]]],
    ["writing the high half", [["writeHigh", r(0), r(1)]]],
    ["writing a half as a single", [["writeSingle", r(0), r(1)]]],
    ["writing all as a double", [["writeDouble", r(0), r(1)]]],
    [
      "reading across two registers",
      [
        ["add", r(1), r(0), r(0)],
        ["readAcross", r(4), r(0)],
        ["move", r(0), r(4)],
      ],
    ],
    [
      "lanes of a vector",
      [
        ["insertLane", r(0)],
        ["insertWord", r(1)],
        ["extractLane", r(2)],
        ["extractWord", r(3)],
      ],
    ],
    [
      "floating lanes of a vector",
      [
        ["insertSingle", r(0)],
        ["insertDouble", r(1)],
      ],
    ],
    [
      "a whole vector, then a lane",
      [
        ["splat", r(0)],
        ["insertWord", r(1)],
        ["extractWord", r(3)],
      ],
    ],
    [
      "a write on one path",
      [
        ["moveIf", r(0), r(1), r(2)],
        ["moveIf", r(4), r(1), r(3)],
      ],
    ],
    [
      "a write on either path",
      [
        ["moveEither", r(0), r(1), r(2)],
        ["moveEither", r(4), r(1), r(3)],
      ],
    ],
    [
      "a loop",
      [
        ["sumBelow", r(0), r(4)],
        ["sumBelow", r(0), r(2)],
      ],
    ],
    [
      "shifts folded away",
      [
        ["shiftUnlessZero", r(0), r(1), 64],
        ["shiftUnlessZero", r(4), r(1), 3],
      ],
    ],
    [
      "constants",
      [
        ["addImmediate", r(0), r(0), 0],
        ["addImmediate", r(1), r(1), -1],
        ["pc", r(2)],
      ],
    ],
  ])("%s", (_what, program) => {
    machine.place(program);
    const expected = { exit: "left", retired: program.length, differences: [] };
    expect(machine.compare(machine.compiled(), program.length)).toEqual(expected);
  });
});
