import { describe, expect, it } from "vitest";
import { arm64InstructionSet } from "../../src/isa/arm64/instructionSet.ts";
import { makeInterpreter } from "../../src/vmm/interpreter.ts";
import { readInterpreter, writeInterpreterFile } from "../../src/vmm/interpreterFile.ts";

describe("an interpreter's file", () => {
  const interpreter = makeInterpreter(arm64InstructionSet());
  const file = new Uint8Array(writeInterpreterFile(interpreter, "these sources"));

  it("gives the same interpreter back", () => {
    expect(readInterpreter(file, "these sources")).toEqual(interpreter);
  });

  it("is not taken for the interpreter of other sources", () => {
    expect(readInterpreter(file, "other sources")).toBeUndefined();
  });

  it("is not taken when it is cut off", () => {
    for (const length of [0, 3, 4, 100, 100_000, file.length - 1]) {
      expect(readInterpreter(file.slice(0, length), "these sources"), `${length} bytes`).toBeUndefined();
    }
  });
});
