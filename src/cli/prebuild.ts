// A step of the build, after tsc: leaves the generated interpreter in dist/, which saves generating it at every start.
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { arm64InstructionSet } from "../isa/arm64/instructionSet.ts";
import { makeInterpreter, writeInterpreterFile } from "../vmm/interpreter.ts";
import { prebuiltFile } from "./prebuiltFile.ts";

const target = fileURLToPath(prebuiltFile);
mkdirSync(new URL(".", prebuiltFile), { recursive: true });
const interpreter = makeInterpreter(arm64InstructionSet());
const fingerprint = createHash("sha256")
  .update(interpreter.module)
  .update(JSON.stringify([[...interpreter.handlers], interpreter.slots]))
  .digest("hex");
// Renamed into place whole: another process may be starting.
writeFileSync(`${target}.${process.pid}`, writeInterpreterFile(interpreter, fingerprint));
renameSync(`${target}.${process.pid}`, target);
