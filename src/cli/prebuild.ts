// A step of the build, after tsc: leaves the generated interpreter in dist/, which saves generating it at every start.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { arm64InstructionSet } from "../isa/arm64/instructionSet.ts";
import { makeInterpreter, writeInterpreterFile } from "../vmm/interpreter.ts";
import { fingerprintSources, prebuiltFile } from "./prebuiltFile.ts";

const target = fileURLToPath(prebuiltFile);
mkdirSync(new URL(".", prebuiltFile), { recursive: true });
const bytes = writeInterpreterFile(makeInterpreter(arm64InstructionSet()), fingerprintSources());
// Renamed into place whole: another process may be starting.
writeFileSync(`${target}.${process.pid}`, bytes);
renameSync(`${target}.${process.pid}`, target);
