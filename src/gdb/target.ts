import type { ArchitectureDescription } from "./architecture.ts";
import type { Awaitable } from "./awaitable.ts";
import type { Outcome, Refusal } from "./refusal.ts";

/** A vCPU as gdb sees it: a thread. Ids are 1, 2, … (0 and -1 mean "any" and "all" on the wire). */
export type ThreadId = number;

/** One vCPU. */
export interface TargetThread {
  readonly id: ThreadId;
  /** Short name, such as `cpu0`. */
  readonly name: string;
  /** Index of the vCPU, shown as the core by gdb; left out, it is not reported. */
  readonly core?: number | undefined;
  /** One line for `info threads`, such as `running at EL1`. */
  readonly detail?: string | undefined;
}

/** What kind of access a watchpoint watches. */
export type WatchAccess = "read" | "write" | "access";

/** What a breakpoint is: planted in code (`Z0`), a hardware comparator (`Z1`), or a watchpoint (`Z2`–`Z4`). */
export type BreakpointKind = "software" | "hardware" | "watch-write" | "watch-read" | "watch-access";

/** Commands the target runs at a hit, without the client (`Z0…;cmds:`): dprintf, for instance. */
export interface BreakpointCommands {
  /** They stay when the client disconnects. */
  readonly persist: boolean;
  /** Agent-expression bytecode, see {@link evaluateAgentExpression}. */
  readonly expressions: readonly Uint8Array[];
}

/** A breakpoint as the client asked for it. */
export interface BreakpointRequest {
  readonly kind: BreakpointKind;
  /** Guest-virtual address. */
  readonly address: bigint;
  /** Watchpoints: bytes watched. Breakpoints: the instruction's length where the ISA has several (arm64: 4). */
  readonly length: number;
  /** Agent-expression bytecode; the guest stops if any is non-zero, or if there is none. */
  readonly conditions: readonly Uint8Array[];
  readonly commands: BreakpointCommands | undefined;
}

/** Planting breakpoints and watchpoints. */
export interface BreakpointCapability {
  /** The kinds this target has; others are answered "unsupported". */
  readonly kinds: ReadonlySet<BreakpointKind>;
  /** `conditions` and `commands` are evaluated by the target; otherwise requests never carry any. */
  readonly evaluatesExpressions: boolean;
  /** How many watchpoints the hardware has; undefined: no fixed number. */
  readonly watchpointCount?: number | undefined;
  /** Plants, or replaces one with the same kind, address and length. Refused: nothing is planted. */
  insert(request: BreakpointRequest): Awaitable<Outcome>;
  /** Removes what `insert` planted under the same kind, address and length. */
  remove(kind: BreakpointKind, address: bigint, length: number): Awaitable<Outcome>;
}

/** Why the guest stopped. */
export type StopReason =
  /** A breakpoint the client planted; PC is its address. */
  | { readonly kind: "breakpoint"; readonly breakpoint: "software" | "hardware" }
  /** A watchpoint; `address` lies inside the watched range. When PC is reported: `watchpointsReported`. */
  | { readonly kind: "watchpoint"; readonly access: WatchAccess; readonly address: bigint }
  /** A step or range step is complete. */
  | { readonly kind: "step" }
  /** `interrupt()` was called. */
  | { readonly kind: "interrupt" }
  /** Anything else, such as an exception the target was told to catch: a gdb signal number and a line on it. */
  | { readonly kind: "signal"; readonly signal: number; readonly description: string }
  /** Travelling reached an end of the recording. */
  | { readonly kind: "replay-log"; readonly edge: "begin" | "end" };

/** The guest is stopped, or gone. */
export type StopEvent =
  | { readonly kind: "stopped"; readonly thread: ThreadId; readonly reason: StopReason }
  /** The guest powered off or reset for good; `status` is 0–255. */
  | { readonly kind: "exited"; readonly status: number }
  /** The machine was ended from outside, or broke; `signal` is a gdb signal number. */
  | { readonly kind: "terminated"; readonly signal: number };

/** Whether the guest runs, and if not, why. */
export type TargetStatus = { readonly kind: "running" } | StopEvent;

/** What the target tells without being asked. */
export type TargetEvent =
  | StopEvent
  /** Text for the client's console while the guest runs (dprintf, semihosting). */
  | { readonly kind: "output"; readonly text: string };

/** What one vCPU does on resume. `signal` is a gdb signal number to deliver, 0 for none. */
export type ResumeAction =
  | { readonly kind: "continue"; readonly signal: number }
  | { readonly kind: "step"; readonly signal: number }
  /** Steps as long as start ≤ PC < end; at least one instruction. */
  | { readonly kind: "range-step"; readonly start: bigint; readonly end: bigint }
  /** Stays where it is while the others run. */
  | { readonly kind: "stop" };

/** One vCPU and what it does. */
export interface ThreadResume {
  readonly thread: ThreadId;
  readonly action: ResumeAction;
}

/** `monitor …` commands. */
export interface MonitorCapability {
  /**
   * Carries out one command line. `print` sends text at once; newlines are the command's own.
   * `signal` aborts when the client interrupts or leaves. A refusal's detail is shown to the user.
   */
  execute(line: string, print: (text: string) => void, signal: AbortSignal): Awaitable<Outcome>;
}

/** Where the image lies, relative to its link addresses. */
export interface SectionOffsets {
  readonly text: bigint;
  readonly data: bigint;
  readonly bss: bigint;
}

/** A region of the memory map. gdb refuses to touch what lies outside of a map, so it must cover all of it. */
export interface MemoryMapRegion {
  readonly type: "ram" | "rom" | "flash";
  readonly start: bigint;
  readonly length: bigint;
  /** Flash only: erase block in bytes. */
  readonly blockSize?: bigint | undefined;
}

/** The mapping around an address. */
export interface MemoryRegion {
  readonly start: bigint;
  readonly length: bigint;
  /** Such as `rx`; undefined: unmapped. */
  readonly permissions: string | undefined;
  readonly name?: string | undefined;
}

/** Guest-physical memory, for `Qqemu.PhyMemMode:1`. Counts as in {@link Target.readMemory}. */
export interface PhysicalMemoryCapability {
  read(address: bigint, into: Uint8Array): Awaitable<number>;
  write(address: bigint, bytes: Uint8Array): Awaitable<number>;
}

/** What is held back while single-stepping (`qqemu.sstepbits`). */
export interface StepPolicyCapability {
  /** Name → bit, such as `ENABLE` 1, `NOIRQ` 2, `NOTIMER` 4. */
  readonly bits: Readonly<Record<string, number>>;
  get(): number;
  set(bits: number): Outcome;
}

/** Going back in time. */
export interface ReverseCapability {
  /**
   * Like {@link Target.resume}, backwards: undoes one instruction, or one and all before it up to the last one at a
   * breakpoint. Ends with a stop event: `replay-log` at the recording's begin.
   */
  resume(thread: ThreadId, kind: "continue" | "step"): Awaitable<Outcome>;
}

/** Ending the machine. */
export interface KillCapability {
  kill(): Awaitable<Outcome>;
}

/** Starting the machine anew. */
export interface RestartCapability {
  /** Puts the machine back to its first instruction, stopped. `argv` is what the client gave to `run`, if anything. */
  restart(argv: readonly string[]): Awaitable<Outcome>;
}

/**
 * A guest under a debugger, as this server needs it. Everything may answer at once or later.
 * What a target cannot do it leaves undefined: the client is then told "unsupported".
 * The server calls nothing but `interrupt`, `status` and `threads` while the guest runs.
 */
export interface Target {
  /**
   * The registers and what the client is to make of them. It may become another one; a client is served by the one it last asked
   * for, so numbers that both have must mean the same.
   */
  readonly architecture: ArchitectureDescription;

  /** Whether the guest runs, and if not, what stopped it last. */
  status(): TargetStatus;

  /** The vCPUs, in a stable order. */
  threads(): readonly TargetThread[];

  /**
   * Reads a register into `into`, whose length is the register's size, in the guest's byte order.
   * `unavailable`: it exists but has no value now.
   */
  readRegister(thread: ThreadId, regnum: number, into: Uint8Array): Awaitable<Outcome | "unavailable">;

  /** Writes a register; `bytes` has the register's size, in the guest's byte order. */
  writeRegister(thread: ThreadId, regnum: number, bytes: Uint8Array): Awaitable<Outcome>;

  /**
   * Reads guest-virtual memory as the vCPU sees it, with what the debugger planted hidden.
   * Returns how many bytes from `address` on could be read; 0 if the first is unmapped.
   */
  readMemory(thread: ThreadId, address: bigint, into: Uint8Array): Awaitable<number>;

  /** Writes guest-virtual memory. Returns how many bytes were written; 0 if the first is unmapped. */
  writeMemory(thread: ThreadId, address: bigint, bytes: Uint8Array): Awaitable<number>;

  /**
   * Resumes. The plan lists every vCPU. Returns at once, not at the stop; the stop is an event, which may come
   * before this returns. A vCPU that has just stopped at a breakpoint goes past it; one that continues from the
   * address of another, or whose PC was written, stops there at once. A step always carries out an instruction.
   */
  resume(plan: readonly ThreadResume[]): Awaitable<Outcome>;

  /** Asks a running guest to stop; a stop event follows. No effect when it is stopped. */
  interrupt(): void;

  /** The client lets go of the guest: it runs on by itself. Breakpoints are already removed. */
  detach(): Awaitable<Outcome>;

  /** Calls `listener` with every event until the returned function is called. */
  subscribe(listener: (event: TargetEvent) => void): () => void;

  readonly breakpoints?: BreakpointCapability | undefined;
  readonly monitor?: MonitorCapability | undefined;
  readonly physicalMemory?: PhysicalMemoryCapability | undefined;
  readonly stepPolicy?: StepPolicyCapability | undefined;
  readonly reverse?: ReverseCapability | undefined;
  readonly kill?: KillCapability | undefined;
  readonly restart?: RestartCapability | undefined;
  /** Where the guest's image was loaded, if it moved. */
  offsets?(): SectionOffsets;
  /** See {@link MemoryMapRegion}. */
  memoryMap?(): readonly MemoryMapRegion[];
  /** The mapping around a guest-virtual address. */
  memoryRegion?(thread: ThreadId, address: bigint): Awaitable<MemoryRegion | Refusal>;
}
