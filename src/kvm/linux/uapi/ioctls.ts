import { io, ior, iow, iowr } from "./ioctl.ts";
import {
  kvmEnableCap,
  kvmInterrupt,
  kvmIrqLevel,
  kvmMpState,
  kvmOneReg,
  kvmPitConfig,
  kvmRegList,
  kvmSignalMask,
  kvmTranslation,
  kvmUserspaceMemoryRegion,
} from "./structures.ts";

/** Request numbers of linux/kvm.h that are the same on every architecture. */
export const ioctls = {
  // /dev/kvm
  KVM_GET_API_VERSION: io(0x00),
  KVM_CREATE_VM: io(0x01),
  KVM_CHECK_EXTENSION: io(0x03),
  KVM_GET_VCPU_MMAP_SIZE: io(0x04),
  // a VM
  KVM_CREATE_VCPU: io(0x41),
  KVM_SET_USER_MEMORY_REGION: iow(0x46, kvmUserspaceMemoryRegion),
  KVM_CREATE_IRQCHIP: io(0x60),
  KVM_IRQ_LINE: iow(0x61, kvmIrqLevel),
  KVM_CREATE_PIT2: iow(0x77, kvmPitConfig),
  KVM_ENABLE_CAP: iow(0xa3, kvmEnableCap),
  // a vCPU
  KVM_RUN: io(0x80),
  KVM_TRANSLATE: iowr(0x85, kvmTranslation),
  KVM_INTERRUPT: iow(0x86, kvmInterrupt),
  KVM_SET_SIGNAL_MASK: iow(0x8b, kvmSignalMask),
  KVM_GET_MP_STATE: ior(0x98, kvmMpState),
  KVM_SET_MP_STATE: iow(0x99, kvmMpState),
  KVM_NMI: io(0x9a),
  KVM_GET_ONE_REG: iow(0xab, kvmOneReg),
  KVM_SET_ONE_REG: iow(0xac, kvmOneReg),
  KVM_GET_REG_LIST: iowr(0xb0, kvmRegList),
} as const;
