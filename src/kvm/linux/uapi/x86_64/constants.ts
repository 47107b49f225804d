import { guestDebugFlags } from "../constants.ts";

/** Constants of x86's asm/kvm.h under their C names. */

/** `KVM_CHECK_EXTENSION` arguments that only x86 has. */
export const x86Capabilities = {
  KVM_CAP_PIT2: 33,
  KVM_CAP_DEBUGREGS: 50,
  KVM_CAP_XCRS: 56,
} as const;

/** `kvm_guest_debug.control` on x86. */
export const x86GuestDebugFlags = {
  ...guestDebugFlags,
  KVM_GUESTDBG_USE_SW_BP: 0x10000,
  KVM_GUESTDBG_USE_HW_BP: 0x20000,
  KVM_GUESTDBG_INJECT_DB: 0x40000,
  KVM_GUESTDBG_INJECT_BP: 0x80000,
  KVM_GUESTDBG_BLOCKIRQ: 0x100000,
} as const;

/** `kvm_vcpu_events.flags`: which members `KVM_SET_VCPU_EVENTS` is to take. */
export const vcpuEventFlags = {
  KVM_VCPUEVENT_VALID_NMI_PENDING: 0x01,
  KVM_VCPUEVENT_VALID_SIPI_VECTOR: 0x02,
  KVM_VCPUEVENT_VALID_SHADOW: 0x04,
  KVM_VCPUEVENT_VALID_SMM: 0x08,
  KVM_VCPUEVENT_VALID_PAYLOAD: 0x10,
} as const;

/** `kvm_vcpu_events.interrupt.shadow`. */
export const interruptShadows = {
  KVM_X86_SHADOW_INT_MOV_SS: 1,
  KVM_X86_SHADOW_INT_STI: 2,
} as const;

/** `kvm_run.io.direction`. */
export const ioDirections = { KVM_EXIT_IO_IN: 0, KVM_EXIT_IO_OUT: 1 } as const;
