import type { KvmExit, X86Exit } from "./exits.ts";
import type { AnyGuestDebug } from "./guestDebug.ts";

/** Capabilities of `KVM_CHECK_EXTENSION` that a debugger asks for. */
export type Capability =
  | "SET_GUEST_DEBUG"
  | "SET_GUEST_DEBUG2"
  | "GUEST_DEBUG_HW_BPS"
  | "GUEST_DEBUG_HW_WPS"
  | "NR_VCPUS"
  | "MAX_VCPUS"
  | "NR_MEMSLOTS"
  | "ONE_REG"
  | "READONLY_MEM"
  | "ARM_PSCI_0_2";

/** `kvm_userspace_memory_region`. Addresses and sizes are multiples of 4096. */
export interface MemoryRegion {
  readonly slot: number;
  readonly guestPhysicalAddress: bigint;
  /** Bytes; 0 deletes the slot. */
  readonly size: bigint;
  readonly readOnly?: boolean;
}

/** What `KVM_GET_MP_STATE` tells: whether a vCPU runs, waits for an interrupt, or is switched off. */
export type MpState = "RUNNABLE" | "HALTED" | "STOPPED";

/** `kvm_translation`: what is behind a guest-virtual address. */
export interface Translation {
  readonly physicalAddress: bigint;
  /** EL1 may write there. */
  readonly writeable: boolean;
  /** EL0 may read there. */
  readonly usermode: boolean;
}

/**
 * Breakpoints outside of guest memory, which the guest cannot read, overwrite or count: a substrate has them if it executes
 * the guest's instructions itself. They are guest-virtual addresses, in any address space, mapped or not; a vCPU about to
 * execute there leaves `run` with a DEBUG exit whose `unseen` is set.
 */
export interface UnseenBreakpoints {
  /** Puts these in place of all others. */
  plant(addresses: ReadonlySet<bigint>): void;
  /** Lets a vCPU execute the instruction at its PC once although a breakpoint is on it. */
  pass(vcpu: number): void;
}

/** A virtual machine: what `KVM_CREATE_VM` returns. */
export interface Vm {
  /** Value of a capability, 0 when absent. */
  checkExtension(capability: Capability): number;
  /** `KVM_SET_USER_MEMORY_REGION`. @throws KvmError EINVAL, EEXIST on overlap, ENOMEM. */
  setMemoryRegion(region: MemoryRegion): void;
  /** Copies guest-physical memory out. @throws KvmError EFAULT outside all slots. */
  readMemory(address: bigint, length: number): Uint8Array;
  /** Copies bytes into guest-physical memory, also into read-only slots; code that is overwritten is not executed stale. */
  writeMemory(address: bigint, bytes: Uint8Array): void;
  readonly vcpus: readonly Vcpu[];
  readonly unseenBreakpoints?: UnseenBreakpoints | undefined;
  /** Whether its debug registers can watch for this; left out, for everything. @throws KvmError EOPNOTSUPP when they cannot */
  checkWatchpoint?(access: "read" | "write" | "access"): void;
  /** Whether instructions of the page of a guest-physical address have been executed, as far as the substrate remembers. */
  executed?(address: bigint): boolean;
}

/** A virtual CPU: what `KVM_CREATE_VCPU` returns. */
export interface Vcpu {
  readonly id: number;
  /** `KVM_RUN`, for at most `limit` instructions where the substrate can count them. */
  run(limit: number): KvmExit | X86Exit;
  /** The data of an MMIO read exit; a write is completed with its own data or 0. */
  completeMmio(data: bigint): void;
  /** `KVM_GET_ONE_REG`, as an unsigned value of the register's size. @throws KvmError ENOENT. */
  getOneReg(id: bigint): bigint;
  /** `KVM_SET_ONE_REG`. @throws KvmError ENOENT, EINVAL. */
  setOneReg(id: bigint, value: bigint): void;
  /** `KVM_GET_REG_LIST`. */
  regList(): readonly bigint[];
  /** `KVM_SET_GUEST_DEBUG`. @throws KvmError EINVAL on unknown control bits; nothing changes then. */
  setGuestDebug(debug: AnyGuestDebug): void;
  /** `KVM_TRANSLATE`: what is behind a guest-virtual address as EL1 sees it, undefined when not mapped. Changes nothing. */
  translate(address: bigint): Translation | undefined;
  /** `KVM_GET_MP_STATE`. */
  readonly mpState: MpState;
  /**
   * Keeps interrupts pending while true, as `KVM_GUESTDBG_BLOCKIRQ` does on x86; they still end a wait. Where a substrate
   * cannot, it is undefined.
   */
  holdInterrupts?(held: boolean): void;
}
