import { registerByName } from "../../../../../src/cpu/arm64/systemRegisters/table.ts";
import type { Arm64DebugExit, KvmExit } from "../../../../../src/kvm/exits.ts";
import { guestDebugControl } from "../../../../../src/kvm/guestDebug.ts";
import type { Vcpu } from "../../../../../src/kvm/interface.ts";
import { arm64Reg } from "../../../../../src/kvm/oneReg.ts";
import { a64 } from "../../../../cpu/arm64/support/assembler.ts";
import { BareMachine, type BareOptions, place, stop } from "../../../../cpu/arm64/support/machine.ts";

export const { ENABLE, SINGLESTEP, USE_SW_BP, USE_HW } = guestDebugControl;

/** The engines that every row holds on: what interprets, and what compiles code when it is first reached. */
export const engines: readonly {
  readonly name: string;
  readonly engine: NonNullable<BareOptions["engine"]>;
}[] = [
  { name: "interpreter", engine: { mode: "interpreter" } },
  { name: "compiled regions", engine: { mode: "jit", heat: 1 } },
];

/** Encodings of the registers of self-hosted debug, and others that the rows' guests use. */
export const debugRegister = {
  MDSCR_EL1: "2 0 0 2 2",
  OSLAR_EL1: "2 0 1 0 4",
  OSLSR_EL1: "2 0 1 1 4",
  OSDLR_EL1: "2 0 1 3 4",
  MDRAR_EL1: "2 0 1 0 0",
  CONTEXTIDR_EL1: "3 0 13 0 1",
  PMCR_EL0: "3 3 9 12 0",
  bvr: (n: number) => `2 0 0 ${n} 4`,
  bcr: (n: number) => `2 0 0 ${n} 5`,
  wvr: (n: number) => `2 0 0 ${n} 6`,
  wcr: (n: number) => `2 0 0 ${n} 7`,
} as const;

/** MDSCR_EL1. */
export const monitor = { SS: 0x1n, KDE: 0x2000n, MDE: 0x8000n } as const;

/** DBGBCR: enabled at EL0 and EL1. */
export const breakpointControl = 0x1e7;
/** DBGWCR: enabled at EL0 and EL1, loads and stores, eight bytes. */
export const watchpointControl = 0x1fff;

/** PSTATE of EL0 and of EL1 with its own stack pointer; D, A, I and F clear. */
export const state = { el0: 0n, el1: 5n, ss: 1n << 21n, d: 1n << 9n, daif: 0x3c0n } as const;

/** Exception classes (Arm ARM D17.2.37). */
export const ec = {
  unknown: 0x00,
  illegalState: 0x0e,
  svc: 0x15,
  breakpoint: { lower: 0x30, current: 0x31 },
  step: { lower: 0x32, current: 0x33 },
  watchpoint: { lower: 0x34, current: 0x35 },
  brk: 0x3c,
} as const;

/** Breakpoints and watchpoints that userspace wants. */
export interface Planted {
  readonly breakpoints?: readonly bigint[];
  readonly watchpoints?: readonly bigint[];
}

/** A BareMachine, and what a userspace that debugs does. */
export class DebuggedMachine extends BareMachine {
  constructor(options: BareOptions = {}) {
    super(options);
    this.register("OSLSR_EL1", 8n);
  }

  /** `KVM_SET_GUEST_DEBUG`. */
  debug(control: number, { breakpoints = [], watchpoints = [] }: Planted = {}, index = 0): void {
    this.vcpu(index).setGuestDebug({
      control,
      arch: {
        bvr: breakpoints,
        bcr: breakpoints.map(() => breakpointControl),
        wvr: watchpoints,
        wcr: watchpoints.map(() => watchpointControl),
      },
    });
  }

  /** Puts a program at the usual place and the PC on it. */
  begin(words: readonly (number | readonly number[])[], pstate: bigint = state.el1 | state.daif): void {
    this.load(place.code, [...words, stop]);
    this.pstate = pstate;
    this.pc = BigInt(place.code);
  }

  /** One step of userspace's: runs until something other than MMIO, and how many instructions that took. */
  step(): { readonly exit: KvmExit; readonly pc: number; readonly instructions: number } {
    const before = this.vm.cluster.clock.nanoseconds;
    const exit = this.run(1000);
    return { exit, pc: Number(this.pc), instructions: this.vm.cluster.clock.nanoseconds - before };
  }

  /** The debug exit that a run ends with. */
  runToDebugExit(): Arm64DebugExit {
    const exit = this.run();
    if (exit.reason !== "DEBUG") throw new Error(`the run ended with ${exit.reason}`);
    return exit.arch;
  }

  /** A system register by one-reg. */
  registerValue(name: string): bigint {
    return this.vcpu().getOneReg(arm64Reg.sysreg(registerByName(name).row.key));
  }

  register(name: string, value: bigint): void {
    this.vcpu().setOneReg(arm64Reg.sysreg(registerByName(name).row.key), value);
  }

  /** Delivers the exception of a debug exit into the guest. */
  deliver(exit: Arm64DebugExit): void {
    deliver(this.vcpu(), exit);
  }

  /** Runs and delivers everything that is a debug exception of the guest's, until something else happens. */
  runDelivering(onStep: (() => void) | undefined = undefined): KvmExit {
    for (let exits = 0; exits < 2000; exits++) {
      const exit = this.run();
      if (exit.reason !== "DEBUG") return exit;
      const isStep = exit.arch.hsr >>> 26 === ec.step.lower;
      if (!isStep || !this.vcpu().debug.stepping) this.deliver(exit.arch);
      else {
        onStep?.();
        // Userspace would step over the wait for ever.
        if ((this.peek(Number(this.pc)) & 0xffff_ffffn) === BigInt(a64.wfe)) this.debug(0);
      }
    }
    throw new Error("the guest meets debug exceptions without end");
  }
}

/** The exception class of a debug exit. */
export const classOf = ({ hsr }: Arm64DebugExit): number => hsr >>> 26;

const systemId = (name: string): bigint => arm64Reg.sysreg(registerByName(name).row.key);

/** What userspace does by one-reg to deliver the exception of a debug exit into the guest (S1.5, S1.6). */
export function deliver(vcpu: Vcpu, { hsr, far }: Arm64DebugExit): void {
  const pstate = vcpu.getOneReg(arm64Reg.pstate);
  const mode = pstate & 15n;
  const exceptionClass = hsr >>> 26;
  const hasLevels = [ec.breakpoint.lower, ec.step.lower, ec.watchpoint.lower].includes(
    exceptionClass as 0x30,
  );
  vcpu.setOneReg(arm64Reg.spsr(0), pstate);
  vcpu.setOneReg(arm64Reg.elrEl1, vcpu.getOneReg(arm64Reg.pc));
  vcpu.setOneReg(systemId("ESR_EL1"), BigInt(mode !== 0n && hasLevels ? hsr + 2 ** 26 : hsr));
  if (exceptionClass === ec.watchpoint.lower) vcpu.setOneReg(systemId("FAR_EL1"), far);
  const flags = pstate & 0xf000_0000n;
  vcpu.setOneReg(arm64Reg.pstate, flags | 0x3c5n);
  const group = mode === 0n ? 0x400n : mode === 4n ? 0n : 0x200n;
  vcpu.setOneReg(arm64Reg.pc, vcpu.getOneReg(systemId("VBAR_EL1")) + group);
}

/** MSR of a value, by X17. */
export const set = (encoding: string, value: bigint): readonly number[] => [
  ...a64.mov64(17, value),
  a64.msr(encoding, 17),
];
