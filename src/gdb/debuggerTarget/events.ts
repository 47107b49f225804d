import type { Breakpoint } from "../../debugger/breakpoint.ts";
import type {
  StopReason as SessionReason,
  SessionStatus,
  StopEvent as SessionStop,
} from "../../debugger/events.ts";
import type { StopEvent, StopReason, TargetStatus } from "../target.ts";

/** gdb's signal numbers (gdb: include/gdb/signals.def). */
const signal = { trap: 5, abort: 6, kill: 9 } as const;

/** gdb numbers threads from 1. */
export const threadOf = (vcpu: number): number => vcpu + 1;

/** The vCPU of a thread. */
export const vcpuOf = (thread: number): number => thread - 1;

/** Why the guest stopped, in gdb's terms. */
function reasonOf(reason: SessionReason): StopReason {
  switch (reason.kind) {
    case "breakpoint": {
      const isHardware = reason.breakpoints.every(({ kind }: Breakpoint) => kind === "hardware");
      return { kind: "breakpoint", breakpoint: isHardware ? "hardware" : "software" };
    }
    case "watchpoint": {
      // gdb looks its watchpoint up by address and kind.
      const isAccess = reason.watchpoints.every(({ access }) => access === "access");
      return { kind: "watchpoint", access: isAccess ? "access" : reason.access, address: reason.address };
    }
    case "step":
      return { kind: "step" };
    case "interrupt":
      return { kind: "interrupt" };
    case "guest-event":
      return { kind: "signal", signal: signal.trap, description: `the guest's own: ${reason.text}` };
    case "reset":
      return { kind: "signal", signal: signal.trap, description: "the machine is at its first instruction" };
    case "failure":
      return { kind: "signal", signal: signal.abort, description: reason.message };
  }
}

/** A session's stop as gdb's. */
export function stopOf(event: SessionStop): StopEvent {
  if (event.kind === "stopped")
    return { kind: "stopped", thread: threadOf(event.vcpu), reason: reasonOf(event.reason) };
  return event.reason === "power-off"
    ? { kind: "exited", status: 0 }
    : { kind: "terminated", signal: event.reason === "killed" ? signal.kill : signal.abort };
}

/** A session's status as gdb's. */
export function statusOf(status: SessionStatus): TargetStatus {
  return status.kind === "running" ? status : stopOf(status);
}
