import { median } from "./statistics.ts";
import { benchGuest } from "./support/benchGuest.ts";
import { type ExtraArguments, qemuRun, vmexitRun } from "./support/commands.ts";
import { attach, type ServedGuest, serveQemu, serveVmexit } from "./support/debugged.ts";
import { buildLeanClient, type Order, order } from "./support/leanClient.ts";
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
  buildLeanClient();
  for (const transport of ["tcp", "unix"] as const) {
    const ours = noRates();
    const theirs = noRates();
    for (let run = 0; run < runs; run++) {
      const here = (): Promise<ServedGuest> => serveVmexit(vmexitRun(guest.elf, extra), transport);
      await measure(here, visited, COUNT.vmexit, ours, true);
      const there = (): Promise<ServedGuest> => serveQemu(qemuRun(guest), transport);
      if (qemu) await measure(there, visited, COUNT.qemu, theirs, false);
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

/** @param evaluates the server evaluates conditions itself */
async function measure(
  start: () => Promise<ServedGuest>,
  visited: bigint,
  count: number,
  rates: Rates,
  evaluates: boolean,
): Promise<void> {
  const { address, close } = await start();
  const place = `0,${visited.toString(16)},4`;
  const hit = [`z${place}`, STEP, `Z${place}`, CONTINUE];
  const condition: readonly Order[] = evaluates
    ? [
        { kind: "must", packet: `Z${place};${CONDITION}` },
        { kind: "stop", packet: CONTINUE },
        { kind: "rate", count: 5, packets: [CONTINUE] },
      ]
    : [
        { kind: "must", packet: `Z${place}` },
        { kind: "rate", count: count / 4, packets: [...hit, "p1"] },
      ];
  try {
    const [roundTrips, gdbHits, hits, steps, visits] = await order(address, [
      { kind: "must", packet: `Z${place}` },
      { kind: "stop", packet: CONTINUE },
      { kind: "rate", count, packets: ["qC"] },
      { kind: "rate", count: count / 4, packets: hit },
      evaluates
        ? { kind: "rate", count, packets: [CONTINUE] }
        : { kind: "rate", count: count / 4, packets: hit },
      { kind: "must", packet: `z${place}` },
      { kind: "rate", count, packets: [STEP] },
      ...condition,
    ]);
    rates.roundTrips.push(roundTrips ?? 0);
    rates.gdbHits.push(gdbHits ?? 0);
    rates.hits.push(hits ?? 0);
    rates.steps.push(steps ?? 0);
    rates.conditions.push((visits ?? 0) * (evaluates ? VISITS_PER_STOP : 1));
  } finally {
    await close();
  }
}

async function stops(client: RemoteClient, packet: string): Promise<void> {
  const stop = await client.request(packet);
  if (!stop.startsWith("T05")) throw new BenchError(`${packet} was answered with "${stop}"`);
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
      const inVmexit = await loop(() => serveVmexit(vmexitRun(here.elf, extra)), visited, packet);
      ours[i]?.push(inVmexit * (here === short ? LOOP_ITERATIONS / SLOW_ITERATIONS : 1));
      if (!qemu) continue;
      const inQemu = await loop(() => serveQemu(qemuRun(there)), visited, packet);
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
  start: () => Promise<ServedGuest>,
  visited: string,
  packet: string | undefined,
): Promise<number> {
  const { client, close } = await attach(await start());
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
