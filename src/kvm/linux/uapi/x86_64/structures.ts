import { struct } from "../layout.ts";
import { kvmGuestDebug as guestDebug, kvmRun as run } from "../structures.ts";

/** Structures of x86's asm/kvm.h. */

/** `KVM_GET_REGS`, `KVM_SET_REGS`. */
export const kvmRegs = struct("kvm_regs", {
  rax: "u64",
  rbx: "u64",
  rcx: "u64",
  rdx: "u64",
  rsi: "u64",
  rdi: "u64",
  rsp: "u64",
  rbp: "u64",
  r8: "u64",
  r9: "u64",
  r10: "u64",
  r11: "u64",
  r12: "u64",
  r13: "u64",
  r14: "u64",
  r15: "u64",
  rip: "u64",
  rflags: "u64",
});

/** A segment register with its hidden part. */
export const kvmSegment = struct("kvm_segment", {
  base: "u64",
  limit: "u32",
  selector: "u16",
  type: "u8",
  present: "u8",
  dpl: "u8",
  db: "u8",
  s: "u8",
  l: "u8",
  g: "u8",
  avl: "u8",
  unusable: "u8",
  padding: "u8",
});

/** GDTR or IDTR. */
export const kvmDtable = struct("kvm_dtable", { base: "u64", limit: "u16", padding: ["u16", 3] });

/** `KVM_GET_SREGS`, `KVM_SET_SREGS`. */
export const kvmSregs = struct("kvm_sregs", {
  cs: kvmSegment,
  ds: kvmSegment,
  es: kvmSegment,
  fs: kvmSegment,
  gs: kvmSegment,
  ss: kvmSegment,
  tr: kvmSegment,
  ldt: kvmSegment,
  gdt: kvmDtable,
  idt: kvmDtable,
  cr0: "u64",
  cr2: "u64",
  cr3: "u64",
  cr4: "u64",
  cr8: "u64",
  efer: "u64",
  apic_base: "u64",
  interrupt_bitmap: ["u64", 4],
});

/** `KVM_GET_FPU`, `KVM_SET_FPU`. */
export const kvmFpu = struct("kvm_fpu", {
  fpr: [["u8", 16], 8],
  fcw: "u16",
  fsw: "u16",
  ftwx: "u8",
  pad1: "u8",
  last_opcode: "u16",
  last_ip: "u64",
  last_dp: "u64",
  xmm: [["u8", 16], 16],
  mxcsr: "u32",
  pad2: "u32",
});

/** One entry of `kvm_msrs`. */
export const kvmMsrEntry = struct("kvm_msr_entry", { index: "u32", reserved: "u32", data: "u64" });

/** `KVM_GET_MSRS`, `KVM_SET_MSRS`; the entries follow. */
export const kvmMsrs = struct("kvm_msrs", { nmsrs: "u32", pad: "u32", entries: [kvmMsrEntry, 0] });

/** `KVM_GET_MSR_INDEX_LIST`; the indices follow. */
export const kvmMsrList = struct("kvm_msr_list", { nmsrs: "u32", indices: ["u32", 0] });

/** One entry of `kvm_cpuid2`. */
export const kvmCpuidEntry2 = struct("kvm_cpuid_entry2", {
  function: "u32",
  index: "u32",
  flags: "u32",
  eax: "u32",
  ebx: "u32",
  ecx: "u32",
  edx: "u32",
  padding: ["u32", 3],
});

/** `KVM_SET_CPUID2`, `KVM_GET_SUPPORTED_CPUID`; the entries follow. */
export const kvmCpuid2 = struct("kvm_cpuid2", {
  nent: "u32",
  padding: "u32",
  entries: [kvmCpuidEntry2, 0],
});

/** `KVM_GET_DEBUGREGS`, `KVM_SET_DEBUGREGS`: the guest's own debug registers. */
export const kvmDebugregs = struct("kvm_debugregs", {
  db: ["u64", 4],
  dr6: "u64",
  dr7: "u64",
  flags: "u64",
  reserved: ["u64", 9],
});

/** What the host's debugger has in the debug registers: DR0–DR3, and DR7 at index 7. */
export const kvmGuestDebugArch = struct("kvm_guest_debug_arch", { debugreg: ["u64", 8] });

/** `KVM_SET_GUEST_DEBUG`. */
export const kvmGuestDebug = guestDebug(kvmGuestDebugArch);

/** What a `KVM_EXIT_DEBUG` tells. */
export const kvmDebugExitArch = struct("kvm_debug_exit_arch", {
  exception: "u32",
  pad: "u32",
  pc: "u64",
  dr6: "u64",
  dr7: "u64",
});

/** `KVM_GET_VCPU_EVENTS`, `KVM_SET_VCPU_EVENTS`. */
export const kvmVcpuEvents = struct("kvm_vcpu_events", {
  exception: struct(undefined, {
    injected: "u8",
    nr: "u8",
    has_error_code: "u8",
    pending: "u8",
    error_code: "u32",
  }),
  interrupt: struct(undefined, { injected: "u8", nr: "u8", soft: "u8", shadow: "u8" }),
  nmi: struct(undefined, { injected: "u8", pending: "u8", masked: "u8", pad: "u8" }),
  sipi_vector: "u32",
  flags: "u32",
  smi: struct(undefined, { smm: "u8", pending: "u8", smm_inside_nmi: "u8", latched_init: "u8" }),
  triple_fault: struct(undefined, { pending: "u8" }),
  reserved: ["u8", 26],
  exception_has_payload: "u8",
  exception_payload: "u64",
});

/** `KVM_GET_XSAVE`, `KVM_SET_XSAVE`: the image XSAVE writes in its standard form, as far as it needs no permission. */
export const kvmXsave = struct("kvm_xsave", { region: ["u32", 1024] });

/** `KVM_GET_IRQCHIP`, `KVM_SET_IRQCHIP`: the registers of one of the PICs (0, 1) or the I/O APIC (2). */
export const kvmIrqchip = struct("kvm_irqchip", { chip_id: "u32", pad: "u32", chip: ["u8", 512] });

/** `KVM_GET_LAPIC`, `KVM_SET_LAPIC`: the local APIC's page of registers. */
export const kvmLapicState = struct("kvm_lapic_state", { regs: ["u8", 1024] });

/** `KVM_GET_PIT2`, `KVM_SET_PIT2`: three channels, of 24 bytes each, and flags. */
export const kvmPitState2 = struct("kvm_pit_state2", {
  channels: [["u64", 3], 3],
  flags: "u32",
  reserved: ["u32", 9],
});

/** One extended control register. */
export const kvmXcr = struct("kvm_xcr", { xcr: "u32", reserved: "u32", value: "u64" });

/** `KVM_GET_XCRS`, `KVM_SET_XCRS`. */
export const kvmXcrs = struct("kvm_xcrs", {
  nr_xcrs: "u32",
  flags: "u32",
  xcrs: [kvmXcr, 16],
  padding: ["u64", 16],
});

/** Registers that `kvm_run` can carry along (`KVM_CAP_SYNC_REGS`). */
export const kvmSyncRegs = struct("kvm_sync_regs", {
  regs: kvmRegs,
  sregs: kvmSregs,
  events: kvmVcpuEvents,
});

/** The page shared with the kernel. */
export const kvmRun = run(kvmDebugExitArch, kvmSyncRegs);
