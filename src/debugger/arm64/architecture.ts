import type { Arm64DebugExit, DebugExit } from "../../kvm/exits.ts";
import { arm64Reg } from "../../kvm/oneReg.ts";
import type { DebugArchitecture, DebugEvent } from "../architecture.ts";
import { enterException } from "./exceptionEntry.ts";
import { backtraceArm64, observeArm64 } from "./observe.ts";
import { arm64Registers } from "./registers.ts";
import { arm64WatchRegisters } from "./watchRegisters.ts";

/** ESR_ELx.EC of the exceptions a debugger causes, as they come from a lower level. Arm ARM D17.2.37. */
const exceptionClass = { breakpoint: 0x30, softwareStep: 0x32, watchpoint: 0x34, brk: 0x3c } as const;

/** ISS.WnR of a watchpoint exception. */
const writeNotRead = 1 << 6;

/** BRK #0, as QEMU and KVM's users plant it. */
const brk = new Uint8Array([0x00, 0x00, 0x20, 0xd4]);

/** DBGBCR: E, PMC = 0b11 (EL1 and EL0), BAS = 0b1111. Arm ARM D17.3.1. */
const breakpointControl = 0x1e7;

/** A debug exit of an arm64 vCPU. */
type Arm64Exit = DebugExit & { readonly arch: Arm64DebugExit };

function classify({ hsr, far }: Arm64DebugExit): DebugEvent {
  switch (hsr >>> 26) {
    case exceptionClass.softwareStep:
      return { kind: "step" };
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

/** arm64 for the debugger. */
export const arm64DebugArchitecture: DebugArchitecture = {
  pc: arm64Reg.pc,
  breakpointInstruction: brk,
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
  deliver: (vcpu, { arch }: Arm64Exit) => {
    const atEl0 = (vcpu.getOneReg(arm64Reg.pstate) & 0xfn) === 0n;
    const isWatchpoint = arch.hsr >>> 26 === exceptionClass.watchpoint;
    enterException(vcpu, guestSyndrome(arch.hsr, atEl0), isWatchpoint ? arch.far : undefined);
    return "entered";
  },
  observe: observeArm64,
  backtrace: backtraceArm64,
};
