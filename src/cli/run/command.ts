import { exitStatus, type SignalName, signalStatus } from "../exit-status.ts";
import { type GuestRequest, prepareGuest } from "../machine.ts";
import { Alarm } from "./alarm.ts";
import { ConsoleInput } from "./console-input.ts";
import { ConsoleOutput } from "./console-output.ts";
import { ExitTrace } from "./exit-trace.ts";
import { openStandardInput } from "./input-source.ts";
import { KEYBOARD_HELP } from "./keyboard.ts";
import { type RunEnd, runLoop } from "./loop.ts";
import { Pace } from "./pace.ts";
import { Statistics } from "./statistics.ts";

/** What `vmexit run` was asked for. */
export interface RunRequest extends GuestRequest {
  readonly stats: boolean;
  /** Instructions; infinity if there is no limit. */
  readonly limit: number;
  readonly reboot: boolean;
  /** A file to write every exit to. */
  readonly trace: string | undefined;
}

const SIGNALS: readonly SignalName[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Runs a guest with its console on the terminal. @returns the exit status @throws UserError */
export async function runCommand(request: RunRequest): Promise<number> {
  const interruption: { end: RunEnd | undefined } = { end: undefined };
  const alarm = new Alarm();
  const finish = (end: RunEnd): void => {
    interruption.end ??= end;
    alarm.ring();
  };
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const output = new ConsoleOutput(() => finish({ kind: "signal", signal: "SIGPIPE" }));
  let input: ConsoleInput | undefined;
  const { machine, plan } = await prepareGuest(request, {
    transmit: output.transmit,
    onReceiveRoom: () => input?.soon(),
  });
  const trace = request.trace === undefined ? undefined : new ExitTrace(request.trace);
  const statistics = new Statistics();
  const handlers = SIGNALS.map((signal) => ({ signal, handle: () => finish({ kind: "signal", signal }) }));
  for (const { signal, handle } of handlers) process.on(signal, handle);
  const source = openStandardInput({
    arrived: alarm.ring,
    help: () => say(`\n${KEYBOARD_HELP}`),
    quit: () => finish({ kind: "quit" }),
  });
  const starting = process.uptime() * 1000;
  const begin = performance.now();
  let end: RunEnd;
  try {
    const console = new ConsoleInput(machine, source);
    input = console;
    machine.onExit = (vcpu, exit) => {
      console.observe(exit);
      statistics.observe(exit);
      trace?.observe(machine.now, vcpu, exit);
    };
    machine.boot(plan);
    end = await runLoop({
      machine,
      input: console,
      output,
      alarm,
      pace: source.interactive ? new Pace(() => performance.now()) : undefined,
      limit: request.limit,
      reboot: request.reboot,
      interruption,
    });
    output.flush();
    await output.backlog;
  } finally {
    source.close();
    for (const { signal, handle } of handlers) process.off(signal, handle);
    trace?.close();
  }
  if (request.stats) {
    say(
      statistics.report({
        instructions: machine.instructions,
        virtualNanoseconds: machine.now,
        starting,
        running: performance.now() - begin,
        slept: alarm.slept,
      }),
    );
  }
  return statusOf(end, say);
}

function statusOf(end: RunEnd, say: (text: string) => void): number {
  switch (end.kind) {
    case "power-off":
    case "reset":
    case "quit":
      return exitStatus.done;
    case "signal":
      return signalStatus[end.signal];
    case "failed":
      say(`vmexit: ${end.message}`);
      return exitStatus.failed;
  }
}
