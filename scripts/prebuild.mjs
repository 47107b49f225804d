// node scripts/prebuild.mjs: a step of the build, after tsc. Leaves the generated interpreter in dist/, which saves generating it
// at every start.
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";

const { arm64InstructionSet } = await import("../dist/isa/arm64/instructionSet.js");
const { makeInterpreter } = await import("../dist/vmm/interpreter.js");
const { writeInterpreterFile } = await import("../dist/vmm/interpreterFile.js");

const folder = new URL("../dist/prebuilt/", import.meta.url);
const target = new URL("arm64.interpreter", folder).pathname;
mkdirSync(folder, { recursive: true });
const interpreter = makeInterpreter(arm64InstructionSet());
const fingerprint = createHash("sha256")
  .update(interpreter.module)
  .update(JSON.stringify([[...interpreter.handlers], interpreter.slots]))
  .digest("hex");
// Renamed into place whole: another process may be starting.
writeFileSync(`${target}.${process.pid}`, writeInterpreterFile(interpreter, fingerprint));
renameSync(`${target}.${process.pid}`, target);
