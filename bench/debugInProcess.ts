import { arm64DebugArchitecture } from "../src/debugger/arm64/architecture.ts";
import { hostWith } from "../src/debugger/host.ts";
import { DebugSession } from "../src/debugger/session.ts";
import { guestDebugControl } from "../src/kvm/guestDebug.ts";
import type { GuestMachine } from "../src/vmm/guest.ts";
import { median } from "./statistics.ts";
import { benchGuest } from "./support/benchGuest.ts";
import { bootInProcess } from "./support/inProcess.ts";
import { BenchError } from "./support/process.ts";
import { goal, number, say } from "./support/report.ts";
import { addressOf, guestAddresses } from "./support/symbols.ts";

/** Wanted steps a second of `KVM_RUN`. */
const WANTED = 1_000_000;
const STEPS = 500_000;
/** Instructions after which the guest is in its loop. */
const UNTIL_LOOP = 3_000_000;

/** What the debugger does in one process with its guest: single steps of KVM_RUN and of a session, conditions. */
export async function benchInProcess(runs: number): Promise<void> {
  const guest = benchGuest("debug", 1_000_000_000);
  const visited = addressOf(guestAddresses(guest.elf), "visited");
  const inLoop = async (): Promise<GuestMachine> => {
    const { machine } = await bootInProcess(guest.elf);
    machine.advance(UNTIL_LOOP);
    return machine;
  };
  const ofRuns = async (measure: () => Promise<Rate>): Promise<Rate> => {
    const rates: Rate[] = [];
    for (let run = 0; run < runs; run++) rates.push(await measure());
    return { wall: median(rates.map(({ wall }) => wall)), cpu: median(rates.map(({ cpu }) => cpu)) };
  };
  const kvm = await ofRuns(async () => stepsOfKvm(await inLoop()));
  say(
    `  KVM_RUN with SINGLESTEP: ${describe(kvm, "steps")}: ${goal(kvm.cpu >= WANTED, `≥ ${number(WANTED)}`)}`,
  );
  const session = await ofRuns(async () => {
    const debugged = debug((await bootInProcess(guest.elf)).machine);
    await debugged.runTo(visited);
    return rate(STEPS, async () => {
      for (let i = 0; i < STEPS; i++) debugged.stepNow();
    });
  });
  say(`  debug session, stepNow: ${describe(session, "steps")}`);
  const conditions = await ofRuns(async () => {
    const debugged = debug((await bootInProcess(guest.elf)).machine);
    await debugged.runTo(visited);
    let left = STEPS;
    debugged.breakpoints.add({ address: visited, condition: () => --left === 0 });
    return rate(STEPS, () => debugged.continue());
  });
  say(`  breakpoint with a condition that is false: ${describe(conditions, "visits")}`);
}

/** Times a second: by the clock, and by the time that the process had a processor, which other work on the machine leaves alone. */
interface Rate {
  readonly wall: number;
  readonly cpu: number;
}

const describe = ({ wall, cpu }: Rate, what: string): string =>
  `${number(cpu)} ${what} a second of processor time (${number(wall)} of the clock's)`;

/** How often in a second, by an action that does it `count` times. */
async function rate(count: number, action: () => Promise<unknown>): Promise<Rate> {
  const begin = performance.now();
  const before = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(before);
  return {
    wall: (count / (performance.now() - begin)) * 1000,
    cpu: (count / (user + system)) * 1_000_000,
  };
}

const debug = (machine: GuestMachine): DebugSession =>
  new DebugSession(machine, { architecture: arm64DebugArchitecture, host: hostWith(setImmediate) });

async function stepsOfKvm(machine: GuestMachine): Promise<Rate> {
  const [vcpu] = machine.vm.vcpus;
  if (vcpu === undefined) throw new BenchError("a machine without vCPUs");
  vcpu.setGuestDebug({ control: guestDebugControl.ENABLE | guestDebugControl.SINGLESTEP });
  const begin = machine.instructions;
  const speed = await rate(STEPS, async () => {
    for (let i = 0; i < STEPS; i++) {
      const exit = vcpu.run(1_000_000);
      if (exit.reason !== "DEBUG") throw new BenchError(`a step ended in ${exit.reason}`);
    }
  });
  if (machine.instructions < begin + STEPS) throw new BenchError("a step was no instruction");
  return speed;
}
