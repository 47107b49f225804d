import { median } from "./statistics.ts";
import { benchGuest, fullCounts } from "./support/benchGuest.ts";
import { debian, type ExtraArguments, vmexitBoot, vmexitRun } from "./support/commands.ts";
import { attach, serveVmexit } from "./support/debugged.ts";
import { BenchError, type Command, time } from "./support/process.ts";
import { goal, number, say } from "./support/report.ts";
import { addressOf, guestAddresses, kernelFunctions } from "./support/symbols.ts";

/** How often, with which options, and how long. */
export interface UnhitBenchOptions {
  readonly runs: number;
  /** Factor on the guest's repetitions. */
  readonly scale: number;
  readonly extra: ExtraArguments;
}

/** Wanted of the speed without debugger and breakpoints. */
const WANTED = 0.97;
const BREAKPOINTS = 50;

/** Functions of the kernel that a boot spends its time in: their pages are hot. */
const HOT = [
  "clear_page",
  "__pi_memcpy",
  "__pi_memset",
  "kmem_cache_alloc",
  "handle_mm_fault",
  "get_page_from_freelist",
  "el0_svc",
  "rcu_sched_clock_irq",
  "vectors",
];

const page = (address: bigint): bigint => address >> 12n;

/** The speed of a guest with a debugger attached and 50 breakpoints planted that are never hit, by the speed without either. */
export async function benchUnhit({ runs, scale, extra }: UnhitBenchOptions): Promise<void> {
  say(
    `${BREAKPOINTS} breakpoints that are never hit, some of them in the hottest pages; medians of ${runs} by turns:`,
  );
  const guest = benchGuest("int", Math.round((fullCounts.get("int") ?? 1) * scale));
  const unused = addressOf(guestAddresses(guest.elf), "never_called");
  await compare(
    "int",
    vmexitRun(guest.elf, extra),
    runs,
    Array.from({ length: BREAKPOINTS }, (_, i) => unused + 4n * BigInt(i)),
  );
  const image = debian();
  if (image === undefined) return;
  const boot = vmexitBoot(image, extra);
  await compare("Debian's boot", boot, runs, await neverHit(boot, await candidates(image.kernel)));
}

async function compare(
  name: string,
  command: Command,
  runs: number,
  addresses: readonly bigint[],
): Promise<void> {
  const alone: number[] = [];
  const attached: number[] = [];
  const planted: number[] = [];
  for (let run = 0; run < runs; run++) {
    alone.push(runningSeconds((await time(command)).stderr));
    attached.push(await underDebugger(command, []));
    planted.push(await underDebugger(command, addresses));
  }
  const speed = median(alone) / median(planted);
  say(
    `  ${name}: ${number(median(alone), 2)} s without a debugger, ${number(median(attached), 2)} s with gdb attached, ` +
      `${number(median(planted), 2)} s with ${addresses.length} breakpoints: ${number(speed, 3)} of the speed: ` +
      goal(speed >= WANTED, `≥ ${WANTED}`),
  );
}

/** Seconds the guest ran, start of the process left out. */
function runningSeconds(stderr: string): number {
  const found = /^wall time\s+([\d.]+) s/m.exec(stderr)?.[1];
  if (found === undefined) throw new BenchError(`vmexit printed no wall time: ${stderr}`);
  return Number(found);
}

/** Seconds from the first `continue` to the guest's end. */
async function underDebugger(command: Command, addresses: readonly bigint[]): Promise<number> {
  const { client, close } = await attach(await serveVmexit(command));
  try {
    for (const address of addresses) await client.must(plant(address));
    const begin = performance.now();
    const end = await client.request("vCont;c");
    if (!end.startsWith("W")) throw new BenchError(`the guest stopped instead of ending: ${end}`);
    return (performance.now() - begin) / 1000;
  } finally {
    await close();
  }
}

const plant = (address: bigint): string => `Z0,${address.toString(16)},4`;

/** Functions in the pages of hot ones, and as many from all over the kernel. */
async function candidates(kernel: string): Promise<readonly bigint[]> {
  const functions = await kernelFunctions(kernel);
  const pages = new Set(
    functions.filter(({ name }) => HOT.includes(name)).map(({ address }) => page(address)),
  );
  const hot = functions.filter(({ address }) => pages.has(page(address)));
  const step = Math.max(1, Math.floor(functions.length / 100));
  const elsewhere = functions.filter((_, i) => i % step === 0);
  return [...new Set([...hot, ...elsewhere].map(({ address }) => address))];
}

/** The first of the addresses that a run does not reach: it is run with all of them, and those that are hit are taken away. */
async function neverHit(command: Command, addresses: readonly bigint[]): Promise<readonly bigint[]> {
  const { client, close } = await attach(await serveVmexit(command));
  const left = new Set(addresses);
  try {
    for (const address of addresses) await client.must(plant(address));
    for (;;) {
      const stop = await client.request("vCont;c");
      if (!stop.startsWith("T")) break;
      const pc = /;20:([0-9a-f]{16});/.exec(stop)?.[1] ?? /20:([0-9a-f]{16})/.exec(stop)?.[1];
      if (pc === undefined) throw new BenchError(`a stop without PC: ${stop}`);
      const address = Buffer.from(pc, "hex").readBigUInt64LE();
      if (!left.delete(address)) throw new BenchError(`a stop at 0x${address.toString(16)}: ${stop}`);
      await client.must(plant(address).replace("Z", "z"));
    }
  } finally {
    await close();
  }
  return [...left].slice(0, BREAKPOINTS);
}
