import { mdcr, mdscr } from "../../../../cpu/arm64/controls.ts";

/**
 * Whose the breakpoint and watchpoint registers are. `host`: userspace uses them, the guest's accesses are done on a copy.
 * `guest`: the guest uses them and reaches them itself. `free`: nobody does; the first access shows that the guest wants to.
 */
export type DebugOwner = "free" | "host" | "guest";

/** What ownership follows from. */
export interface DebugUse {
  /** `KVM_GUESTDBG_USE_HW`. */
  readonly hostUsesHardware: boolean;
  /** The guest's own MDSCR_EL1. */
  readonly guestMdscr: number;
  /** The guest has used one of the registers since the vCPU was loaded. */
  readonly guestAccessed: boolean;
}

/** The only place where ownership is decided. */
export function debugOwner({ hostUsesHardware, guestMdscr, guestAccessed }: DebugUse): DebugOwner {
  if (hostUsesHardware) return "host";
  // With MDE or KDE set the guest's debug state is dirty: it means to use it.
  return guestAccessed || (guestMdscr & (mdscr.MDE | mdscr.KDE)) !== 0 ? "guest" : "free";
}

/**
 * MDCR_EL2 while the guest runs; nothing else decides what is trapped. The performance monitor, the debug ROM and the OS locks
 * always are, and the profiling buffer is not the guest's (E2PB clear).
 * @param hostMdcr the host's MDCR_EL2, whose HPMN stays.
 * @param hostDebugs userspace debugs the guest: all its debug exceptions come to EL2.
 */
export function trapBits(owner: DebugOwner, hostDebugs: boolean, hostMdcr: number): number {
  const always = mdcr.TPM | mdcr.TPMS | mdcr.TPMCR | mdcr.TDRA | mdcr.TDOSA;
  return (hostMdcr & mdcr.HPMN) | always | (hostDebugs ? mdcr.TDE : 0) | (owner === "guest" ? 0 : mdcr.TDA);
}
