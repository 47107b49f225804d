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
const STEPS = 200_000;
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
  const ofRuns = async (measure: () => Promise<number>): Promise<number> => {
    const rates: number[] = [];
    for (let run = 0; run < runs; run++) rates.push(await measure());
    return median(rates);
  };
  const kvm = await ofRuns(async () => stepsOfKvm(await inLoop()));
  say(`  KVM_RUN with SINGLESTEP: ${number(kvm)} steps/s: ${goal(kvm >= WANTED, `≥ ${number(WANTED)}`)}`);
  const session = await ofRuns(async () => {
    const debugged = debug((await bootInProcess(guest.elf)).machine);
    await debugged.runTo(visited);
    return rate(STEPS, () => debugged.stepNow());
  });
  say(`  debug session, stepNow: ${number(session)} steps/s`);
  const conditions = await ofRuns(async () => {
    const debugged = debug((await bootInProcess(guest.elf)).machine);
    await debugged.runTo(visited);
    let left = STEPS;
    debugged.breakpoints.add({ address: visited, condition: () => --left === 0 });
    const begin = performance.now();
    await debugged.continue();
    return (STEPS / (performance.now() - begin)) * 1000;
  });
  say(`  breakpoint with a condition that is false: ${number(conditions)} visits/s`);
}

const debug = (machine: GuestMachine): DebugSession =>
  new DebugSession(machine, { architecture: arm64DebugArchitecture, host: hostWith(setImmediate) });

/** How often in a second, by a count of times. */
function rate(count: number, action: () => void): number {
  const begin = performance.now();
  for (let i = 0; i < count; i++) action();
  return (count / (performance.now() - begin)) * 1000;
}

function stepsOfKvm(machine: GuestMachine): number {
  const [vcpu] = machine.vm.vcpus;
  if (vcpu === undefined) throw new BenchError("a machine without vCPUs");
  vcpu.setGuestDebug({ control: guestDebugControl.ENABLE | guestDebugControl.SINGLESTEP });
  const begin = machine.instructions;
  const speed = rate(STEPS, () => {
    const exit = vcpu.run(1_000_000);
    if (exit.reason !== "DEBUG") throw new BenchError(`a step ended in ${exit.reason}`);
  });
  if (machine.instructions < begin + STEPS) throw new BenchError("a step was no instruction");
  return speed;
}
