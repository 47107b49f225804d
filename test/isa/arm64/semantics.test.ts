import { expect, test } from "vitest";
import { writeInterpreter } from "../../../src/engine/interpreter/interpreter.ts";
import { packOperands } from "../../../src/engine/operation.ts";
import { arm64InstructionSet } from "../../../src/isa/arm64/instructionSet.ts";

const set = arm64InstructionSet();

test("the operands of every operation fit a record", () => {
  for (const operation of set.operations) expect(() => packOperands(operation)).not.toThrow();
});

test("operations have distinct names", () => {
  const names = set.operations.map((operation) => operation.name);
  expect(new Set(names).size).toBe(names.length);
});

test("the interpreter of all operations is a valid WebAssembly module", () => {
  const { module } = writeInterpreter(set, { minimum: 64, maximum: 64 });
  expect(() => new WebAssembly.Module(module)).not.toThrow();
});
