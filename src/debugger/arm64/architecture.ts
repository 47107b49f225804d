import { arm64SystemRegisterId } from "../../kvm/arm64SystemRegisters.ts";
import type { Arm64DebugExit, DebugExit } from "../../kvm/exits.ts";
import type { Vcpu } from "../../kvm/interface.ts";
import { arm64Reg } from "../../kvm/oneReg.ts";
import type { DebugArchitecture, DebugEvent } from "../architecture.ts";
import {
  arm64BreakpointInstruction,
  arm64NumberedBreakpoints,
  brkImmediate,
} from "./breakpointInstruction.ts";
import { enterException } from "./exceptionEntry.ts";
import { arm64ExclusiveSequence } from "./exclusiveSequence.ts";
import { arm64GuestBreakpoints } from "./guestRegisters.ts";
import { backtraceArm64, observeArm64 } from "./observe.ts";
import { arm64Registers } from "./registers.ts";
import { arm64WatchRegisters } from "./watchRegisters.ts";

/** ESR_ELx.EC of the exceptions a debugger causes, as they come from a lower level. Arm ARM D17.2.37. */
const exceptionClass = { breakpoint: 0x30, softwareStep: 0x32, watchpoint: 0x34, brk: 0x3c } as const;

/** ISS.EX of a software step exception: the instruction was a load-exclusive. Arm ARM D2.12.6. */
const exclusiveLoad = 1 << 6;

/** ISS.WnR of a watchpoint exception. */
const writeNotRead = 1 << 6;

/** DBGBCR: E, PMC = 0b11 (EL1 and EL0), BAS = 0b1111. Arm ARM D17.3.1. */
const breakpointControl = 0x1e7;

/** A debug exit of an arm64 vCPU. */
type Arm64Exit = DebugExit & { readonly arch: Arm64DebugExit };

const step: DebugEvent = { kind: "step" };
const exclusiveStep: DebugEvent = { kind: "step", exclusive: true };

function classify({ hsr, far }: Arm64DebugExit): DebugEvent {
  switch (hsr >>> 26) {
    case exceptionClass.softwareStep:
      return (hsr & exclusiveLoad) === 0 ? step : exclusiveStep;
    case exceptionClass.brk:
      return { kind: "breakpoint-instruction" };
    case exceptionClass.breakpoint:
      return { kind: "hardware-breakpoint" };
    case exceptionClass.watchpoint:
      return { kind: "watchpoint", address: far, write: (hsr & writeNotRead) !== 0 };
    default:
      return { kind: "other" };
  }
}

/** The syndrome the guest must see: exceptions that it takes at its own level have the next class up. Arm ARM D17.2.37. */
function guestSyndrome(hsr: number, atEl0: boolean): number {
  const ec = hsr >>> 26;
  const hasTwoClasses =
    ec === exceptionClass.breakpoint ||
    ec === exceptionClass.softwareStep ||
    ec === exceptionClass.watchpoint;
  return hasTwoClasses && !atEl0 ? hsr + 2 ** 26 : hsr;
}

const mdscr = arm64SystemRegisterId("MDSCR_EL1");
const osLockStatus = arm64SystemRegisterId("OSLSR_EL1");
/** MDSCR_EL1.KDE, OSLSR_EL1.OSLK, PSTATE.D. */
const kernelDebugEnable = 1n << 13n;
const osLocked = 2n;
const debugMasked = 1n << 9n;

const isAtEl0 = (vcpu: Vcpu): boolean => (vcpu.getOneReg(arm64Reg.pstate) & 0xfn) === 0n;

/**
 * Whether a debug exception would have been taken to EL1: BRK always; others not while the OS lock is set, and from EL1 only with
 * MDSCR_EL1.KDE and PSTATE.D clear. Arm ARM D2.4.
 */
function guestTakes(vcpu: Vcpu, { hsr }: Arm64DebugExit): boolean {
  if (hsr >>> 26 === exceptionClass.brk) return true;
  if ((vcpu.getOneReg(osLockStatus) & osLocked) !== 0n) return false;
  if (isAtEl0(vcpu)) return true;
  return (
    (vcpu.getOneReg(mdscr) & kernelDebugEnable) !== 0n &&
    (vcpu.getOneReg(arm64Reg.pstate) & debugMasked) === 0n
  );
}

function describe({ hsr, far }: Arm64DebugExit): string {
  switch (hsr >>> 26) {
    case exceptionClass.brk:
      return `BRK #0x${(hsr & 0xffff).toString(16)}`;
    case exceptionClass.breakpoint:
      return "a breakpoint register matches PC";
    case exceptionClass.watchpoint:
      return `a watchpoint register matches a ${(hsr & writeNotRead) !== 0 ? "write" : "read"} at 0x${far.toString(16)}`;
    case exceptionClass.softwareStep:
      return "a software step is complete";
    default:
      return `an exception of class 0x${(hsr >>> 26).toString(16)}`;
  }
}

/** arm64 for the debugger. */
export const arm64DebugArchitecture: DebugArchitecture = {
  pc: arm64Reg.pc,
  breakpointInstruction: arm64BreakpointInstruction,
  numberedBreakpoints: arm64NumberedBreakpoints,
  instructionAlignment: 4,
  watchpointsReported: "before",
  sharedRegisters: false,
  registers: arm64Registers,
  classify: (exit: Arm64Exit) => classify(exit.arch),
  watch: arm64WatchRegisters,
  debugRegisters: (breakpoints, watchpoints) => ({
    bvr: breakpoints,
    bcr: breakpoints.map(() => breakpointControl),
    wvr: watchpoints.map(({ value }) => value),
    wcr: watchpoints.map(({ control }) => control),
  }),
  isBreakpointInstruction: (bytes) => brkImmediate(bytes, 0) !== undefined,
  guestBreakpoints: arm64GuestBreakpoints,
  describe: ({ arch }: Arm64Exit) => describe(arch),
  guestTakes: (vcpu, { arch }: Arm64Exit) => guestTakes(vcpu, arch),
  exclusiveSequence: arm64ExclusiveSequence,
  deliver: (vcpu, { arch }: Arm64Exit) => {
    const isWatchpoint = arch.hsr >>> 26 === exceptionClass.watchpoint;
    enterException(vcpu, guestSyndrome(arch.hsr, isAtEl0(vcpu)), isWatchpoint ? arch.far : undefined);
    return "entered";
  },
  observe: observeArm64,
  backtrace: backtraceArm64,
};
