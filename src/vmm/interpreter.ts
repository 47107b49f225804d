import { type Interpreter, writeInterpreter } from "../engine/interpreter/interpreter.ts";
import { anyMemoryPages } from "../engine/memory.ts";
import type { InstructionSet } from "../engine/operation.ts";

export type { Interpreter } from "../engine/interpreter/interpreter.ts";

/** Generates the interpreter of an instruction set, fit for machines of any memory size. */
export function makeInterpreter(set: InstructionSet): Interpreter {
  return writeInterpreter(set, anyMemoryPages);
}
