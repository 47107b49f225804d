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
  /** `run` is the way to run it now: its thread has not started, or each of its instructions is to be looked at. */
  readonly runsHere: boolean;
  /** It runs in its thread. Whoever asks it for something takes it out, and finds it as it was at that moment. */
  readonly isAway: boolean;
  /** It has come back from its thread, and `leave` tells why; before that it cannot run again. */
  readonly hasReturned: boolean;
  /**
   * `KVM_RUN` in the vCPU's own thread. @returns undefined when it is on its way; else an exit that came without
   * @throws KvmError as `run`
   */
  enter(): X86Exit | undefined;
  /**
   * Why it has come back, to be read before it runs again; undefined when that is nobody's business and it is to go on.
   * @throws KvmError as `run`
   */
  leave(): X86Exit | undefined;
  /** Ends its run in its thread, and sleeps until it has come back. */
  halt(): void;
  /** Completes the instruction for which its last exit was, once that has been answered; what comes of it is put back. */
  settle(): void;
  /** An exit that cannot be looked at now: it comes again when the vCPU runs, unless registers or debug registers were set meanwhile. */
  putBack(exit: X86Exit): void;
}

/** A VM with x86 vCPUs and the interrupt controllers of a PC. */
export interface X86Vm extends Vm {
  readonly vcpus: readonly X86Vcpu[];
  /** Gets what the user has to know of a vCPU that is about to run: what the substrate could not do for them. */
  onNotice: ((vcpu: number, text: string) => void) | undefined;
  /** `KVM_IRQ_LINE`. @param irq 0 to 15 are ISA's @throws KvmError ENXIO without interrupt controllers */
  setIrqLine(irq: number, level: boolean): void;
  /** Takes down how vCPUs, interrupt controllers and timer are now. @returns what puts them back, any number of times */
  takeDown(): () => void;
  /** Lets `run` in the calling thread return with INTR every so many milliseconds; 0 ends that. */
  interruptEvery(milliseconds: number): void;
  /** Gives each vCPU a thread of its own, which takes a while to start. Only once; they end with the VM. */
  startThreads(): void;
  /** Sleeps until a vCPU has come back from its thread, at most so many milliseconds. @returns whether one has */
  waitForReturn(milliseconds: number): boolean;
  /**
   * Calls back from the event loop when a vCPU comes back next, perhaps once too often; undefined: no more. @returns false when
   * one has come back already: then nobody is called
   */
  onReturn(callback: (() => void) | undefined): boolean;
}
