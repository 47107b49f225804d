import type { KvmExit } from "../kvm/exits.ts";
import type { Vm } from "../kvm/interface.ts";
import type { AdvanceOptions, GuestStop } from "../vmm/guest.ts";

/** A machine under the debugger: `GuestMachine` is one. */
export interface DebuggedMachine {
  readonly vm: Vm;
  /** Nanoseconds of virtual time. */
  readonly now: number;
  /** How often `KVM_RUN` has returned, by reason. */
  readonly exitCounts: Readonly<Record<KvmExit["reason"], number>>;
  /** Runs until something is the caller's business, at most `limit` nanoseconds of virtual time. */
  advance(limit: number, options?: AdvanceOptions): GuestStop;
  /** Lets virtual time jump to this nanosecond. */
  skipTo(nanosecond: number): void;
  /** Power-on reset, with the guest's images loaded again. */
  reset(): void;
}
