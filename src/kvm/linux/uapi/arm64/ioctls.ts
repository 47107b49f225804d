import { ior, iow } from "../ioctl.ts";
import { ioctls } from "../ioctls.ts";
import { kvmGuestDebug, kvmVcpuEvents, kvmVcpuInit } from "./structures.ts";

/** Request numbers on arm64. */
export const arm64Ioctls = {
  ...ioctls,
  KVM_SET_GUEST_DEBUG: iow(0x9b, kvmGuestDebug),
  KVM_GET_VCPU_EVENTS: ior(0x9f, kvmVcpuEvents),
  KVM_SET_VCPU_EVENTS: iow(0xa0, kvmVcpuEvents),
  KVM_ARM_VCPU_INIT: iow(0xae, kvmVcpuInit),
  KVM_ARM_PREFERRED_TARGET: ior(0xaf, kvmVcpuInit),
} as const;
