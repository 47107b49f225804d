import type { X86DebugExit, X86Exit } from "../../exits.ts";
import { guestDebugControl, type X86GuestDebug, x86GuestDebugControl } from "../../guestDebug.ts";
import { type ArmedRegister, armedRegisters } from "../../x86DebugRegisters.ts";
import type { GuestRam } from "../guestRam.ts";
import type { X86Regs } from "../uapi/x86_64/records.ts";
import { dr6Fixed, dr6Step, trapFlag } from "./debug/bits.ts";
import { BreakSearch, type Mode } from "./debug/breakSearch.ts";
import { catchesUserBreaks, type HostDebugFacts } from "./debug/facts.ts";
import { GuestMemory } from "./debug/guestMemory.ts";
import { vectors } from "./debug/injector.ts";
import { kernelDebug, withTrap } from "./debug/kernelDebug.ts";
import { MissedEvents } from "./debug/missed.ts";
import { OwnTrapFlag } from "./debug/trapFlag.ts";
import { UserBreaks } from "./debug/userBreaks.ts";
import { isUserPage } from "./debug/userPages.ts";
import { Watcher } from "./debug/watcher.ts";
import type { X86VcpuFile } from "./vcpuFile.ts";
import { X86VcpuState } from "./vcpuState.ts";

const { ENABLE, SINGLESTEP, USE_SW_BP } = guestDebugControl;

/** CR0.PE. */
const protectionEnable = 1n;

const { INJECT_BP, INJECT_DB, BLOCKIRQ } = x86GuestDebugControl;

type DebugExit = Extract<X86Exit, { readonly reason: "DEBUG" }>;

/** A debug exit that the kernel did not make. */
interface OwnDebugExit {
  readonly reason: "DEBUG";
  readonly arch: { -readonly [K in keyof X86DebugExit]: X86DebugExit[K] };
}

/**
 * What the user of a vCPU wants of its debugging, and what the kernel is told so that it comes about. Registers that the kernel would
 * never report are left out, and made up for by steps.
 */
export abstract class X86DebugOrders extends X86VcpuState {
  protected readonly facts: HostDebugFacts;
  protected readonly memory: GuestMemory;
  protected readonly watcher: Watcher;
  protected readonly breakSearch: BreakSearch;
  protected readonly ownTrap: OwnTrapFlag;
  protected readonly userBreaks: UserBreaks;
  readonly missed: MissedEvents;
  readonly #ownExit: OwnDebugExit = {
    reason: "DEBUG",
    arch: { exception: vectors.debug, pc: 0n, dr6: 0n, dr7: 0n },
  };
  protected wanted: X86GuestDebug = { control: 0 };
  /** The user's debug registers. */
  #armed: readonly ArmedRegister[] = [];
  protected execution: readonly ArmedRegister[] = [];
  /** Watchpoints that the kernel does not know of. */
  protected watched: readonly ArmedRegister[] = [];
  /** Execution breakpoints in user mode that the kernel would never report: each step is compared with them. */
  protected met: readonly ArmedRegister[] = [];
  /** Each instruction is stepped for what the kernel would not report. */
  protected stepsAll = false;
  /** The kernel has been told to step. */
  protected toldToStep = false;
  /** Somebody has written the registers since the last exit. */
  protected isMoved = true;
  /** RF may be set: somebody has written the registers, or the vCPU is at a breakpoint. */
  protected mayPass = false;
  #holdsInterrupts = false;
  /** An exit that nobody has looked at. */
  protected heldExit: X86Exit | undefined;

  constructor(file: X86VcpuFile, ram: GuestRam, facts: HostDebugFacts) {
    super(file);
    const memory = new GuestMemory(file, ram);
    this.facts = facts;
    this.memory = memory;
    this.watcher = new Watcher(ram);
    this.breakSearch = new BreakSearch(ram, facts);
    this.ownTrap = new OwnTrapFlag(file, memory);
    this.userBreaks = new UserBreaks(file, memory);
    this.missed = new MissedEvents(facts);
  }

  /** Gives the guest the #BP of the INT3 at which it is. */
  protected abstract giveBreakpoint(): void;

  /** With the guest's own TF, also while the host steps. */
  override getRegs(): X86Regs {
    const regs = super.getRegs();
    if (!this.toldToStep || !this.ownTrap.value) return regs;
    return { ...regs, rflags: regs.rflags | trapFlag };
  }

  override setRegs(regs: X86Regs): void {
    super.setRegs(regs);
    this.ownTrap.reset(regs.rflags);
  }

  /** `KVM_SET_GUEST_DEBUG`. @throws KvmError EINVAL on control bits this KVM does not know; nothing changes then. */
  setGuestDebug(debug: X86GuestDebug): void {
    const armed = armedRegisters(debug);
    const watched = armed.filter((each) => this.#isOurs(each));
    const met = armed.filter((each) => this.#isMissed(each));
    this.watcher.check(watched);
    // Without a register that is free for it, INT3 in user mode is found by steps too.
    const hasNoTrap =
      armed.length === 4 && catchesUserBreaks(this.facts) && (debug.control & USE_SW_BP) !== 0;
    const stepsAll = met.length > 0 || hasNoTrap;
    // It is placed before the next entry.
    this.userBreaks.handler = undefined;
    const injectHere = (debug.control & INJECT_BP) !== 0 && !this.facts.injectsAfterInt3;
    this.arm(injectHere ? { ...debug, control: debug.control & ~INJECT_BP } : debug, watched, stepsAll);
    if (this.heldExit?.reason === "DEBUG") this.heldExit = this.#dataHits(this.heldExit, armed);
    // Injections are done once.
    this.wanted = { ...debug, control: debug.control & ~(INJECT_BP | INJECT_DB) };
    this.#armed = armed;
    this.execution = armed.filter(({ kind }) => kind === "execute");
    this.watched = watched;
    this.met = met;
    this.stepsAll = stepsAll;
    this.watcher.arm(watched);
    if (injectHere) this.giveBreakpoint();
  }

  /** `KVM_GUESTDBG_BLOCKIRQ`, where this KVM has it. */
  holdInterrupts(held: boolean): void {
    if (held === this.#holdsInterrupts) return;
    this.#holdsInterrupts = held;
    if (this.wanted.control !== 0) this.arm();
  }

  putBack(exit: X86Exit): void {
    this.heldExit = exit.reason === "DEBUG" ? this.#dataHits(exit) : exit;
  }

  protected override get knowsPc(): boolean {
    return !this.isMoved;
  }

  protected override moved(): void {
    this.isMoved = true;
    this.heldExit = undefined;
    this.mayPass = true;
  }

  /** Tells the kernel what to do; the guest's own TF is hidden while it steps, and back when it does not. */
  protected arm(debug: X86GuestDebug = this.wanted, without = this.watched, all = this.stepsAll): void {
    const told = withTrap(kernelDebug(debug, without), this.userBreaks.handler);
    let { control } = told;
    if (this.breakSearch.active || all) control |= ENABLE | SINGLESTEP;
    if ((control & ENABLE) !== 0) control |= this.blocked;
    const steps = (control & ENABLE) !== 0 && (control & SINGLESTEP) !== 0;
    if (steps && !this.toldToStep) this.ownTrap.value = (this.file.getRegs().rflags & trapFlag) !== 0n;
    this.file.setGuestDebug({ ...told, control });
    const isBack = this.toldToStep && !steps && this.ownTrap.value;
    this.toldToStep = steps;
    if (isBack) this.showOwnTrap();
  }

  protected showOwnTrap(): void {
    const regs = this.file.getRegs();
    this.file.setRegs({ ...regs, rflags: regs.rflags | trapFlag });
    this.forget();
    this.isMoved = true;
  }

  /** The bit that holds interrupts back, if they are to be and can. */
  protected get blocked(): number {
    return this.#holdsInterrupts ? this.facts.control & BLOCKIRQ : 0;
  }

  /** The user wants steps. */
  protected get stepping(): boolean {
    return (this.wanted.control & SINGLESTEP) !== 0;
  }

  /** Each instruction is stepped, for the user or to compare what is watched. */
  protected get kernelSteps(): boolean {
    return this.stepping || this.watched.length > 0 || this.stepsAll || this.breakSearch.active;
  }

  protected get wantsSearch(): boolean {
    return this.wantsInt3 && this.breakSearch.wanted(this.mode);
  }

  /** From here on the kernel steps, or no more, for INT3s that it would give to the guest. */
  protected search(): void {
    const searches = this.wantsSearch;
    if (searches === this.breakSearch.active) return;
    this.breakSearch.active = searches;
    this.arm();
  }

  /** INT3s are the host's. */
  protected get wantsInt3(): boolean {
    return (this.wanted.control & USE_SW_BP) !== 0;
  }

  /** INT3 in user mode has to be caught at the guest's handler. */
  protected get wantsUserBreaks(): boolean {
    if (!this.wantsInt3 || this.kernelSteps || !catchesUserBreaks(this.facts)) return false;
    if (this.isMoved) this.refresh();
    return true;
  }

  protected get mode(): Mode {
    if (!this.isMoved) {
      const { realMode, user } = this.file.last;
      return realMode ? "real" : user ? "user" : "kernel";
    }
    const { cr0, ss } = this.file.getSregs();
    if ((cr0 & protectionEnable) === 0n) return "real";
    return ss.dpl === 3 ? "user" : "kernel";
  }

  /** What the last exit tells is brought up to date. */
  protected refresh(): void {
    this.file.refresh();
    this.isMoved = false;
  }

  /**
   * A debug exit that nobody has looked at, as it may come later: what watchpoints have seen that are among `armed` still. Steps
   * are over, and at a breakpoint the vCPU arrives anew.
   */
  #dataHits({ arch: { exception, dr6 } }: DebugExit, armed = this.#armed): X86Exit | undefined {
    if (exception !== vectors.debug) return undefined;
    const hit = this.#armed.filter(
      ({ index, kind }) => kind !== "execute" && (dr6 & (1n << BigInt(index))) !== 0n,
    );
    const still = armed.filter(({ address, kind }) =>
      hit.some((was) => was.address === address && was.kind === kind),
    );
    if (still.length === 0) return undefined;
    return this.report(vectors.debug, dr6Fixed | bitsOf(still), this.pc);
  }

  /** Whether this register is a watchpoint that the kernel would never report. */
  #isOurs({ kind }: ArmedRegister): boolean {
    return (kind === "write" || kind === "access") && !this.facts.watchpoint.kernel;
  }

  /** Whether it is an execution breakpoint that the kernel would never report. */
  #isMissed({ kind, address }: ArmedRegister): boolean {
    if (kind !== "execute" || this.facts.execution.user) return false;
    return isUserPage(address, this.file, this.memory);
  }

  /** The linear address of the next instruction, asked of the kernel: nothing is remembered, as the vCPU is about to run. */
  protected linearPc(): bigint {
    if (!this.isMoved) return this.file.last.pc;
    const { cs } = this.file.getSregs();
    const { rip } = this.file.getRegs();
    return cs.l === 1 ? rip : rip + cs.base;
  }

  /** Bits of DR6 for the watchpoints that the executed instruction has hit, where the kernel does not report them. */
  protected look(): bigint {
    return this.watched.length > 0 ? BigInt(this.watcher.look()) : 0n;
  }

  protected dr6Of(hits: bigint): bigint {
    return dr6Fixed | hits | (this.stepping ? dr6Step : 0n);
  }

  protected report(exception: number, dr6: bigint, pc = this.file.last.pc): X86Exit {
    const { arch } = this.#ownExit;
    arch.exception = exception;
    arch.pc = pc;
    arch.dr6 = dr6;
    arch.dr7 = this.wanted.arch?.dr7 ?? 0x400n;
    return this.#ownExit;
  }
}

/** Bits of DR6 for registers that have hit. */
export const bitsOf = (registers: readonly ArmedRegister[]): bigint =>
  registers.reduce((bits, { index }) => bits | (1n << BigInt(index)), 0n);
