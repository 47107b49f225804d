import { median } from "./statistics.ts";
import { benchGuest } from "./support/benchGuest.ts";
import { bootInProcess } from "./support/inProcess.ts";
import { BenchError } from "./support/process.ts";
import { goal, number, say } from "./support/report.ts";

/** Nanoseconds of virtual time between two looks at the clock. */
const SLICE = 10_000_000;
const LINES = 20;
/** What the process may have grown by from the third quarter of the time to the last: what is left to garbage collection. */
const WANTED = 1.1;

interface Sample {
  readonly seconds: number;
  readonly megabytes: number;
  readonly regions: number;
}

/**
 * A guest that makes code and runs it, without end: the code cache and the process must stop growing.
 * @param seconds how long
 */
export async function benchSoak(seconds: number): Promise<void> {
  const guest = benchGuest("codegen", Number.MAX_SAFE_INTEGER);
  const { machine } = await bootInProcess(guest.elf);
  say(`A guest that makes code and runs it, for ${seconds} s:`);
  say("  seconds  M instructions  regions made  in use  modules  MiB of process");
  const samples: Sample[] = [];
  const begin = performance.now();
  const since = (): number => (performance.now() - begin) / 1000;
  let next = 0;
  while (since() < seconds) {
    const stop = machine.advance(SLICE);
    if (stop.kind !== "limit") throw new BenchError(`the guest ended: ${stop.kind}`);
    // The console and garbage collection have their turn.
    await new Promise((resolve) => setImmediate(resolve));
    const { regions } = machine.engineStatistics;
    samples.push({
      seconds: since(),
      megabytes: process.memoryUsage.rss() / 2 ** 20,
      regions: regions?.live ?? 0,
    });
    if (since() < next) continue;
    next += seconds / LINES;
    const cells = [
      [number(since(), 1), 9],
      [number(machine.instructions / 1e6), 16],
      [number(regions?.compiled ?? 0), 14],
      [number(regions?.live ?? 0), 8],
      [number(regions?.modules ?? 0), 9],
      [number(process.memoryUsage.rss() / 2 ** 20), 16],
    ] as const;
    say(cells.map(([cell, width]) => cell.padStart(width)).join(""));
  }
  const between = (from: number, to: number): number =>
    median(
      samples
        .filter((sample) => sample.seconds >= from * seconds && sample.seconds <= to * seconds)
        .map(({ megabytes }) => megabytes),
    );
  const growth = between(0.75, 1) / between(0.5, 0.75);
  say(
    `  at most ${number(Math.max(...samples.map(({ regions }) => regions)))} regions in use; the process has in the last quarter ` +
      `${number(growth, 3)} × the memory of the third: ${goal(growth <= WANTED, `≤ ${WANTED}`)}`,
  );
  if (growth > WANTED) process.exitCode = 1;
}
