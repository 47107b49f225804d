import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { listGuests, qemuCommand } from "./catalogue.ts";

// Records what each guest (or each one named) prints under QEMU into its expected.txt; runs in the project's root.
const wanted = process.argv.slice(2);
for (const guest of listGuests("guests")) {
  if (wanted.length > 0 && !wanted.includes(guest.name)) continue;
  const [program, ...args] = qemuCommand(guest);
  const timeout = guest.ends === "never" ? 3_000 : 120_000;
  const run = spawnSync(program, args, { timeout, input: "" });
  if (run.error !== undefined && guest.ends !== "never") throw run.error;
  writeFileSync(guest.expected, run.stdout);
  process.stdout.write(`${guest.name}: ${run.stdout.toString().trimEnd().split("\n").at(-1)}\n`);
}
