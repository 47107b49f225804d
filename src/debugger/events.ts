import type { DebugEvent } from "./architecture.ts";
import type { Breakpoint, Watchpoint } from "./breakpoint.ts";

/** Why the guest stopped. */
export type StopReason =
  /** PC is at these breakpoints; their instruction has not been executed. */
  | { readonly kind: "breakpoint"; readonly breakpoints: readonly Breakpoint[] }
  /** The instruction at PC is about to make an access to watched memory; `address` is inside the watched range. */
  | {
      readonly kind: "watchpoint";
      readonly watchpoints: readonly Watchpoint[];
      readonly access: "read" | "write";
      readonly address: bigint;
    }
  /**
   * The instruction at PC has caused a debug event of the guest's own (`guestBreaks` is `stop`), which the guest has not seen yet:
   * it takes the exception when it goes on, and a step ends in its handler. `text` says what it is.
   */
  | { readonly kind: "guest-event"; readonly event: DebugEvent; readonly text: string }
  /** A step or range step is complete. */
  | { readonly kind: "step" }
  /** `stop` was called. */
  | { readonly kind: "interrupt" }
  /** The machine is at its first instruction. */
  | { readonly kind: "reset" }
  /** The machine cannot go on; `message` says why. The guest is as it was. */
  | { readonly kind: "failure"; readonly message: string };

/** The guest has stopped at an instruction of this vCPU. */
export interface Stopped {
  readonly kind: "stopped";
  readonly vcpu: number;
  readonly reason: StopReason;
}

/** The guest is off. */
export interface Ended {
  readonly kind: "ended";
  readonly reason: "power-off" | "crash" | "killed";
}

/** What a run ends with. */
export type StopEvent = Stopped | Ended;

/** Whether the guest runs, and if not, why. */
export type SessionStatus = { readonly kind: "running" } | StopEvent;

/** What a session tells its listeners. */
export type SessionEvent =
  | { readonly kind: "running" }
  | StopEvent
  /** The guest has reset itself and runs on. */
  | { readonly kind: "guest-reset" }
  /** The guest runs; something could not be done for the user, and this says what, in a line. */
  | { readonly kind: "notice"; readonly text: string }
  /** The guest runs; its kernel has come to where it stays, so many bytes from where it was linked. */
  | { readonly kind: "placed"; readonly slide: bigint };

/** What one vCPU does when the guest is resumed. */
export type VcpuAction =
  | { readonly kind: "continue" }
  /** Executes one instruction, however little or much that does. */
  | { readonly kind: "step" }
  /** Steps while start ≤ PC < end; at least one instruction. */
  | { readonly kind: "range-step"; readonly start: bigint; readonly end: bigint }
  /** Stays where it is while others run. */
  | { readonly kind: "stand" };
