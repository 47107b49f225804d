import type { GdbAddress } from "../../gdb/address.ts";
import type { SignalName } from "../exitStatus.ts";
import type { GuestRequest } from "../machine.ts";
import { type SubstrateRequest, substrateFor } from "../substrate.ts";
import { UserError } from "../userError.ts";
import { Alarm } from "./alarm.ts";
import { ConsoleInput } from "./consoleInput.ts";
import { ConsoleOutput } from "./consoleOutput.ts";
import { Interruption, type RunEnd, statusOf } from "./ending.ts";
import type { ExitTrace } from "./exitTrace.ts";
import { openStandardInput } from "./inputSource.ts";
import { KEYBOARD_HELP } from "./keyboard.ts";
import { runLoop } from "./loop.ts";
import { Pace } from "./pace.ts";
import { describeRun } from "./statistics.ts";

/** What `vmexit run` was asked for. */
export interface RunRequest extends GuestRequest, SubstrateRequest {
  readonly gdb: GdbAddress | undefined;
  /** With `gdb`: the guest starts when a debugger lets it. */
  readonly wait: boolean;
  readonly stats: boolean;
  /** Instructions; infinity if there is no limit. */
  readonly limit: number;
  readonly reboot: boolean;
  /** A file to write every exit to. */
  readonly trace: string | undefined;
}

const SIGNALS: readonly SignalName[] = ["SIGINT", "SIGTERM", "SIGHUP"];

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** @throws UserError */
async function openTrace(path: string): Promise<ExitTrace> {
  const { ExitTrace } = await import("./exitTrace.ts");
  return new ExitTrace(path);
}

/** Runs a guest with its console on the terminal. @returns the exit status @throws UserError, GdbServerError */
export async function runCommand(request: RunRequest): Promise<number> {
  const alarm = new Alarm();
  const interruption = new Interruption(alarm.ring);
  const output = new ConsoleOutput((problem) =>
    interruption.request(
      problem === undefined ? { kind: "signal", signal: "SIGPIPE" } : { kind: "output", message: problem },
    ),
  );
  let input: ConsoleInput | undefined;
  const prepare = await substrateFor(request);
  const guest = await prepare(request, {
    transmit: output.transmit,
    onReceiveRoom: () => input?.soon(),
  });
  const { machine } = guest;
  if (request.limit !== Number.POSITIVE_INFINITY && guest.instructions() === undefined) {
    guest.close();
    throw new UserError("--limit: this substrate does not count instructions; leave it out");
  }
  if (guest.notice !== undefined) say(`vmexit: ${guest.notice}`);
  const trace = request.trace === undefined ? undefined : await openTrace(request.trace);
  const handlers = SIGNALS.map((signal) => ({
    signal,
    handle: () => interruption.request({ kind: "signal", signal }),
  }));
  for (const { signal, handle } of handlers) process.on(signal, handle);
  const source = openStandardInput({
    arrived: alarm.ring,
    help: () => say(`\n${KEYBOARD_HELP}`),
    quit: () => interruption.request({ kind: "quit" }),
  });
  let began = process.uptime();
  let end: RunEnd;
  try {
    const console = new ConsoleInput(guest, source);
    input = console;
    guest.observe((_, exit) => {
      console.observe(exit);
    });
    if (request.gdb === undefined) trace?.follow(machine);
    guest.boot();
    began = process.uptime();
    const { reboot } = request;
    const common = { guest, input: console, alarm, reboot, interruption };
    if (request.gdb === undefined) {
      const pace = source.interactive ? new Pace(() => performance.now()) : undefined;
      end = await runLoop({ ...common, output, pace, limit: request.limit });
    } else {
      const { interactive } = source;
      const { image } = guest;
      // A third of the program, which most runs do without.
      const { runUnderGdb } = await import("./gdb.ts");
      end = await runUnderGdb({
        ...common,
        image,
        address: request.gdb,
        wait: request.wait,
        interactive,
        trace,
        say,
      });
    }
  } finally {
    source.close();
    for (const { signal, handle } of handlers) process.off(signal, handle);
    await output.finish();
    trace?.close();
    guest.close();
  }
  const [starting, running] = [1000 * began, 1000 * (process.uptime() - began)];
  // The guest has powered off, but its last words did not get out.
  if (end.kind === "power-off") end = interruption.end ?? end;
  if (request.stats) say(describeRun(guest, { starting, running, slept: alarm.slept }));
  if (end.kind === "failed" || end.kind === "output") say(`vmexit: ${end.message}`);
  return statusOf(end);
}
