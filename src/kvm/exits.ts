/** `KVM_EXIT_SYSTEM_EVENT` types (linux/kvm.h). */
export type SystemEvent = "SHUTDOWN" | "RESET" | "CRASH";

/** Why `KVM_RUN` returned. */
export type KvmExit =
  | {
      readonly reason: "MMIO";
      readonly address: bigint;
      readonly length: 1 | 2 | 4 | 8;
      readonly isWrite: boolean;
      /** What the guest writes; answer a read by `completeMmio`. */
      readonly data: bigint;
    }
  | {
      readonly reason: "DEBUG";
      readonly arch: Arm64DebugExit;
      /** Not in KVM: an unseen breakpoint is at PC (see `UnseenBreakpoints`). */
      readonly unseen?: true;
    }
  | { readonly reason: "SYSTEM_EVENT"; readonly type: SystemEvent }
  | { readonly reason: "HYPERCALL"; readonly number: bigint; readonly args: readonly bigint[] }
  /** The instruction budget of this run is used up, or the host asked for attention. */
  | { readonly reason: "INTR" }
  /** Not in KVM, where the vCPU's thread sleeps: the vCPU waits for an interrupt, for an event, or to be switched on. */
  | { readonly reason: "HALTED"; readonly until: "interrupt" | "event" | "power-on" }
  | { readonly reason: "INTERNAL_ERROR"; readonly suberror: number; readonly message: string };

/** `kvm_debug_exit_arch` of arm64: the syndrome, and FAR for watchpoints. PC is read by one-reg. */
export interface Arm64DebugExit {
  readonly hsr: number;
  readonly hsrHigh: number;
  readonly far: bigint;
}
