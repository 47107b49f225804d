import type { WatchAccess, WatchRegister } from "./architecture.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/**
 * How a breakpoint is planted. `unseen`: beside guest memory, where the guest cannot see it; any number. `patched`: an
 * instruction in guest memory. `hardware`: one of the CPU's few breakpoint registers. All of them mean a guest-virtual address,
 * in whatever address space, whatever is mapped there and whatever stands there when it is reached.
 */
export type BreakpointKind = "unseen" | "patched" | "hardware";

/** Whether the guest is to stop at a hit. Looks at the vCPU, and changes nothing that another condition looks at. */
export type Condition = (vcpu: DebuggedVcpu) => boolean;

/** What a breakpoint is made of. */
export interface BreakpointOptions {
  /** Guest-virtual. */
  readonly address: bigint;
  /** Left out: `unseen` where the substrate has that, `patched` elsewhere. */
  readonly kind?: BreakpointKind | undefined;
  readonly condition?: Condition | undefined;
  /** Patched: the vCPU in whose address space the address is; left out, the first. */
  readonly vcpu?: DebuggedVcpu | undefined;
}

/** What a watchpoint is made of. */
export interface WatchpointOptions {
  /** Guest-virtual; any alignment. */
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
  readonly access: WatchAccess;
  readonly condition?: Condition | undefined;
}

/** What has become of a breakpoint or watchpoint so far: evidence for "why did it not stop?". */
export interface History {
  /** Nanosecond of virtual time at which it was planted. */
  readonly since: number;
  /** A vCPU was there. */
  hits: number;
  /** Of these, it was not to stop: the condition said no, */
  conditionFalse: number;
  /** or hits were being ignored. */
  ignored: number;
  /** Patched: the same memory was executed under another virtual address. */
  elsewhere: number;
  /** Patched: the guest had other text or other memory there when it was reached. */
  replaced: number;
  last: { readonly vcpu: number; readonly time: number } | undefined;
}

/** A breakpoint that is planted, until it is removed. */
export interface Breakpoint {
  /** 1, 2, …: never used twice in a session. */
  readonly number: number;
  readonly address: bigint;
  readonly kind: BreakpointKind;
  readonly condition: Condition | undefined;
  readonly enabled: boolean;
  /** How many further hits are passed over. */
  readonly ignore: number;
  /** Patched: the guest-physical address, as far as the address is mapped to memory. */
  readonly physical: bigint | undefined;
  /** What the guest had there when it was planted, if it had anything. */
  readonly text: Uint8Array | undefined;
  readonly history: History;
}

/** A watchpoint that is set, until it is removed. */
export interface Watchpoint {
  /** 1, 2, …: counted together with breakpoints. */
  readonly number: number;
  readonly address: bigint;
  readonly length: number;
  readonly access: WatchAccess;
  readonly condition: Condition | undefined;
  /** What it takes of the hardware. */
  readonly registers: readonly WatchRegister[];
  readonly history: History;
}

/** A history that begins now. */
export function newHistory(since: number): History {
  return {
    since,
    hits: 0,
    conditionFalse: 0,
    ignored: 0,
    elsewhere: 0,
    replaced: 0,
    last: undefined,
  };
}
