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

/** A `KVM_EXIT_DEBUG` of whatever architecture: the one that made it knows which. */
export interface DebugExit {
  readonly reason: "DEBUG";
  readonly arch: Arm64DebugExit | X86DebugExit;
  /** As in `KvmExit`. */
  readonly unseen?: true;
}

/** `kvm_debug_exit_arch` of arm64: the syndrome, and FAR for watchpoints. PC is read by one-reg. */
export interface Arm64DebugExit {
  readonly hsr: number;
  readonly hsrHigh: number;
  readonly far: bigint;
}

/**
 * Why `KVM_RUN` of an x86 vCPU returned. An exit is what the vCPU shows now: it may be the same object as the last one, so it
 * is to be read before the vCPU runs again.
 */
export type X86Exit =
  | X86IoExit
  | X86MmioExit
  | { readonly reason: "DEBUG"; readonly arch: X86DebugExit }
  /** `HLT`, where no interrupt controller is in the kernel. */
  | { readonly reason: "HLT" }
  /** A triple fault. */
  | { readonly reason: "SHUTDOWN" }
  | { readonly reason: "IRQ_WINDOW_OPEN" }
  | { readonly reason: "HYPERCALL"; readonly number: bigint; readonly args: readonly bigint[] }
  | { readonly reason: "SYSTEM_EVENT"; readonly type: SystemEvent }
  /** The CPU refused to enter the guest. */
  | { readonly reason: "FAIL_ENTRY"; readonly hardwareEntryFailureReason: bigint }
  /** Something else asked for attention: a signal, a time slice, `interrupt`. */
  | { readonly reason: "INTR" }
  | X86InternalError
  /** Anything that nobody has asked KVM for; `exitReason` is its number, `KVM_EXIT_UNKNOWN` among them. */
  | { readonly reason: "OTHER"; readonly exitReason: number };

/** Port input or output: `count` items of `size` bytes, from or to one port. */
export interface X86IoExit {
  readonly reason: "IO";
  readonly isWrite: boolean;
  readonly size: 1 | 2 | 4;
  readonly port: number;
  readonly count: number;
  /** Its first `count × size` bytes are the items, little-endian: to be read, or to be filled before the vCPU runs again. */
  readonly data: Uint8Array;
}

/** An access to guest-physical addresses without memory. Answer a read by `completeMmio`. */
export interface X86MmioExit {
  readonly reason: "MMIO";
  readonly address: bigint;
  /** 1 to 8; not a power of two where an access crosses a page. */
  readonly length: number;
  readonly isWrite: boolean;
  /** What the guest writes. */
  readonly data: bigint;
}

/** The hypervisor could not go on. */
export interface X86InternalError {
  readonly reason: "INTERNAL_ERROR";
  readonly suberror: number;
  readonly message: string;
  /** The instruction it could not emulate, where it tells. */
  readonly instruction: Uint8Array | undefined;
}

/** `kvm_debug_exit_arch` of x86. */
export interface X86DebugExit {
  /** 1 for #DB, 3 for #BP. */
  readonly exception: number;
  /** Linear address: CS base and RIP. */
  readonly pc: bigint;
  readonly dr6: bigint;
  readonly dr7: bigint;
}
