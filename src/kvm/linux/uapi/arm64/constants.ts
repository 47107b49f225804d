import { guestDebugFlags } from "../constants.ts";

/** `kvm_guest_debug.control` on arm64. */
export const arm64GuestDebugFlags = {
  ...guestDebugFlags,
  KVM_GUESTDBG_USE_SW_BP: 0x10000,
  KVM_GUESTDBG_USE_HW: 0x20000,
} as const;

/** Bits of `kvm_vcpu_init.features`. */
export const vcpuFeatures = {
  KVM_ARM_VCPU_POWER_OFF: 0,
  KVM_ARM_VCPU_EL1_32BIT: 1,
  KVM_ARM_VCPU_PSCI_0_2: 2,
  KVM_ARM_VCPU_PMU_V3: 3,
} as const;
