import { geometricMean, median } from "./statistics.ts";
import { benchGuest, fullCounts } from "./support/benchGuest.ts";
import { type ExtraArguments, instructionsOf, qemuRun, vmexitRun } from "./support/commands.ts";
import { BenchError, time, versionOf } from "./support/process.ts";
import { goal, number, say } from "./support/report.ts";

/** What to measure. */
export interface GuestBenchOptions {
  /** Runs of each guest under each program, by turns. */
  readonly runs: number;
  /** The guests' names without `bench-`; all if left out. */
  readonly only: ReadonlySet<string> | undefined;
  /** Factor on the count of repetitions. */
  readonly scale: number;
  readonly extra: ExtraArguments;
}

/** Wanted of the ratios' geometric mean, and of each. */
const WANTED = { mean: 1.2, each: 0.6 } as const;

interface Times {
  readonly full: number[];
  /** The same image with its work left out: start of the process, boot and end. */
  readonly empty: number[];
}

const work = ({ full, empty }: Times): number => median(full) - median(empty);

/** A line as soon as it is known: the whole takes minutes. */
const printRow = ([name = "", ...numbers]: readonly string[]): void =>
  say(`  ${name.padEnd(8)}${numbers.map((cell) => cell.padStart(14)).join("")}`);

/**
 * The five guests under vmexit and under QEMU, by turns in one run of the benchmark: millions of guest instructions per second
 * of wall time, less the time of the same image without its work, and the ratio of both programs' times.
 */
export async function benchGuests({ runs, only, scale, extra }: GuestBenchOptions): Promise<void> {
  const qemu = await versionOf("qemu-system-aarch64");
  say(
    `Guests: medians of ${runs} runs by turns; the time of the same image with 0 iterations is taken off. ${qemu ?? "There is no qemu-system-aarch64 here (Debian: apt-get install qemu-system-arm): vmexit's own speed only."}`,
  );
  printRow(["guest", "instructions", "vmexit s", "MIPS", "QEMU s", "MIPS", "ratio"]);
  const ratios: number[] = [];
  for (const [name, count] of fullCounts) {
    if (only !== undefined && !only.has(name)) continue;
    const full = benchGuest(name, Math.max(1, Math.round(count * scale)));
    const empty = benchGuest(name, 0);
    const ours: Times = { full: [], empty: [] };
    const theirs: Times = { full: [], empty: [] };
    let instructions = 0;
    for (let run = 0; run < runs; run++) {
      const idle = await time(vmexitRun(empty.elf, extra));
      const busy = await time(vmexitRun(full.elf, extra));
      ours.empty.push(idle.seconds);
      ours.full.push(busy.seconds);
      instructions = instructionsOf(busy.stderr) - instructionsOf(idle.stderr);
      if (qemu === undefined) continue;
      theirs.empty.push((await time(qemuRun(empty))).seconds);
      const other = await time(qemuRun(full));
      theirs.full.push(other.seconds);
      if (other.stdout !== busy.stdout)
        throw new BenchError(`${name}: vmexit printed ${busy.stdout} and QEMU ${other.stdout}`);
    }
    const speed = (seconds: number): string => number(instructions / seconds / 1e6);
    const row = [name, number(instructions), number(work(ours), 2), speed(work(ours))];
    if (qemu !== undefined) {
      const ratio = work(theirs) / work(ours);
      ratios.push(ratio);
      row.push(number(work(theirs), 2), speed(work(theirs)), number(ratio, 2));
    }
    printRow(row);
  }
  if (ratios.length > 0) {
    const mean = geometricMean(ratios);
    const reached = mean >= WANTED.mean && Math.min(...ratios) >= WANTED.each;
    say(
      `geometric mean of the ratios: ${number(mean, 2)}, least ${number(Math.min(...ratios), 2)}: ` +
        goal(reached, `≥ ${WANTED.mean}, none below ${WANTED.each}`),
    );
  }
}
