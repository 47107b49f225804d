import { setImmediate } from "node:timers/promises";
import type { Alarm } from "./alarm.ts";
import type { ConsoleInput } from "./consoleInput.ts";
import type { ConsoleOutput } from "./consoleOutput.ts";
import { failureAt, type Interruption, type RunEnd } from "./ending.ts";
import type { Pace } from "./pace.ts";
import type { RunnableGuest } from "./runnable.ts";

/** What a run needs. */
export interface RunLoop {
  readonly guest: RunnableGuest;
  readonly input: ConsoleInput;
  readonly output: ConsoleOutput;
  readonly alarm: Alarm;
  /** Left out, idle time is skipped. */
  readonly pace: Pace | undefined;
  /** Instructions. */
  readonly limit: number;
  readonly reboot: boolean;
  readonly interruption: Interruption;
}

/** Virtual nanoseconds between two looks at the outside, and the milliseconds they should take. */
const SLICE = { least: 10_000, first: 500_000, most: 8_000_000 } as const;
const AIM = 10;

/** Runs a booted guest until it ends. */
export async function runLoop(run: RunLoop): Promise<RunEnd> {
  const { machine } = run.guest;
  if (machine.halt !== undefined) machine.onNews = run.alarm.ring;
  try {
    return await untilEnd(run);
  } finally {
    machine.halt?.();
  }
}

async function untilEnd(run: RunLoop): Promise<RunEnd> {
  const { guest, input, output, interruption } = run;
  const { machine } = guest;
  const stopAtWaits = run.pace !== undefined;
  let slice: number = SLICE.first;
  for (;;) {
    if (interruption.end !== undefined) return interruption.end;
    const left = run.limit - (guest.instructions() ?? 0);
    if (left <= 0) return failureAt(guest, 0, `the limit of ${run.limit} instructions is reached`);
    input.deliver();
    const begin = performance.now();
    const stop = machine.advance(Math.min(slice, left), { stopAtWaits, attentive: true });
    slice = adapt(slice, performance.now() - begin);
    switch (stop.kind) {
      case "limit":
        break;
      case "waiting":
        await waitUntil(run, stop.until);
        break;
      case "away":
        await run.alarm.sleep(Math.max(0, stop.until - machine.now) / 1e6);
        break;
      case "idle":
        if (input.deliverAnyway()) break;
        if (!input.open) {
          const message = "the guest waits for ever: every vCPU waits, no timer is set and no input can come";
          return failureAt(guest, 0, message);
        }
        await run.alarm.sleep();
        break;
      case "system":
        switch (stop.event) {
          case "SHUTDOWN":
            return { kind: "power-off", status: guest.exitStatus?.() };
          case "RESET":
            if (!run.reboot) return { kind: "reset" };
            input.reset();
            machine.reset();
            break;
          case "CRASH":
            return failureAt(guest, 0, "the guest reports that it has crashed");
        }
        break;
      case "failed":
        return failureAt(guest, stop.vcpu, stop.message);
      case "debug":
        return failureAt(guest, stop.vcpu, "a debug exit came, but there is no debugger");
    }
    await output.backlog;
    await setImmediate();
  }
}

function adapt(slice: number, milliseconds: number): number {
  if (milliseconds < AIM / 2) return Math.min(slice * 2, SLICE.most);
  return milliseconds > AIM * 2 ? Math.max(slice / 2, SLICE.least) : slice;
}

async function waitUntil({ guest: { machine }, pace, alarm }: RunLoop, nanosecond: number): Promise<void> {
  const sleep = pace?.untilDue(nanosecond) ?? 0;
  if (pace === undefined || sleep === 0) {
    machine.skipTo(nanosecond);
    return;
  }
  await alarm.sleep(sleep);
  machine.skipTo(Math.min(nanosecond, Math.floor(pace.now)));
}
