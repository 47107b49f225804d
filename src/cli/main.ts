#!/usr/bin/env node
import { exitStatus, signalStatus } from "./exit-status.ts";
import { runCommandLine } from "./program.ts";
import { errorCode } from "./read-file.ts";

// `vmexit --help | head -1`: nobody reads on. A run has a listener of its own, which ends the guest first.
process.stdout.on("error", (error) => {
  if (errorCode(error) !== "EPIPE") throw error;
  if (process.stdout.listenerCount("error") === 1) process.exit(signalStatus.SIGPIPE);
});

let status: number;
try {
  status = await runCommandLine(process.argv.slice(2));
} catch (error) {
  const text = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`vmexit: internal error, please report it: ${text}\n`);
  status = exitStatus.failed;
}
// Standard input may still be open; what was written must be out.
process.stdout.write("", () => process.exit(status));
