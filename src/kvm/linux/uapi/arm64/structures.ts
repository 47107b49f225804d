import { struct } from "../layout.ts";
import { kvmGuestDebug as guestDebug, kvmRun as run } from "../structures.ts";

/** Structures of arm64's asm/kvm.h. */

/** What one-reg ids of the core group count through, in units of 32 bits. */
export const kvmRegs = struct("kvm_regs", {
  regs: struct("user_pt_regs", { regs: ["u64", 31], sp: "u64", pc: "u64", pstate: "u64" }),
  sp_el1: "u64",
  elr_el1: "u64",
  spsr: ["u64", 5],
  fp_regs: struct("user_fpsimd_state", {
    vregs: ["u128", 32],
    fpsr: "u32",
    fpcr: "u32",
    __reserved: ["u32", 2],
  }),
});

/** `KVM_ARM_VCPU_INIT`, `KVM_ARM_PREFERRED_TARGET`. */
export const kvmVcpuInit = struct("kvm_vcpu_init", { target: "u32", features: ["u32", 7] });

/** What the host's debugger has in the debug registers. */
export const kvmGuestDebugArch = struct("kvm_guest_debug_arch", {
  dbg_bcr: ["u64", 16],
  dbg_bvr: ["u64", 16],
  dbg_wcr: ["u64", 16],
  dbg_wvr: ["u64", 16],
});

/** `KVM_SET_GUEST_DEBUG`. */
export const kvmGuestDebug = guestDebug(kvmGuestDebugArch);

/** What a `KVM_EXIT_DEBUG` tells. */
export const kvmDebugExitArch = struct("kvm_debug_exit_arch", { hsr: "u32", hsr_high: "u32", far: "u64" });

/** `KVM_GET_VCPU_EVENTS`, `KVM_SET_VCPU_EVENTS`. */
export const kvmVcpuEvents = struct("kvm_vcpu_events", {
  exception: struct(undefined, {
    serror_pending: "u8",
    serror_has_esr: "u8",
    ext_dabt_pending: "u8",
    pad: ["u8", 5],
    serror_esr: "u64",
  }),
  reserved: ["u32", 12],
});

/** What `kvm_run` carries along. */
export const kvmSyncRegs = struct("kvm_sync_regs", { device_irq_level: "u64" });

/** The page shared with the kernel. */
export const kvmRun = run(kvmDebugExitArch, kvmSyncRegs);
