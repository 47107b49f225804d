import type { ValueOf } from "../layout.ts";
import type {
  kvmCpuidEntry2,
  kvmDebugregs,
  kvmDtable,
  kvmFpu,
  kvmRegs,
  kvmSegment,
  kvmSregs,
  kvmVcpuEvents,
  kvmXcrs,
} from "./structures.ts";

/** `kvm_regs`. */
export type X86Regs = ValueOf<typeof kvmRegs>;
/** `kvm_segment`. */
export type X86Segment = ValueOf<typeof kvmSegment>;
/** `kvm_dtable`. */
export type X86DescriptorTable = ValueOf<typeof kvmDtable>;
/** `kvm_sregs`. */
export type X86Sregs = ValueOf<typeof kvmSregs>;
/** `kvm_fpu`. */
export type X86Fpu = ValueOf<typeof kvmFpu>;
/** `kvm_xcrs`. */
export type X86Xcrs = ValueOf<typeof kvmXcrs>;
/** `kvm_debugregs`. */
export type X86DebugRegs = ValueOf<typeof kvmDebugregs>;
/** `kvm_vcpu_events`. */
export type X86VcpuEvents = ValueOf<typeof kvmVcpuEvents>;
/** `kvm_cpuid_entry2`. */
export type X86CpuidEntry = ValueOf<typeof kvmCpuidEntry2>;
