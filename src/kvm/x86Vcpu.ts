import type { X86DebugExit, X86Exit } from "./exits.ts";
import type { Vcpu, Vm } from "./interface.ts";
import type { X86Regs, X86Sregs } from "./linux/uapi/x86_64/records.ts";

/** An x86 vCPU: its registers are those of `x86Registers`. */
export interface X86Vcpu extends Vcpu {
  run(limit: number): X86Exit;
  getRegs(): X86Regs;
  /** @throws KvmError EINVAL */
  setRegs(regs: X86Regs): void;
  getSregs(): X86Sregs;
  /** @throws KvmError EINVAL for control registers that contradict each other. */
  setSregs(sregs: X86Sregs): void;
  /**
   * Gives a debug exit that is the guest's own to the guest, when it next runs: #BP as of the instruction behind the INT3, #DB with
   * what DR6 tells (Intel SDM volume 3, 18.2.3). What `KVM_SET_VCPU_EVENTS` and `KVM_SET_DEBUGREGS` are for.
   */
  reinject(exit: X86DebugExit): void;
}

/** A VM with x86 vCPUs and the interrupt controllers of a PC. */
export interface X86Vm extends Vm {
  readonly vcpus: readonly X86Vcpu[];
  /** `KVM_IRQ_LINE`. @param irq 0 to 15 are ISA's @throws KvmError ENXIO without interrupt controllers */
  setIrqLine(irq: number, level: boolean): void;
  /** Takes down how vCPUs, interrupt controllers and timer are now. @returns what puts them back, any number of times */
  takeDown(): () => void;
  /** Lets `run` return with INTR every so many milliseconds; 0 ends that. */
  interruptEvery(milliseconds: number): void;
}
