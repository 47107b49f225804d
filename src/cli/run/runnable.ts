import type { DebugArchitecture } from "../../debugger/architecture.ts";
import type { DebuggedMachine } from "../../debugger/machine.ts";
import type { TargetRegisters } from "../../gdb/debuggerTarget/registers.ts";
import type { KvmExit, X86Exit } from "../../kvm/exits.ts";
import type { Scheduler } from "../../machine/device.ts";

/** A serial port as the terminal has it. */
export interface SerialPort {
  /** Bytes that `receive` would take now. */
  readonly receiveRoom: number;
  receive(bytes: Uint8Array): number;
  receiveBreak(): boolean;
}

/** A guest listens after so many nanoseconds of virtual time; or what was said before is taken back. */
export type ListeningNews = { readonly listensIn: bigint } | "not after all";

/** Finds out when a guest begins to listen to its serial console: input that comes before might be lost. */
export interface Listening {
  readonly listening: boolean;
  /** Watches an exit. @returns what it has shown about when the guest listens, if anything */
  observe(exit: KvmExit | X86Exit): ListeningNews | undefined;
  /** The guest listens from now on, or never. */
  assume(): void;
  /** The guest starts anew. */
  reset(): void;
}

/** An instruction set for the debugger and for gdb. */
export interface Debugging {
  readonly architecture: DebugArchitecture;
  readonly registers: TargetRegisters;
}

/** A guest with its machine, of whatever architecture and on whatever substrate, ready to be booted and run. */
export interface RunnableGuest {
  readonly machine: DebuggedMachine;
  /** One-reg id of the program counter. */
  readonly pc: bigint;
  /** What a debugger needs, which most runs do without. */
  debugging(): Promise<Debugging>;
  readonly timeline: Scheduler;
  readonly uart: SerialPort;
  readonly listening: Listening;
  /** The image file's bytes. */
  readonly image: Uint8Array;
  /** A line for the user before it starts. */
  readonly notice?: string | undefined;
  /** Instructions so far; undefined where they are not counted. */
  instructions(): number | undefined;
  /** Calls with every exit, which is to be read at once. */
  observe(observer: (vcpu: number, exit: KvmExit | X86Exit) => void): void;
  boot(): void;
  /** The status that the guest ended with, where it can tell one. */
  exitStatus?(): number | undefined;
  /** Gives back what the host has lent. */
  close(): void;
}
