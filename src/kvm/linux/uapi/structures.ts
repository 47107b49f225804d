import { type Layout, type Members, struct, union } from "./layout.ts";

/** Structures of linux/kvm.h that are the same on every architecture. */

/** `KVM_SET_USER_MEMORY_REGION`. */
export const kvmUserspaceMemoryRegion = struct("kvm_userspace_memory_region", {
  slot: "u32",
  flags: "u32",
  guest_phys_addr: "u64",
  memory_size: "u64",
  userspace_addr: "u64",
});

/** `KVM_TRANSLATE`. */
export const kvmTranslation = struct("kvm_translation", {
  linear_address: "u64",
  physical_address: "u64",
  valid: "u8",
  writeable: "u8",
  usermode: "u8",
  pad: ["u8", 5],
});

/** `KVM_GET_MP_STATE`, `KVM_SET_MP_STATE`. */
export const kvmMpState = struct("kvm_mp_state", { mp_state: "u32" });

/** `KVM_SET_SIGNAL_MASK`; the kernel's set of 64 signals follows. */
export const kvmSignalMask = struct("kvm_signal_mask", { len: "u32", sigset: ["u8", 0] });

/** `KVM_GET_ONE_REG`, `KVM_SET_ONE_REG`. */
export const kvmOneReg = struct("kvm_one_reg", { id: "u64", addr: "u64" });

/** `KVM_GET_REG_LIST`; the ids follow. */
export const kvmRegList = struct("kvm_reg_list", { n: "u64", reg: ["u64", 0] });

/** `KVM_ENABLE_CAP`. */
export const kvmEnableCap = struct("kvm_enable_cap", {
  cap: "u32",
  flags: "u32",
  args: ["u64", 4],
  pad: ["u8", 64],
});

/** `KVM_IRQ_LINE`. */
export const kvmIrqLevel = struct("kvm_irq_level", {
  line: union({ irq: "u32", status: "s32" }, { anonymous: true }),
  level: "u32",
});

/** `KVM_INTERRUPT`, for a vCPU without an in-kernel interrupt controller. */
export const kvmInterrupt = struct("kvm_interrupt", { irq: "u32" });

/** `KVM_CREATE_PIT2`. */
export const kvmPitConfig = struct("kvm_pit_config", { flags: "u32", pad: ["u32", 15] });

/** `KVM_SET_GUEST_DEBUG`. @param arch the architecture's `kvm_guest_debug_arch` */
export const kvmGuestDebug = <const M extends Members>(arch: Layout<M>) =>
  struct("kvm_guest_debug", { control: "u32", pad: "u32", arch });

/** The exit of `KVM_EXIT_INTERNAL_ERROR` when its suberror is `KVM_INTERNAL_ERROR_EMULATION`. */
const emulationFailure = struct(undefined, {
  suberror: "u32",
  ndata: "u32",
  flags: "u64",
  insn_size: "u8",
  insn_bytes: ["u8", 15],
});

/**
 * `kvm_run`, the page that user space and the kernel share. Exits that only PowerPC, S/390, RISC-V or a foreign hypercall
 * interface have are left out: they lie in the union beside these.
 * @param debugExit the architecture's `kvm_debug_exit_arch`
 * @param syncRegs its `kvm_sync_regs`
 */
export const kvmRun = <const D extends Members, const S extends Members>(
  debugExit: Layout<D>,
  syncRegs: Layout<S>,
) =>
  struct("kvm_run", {
    request_interrupt_window: "u8",
    immediate_exit: "u8",
    padding1: ["u8", 6],
    exit_reason: "u32",
    ready_for_interrupt_injection: "u8",
    if_flag: "u8",
    flags: "u16",
    cr8: "u64",
    apic_base: "u64",
    exit: union(
      {
        hw: struct(undefined, { hardware_exit_reason: "u64" }),
        fail_entry: struct(undefined, { hardware_entry_failure_reason: "u64", cpu: "u32" }),
        ex: struct(undefined, { exception: "u32", error_code: "u32" }),
        io: struct(undefined, {
          direction: "u8",
          size: "u8",
          port: "u16",
          count: "u32",
          data_offset: "u64",
        }),
        debug: struct(undefined, { arch: debugExit }),
        mmio: struct(undefined, { phys_addr: "u64", data: ["u8", 8], len: "u32", is_write: "u8" }),
        hypercall: struct(undefined, {
          nr: "u64",
          args: ["u64", 6],
          ret: "u64",
          longmode: "u32",
          pad: "u32",
        }),
        tpr_access: struct(undefined, { rip: "u64", is_write: "u32", pad: "u32" }),
        internal: struct(undefined, { suberror: "u32", ndata: "u32", data: ["u64", 16] }),
        emulation_failure: emulationFailure,
        system_event: struct(undefined, { type: "u32", ndata: "u32", data: ["u64", 16] }),
        eoi: struct(undefined, { vector: "u8" }),
        arm_nisv: struct(undefined, { esr_iss: "u64", fault_ipa: "u64" }),
        msr: struct(undefined, {
          error: "u8",
          pad: ["u8", 7],
          reason: "u32",
          index: "u32",
          data: "u64",
        }),
        notify: struct(undefined, { flags: "u32" }),
        padding: ["u8", 256],
      },
      { anonymous: true },
    ),
    kvm_valid_regs: "u64",
    kvm_dirty_regs: "u64",
    s: union({ regs: syncRegs, padding: ["u8", 2048] }),
  });
