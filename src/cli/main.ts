#!/usr/bin/env node
import { exitStatus, signalStatus } from "./exitStatus.ts";
import { runCommandLine } from "./program.ts";
import { outputProblem } from "./textOutput.ts";

// `vmexit --help | head -1`: nobody reads on. A run has a listener of its own, which ends the guest first.
process.stdout.on("error", (error) => {
  if (process.stdout.listenerCount("error") > 1) return;
  const problem = outputProblem(error);
  if (problem !== undefined) process.stderr.write(`vmexit: ${problem}\n`);
  process.exit(problem === undefined ? signalStatus.SIGPIPE : exitStatus.user);
});
// There is nobody left to tell.
process.stderr.on("error", () => {});

async function main(): Promise<void> {
  let status: number;
  try {
    status = await runCommandLine(process.argv.slice(2));
  } catch (error) {
    const text = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`vmexit: internal error, please report it: ${text}\n`);
    status = exitStatus.failed;
  }
  // Standard input may still be open; what was written must be out, and an error of it told.
  process.stdout.write("", () => setImmediate(() => process.exit(status)));
}

void main();
