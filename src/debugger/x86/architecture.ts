import type { DebugExit, X86DebugExit } from "../../kvm/exits.ts";
import { type GuestDebugArch, guestDebugControl } from "../../kvm/guestDebug.ts";
import { armedRegisters } from "../../kvm/x86DebugRegisters.ts";
import { x86RegisterId } from "../../kvm/x86Registers.ts";
import type { X86Vcpu } from "../../kvm/x86Vcpu.ts";
import type { DebugArchitecture, DebugEvent } from "../architecture.ts";
import { backtraceX86 } from "./backtrace.ts";
import { observeX86 } from "./observe.ts";
import { x86DebugRegisters } from "./registers.ts";
import { isX86, x86GuestDebugRegisters, x86WatchRegisters } from "./watchRegisters.ts";

/** Exception vectors. */
const vector = { debug: 1, breakpoint: 3 } as const;

/** DR6: which register matched, and BS. Intel SDM volume 3, 18.2.3. */
const hits = 0xfn;
const singleStep = 0x4000n;

/** A debug exit of an x86 vCPU. */
type X86Exit = DebugExit & { readonly arch: X86DebugExit };

function classify({ exception, dr6 }: X86DebugExit, armed: GuestDebugArch | undefined): DebugEvent {
  if (exception === vector.breakpoint) return { kind: "breakpoint-instruction" };
  if (exception !== vector.debug) return { kind: "other" };
  const ours =
    armed === undefined || !isX86(armed)
      ? []
      : armedRegisters({ control: guestDebugControl.USE_HW, arch: armed });
  const hit = ours.filter(({ index }) => ((dr6 >> BigInt(index)) & 1n) !== 0n);
  const data = hit.find(({ kind }) => kind !== "execute");
  // DR6 does not tell a read from a write.
  if (data !== undefined) return { kind: "watchpoint", address: data.address, write: true };
  if (hit.length > 0) return { kind: "hardware-breakpoint" };
  if ((dr6 & singleStep) === 0n) return { kind: "other" };
  // Without registers of ours, the guest's own are live.
  return (dr6 & hits) !== 0n && ours.length === 0 ? { kind: "step", guest: true } : { kind: "step" };
}

function describe({ exception, dr6 }: X86DebugExit): string {
  return exception === vector.breakpoint ? "#BP" : `#DB, DR6 0x${dr6.toString(16)}`;
}

/** x86 for the debugger. */
export const x86DebugArchitecture: DebugArchitecture = {
  pc: x86RegisterId("linear_pc"),
  breakpointInstruction: Uint8Array.of(0xcc),
  instructionAlignment: 1,
  watchpointsReported: "after",
  sharedRegisters: true,
  registers: x86DebugRegisters,
  classify: (exit: X86Exit, armed) => classify(exit.arch, armed),
  describe: ({ arch }: X86Exit) => describe(arch),
  watch: x86WatchRegisters,
  debugRegisters: x86GuestDebugRegisters,
  deliver: (vcpu: X86Vcpu, { arch }: X86Exit) => {
    // With a hit of the guest's own registers, the step is the host's.
    const isHit = arch.exception === vector.debug && (arch.dr6 & hits) !== 0n;
    vcpu.reinject(isHit ? { ...arch, dr6: arch.dr6 & ~singleStep } : arch);
    return "pending";
  },
  observe: observeX86,
  backtrace: backtraceX86,
};
