import { io, ior, iow, iowr } from "../ioctl.ts";
import { ioctls } from "../ioctls.ts";
import {
  kvmCpuid2,
  kvmDebugregs,
  kvmFpu,
  kvmGuestDebug,
  kvmMsrList,
  kvmMsrs,
  kvmRegs,
  kvmSregs,
  kvmVcpuEvents,
  kvmXcrs,
  kvmXsave,
} from "./structures.ts";

/** Request numbers on x86. */
export const x86Ioctls = {
  ...ioctls,
  KVM_GET_MSR_INDEX_LIST: iowr(0x02, kvmMsrList),
  KVM_GET_SUPPORTED_CPUID: iowr(0x05, kvmCpuid2),
  KVM_SET_TSS_ADDR: io(0x47),
  KVM_SET_IDENTITY_MAP_ADDR: iow(0x48, 8),
  KVM_GET_REGS: ior(0x81, kvmRegs),
  KVM_SET_REGS: iow(0x82, kvmRegs),
  KVM_GET_SREGS: ior(0x83, kvmSregs),
  KVM_SET_SREGS: iow(0x84, kvmSregs),
  KVM_GET_MSRS: iowr(0x88, kvmMsrs),
  KVM_SET_MSRS: iow(0x89, kvmMsrs),
  KVM_GET_FPU: ior(0x8c, kvmFpu),
  KVM_SET_FPU: iow(0x8d, kvmFpu),
  KVM_SET_CPUID2: iow(0x90, kvmCpuid2),
  KVM_SET_GUEST_DEBUG: iow(0x9b, kvmGuestDebug),
  KVM_GET_VCPU_EVENTS: ior(0x9f, kvmVcpuEvents),
  KVM_SET_VCPU_EVENTS: iow(0xa0, kvmVcpuEvents),
  KVM_GET_DEBUGREGS: ior(0xa1, kvmDebugregs),
  KVM_SET_DEBUGREGS: iow(0xa2, kvmDebugregs),
  KVM_GET_XSAVE: ior(0xa4, kvmXsave),
  KVM_SET_XSAVE: iow(0xa5, kvmXsave),
  KVM_GET_XCRS: ior(0xa6, kvmXcrs),
  KVM_SET_XCRS: iow(0xa7, kvmXcrs),
} as const;
