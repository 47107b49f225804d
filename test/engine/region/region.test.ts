import { beforeEach, describe, expect, test } from "vitest";
import { discardRegisterAddress, zeroRegisterAddress } from "../../../src/engine/layout.ts";
import { constants, wordLoadsOf } from "./codeSearch.ts";
import { producerMarks, r, type ToyInstruction, toyState } from "./toy.ts";
import { codeAddress, dataAddress, ToyMachine } from "./toyMachine.ts";

let machine: ToyMachine;
beforeEach(() => {
  machine = new ToyMachine();
});

const at = (index: number): bigint => codeAddress + 4n * BigInt(index);
const addOne = (n: number): ToyInstruction => ["addImmediate", r(n), r(n), 1];

describe("the extent of a region", () => {
  const lengthOf = (program: readonly ToyInstruction[]): number => {
    machine.place(program);
    return machine.region()?.length ?? 0;
  };

  test("is the whole program when nothing ends it", () => {
    expect(lengthOf([addOne(0), ["load", r(1), r(2)], ["jumpIfZero", 64], addOne(0)])).toBe(4);
  });
  test("is at most 400 instructions, or what the options say", () => {
    const program = Array.from({ length: 500 }, () => addOne(0));
    expect(lengthOf(program)).toBe(400);
    machine = new ToyMachine({ instructions: 7 });
    expect(lengthOf(program)).toBe(7);
  });
  test("cannot be less than one instruction by the options", () => {
    expect(() => new ToyMachine({ instructions: 0 })).toThrow("at least one instruction");
  });
  test.each<[string, ToyInstruction]>([
    ["always calls out", ["call"]],
    ["raises", ["undefined"]],
    ["always calls out with this operand", ["shiftUnlessZero", r(0), r(1), 0]],
    ["may call out after a write", ["callIfAfterWrite", r(0), r(1)]],
    ["loads after a store", ["loadAfterStore", r(0), r(1)]],
    ["stores twice what it loaded", ["loadAndStoreTwice", r(0), r(1)]],
  ])("leaves out an instruction that %s", (_what, instruction) => {
    expect(lengthOf([addOne(0), instruction, addOne(0)])).toBe(2);
    expect(lengthOf([instruction])).toBe(0);
  });
  test("goes on behind an instruction that never calls out with its operands", () => {
    expect(lengthOf([["shiftUnlessZero", r(0), r(1), 5], addOne(0)])).toBe(2);
  });
  test("ends with a jump elsewhere", () => {
    expect(lengthOf([addOne(0), ["jump", 64], addOne(0)])).toBe(2);
    expect(lengthOf([addOne(0), ["jumpTo", r(0)], addOne(0)])).toBe(2);
  });
  test("goes on at the targets of jumps within the page", () => {
    expect(lengthOf([["jump", 8], addOne(0), addOne(1)])).toBe(2);
    expect(lengthOf([["jumpIfZero", 8], addOne(0), addOne(1)])).toBe(3);
    expect(lengthOf([addOne(0), addOne(1), ["jump", -8]])).toBe(3);
  });
  test("goes on behind a call", () => {
    expect(lengthOf([["linkAndJump", r(0), 0x4000], addOne(0)])).toBe(2);
  });
  test("is at most as many blocks as the options say", () => {
    machine = new ToyMachine({ blocks: 3 });
    expect(lengthOf(Array.from({ length: 10 }, () => ["jumpIfZero", 8] as const))).toBeLessThan(6);
  });
});

describe("a region", () => {
  test("retires its instructions and leaves PC behind them", () => {
    machine.place([addOne(0), ["add", r(1), r(0), r(0)], ["pc", r(2)]]);
    machine.setRegisters(4n);
    expect(machine.compare(machine.compiled(), 10)).toEqual({ exit: "left", retired: 3, differences: [] });
    expect([machine.get(r(0)), machine.get(r(1)), machine.get(r(2)), machine.pc]).toEqual([
      5n,
      10n,
      at(2),
      at(3),
    ]);
  });
  test("is not entered when it is longer than the budget", () => {
    machine.place([addOne(0), addOne(0)]);
    const region = machine.compiled();
    expect(region.run(1)).toEqual({ exit: "budget", retired: 0 });
    expect([machine.get(r(0)), machine.pc]).toEqual([0n, at(0)]);
    expect(region.run(2)).toEqual({ exit: "left", retired: 2 });
  });
  test("reads the zero register as zero and drops what is written to the discarding one", () => {
    machine.place([
      ["add", r(0), r(1), zeroRegisterAddress],
      ["add", discardRegisterAddress, r(1), r(1)],
    ]);
    machine.setRegisters(0n, 9n);
    machine.set(discardRegisterAddress, 1n);
    machine.compiled().run(2);
    expect([machine.get(r(0)), machine.get(discardRegisterAddress)]).toEqual([9n, 1n]);
  });
  test("writes state that is not cached where it is", () => {
    machine.place([
      ["plain", r(0)],
      ["plain", r(0)],
    ]);
    machine.setRegisters(3n);
    machine.set(toyState.plain.place.address, 1n);
    expect(machine.compare(machine.compiled(), 2).differences).toEqual([]);
    expect(machine.get(toyState.plain.place.address)).toBe(7n);
  });
});

describe("a jump", () => {
  test("leaves with its target in PC and the exact count", () => {
    machine.place([addOne(0), ["jumpIfZero", 0x100], addOne(0), addOne(0)]);
    const result = machine.compare(machine.compiled(), 4);
    expect(result).toEqual({ exit: "left", retired: 2, differences: [] });
    expect([machine.pc, machine.get(r(0))]).toEqual([at(1) + 0x100n, 1n]);
  });
  test("that is not taken goes on", () => {
    machine.place([addOne(0), ["jumpIfZero", 0x100], addOne(0), addOne(0)]);
    machine.set(toyState.zero.place.address, 1n);
    expect(machine.compare(machine.compiled(), 4)).toEqual({ exit: "left", retired: 4, differences: [] });
    expect(machine.get(r(0))).toBe(3n);
  });
  test("goes where a register says", () => {
    machine.place([["jumpTo", r(3)]]);
    machine.set(r(3), 0xffff_8000_1234_5678n);
    expect(machine.compare(machine.compiled(), 1)).toEqual({ exit: "left", retired: 1, differences: [] });
    expect(machine.pc).toBe(0xffff_8000_1234_5678n);
  });
  test("goes backwards out of the address space's beginning", () => {
    machine.place([["jump", -0x2000]]);
    machine.compiled().run(1);
    expect(machine.pc).toBe(0xffff_ffff_ffff_f000n);
  });
  test.each([0n, 1n])("keeps what its path wrote, and only that (taken: %s)", (taken) => {
    machine.place([["linkAndJumpIf", r(0), r(1), 0x40], addOne(2)]);
    machine.setRegisters(5n, taken, 6n);
    expect(machine.compare(machine.compiled(), 2)).toEqual({
      exit: "left",
      retired: taken === 1n ? 1 : 2,
      differences: [],
    });
  });
  test.each([0n, 1n])("forwards goes on in the region, and so does the way on (zero flag: %s)", (zero) => {
    machine.place([["jumpIfZero", 8], addOne(0), addOne(1), addOne(2)]);
    machine.set(toyState.zero.place.address, zero);
    const retired = zero === 0n ? 3 : 4;
    expect(machine.compare(machine.compiled(), 4)).toEqual({ exit: "left", retired, differences: [] });
    expect([machine.get(r(0)), machine.get(r(1)), machine.pc]).toEqual([zero, 1n, at(4)]);
  });
  test("backwards makes a loop, which ends with its condition or with the budget", () => {
    machine.place([addOne(0), ["compare", r(0), r(1)], ["jumpIfNotZero", -8], addOne(2)]);
    const region = machine.compiled();
    machine.setRegisters(0n, producerMarks.sub + 5n);
    expect(machine.compare(region, 1000)).toMatchObject({ exit: "budget", differences: [] });
    expect(machine.get(r(0))).toBe(333n);
    machine.pc = at(0);
    // The toy's zero flag is the difference with the mark.
    machine.setRegisters(0n, 0n);
    machine.setRegisters(producerMarks.sub - 10n, 0n);
    expect(machine.compare(region, 1000)).toEqual({ exit: "left", retired: 31, differences: [] });
  });
});

describe("a side exit", () => {
  test("stands before an access that misses the TLB; the interpreter goes on from there", () => {
    machine.place([addOne(0), ["store", r(0), r(1)], addOne(0)]);
    machine.setRegisters(1n, dataAddress);
    expect(machine.compare(machine.compiled(), 3)).toEqual({ exit: "side", retired: 1, differences: [] });
    expect([machine.pc, machine.data(0), machine.calls]).toEqual([at(1), 0n, []]);
    expect(machine.engine.run(2)).toEqual({ exit: "budget", retired: 2 });
    expect([machine.get(r(0)), machine.data(0)]).toEqual([3n, 2n]);
  });
  test("does not happen when the TLB holds the page", () => {
    machine.map(0);
    machine.place([
      ["store", r(0), r(1)],
      ["load", r(2), r(1)],
    ]);
    machine.setRegisters(42n, dataAddress + 8n);
    expect(machine.compare(machine.compiled(), 2)).toEqual({ exit: "left", retired: 2, differences: [] });
    expect(machine.get(r(2))).toBe(42n);
  });
  test("is taken by misaligned accesses and by those into the next page", () => {
    machine.map(0);
    machine.map(1);
    machine.place([["load", r(2), r(1)]]);
    const region = machine.compiled();
    for (const offset of [1n, 4n, 0xffcn]) {
      machine.setRegisters(0n, dataAddress + offset);
      expect(region.run(1)).toEqual({ exit: "side", retired: 0 });
    }
  });
  test("between two stores of one instruction lets the interpreter make both", () => {
    machine.map(0);
    machine.place([addOne(0), ["storeTwice", r(0), r(1)]]);
    machine.setRegisters(4n, dataAddress);
    expect(machine.compiled().run(2)).toEqual({ exit: "side", retired: 1 });
    expect([machine.data(0), machine.data(0x1000)]).toEqual([5n, 0n]);
    machine.engine.run(1);
    expect([machine.data(0), machine.data(0x1000)]).toEqual([5n, 5n]);
  });
  test("stands before a call that the instruction makes on this path, with its registers unchanged", () => {
    machine.place([addOne(0), ["callIf", r(2), r(1)], addOne(0)]);
    machine.setRegisters(0n, 1n, 9n);
    const region = machine.compiled();
    expect(machine.compare(region, 3)).toEqual({ exit: "side", retired: 1, differences: [] });
    expect([machine.get(r(2)), machine.calls]).toEqual([9n, []]);
    machine.engine.run(1);
    expect([machine.get(r(2)), machine.calls]).toEqual([77n, ["result"]]);
    machine.setRegisters(0n, 2n << 32n, 9n);
    machine.pc = at(0);
    expect(machine.compare(region, 3)).toEqual({ exit: "left", retired: 3, differences: [] });
    expect(machine.get(r(2))).toBe(2n << 32n);
  });
  test("is taken by a guard whose field is not zero", () => {
    machine.place([addOne(0), ["guarded", r(1)], ["guarded", r(1)]]);
    const region = machine.compiled();
    expect(machine.compare(region, 3)).toEqual({ exit: "left", retired: 3, differences: [] });
    machine.pc = at(0);
    machine.set(toyState.trap.place.address, 1n);
    expect(machine.compare(region, 3)).toEqual({ exit: "side", retired: 1, differences: [] });
    expect(machine.engine.run(1)).toEqual({ exit: "abandoned", retired: 0 });
    expect(machine.calls).toEqual(["trap"]);
  });
  test("is taken by a guard after a write of its field that is cached", () => {
    machine.place([
      ["guardedByCarry", r(1)],
      ["writeCarry", r(0)],
      ["guardedByCarry", r(1)],
    ]);
    machine.setRegisters(1n);
    expect(machine.compare(machine.compiled(), 3)).toEqual({ exit: "side", retired: 2, differences: [] });
  });
  test("is taken by a guard whose field is a pending flag", () => {
    machine.place([
      ["compare", r(0), r(1)],
      ["guardedByCarry", r(1)],
    ]);
    machine.setRegisters(1n);
    expect(machine.compare(machine.compiled(), 2)).toEqual({ exit: "side", retired: 1, differences: [] });
  });
  test("needs one look at a guard's field for all instructions until one writes it", () => {
    const looks = (program: readonly ToyInstruction[]): number => {
      machine.place(program);
      return wordLoadsOf(machine.code(), toyState.trap.place.address);
    };
    const guarded: ToyInstruction = ["guarded", r(1)];
    expect(looks([guarded, guarded, guarded])).toBe(1);
    expect(looks([guarded, ["setTrap", r(0)], guarded, guarded])).toBe(2);
  });
  test("is taken by a guard after an instruction that wrote its field", () => {
    machine.place([
      ["guarded", r(1)],
      ["setTrap", r(0)],
      ["guarded", r(1)],
    ]);
    machine.setRegisters(1n);
    expect(machine.compare(machine.compiled(), 3)).toEqual({ exit: "side", retired: 2, differences: [] });
  });
  test("is taken by a guard after an instruction that may have jumped past its own", () => {
    machine.place([
      ["jumpOrGuarded", r(0), 4],
      ["guarded", r(1)],
    ]);
    machine.setRegisters(1n);
    machine.set(toyState.trap.place.address, 1n);
    expect(machine.compare(machine.compiled(), 2)).toEqual({ exit: "side", retired: 1, differences: [] });
  });
  test("leaves a fault to the interpreter", () => {
    machine.place([addOne(0), ["load", r(1), r(2)], addOne(0)]);
    machine.setRegisters(0n, 8n, 0xdead_0000n);
    expect(machine.compiled().run(3)).toEqual({ exit: "side", retired: 1 });
    expect(machine.engine.run(2)).toEqual({ exit: "abandoned", retired: 0 });
    expect([machine.get(r(1)), machine.pc, machine.calls]).toEqual([8n, at(1), ["load fault"]]);
  });
});

describe("accesses near each other", () => {
  /** What tags are compared with by accesses of eight bytes. */
  const looks = (): number => constants(machine.code(), ~0xfffn | 7n);
  const read = (to: number, base: number, distance: number): ToyInstruction => [
    "loadNear",
    r(to),
    r(base),
    distance,
  ];

  test("take one look at the TLB, two where some write", () => {
    machine.place([read(0, 1, 8), read(2, 1, 64), ["move", r(3), r(1)], read(4, 3, -16)]);
    expect(looks()).toBe(1);
    machine.place([read(0, 1, 8), ["storeNear", r(2), r(1), 24], ["storeNear", r(2), r(1), 8]]);
    expect(looks()).toBe(2);
  });

  test("take a look each when their base is another, or they are further apart", () => {
    machine.place([read(0, 1, 8), read(2, 3, 8), read(4, 1, 512), read(1, 1, 0), read(0, 1, 8)]);
    expect(looks()).toBe(4);
  });

  test("are left to the interpreter from the first on when they are in two pages", () => {
    machine.map(0);
    machine.map(1);
    machine.place([addOne(0), read(2, 1, 0), read(3, 1, 16), read(4, 1, -8)]);
    const region = machine.compiled();
    for (const [offset, retired] of [
      [0xff8n, 1],
      [0xff0n, 1],
      [0x1000n, 1],
      [0xfe8n, 4],
      [0x1008n, 4],
    ] as const) {
      machine.setRegisters(0n, dataAddress + offset);
      machine.pc = at(0);
      expect(machine.compare(region, 4)).toMatchObject({ retired, differences: [] });
    }
  });

  test("take a look of their own when they may be misaligned although the first is not", () => {
    machine.map(0, { write: true, strict: true });
    machine.place([["loadByteNear", r(0), r(1), 0], read(2, 1, 8)]);
    machine.setRegisters(0n, dataAddress + 3n);
    expect(machine.compare(machine.compiled(), 2)).toEqual({ exit: "side", retired: 1, differences: [] });
  });
});

describe("several requests", () => {
  test("become regions of one module, in their order", () => {
    machine.place([addOne(0), ["call"]]);
    expect(machine.compileAll([0, 1]).map((region) => region?.length)).toEqual([1, undefined]);
  });
});
