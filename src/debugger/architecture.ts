import type { DebugExit } from "../kvm/exits.ts";
import type { GuestDebugArch } from "../kvm/guestDebug.ts";
import type { Vcpu } from "../kvm/interface.ts";
import type { Backtrace } from "./symbols/arm64/unwind.ts";
import type { KernelObservation } from "./symbols/kaslr.ts";
import type { ReadMemory } from "./symbols/readMemory.ts";
import type { SymbolTable } from "./symbols/symbolTable.ts";

export type { DebugExit } from "../kvm/exits.ts";

/** What a debug exit reports, before anybody knows whose it is. */
export type DebugEvent =
  /**
   * `guest`: and something of the guest's own besides, which is to be delivered too. `exclusive`: the instruction was a
   * load-exclusive.
   */
  | { readonly kind: "step"; readonly guest?: true; readonly exclusive?: true }
  /** The instruction at PC is a breakpoint instruction. */
  | { readonly kind: "breakpoint-instruction" }
  /** PC matches a breakpoint register. */
  | { readonly kind: "hardware-breakpoint" }
  /** An access that a watchpoint register matches: of the instruction at PC, or the one before (`watchpointsReported`). */
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
  readonly bits: 16 | 32 | 64 | 80 | 128;
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

/** Breakpoint instructions that carry a number, so that a copy which the guest has made of one tells whose it is. */
export interface NumberedBreakpoints {
  /** Numbers are less than this. */
  readonly count: number;
  encode(number: number): Uint8Array;
  /** The number of the instruction in bytes at an offset; undefined when it is no such instruction. */
  numberIn(bytes: Uint8Array, at: number): number | undefined;
  /** The number of the instruction that a debug exit reports. */
  numberOf(exit: DebugExit): number | undefined;
}

/** What the debugger has to know of an instruction set. */
export interface DebugArchitecture {
  /** One-reg id of the program counter. */
  readonly pc: bigint;
  /** What is patched into guest memory. */
  readonly breakpointInstruction: Uint8Array;
  /** Left out where breakpoint instructions carry no numbers. */
  readonly numberedBreakpoints?: NumberedBreakpoints | undefined;
  /** Instructions begin at multiples of this. */
  readonly instructionAlignment: number;
  /** Whether a watchpoint stops with PC at the access, which is not done, or behind it. */
  readonly watchpointsReported: "before" | "after";
  /** Breakpoints and watchpoints have the same registers: `GUEST_DEBUG_HW_BPS` counts both. */
  readonly sharedRegisters: boolean;
  /** All registers, by name. */
  readonly registers: ReadonlyMap<string, RegisterAccess>;
  /** @param armed what the vCPU's debug registers held on the host's behalf */
  classify(exit: DebugExit, armed: GuestDebugArch | undefined): DebugEvent;
  /** Registers that together watch exactly these bytes, however many they are. @throws DebuggerError if no number of them can. */
  watch(address: bigint, length: number, access: WatchAccess): readonly WatchRegister[];
  /** What the hardware is to hold. */
  debugRegisters(breakpoints: readonly bigint[], watchpoints: readonly WatchRegister[]): GuestDebugArch;
  /** Whether the guest's bytes there are a breakpoint instruction, whatever number it carries. */
  isBreakpointInstruction?(bytes: Uint8Array): boolean;
  /** Where the guest's own breakpoint registers match. */
  guestBreakpoints?(vcpu: Vcpu): readonly { readonly register: string; readonly address: bigint }[];
  /** A debug exit in words for the user, such as `BRK #0x800`. */
  describe?(exit: DebugExit): string;
  /**
   * Whether the guest would have taken this debug exception of its own had nobody looked: a hypervisor that routes debug
   * exceptions to itself gets those too that the guest has masked. Left out, always.
   */
  guestTakes?(vcpu: Vcpu, exit: DebugExit): boolean;
  /**
   * Where the sequence from the load-exclusive before `pc` to its store-exclusive can be left to: step by step it might never
   * succeed. Undefined when there is no such sequence.
   */
  exclusiveSequence?(vcpu: Vcpu, pc: bigint, read: ReadMemory): readonly bigint[] | undefined;
  /**
   * Gives a debug exit that is the guest's own to the guest: exception entry, as bare hardware would have done it.
   * @returns `pending` if the vCPU enters its handler when it next runs, and a step ends there.
   */
  deliver(vcpu: Vcpu, exit: DebugExit): "entered" | "pending";
  observe(vcpu: Vcpu): Observed;
  /** The call stack of a stopped vCPU, innermost frame first. */
  backtrace(
    vcpu: Vcpu,
    read: ReadMemory,
    symbols: SymbolTable | undefined,
    mostFrames: number | undefined,
  ): Backtrace;
}
