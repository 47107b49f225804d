import { hcr, mdcr, mdscr } from "../../../cpu/arm64/controls.ts";
import type { Arm64Cpu } from "../../../cpu/arm64/cpu.ts";
import { type DebugRegisters, noDebugRegisters } from "../../../cpu/arm64/debugUnit.ts";
import { pstate } from "../../../cpu/arm64/registers.ts";
import { resources } from "../../../cpu/arm64/systemRegisters/identification.ts";
import { KvmError } from "../../errors.ts";
import { type GuestDebug, guestDebugControl } from "../../guestDebug.ts";

const known =
  guestDebugControl.ENABLE |
  guestDebugControl.SINGLESTEP |
  guestDebugControl.USE_SW_BP |
  guestDebugControl.USE_HW;

/** OSLSR_EL1.OSLK. */
const osLocked = 2n;

/** HCR_EL2 while a guest runs: stage 2 on, waits trapped; without EL3 an SMC is UNDEFINED by itself. */
export const guestHcr = hcr.VM | hcr.TWI | hcr.TWE;

/** What the hardware is loaded with: derived in one place from who debugs and what the guest has set. */
interface LoadedState {
  readonly mdcr: number;
  readonly registers: DebugRegisters;
  /** The guest's own MDSCR_EL1 and OSLSR_EL1. */
  readonly guestMdscr: bigint;
  readonly guestOsLock: bigint;
  /** What is in MDSCR_EL1 while the guest runs. */
  readonly mdscr: bigint;
}

/** One vCPU's guest debugging: what userspace asked for, and what that makes of the hardware while the guest runs. */
export class Arm64GuestDebug {
  readonly #cpu: Arm64Cpu;
  #control = 0;
  #host: DebugRegisters | undefined;
  #lastHost = noDebugRegisters;
  /** The guest's own registers as the hardware takes them, as of when they were last read. */
  #guest: DebugRegisters = noDebugRegisters;
  #guestStale = true;
  /** Undefined when something it follows from has changed. */
  #state: LoadedState | undefined;
  /** Defined while the guest runs under the host's debugging. */
  #loaded: LoadedState | undefined;
  #savedSingleStep = false;
  #exceptionsBefore = 0;
  /** The step machine was left active-pending: the step exception is still to come. */
  #stepPending = false;

  constructor(cpu: Arm64Cpu) {
    this.#cpu = cpu;
  }

  get enabled(): boolean {
    return (this.#control & guestDebugControl.ENABLE) !== 0;
  }

  get stepping(): boolean {
    return this.enabled && (this.#control & guestDebugControl.SINGLESTEP) !== 0;
  }

  get usesHardware(): boolean {
    return this.enabled && (this.#control & guestDebugControl.USE_HW) !== 0;
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
    if (!this.stepping) this.#stepPending = false;
    this.#host = this.usesHardware ? keepSame(this.#lastHost, hostRegisters(debug)) : undefined;
    this.#lastHost = this.#host ?? this.#lastHost;
    this.#state = undefined;
  }

  /** The guest's own debug registers may have changed: they are read again before it runs. */
  guestRegistersChanged(): void {
    this.#guestStale = true;
    this.#state = undefined;
  }

  /** The vCPU was reset: what userspace asked for stays. */
  reset(): void {
    this.guestRegistersChanged();
    this.#stepPending = false;
  }

  /** Before the guest runs: the trap controls and the debug hardware. */
  load(): void {
    const cpu = this.#cpu;
    this.#state ??= this.#derive();
    const state = this.#state;
    cpu.controls.hcr = guestHcr;
    cpu.controls.mdcr = state.mdcr;
    cpu.debug.load(state.registers);
    if (!this.enabled) return;
    this.#loaded = state;
    const { system, registers } = cpu;
    this.#exceptionsBefore = cpu.exceptionsTaken;
    if ((state.guestOsLock & osLocked) !== 0n) system.setRaw("OSLSR_EL1", state.guestOsLock & ~osLocked);
    if (state.mdscr !== state.guestMdscr) system.setRaw("MDSCR_EL1", state.mdscr);
    if (!this.stepping) return;
    this.#savedSingleStep = registers.singleStep;
    registers.singleStep = !this.#stepPending;
  }

  /** After the guest ran: its own values come back. `reported`: the step exception has been taken. */
  unload(reported: boolean): void {
    const state = this.#loaded;
    if (state === undefined) return;
    this.#loaded = undefined;
    const { system, registers } = this.#cpu;
    if (state.mdscr !== state.guestMdscr) system.setRaw("MDSCR_EL1", state.guestMdscr);
    if ((state.guestOsLock & osLocked) !== 0n) system.setRaw("OSLSR_EL1", state.guestOsLock);
    if (!this.stepping) return;
    this.#stepPending = !reported && !registers.singleStep;
    this.#restoreSingleStep(this.#cpu.exceptionsTaken > this.#exceptionsBefore);
  }

  #derive(): LoadedState {
    const { system } = this.#cpu;
    const guestMdscr = system.raw("MDSCR_EL1");
    const guestOsLock = system.raw("OSLSR_EL1");
    let value = guestMdscr & ~BigInt(mdscr.SS);
    // The guest's OS lock must not silence the host: the lock is open while the guest runs, and what it would have silenced
    // of the guest's own is switched off.
    if ((guestOsLock & osLocked) !== 0n) value &= ~BigInt(mdscr.MDE);
    if (this.stepping) value |= BigInt(mdscr.SS);
    if (this.usesHardware) value |= BigInt(mdscr.MDE);
    return {
      mdcr: this.#trapBits(guestMdscr),
      registers: this.#host ?? this.#guestRegisters(),
      guestMdscr,
      guestOsLock,
      mdscr: value,
    };
  }

  /** The guest's own PSTATE.SS: in SPSR_EL1 after an exception, which clears it in PSTATE (Arm ARM D2.12.4). */
  #restoreSingleStep(tookException: boolean): void {
    const { system, registers } = this.#cpu;
    registers.singleStep = this.#savedSingleStep && !tookException;
    if (!tookException) return;
    const saved = system.raw("SPSR_EL1") & ~BigInt(pstate.ss);
    system.setRaw("SPSR_EL1", this.#savedSingleStep ? saved | BigInt(pstate.ss) : saved);
  }

  #guestRegisters(): DebugRegisters {
    if (this.#guestStale) {
      this.#guestStale = false;
      this.#guest = keepSame(this.#guest, guestRegisters(this.#cpu));
    }
    return this.#guest;
  }

  /** The guest's present instruction has been done, or has ended in an exception, without the CPU: a step over it is complete. */
  instructionDone(): void {
    if (this.stepping) this.#stepPending = true;
  }

  /** Whether the CPU will report a step before it executes anything. */
  get stepPending(): boolean {
    return this.#stepPending;
  }

  /** MDCR_EL2 (see S3.2 of the requirements): what is trapped follows from who debugs. */
  #trapBits(guestMdscr: bigint): number {
    let value = resources.eventCounters | mdcr.TPM | mdcr.TPMS | mdcr.TPMCR | mdcr.TDRA | mdcr.TDOSA;
    if (this.enabled) value |= mdcr.TDE;
    if (this.usesHardware || !guestUsesDebug(guestMdscr)) value |= mdcr.TDA;
    return value;
  }
}

/** Whether the guest has switched breakpoints or kernel debugging on. */
function guestUsesDebug(guestMdscr: bigint): boolean {
  return (Number(guestMdscr) & (mdscr.MDE | mdscr.KDE)) !== 0;
}

/**
 * The guest's own breakpoint and watchpoint registers. While none is enabled always the same object: loading it again
 * costs nothing.
 */
function guestRegisters(cpu: Arm64Cpu): DebugRegisters {
  const all = (prefix: string, count: number): readonly bigint[] =>
    Array.from({ length: count }, (_, n) => cpu.system.raw(`${prefix}${n}_EL1`));
  const bcr = all("DBGBCR", resources.breakpoints).map(Number);
  const wcr = all("DBGWCR", resources.watchpoints).map(Number);
  if (![...bcr, ...wcr].some((control) => (control & 1) !== 0)) return noDebugRegisters;
  return { bvr: all("DBGBVR", resources.breakpoints), bcr, wvr: all("DBGWVR", resources.watchpoints), wcr };
}

/** `next`, or the object that already says the same: loading that costs nothing. */
function keepSame(known: DebugRegisters, next: DebugRegisters): DebugRegisters {
  const names = ["bvr", "bcr", "wvr", "wcr"] as const;
  return names.every((name) => next[name].every((value, n) => value === known[name][n])) ? known : next;
}

function hostRegisters(debug: GuestDebug): DebugRegisters {
  const pad = <T>(values: readonly T[] | undefined, count: number, zero: T): readonly T[] =>
    Array.from({ length: count }, (_, n) => values?.[n] ?? zero);
  return {
    bvr: pad(debug.arch?.bvr, resources.breakpoints, 0n),
    bcr: pad(debug.arch?.bcr, resources.breakpoints, 0),
    wvr: pad(debug.arch?.wvr, resources.watchpoints, 0n),
    wcr: pad(debug.arch?.wcr, resources.watchpoints, 0),
  };
}
