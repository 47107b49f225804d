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
