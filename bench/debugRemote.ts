import { median } from "./statistics.ts";
import { benchGuest } from "./support/benchGuest.ts";
import { type ExtraArguments, qemuRun, vmexitRun } from "./support/commands.ts";
import { type DebuggedGuest, debugQemu, debugVmexit } from "./support/debugged.ts";
import { BenchError } from "./support/process.ts";
import type { RemoteClient } from "./support/remote.ts";
import { goal, number, say } from "./support/report.ts";
import { addressOf, guestAddresses } from "./support/symbols.ts";

/** Wanted of vmexit, times a second. */
const WANTED = { steps: 20_000, hits: 10_000 } as const;

/** Times of each operation in a measurement, for vmexit and for QEMU. */
const COUNT = { vmexit: 10_000, qemu: 1_500 } as const;

const STEP = "vCont;s:p1.1";
const CONTINUE = "vCont;c";
/** `$x1 == 9999` in gdb's agent bytecode: reg 1, const16 9999, equal, end. True on one visit of 10,000. */
const CONDITION = "X8,26000123270f1327";
const VISITS_PER_STOP = 10_000;
/** Repetitions of the loop where its speed is measured: two thousand million instructions, and fewer where it is slow. */
const LOOP_ITERATIONS = 10_000;
const SLOW_ITERATIONS = 500;

interface Rates {
  readonly roundTrips: number[];
  readonly steps: number[];
  readonly hits: number[];
  readonly gdbHits: number[];
  readonly conditions: number[];
}

const noRates = (): Rates => ({ roundTrips: [], steps: [], hits: [], gdbHits: [], conditions: [] });

/** Steps, hits and conditions over the remote protocol, vmexit's server and QEMU's by turns; over TCP and over Unix sockets. */
export async function benchProtocol(runs: number, extra: ExtraArguments, qemu: boolean): Promise<void> {
  const guest = benchGuest("debug", 1_000_000_000);
  const visited = addressOf(guestAddresses(guest.elf), "visited");
  for (const transport of ["tcp", "unix"] as const) {
    const ours = noRates();
    const theirs = noRates();
    for (let run = 0; run < runs; run++) {
      await measure(() => debugVmexit(vmexitRun(guest.elf, extra), transport), visited, COUNT.vmexit, ours);
      if (qemu) await measure(() => debugQemu(qemuRun(guest), transport), visited, COUNT.qemu, theirs);
    }
    say(transport === "tcp" ? "  TCP on loopback:" : "  Unix sockets:");
    for (const [key, what, wanted] of LINES) {
      const other = qemu ? `; QEMU ${number(median(theirs[key]))}` : "";
      const reached =
        wanted === undefined ? "" : `: ${goal(median(ours[key]) >= wanted, `≥ ${number(wanted)}`)}`;
      say(`    ${what}: ${number(median(ours[key]))}/s${other}${reached}`);
    }
  }
}

const LINES: readonly (readonly [key: keyof Rates, what: string, wanted?: number])[] = [
  ["roundTrips", "packet that asks for nothing, and its reply"],
  ["steps", "steps", WANTED.steps],
  [
    "hits",
    "breakpoint hit and continue (vmexit: one packet; QEMU: remove, step, plant, continue)",
    WANTED.hits,
  ],
  ["gdbHits", "the same as gdb does it: remove, step, plant, continue"],
  ["conditions", "visits of a breakpoint whose condition is false (QEMU: evaluated by the client)"],
];

async function measure(
  start: () => Promise<DebuggedGuest>,
  visited: bigint,
  count: number,
  rates: Rates,
): Promise<void> {
  const { client, features, close } = await start();
  const place = `0,${visited.toString(16)},4`;
  const conditional = features.includes("ConditionalBreakpoints+");
  try {
    await client.must(`Z${place}`);
    await stops(client, CONTINUE);
    rates.roundTrips.push(await rate(count, () => client.request("qC")));
    const hit = async (): Promise<void> => {
      await client.must(`z${place}`);
      await stops(client, STEP);
      await client.must(`Z${place}`);
      await stops(client, CONTINUE);
    };
    rates.gdbHits.push(await rate(count / 4, hit));
    if (conditional) rates.hits.push(await rate(count, () => stops(client, CONTINUE)));
    else rates.hits.push(...rates.gdbHits.slice(-1));
    await client.must(`z${place}`);
    rates.steps.push(await rate(count, () => stops(client, STEP)));
    if (conditional) {
      await client.must(`Z${place};${CONDITION}`);
      await stops(client, CONTINUE);
      rates.conditions.push(VISITS_PER_STOP * (await rate(5, () => stops(client, CONTINUE))));
    } else {
      await client.must(`Z${place}`);
      const visit = async (): Promise<void> => {
        await hit();
        await client.request("p1");
      };
      rates.conditions.push(await rate(count / 4, visit));
    }
  } finally {
    await close();
  }
}

async function stops(client: RemoteClient, packet: string): Promise<void> {
  const stop = await client.request(packet);
  if (!stop.startsWith("T05")) throw new BenchError(`${packet} was answered with "${stop}"`);
}

async function rate(count: number, action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  for (let i = 0; i < count; i++) await action();
  return (count / (performance.now() - begin)) * 1000;
}

/** What is planted while the loop runs, and how much slower vmexit's loop may get. */
interface Planting {
  readonly what: string;
  readonly packet: string | undefined;
  readonly wanted: number | undefined;
  /** Slow here, or under QEMU: run with `SLOW_ITERATIONS`. */
  readonly slow?: "both" | "qemu";
}

/** How much slower a hot loop gets by what is planted near it and never hit. */
export async function benchSlowdown(runs: number, extra: ExtraArguments, qemu: boolean): Promise<void> {
  const guest = benchGuest("debug", LOOP_ITERATIONS);
  const short = benchGuest("debug", SLOW_ITERATIONS);
  const addresses = guestAddresses(guest.elf);
  const at = (name: string, offset = 0n): string => (addressOf(addresses, name) + offset).toString(16);
  const plantings: readonly Planting[] = [
    { what: "nothing planted", packet: undefined, wanted: undefined },
    {
      what: "breakpoint in the page of the loop",
      packet: `Z0,${at("never_called")},4`,
      wanted: 1.05,
      slow: "qemu",
    },
    { what: "watchpoint on another page", packet: `Z2,${at("elsewhere", 0x800n)},8`, wanted: 1.02 },
    {
      what: "watchpoint on the page the loop works on",
      packet: `Z2,${at("data_page", 0x800n)},8`,
      wanted: 5,
    },
  ];
  const visited = at("visited");
  const ours = plantings.map((): number[] => []);
  const theirs = plantings.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, { packet, slow }] of plantings.entries()) {
      const here = slow === "both" ? short : guest;
      const there = slow === undefined ? guest : short;
      const inVmexit = await loop(() => debugVmexit(vmexitRun(here.elf, extra)), visited, packet);
      ours[i]?.push(inVmexit * (here === short ? LOOP_ITERATIONS / SLOW_ITERATIONS : 1));
      if (!qemu) continue;
      const inQemu = await loop(() => debugQemu(qemuRun(there)), visited, packet);
      theirs[i]?.push(inQemu * (there === short ? LOOP_ITERATIONS / SLOW_ITERATIONS : 1));
    }
  }
  for (const [i, { what, wanted }] of plantings.entries()) {
    const times = (all: readonly number[][]): string => {
      const seconds = median(all[i] ?? []);
      return `${number(seconds, 2)} s (${number(seconds / median(all[0] ?? []), 2)} ×)`;
    };
    const slower = median(ours[i] ?? []) / median(ours[0] ?? []);
    say(
      `  ${what}: ${times(ours)}${qemu ? `; QEMU ${times(theirs)}` : ""}` +
        (wanted === undefined ? "" : `: ${goal(slower <= wanted, `≤ ${wanted} ×`)}`),
    );
  }
}

/** Seconds from the loop's first pass to the guest's end. */
async function loop(
  start: () => Promise<DebuggedGuest>,
  visited: string,
  packet: string | undefined,
): Promise<number> {
  const { client, close } = await start();
  try {
    // The guest's start clears what is watched.
    await client.must(`Z0,${visited},4`);
    await stops(client, CONTINUE);
    await client.must(`z0,${visited},4`);
    if (packet !== undefined) await client.must(packet);
    const begin = performance.now();
    const end = await client.request(CONTINUE);
    if (!end.startsWith("W")) throw new BenchError(`the guest stopped instead of ending: ${end}`);
    return (performance.now() - begin) / 1000;
  } finally {
    await close();
  }
}
