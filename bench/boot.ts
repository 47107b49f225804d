import { median } from "./statistics.ts";
import { findGuest } from "./support/benchGuest.ts";
import {
  debian,
  type ExtraArguments,
  instructionsOf,
  qemuBoot,
  qemuRun,
  startOf,
  vmexitBoot,
  vmexitRun,
} from "./support/commands.ts";
import { peakMemory } from "./support/peakMemory.ts";
import { BenchError, type ProcessRun, time, versionOf } from "./support/process.ts";
import { goal, number, say, table } from "./support/report.ts";

/** How often, and with which options. */
export interface BootBenchOptions {
  readonly runs: number;
  readonly extra: ExtraArguments;
}

/** Wanted: of QEMU's time; milliseconds; MiB. */
const WANTED = { boot: 1.5, start: 150, memory: 912 } as const;

/** The last line of the initramfs' checks. */
const MARKER = "VMEXIT-BOOT-OK";

/** Debian's kernel from the start of the process to its end after power-off, the start alone, and the memory it takes. */
export async function benchBoot({ runs, extra }: BootBenchOptions): Promise<void> {
  const qemu = await versionOf("qemu-system-aarch64");
  await benchStart(runs, extra, qemu !== undefined);
  const image = debian();
  if (image === undefined) {
    say("Debian's kernel is not here (scripts/fetch-debian-arm64.sh fetches it): no boot, no memory.");
    return;
  }
  const ours: ProcessRun[] = [];
  const theirs: ProcessRun[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push(checked(await time(vmexitBoot(image, extra))));
    if (qemu !== undefined) theirs.push(checked(await time(qemuBoot(image))));
  }
  const seconds = (all: readonly ProcessRun[]): number => median(all.map((run) => run.seconds));
  const instructions = instructionsOf(ours[0]?.stderr ?? "");
  say(
    `Debian's kernel, 512 MiB, boot to power-off, process start included, medians of ${runs} runs by turns:`,
  );
  const rows = [["  vmexit", `${number(seconds(ours), 2)} s`, `${number(instructions)} instructions`]];
  if (qemu !== undefined) rows.push(["  QEMU", `${number(seconds(theirs), 2)} s`, ""]);
  say(table(rows));
  if (qemu !== undefined) {
    const ratio = seconds(ours) / seconds(theirs);
    say(`  ${number(ratio, 2)} × QEMU's time: ${goal(ratio <= WANTED.boot, `≤ ${WANTED.boot}`)}`);
  }
  const peak = await peakMemory(vmexitBoot(image, extra));
  if (peak === undefined) say("  no /proc here: the memory of the process is not known");
  else
    say(
      `  most memory of the process: ${number(peak)} MiB: ${goal(peak <= WANTED.memory, `≤ ${WANTED.memory}`)}`,
    );
  if (qemu !== undefined) say(`  QEMU's: ${number((await peakMemory(qemuBoot(image))) ?? 0)} MiB`);
}

function checked(run: ProcessRun): ProcessRun {
  if (!run.stdout.includes(MARKER))
    throw new BenchError(`the boot ended without ${MARKER}: ${run.stdout.slice(-500)}`);
  return run;
}

/** From the start of the process to the guest's first instruction, and to the first byte on the guest's console, which `hello` sends at once. */
async function benchStart(runs: number, extra: ExtraArguments, withQemu: boolean): Promise<void> {
  const guest = findGuest("hello");
  const ours: number[] = [];
  const instructions: number[] = [];
  const theirs: number[] = [];
  const node: number[] = [];
  const first = (run: ProcessRun): number => 1000 * (run.firstByte ?? Number.NaN);
  for (let run = 0; run < 2 * runs; run++) {
    const run = await time(vmexitRun(guest.elf, extra));
    ours.push(first(run));
    instructions.push(startOf(run.stderr));
    node.push(1000 * (await time([process.execPath, "-e", "0"])).seconds);
    if (withQemu) theirs.push(first(await time(qemuRun(guest))));
  }
  const milliseconds = median(instructions);
  say(
    `Start of the process to the guest's first instruction, medians of ${2 * runs}: ${number(milliseconds)} ms: ` +
      goal(milliseconds <= WANTED.start, `≤ ${WANTED.start} ms`),
  );
  say(`  to the first byte on the guest's console: ${number(median(ours))} ms`);
  say(
    `  Node alone, start to end: ${number(median(node))} ms${withQemu ? `; QEMU: ${number(median(theirs))} ms` : ""}`,
  );
}
