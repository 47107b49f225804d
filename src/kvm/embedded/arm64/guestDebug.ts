import { debugLock, hcr, mdscr } from "../../../cpu/arm64/controls.ts";
import type { Arm64Cpu } from "../../../cpu/arm64/cpu.ts";
import { type DebugRegisters, noDebugRegisters } from "../../../cpu/arm64/debugUnit.ts";
import { registerByName } from "../../../cpu/arm64/systemRegisters/table.ts";
import { KvmError } from "../../errors.ts";
import { type GuestDebug, guestDebugControl } from "../../guestDebug.ts";
import { GuestStep } from "./debug/guestStep.ts";
import { type DebugOwner, debugOwner, trapBits } from "./debug/owner.ts";
import { RegisterSets } from "./debug/registerSets.ts";

const known =
  guestDebugControl.ENABLE |
  guestDebugControl.SINGLESTEP |
  guestDebugControl.USE_SW_BP |
  guestDebugControl.USE_HW;

/** HCR_EL2 while a guest runs: stage 2 on, waits trapped; without EL3 an SMC is UNDEFINED by itself. */
export const guestHcr = hcr.VM | hcr.TWI | hcr.TWE;

/** Where the state window has bits 31:0 of the registers that are exchanged at every entry. */
const wordOf = {
  monitorControl: registerByName("MDSCR_EL1").address >>> 2,
  osLock: registerByName("OSLSR_EL1").address >>> 2,
  doubleLock: registerByName("OSDLR_EL1").address >>> 2,
} as const;

/** The states of userspace's software step machine (Arm ARM D2.12.3). */
export type StepState = "inactive" | "active-not-pending" | "active-pending";

/** What the hardware is loaded with: derived in one place from who debugs and what the guest has set. */
interface Load {
  readonly owner: DebugOwner;
  readonly mdcr: number;
  readonly registers: DebugRegisters;
  /** The guest's own registers are among them. */
  readonly guestLive: boolean;
  /** The guest's MDSCR_EL1.SS is set, and its locks are open. */
  readonly guestSteps: boolean;
  readonly guestMdscr: number;
  readonly guestOsLock: number;
  readonly guestDoubleLock: number;
}

/** How a vCPU's host runs: with VHE, MDCR_EL2 is written when the vCPU is loaded and when it changes, else at each world switch. */
export interface HostMode {
  readonly vhe: boolean;
}

/**
 * One vCPU's guest debugging: what userspace asked for, and what that makes of the hardware while the guest runs. Between runs
 * the vCPU's registers are the guest's own, PSTATE.SS and SPSR_EL1.SS among them.
 */
export class Arm64GuestDebug {
  readonly #cpu: Arm64Cpu;
  readonly #vhe: boolean;
  readonly #guestStep: GuestStep;
  readonly #sets: RegisterSets;
  #control = 0;
  #guestAccessed = false;
  /** Undefined when something it follows from has changed. */
  #load: Load | undefined;
  /** What the hardware has been changed for, while the guest runs under userspace's debugging. */
  #in: Load | undefined;
  /** The step machine of the CPU is EL2's in this run. */
  #shadows = false;
  #step: StepState = "inactive";
  /** What the step exception for userspace would say of the last instruction. */
  #stepIss = 0;
  /** The instruction that the guest's own registers must not stop, because on its own it could not take their exceptions. */
  #passes: bigint | undefined;
  /** The host's MDCR_EL2 while the vCPU is loaded. */
  #hostMdcr: number | undefined;
  /** What was last written to MDCR_EL2; the CPU may not have all of its fields. */
  #written = 0;

  constructor(cpu: Arm64Cpu, { vhe }: HostMode) {
    this.#cpu = cpu;
    this.#vhe = vhe;
    this.#guestStep = new GuestStep(cpu);
    this.#sets = new RegisterSets(cpu);
  }

  get enabled(): boolean {
    return (this.#control & guestDebugControl.ENABLE) !== 0;
  }

  get stepping(): boolean {
    return (this.#control & guestDebugControl.SINGLESTEP) !== 0;
  }

  get usesHardware(): boolean {
    return (this.#control & guestDebugControl.USE_HW) !== 0;
  }

  /** Userspace's step machine, as of the last exit. */
  get stepState(): StepState {
    return this.#step;
  }

  /** Whether the CPU will report a step to userspace before it executes anything. */
  get stepPending(): boolean {
    return this.#step === "active-pending";
  }

  /** Whose the debug registers are. */
  get owner(): DebugOwner {
    return this.#current().owner;
  }

  /** What MDCR_EL2 is to be while the guest runs: the vCPU's own value, with fields that the CPU may not have. */
  get mdcr(): number {
    return this.#current().mdcr;
  }

  /** `KVM_SET_GUEST_DEBUG`. @throws KvmError EINVAL for control bits that arm64 does not have; nothing changes then. */
  set(debug: GuestDebug): void {
    if ((debug.control & ~known) !== 0) {
      throw new KvmError(
        "EINVAL",
        `guest debug control 0x${debug.control.toString(16)} has bits arm64 does not know`,
      );
    }
    const on = (debug.control & guestDebugControl.ENABLE) !== 0;
    this.#control = on ? debug.control : 0;
    if (!this.stepping) this.#step = "inactive";
    else if (this.#step === "inactive") this.#step = "active-not-pending";
    this.#sets.setHost(this.usesHardware, debug.arch);
    this.#load = undefined;
  }

  /** The guest's own debug registers have changed. Where nobody stands between, the hardware has them at once. */
  guestRegistersChanged(): void {
    this.#sets.guestChanged();
    this.#load = undefined;
    if (!this.enabled) this.#cpu.debug.load(this.#current().registers);
  }

  /** The guest has come to EL2 with an access to a debug register. */
  guestUsesRegisters(): void {
    if (this.#guestAccessed) return;
    this.#guestAccessed = true;
    this.#load = undefined;
  }

  /** The vCPU was reset: what userspace asked for stays. */
  reset(): void {
    this.#sets.guestChanged();
    this.#load = undefined;
    this.#passes = undefined;
    this.#guestAccessed = false;
    if (this.stepping) this.#step = "active-not-pending";
  }

  /** `vcpu_load`: `KVM_RUN` begins. Its MDCR_EL2 is computed before anything else, and before it is first in the CPU. */
  enter(): void {
    // Userspace may have changed what made the instruction pass.
    this.#passes = undefined;
    if (this.#guestAccessed) {
      this.#guestAccessed = false;
      this.#load = undefined;
    }
    const { mdcr } = this.#current();
    this.#hostMdcr = this.#cpu.controls.mdcr;
    if (this.#vhe) this.#writeMdcr(mdcr);
  }

  /** `vcpu_put`: `KVM_RUN` ends. */
  leave(): void {
    if (this.#vhe && this.#hostMdcr !== undefined) this.#cpu.controls.writeMdcr(this.#hostMdcr);
    this.#hostMdcr = undefined;
  }

  /** The world switch to the guest: the trap controls, the debug hardware, and MDSCR_EL1 and PSTATE.SS as userspace needs them. */
  load(): void {
    const cpu = this.#cpu;
    const load = this.#current();
    cpu.controls.hcr = guestHcr;
    if (!this.#vhe || this.#written !== load.mdcr) this.#writeMdcr(load.mdcr);
    if (this.#passes !== undefined && this.#passes !== cpu.registers.pc) this.#passes = undefined;
    const passes = this.#passes !== undefined;
    cpu.debug.load(passes ? (this.#sets.host ?? noDebugRegisters) : load.registers);
    if (!this.enabled) return;
    this.#in = load;
    this.#shadows = this.stepping || load.guestSteps || passes;
    const { system } = cpu;
    let value = load.guestMdscr & ~(mdscr.SS | mdscr.MDE);
    if (this.#shadows) value |= mdscr.SS;
    if (load.guestLive || this.usesHardware) value |= mdscr.MDE;
    if (this.#shadows) {
      this.#guestStep.begin(load.guestSteps, this.#step !== "active-pending");
      if (this.#step === "active-pending") cpu.debug.setSteppedIss(this.#stepIss);
    }
    system.setWord(wordOf.monitorControl, value);
    // The guest's locks must not silence the host; what they silence of the guest's own is not loaded.
    system.setWord(wordOf.osLock, load.guestOsLock & ~debugLock.OSLK);
    system.setWord(wordOf.doubleLock, load.guestDoubleLock & ~debugLock.DLK);
  }

  /** The world switch back: the guest's own values return. `reported`: the exit is the step exception. */
  unload(reported: boolean): void {
    const cpu = this.#cpu;
    if (!this.#vhe && this.#hostMdcr !== undefined) cpu.controls.writeMdcr(this.#hostMdcr);
    const load = this.#in;
    if (load === undefined) return;
    this.#in = undefined;
    const { system } = cpu;
    if (this.#shadows) {
      if (this.stepping) {
        this.#stepIss = cpu.debug.steppedIss;
        this.#step = reported || cpu.registers.singleStep ? "active-not-pending" : "active-pending";
      }
      if (this.#guestStep.end()) this.#passes = undefined;
    }
    system.setWord(wordOf.monitorControl, load.guestMdscr);
    system.setWord(wordOf.osLock, load.guestOsLock);
    system.setWord(wordOf.doubleLock, load.guestDoubleLock);
  }

  /** Whether the guest's own step machine is active, by its own registers as they are between runs. */
  get guestStepActive(): boolean {
    const load = this.#current();
    return load.guestSteps && this.#cpu.debug.enabledByGuest();
  }

  /**
   * ISS of the guest's own step exception if that comes before its next instruction and the CPU cannot raise it, because its
   * step machine is EL2's.
   */
  guestStepIss(): number | undefined {
    if (!this.enabled || !this.#current().guestSteps) return undefined;
    if (this.stepPending || this.#cpu.midInstruction) return undefined;
    if (!this.guestStepActive || this.#cpu.registers.singleStep) return undefined;
    return this.#cpu.debug.steppedIss;
  }

  /**
   * The guest's present instruction has been done, or has ended in an exception, without the CPU: a step over it is complete.
   * @param guestWasStepping the guest's own machine was active before it.
   */
  instructionDone(guestWasStepping: boolean): void {
    if (this.stepping) this.#step = "active-pending";
    this.#stepIss = this.#cpu.debug.steppedIss;
    this.#passes = undefined;
    if (guestWasStepping) this.#cpu.registers.singleStep = false;
    else this.#cpu.debug.notStepped();
  }

  /**
   * Whether a breakpoint or watchpoint exception at the present instruction is to be reported. It is not when the guest's own
   * registers may have caused it and the guest, running alone, could not have taken it here: then the instruction is tried again
   * with userspace's registers only, whose exception has userspace's FAR.
   */
  isReported(): boolean {
    const { debug, registers } = this.#cpu;
    if (!this.#current().guestLive || debug.enabledByGuest() || this.#passes === registers.pc) return true;
    this.#passes = registers.pc;
    return false;
  }

  #writeMdcr(value: number): void {
    this.#written = value;
    this.#cpu.controls.writeMdcr(value);
  }

  #current(): Load {
    this.#load ??= this.#derive();
    return this.#load;
  }

  /** Everything that follows from who debugs and what the guest has set. */
  #derive(): Load {
    const { system, debug, controls } = this.#cpu;
    const guestMdscr = system.word(wordOf.monitorControl);
    const isOpen = !debug.locked;
    const guestLive = isOpen && (guestMdscr & mdscr.MDE) !== 0;
    const owner = debugOwner({
      hostUsesHardware: this.usesHardware,
      guestMdscr,
      guestAccessed: this.#guestAccessed,
    });
    return {
      owner,
      mdcr: trapBits(owner, this.enabled, this.#hostMdcr ?? controls.mdcr),
      registers: this.#sets.loaded(guestLive),
      guestLive,
      guestSteps: isOpen && (guestMdscr & mdscr.SS) !== 0,
      guestMdscr,
      guestOsLock: system.word(wordOf.osLock),
      guestDoubleLock: system.word(wordOf.doubleLock),
    };
  }
}
