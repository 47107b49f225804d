import { readFileSync } from "node:fs";
import { arm64InstructionSet } from "../isa/arm64/instructionSet.ts";
import type { GuestOptions } from "../vmm/guest.ts";
import { type Interpreter, makeInterpreter, readInterpreter } from "../vmm/interpreter.ts";
import { bundledInterpreter } from "./build.ts";
import { prebuiltFile } from "./prebuiltFile.ts";

/** The arm64 instruction set with its interpreter: the one that the build left if it is of this very code, else a new one. */
export function loadArm64(): Required<Pick<GuestOptions, "instructionSet" | "interpreter">> {
  const instructionSet = arm64InstructionSet();
  return { instructionSet, interpreter: prebuilt() ?? makeInterpreter(instructionSet) };
}

function prebuilt(): Interpreter | undefined {
  if (bundledInterpreter === undefined) return undefined;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(readFileSync(prebuiltFile));
  } catch {
    return undefined;
  }
  return readInterpreter(bytes, bundledInterpreter);
}
