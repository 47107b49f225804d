import { hostWith } from "../../debugger/host.ts";
import { DebugSession } from "../../debugger/session.ts";
import { formatGdbAddress, type GdbAddress } from "../../gdb/address.ts";
import { DebuggerTarget } from "../../gdb/debuggerTarget/target.ts";
import { GdbServer } from "../../gdb/server.ts";
import { loadSymbols } from "../symbols/load.ts";
import type { Alarm } from "./alarm.ts";
import type { ConsoleInput } from "./consoleInput.ts";
import { failureAt, type Interruption, type RunEnd } from "./ending.ts";
import type { ExitTrace } from "./exitTrace.ts";
import type { RunnableGuest } from "./runnable.ts";

/** What a run under the gdb server needs. */
export interface GdbRun {
  readonly guest: RunnableGuest;
  /** The file the guest was loaded from, for symbols. */
  readonly image: Uint8Array;
  readonly address: GdbAddress;
  /** The guest starts when a debugger lets it. */
  readonly wait: boolean;
  readonly reboot: boolean;
  readonly interactive: boolean;
  readonly input: ConsoleInput;
  /** Rings when input comes or the run is to end. */
  readonly alarm: Alarm;
  readonly interruption: Interruption;
  /** Gets every exit, with what the debugger made of it. */
  readonly trace: ExitTrace | undefined;
  /** A line for the user. */
  readonly say: (text: string) => void;
}

/** Milliseconds a client gets to read the guest's end and leave. */
const FAREWELL = 1000;

/** Runs a booted guest with a gdb server on it until it ends. @throws GdbServerError */
export async function runUnderGdb(run: GdbRun): Promise<RunEnd> {
  const { guest, alarm, interruption, say } = run;
  const { machine } = guest;
  const { architecture, registers } = await guest.debugging();
  const session = new DebugSession(machine, {
    architecture,
    host: hostWith(setImmediate),
    pace: run.interactive ? "wall-clock" : "free",
    onReset: "run",
  });
  session.exits.listener = run.trace?.write;
  const server = await GdbServer.listen(new DebuggerTarget(session, registers), run.address, {
    fault: (error) => say(`vmexit: internal error in the debugger, please report it: ${describe(error)}`),
    client: () => alarm.ring(),
  });
  await loadSymbols(session, run.image, say);
  const place = formatGdbAddress(server.address);
  say(`vmexit: gdb: target remote ${place}${run.wait ? " (the guest waits for it)" : ""}`);
  const unsubscribe = session.subscribe((event) => {
    switch (event.kind) {
      case "running":
        return;
      case "guest-reset":
        run.input.reset();
        if (!run.reboot) interruption.request({ kind: "reset" });
        return;
      case "notice":
        say(`vmexit: ${event.text}`);
        return;
      case "ended":
        interruption.request(endOf(guest, event.reason));
        return;
      case "stopped":
        if (event.reason.kind === "failure" && !server.connected)
          interruption.request(failureAt(guest, event.vcpu, event.reason.message));
    }
  });
  try {
    if (!run.wait) session.resume(() => ({ kind: "continue" }));
    while (interruption.end === undefined) {
      await alarm.sleep();
      if (run.input.deliver()) session.wake();
    }
    session.stop();
    const begin = performance.now();
    while (session.status.kind === "ended" && server.connected && performance.now() - begin < FAREWELL)
      await alarm.sleep(FAREWELL);
    return interruption.end;
  } finally {
    unsubscribe();
    await server.close();
  }
}

function endOf(guest: RunnableGuest, reason: "power-off" | "crash" | "killed"): RunEnd {
  switch (reason) {
    case "power-off":
      return { kind: "power-off", status: guest.exitStatus?.() };
    case "killed":
      return { kind: "quit" };
    case "crash":
      return failureAt(guest, 0, "the guest reports that it has crashed");
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
