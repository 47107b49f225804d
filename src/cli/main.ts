#!/usr/bin/env node
import { exitStatus } from "./exit-status.ts";
import { runCommandLine } from "./program.ts";

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
