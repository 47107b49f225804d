/** Bits of `kvm_guest_debug.control` (linux/kvm.h and each architecture's asm/kvm.h). */
export const guestDebugControl = {
  ENABLE: 0x1,
  SINGLESTEP: 0x2,
  USE_SW_BP: 0x10000,
  /** arm64 calls it USE_HW, x86 USE_HW_BP. */
  USE_HW: 0x20000,
} as const;

/** arm64's `kvm_guest_debug_arch`: what the hardware's debug registers hold while the host owns them. */
export interface Arm64GuestDebugArch {
  readonly bcr: readonly number[];
  readonly bvr: readonly bigint[];
  readonly wcr: readonly number[];
  readonly wvr: readonly bigint[];
}

/** Argument of `KVM_SET_GUEST_DEBUG`. */
export interface GuestDebug {
  readonly control: number;
  readonly arch?: Arm64GuestDebugArch;
}

/** `kvm_guest_debug_arch` of whatever architecture. */
export type GuestDebugArch = Arm64GuestDebugArch | X86DebugRegisters;

/** Argument of `KVM_SET_GUEST_DEBUG` of whatever architecture: a vCPU takes its own. */
export interface AnyGuestDebug {
  readonly control: number;
  readonly arch?: GuestDebugArch | undefined;
}

/** Bits of `kvm_guest_debug.control` that only x86 has. */
export const x86GuestDebugControl = {
  INJECT_DB: 0x40000,
  INJECT_BP: 0x80000,
  BLOCKIRQ: 0x100000,
} as const;

/** Argument of `KVM_SET_GUEST_DEBUG` on x86. */
export interface X86GuestDebug {
  readonly control: number;
  /** What DR0–DR3 and DR7 hold while the host owns them; left out, nothing. */
  readonly arch?: X86DebugRegisters | undefined;
}

/** Breakpoint addresses (linear) and DR7. */
export interface X86DebugRegisters {
  readonly addresses: readonly bigint[];
  readonly dr7: bigint;
}
