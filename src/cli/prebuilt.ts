import { readFileSync } from "node:fs";
import { type Interpreter, readInterpreter } from "../vmm/interpreterFile.ts";
import { bundledInterpreter } from "./build.ts";
import { prebuiltFile } from "./prebuiltFile.ts";

/**
 * Reads arm64's interpreter that the build has left, and compiles it beside what the program does until it waits for it.
 * @returns undefined if there is none of this very code
 */
export async function prebuiltInterpreter(): Promise<Interpreter | undefined> {
  if (bundledInterpreter === undefined) return undefined;
  try {
    const bytes = new Uint8Array(readFileSync(prebuiltFile));
    const interpreter = readInterpreter(bytes, bundledInterpreter);
    return interpreter && { ...interpreter, compiled: await WebAssembly.compile(interpreter.module) };
  } catch {
    return undefined;
  }
}
