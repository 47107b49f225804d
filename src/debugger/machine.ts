import type { DebugExit, KvmExit, X86Exit } from "../kvm/exits.ts";
import type { Vm } from "../kvm/interface.ts";
import type { AdvanceOptions, GuestStop } from "../vmm/guest.ts";

/** What a machine stopped for: as `GuestStop`, with a debug exit of any architecture. */
export type MachineStop =
  | Exclude<GuestStop, { readonly kind: "debug" }>
  | { readonly kind: "debug"; readonly vcpu: number; readonly exit: DebugExit };

/** A machine under the debugger: `GuestMachine` is one. */
export interface DebuggedMachine {
  readonly vm: Vm;
  /** Nanoseconds of virtual time. */
  readonly now: number;
  /** What runs it and how, in lines for the user. */
  describe?(): readonly string[];
  /** What executing guest code took, in lines for the user. */
  engineLines?(): readonly string[];
  /** How often `KVM_RUN` has returned, by reason. */
  readonly exitCounts: Readonly<Partial<Record<(KvmExit | X86Exit)["reason"], number>>>;
  /** An exit is the same object as the last one, and must be copied to be kept. */
  readonly reusesExits?: boolean | undefined;
  /** Calls `observer` with every return of `KVM_RUN`, in order, until the returned function is called. */
  observeExits?(observer: (vcpu: number, exit: KvmExit | X86Exit) => void): () => void;
  /** Runs until something is the caller's business, at most `limit` nanoseconds of virtual time. */
  advance(limit: number, options?: AdvanceOptions): MachineStop;
  /**
   * Takes every vCPU out of the guest, where they run by themselves (`away`): before anything is asked of them. No effect
   * otherwise.
   */
  halt?(): void;
  /** Called when a machine that is away has something to look at: `advance` does. */
  onNews?: (() => void) | undefined;
  /** Gets what the user has to know while the guest runs: what could not be done for them. */
  onNotice?: ((text: string) => void) | undefined;
  /** Lets virtual time jump to this nanosecond. */
  skipTo(nanosecond: number): void;
  /** Power-on reset, with the guest's images loaded again. */
  reset(): void;
}
