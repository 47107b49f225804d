import type { KvmExit } from "../kvm/exits.ts";
import type { GuestDebug } from "../kvm/guestDebug.ts";
import type { Vcpu } from "../kvm/interface.ts";
import type { Backtrace } from "./symbols/arm64/unwind.ts";
import type { KernelObservation } from "./symbols/kaslr.ts";
import type { ReadMemory } from "./symbols/readMemory.ts";
import type { SymbolTable } from "./symbols/symbolTable.ts";

/** A `KVM_EXIT_DEBUG`. */
export type DebugExit = Extract<KvmExit, { readonly reason: "DEBUG" }>;

/** What a debug exit reports, before anybody knows whose it is. */
export type DebugEvent =
  | { readonly kind: "step" }
  /** The instruction at PC is a breakpoint instruction. */
  | { readonly kind: "breakpoint-instruction" }
  /** PC matches a breakpoint register. */
  | { readonly kind: "hardware-breakpoint" }
  /** The instruction at PC makes an access that a watchpoint register matches. */
  | { readonly kind: "watchpoint"; readonly address: bigint; readonly write: boolean }
  /** Nothing a debugger plants. */
  | { readonly kind: "other" };

/** Which accesses a watchpoint watches. */
export type WatchAccess = "read" | "write" | "access";

/** One watchpoint register. */
export interface WatchRegister {
  readonly value: bigint;
  readonly control: number;
}

/** A register by its name, for everything that shows registers. */
export interface RegisterAccess {
  readonly name: string;
  readonly bits: 32 | 64 | 128;
  /** Which kind of register: what every program uses, the vector unit's, or the system's. */
  readonly group: "general" | "vector" | "system";
  /** An unsigned value of `bits` bits. */
  read(vcpu: Vcpu): bigint;
  /** @throws KvmError for a value the register cannot take. */
  write(vcpu: Vcpu, value: bigint): void;
}

/** What a vCPU's registers say of where the kernel is. */
export interface Observed {
  /** Whether its addresses are virtual: its translation is on. */
  readonly translated: boolean;
  readonly kernel: KernelObservation;
}

/** What the debugger has to know of an instruction set. */
export interface DebugArchitecture {
  /** One-reg id of the program counter. */
  readonly pc: bigint;
  /** What is patched into guest memory. */
  readonly breakpointInstruction: Uint8Array;
  /** Instructions begin at multiples of this. */
  readonly instructionAlignment: number;
  /** All registers, by name. */
  readonly registers: ReadonlyMap<string, RegisterAccess>;
  classify(exit: DebugExit): DebugEvent;
  /** Registers that together watch exactly these bytes, however many they are. @throws DebuggerError if no number of them can. */
  watch(address: bigint, length: number, access: WatchAccess): readonly WatchRegister[];
  /** What the hardware is to hold. */
  debugRegisters(
    breakpoints: readonly bigint[],
    watchpoints: readonly WatchRegister[],
  ): NonNullable<GuestDebug["arch"]>;
  /** Gives a debug exit that is the guest's own to the guest: exception entry, as bare hardware would have done it. */
  deliver(vcpu: Vcpu, exit: DebugExit): void;
  observe(vcpu: Vcpu): Observed;
  /** The call stack of a stopped vCPU, innermost frame first. */
  backtrace(
    vcpu: Vcpu,
    read: ReadMemory,
    symbols: SymbolTable | undefined,
    mostFrames: number | undefined,
  ): Backtrace;
}
