import { KvmError } from "../../errors.ts";
import type { X86DebugExit, X86Exit, X86InternalError } from "../../exits.ts";
import { guestDebugControl, type X86GuestDebug, x86GuestDebugControl } from "../../guestDebug.ts";
import { type ArmedRegister, armedRegisters } from "../../x86DebugRegisters.ts";
import type { X86Vcpu } from "../../x86Vcpu.ts";
import type { GuestRam } from "../guestRam.ts";
import { internalErrors } from "../uapi/constants.ts";
import type { X86Regs, X86VcpuEvents } from "../uapi/x86_64/records.ts";
import { BreakSearch } from "./debug/breakSearch.ts";
import { CodePeek, type Transfer } from "./debug/codePeek.ts";
import { catchesUserBreaks, type HostDebugFacts } from "./debug/facts.ts";
import { GuestMemory } from "./debug/guestMemory.ts";
import { handlerOf, handlersOf } from "./debug/handlers.ts";
import { Injector, vectors } from "./debug/injector.ts";
import { kernelDebug, withTrap } from "./debug/kernelDebug.ts";
import { frameAt, isUserFrame, returnTo, syscall, sysretq } from "./debug/transfers.ts";
import { OwnTrapFlag, trapFlag } from "./debug/trapFlag.ts";
import { UserBreaks } from "./debug/userBreaks.ts";
import { armAll, UserMode } from "./debug/userMode.ts";
import { isUserPage } from "./debug/userPages.ts";
import { Watcher } from "./debug/watcher.ts";
import type { X86VcpuFile } from "./vcpuFile.ts";
import { X86VcpuState } from "./vcpuState.ts";

const { ENABLE, SINGLESTEP, USE_SW_BP, USE_HW } = guestDebugControl;
const { INJECT_BP, INJECT_DB, BLOCKIRQ } = x86GuestDebugControl;

const resumeFlag = 0x1_0000n;

/** DR6: BS, the hits, and the bits that are always one (Intel SDM volume 3, 18.2.3). */
const dr6Step = 0x4000n;
const dr6Hits = 0xfn;
const dr6Fixed = 0xffff_0ff0n;

/** KVM_VCPUEVENT_VALID_NMI_PENDING, _SIPI_VECTOR, _SHADOW. */
const allEvents = 7;

/** The one-byte instructions that a debugger and a guest break with. */
const int3 = 0xcc;
const int1 = 0xf1;
/** Of two bytes. */
const int = 0xcd;
/** Also of one byte, and not emulated by KVM. */
const fwait = 0x9b;

/** CR0: MP and TS. FSW: ES. */
const monitorAndSwitched = 0xan;
const exceptionSummary = 0x80;

type DebugExit = Extract<X86Exit, { readonly reason: "DEBUG" }>;

/** A debug exit that the kernel did not make. */
interface OwnDebugExit {
  readonly reason: "DEBUG";
  readonly arch: { -readonly [K in keyof X86DebugExit]: X86DebugExit[K] };
}

/**
 * A vCPU of the host's KVM whose debug exits are those of the Intel SDM: what this host's kernel is known to leave out
 * (`HostDebugFacts`) is made up for here. Everything else is the kernel's.
 */
export class LinuxX86Vcpu extends X86VcpuState implements X86Vcpu {
  readonly #facts: HostDebugFacts;
  readonly #memory: GuestMemory;
  readonly #watcher: Watcher;
  readonly #peek: CodePeek;
  readonly #search: BreakSearch;
  readonly #injector: Injector;
  readonly #ownTrap: OwnTrapFlag;
  readonly #userMode: UserMode;
  readonly #userBreaks: UserBreaks;
  readonly #ownExit: OwnDebugExit = {
    reason: "DEBUG",
    arch: { exception: vectors.debug, pc: 0n, dr6: 0n, dr7: 0n },
  };
  #debug: X86GuestDebug = { control: 0 };
  /** The user's debug registers. */
  #armed: readonly ArmedRegister[] = [];
  #execution: readonly ArmedRegister[] = [];
  /** Watchpoints that the kernel does not know of. */
  #watched: readonly ArmedRegister[] = [];
  /** Execution breakpoints in user mode that the kernel would never report: each step is compared with them. */
  #met: readonly ArmedRegister[] = [];
  /** Each instruction is stepped for what the kernel would not report. */
  #stepsAll = false;
  /** The kernel has been told to step. */
  #toldToStep = false;
  /** The kernel is to complete an instruction for which the last exit was. */
  #unfinished = false;
  /** Lower half of the linear address of the instruction that is being stepped. */
  #from = 0;
  /** Somebody has written the registers since the last exit. */
  #moved = true;
  /** RF may be set: somebody has written the registers, or the vCPU is at a breakpoint. */
  #mayPass = false;
  /** Where the present step ends: the handler of an exception that the vCPU enters when it runs. */
  #goal: readonly bigint[] | undefined;
  #holdsInterrupts = false;
  /** An exit that nobody has looked at. */
  #putBack: X86Exit | undefined;

  constructor(file: X86VcpuFile, ram: GuestRam, facts: HostDebugFacts) {
    super(file);
    const memory = new GuestMemory(file, ram);
    this.#facts = facts;
    this.#memory = memory;
    this.#watcher = new Watcher(ram);
    this.#peek = new CodePeek(ram);
    this.#search = new BreakSearch(ram, facts);
    this.#injector = new Injector(file, memory);
    this.#ownTrap = new OwnTrapFlag(file, memory);
    this.#userMode = new UserMode(file, memory);
    this.#userBreaks = new UserBreaks(file, memory);
  }

  /**
   * `KVM_RUN`, until the guest needs somebody or something interrupts it. The exit is to be read before the next run.
   * @throws KvmError what the kernel answers; EOPNOTSUPP for a step in user mode where the host's KVM cannot
   */
  run(): X86Exit {
    let exit = this.#begin();
    while (exit === undefined) {
      const special = this.#kernelSteps ? this.#specialStep() : undefined;
      if (special === "done") continue;
      if (special !== undefined) return special;
      this.#beforeEntry();
      exit = this.#judge(this.file.run());
    }
    return exit;
  }

  get runsHere(): boolean {
    return !this.file.hasThread || this.#kernelSteps || this.#wantsSearch;
  }

  get isAway(): boolean {
    return this.file.isAway;
  }

  get hasReturned(): boolean {
    return this.file.hasReturned;
  }

  enter(): X86Exit | undefined {
    if (this.#kernelSteps) return this.run();
    const exit = this.#begin();
    if (exit !== undefined) return exit;
    this.#beforeEntry();
    this.file.enter();
    return undefined;
  }

  leave(): X86Exit | undefined {
    const exit = this.file.leave();
    if (exit !== undefined) return this.#judge(exit);
    // It has not run, and what the last exit tells may be of earlier.
    this.moved();
    return undefined;
  }

  halt(): void {
    this.file.halt();
  }

  settle(): void {
    if (!this.#unfinished || this.#putBack !== undefined) return;
    this.forget();
    const exit = this.#finish(true);
    if (exit !== undefined) this.putBack(exit);
  }

  putBack(exit: X86Exit): void {
    this.#putBack = exit.reason === "DEBUG" ? this.#dataHits(exit) : exit;
  }

  /** With the guest's own TF, also while the host steps. */
  override getRegs(): X86Regs {
    const regs = super.getRegs();
    if (!this.#toldToStep || !this.#ownTrap.value) return regs;
    return { ...regs, rflags: regs.rflags | trapFlag };
  }

  override setRegs(regs: X86Regs): void {
    super.setRegs(regs);
    this.#ownTrap.reset(regs.rflags);
  }

  /** `KVM_SET_GUEST_DEBUG`. @throws KvmError EINVAL on control bits this KVM does not know; nothing changes then. */
  setGuestDebug(debug: X86GuestDebug): void {
    const armed = armedRegisters(debug);
    const watched = armed.filter((each) => this.#isOurs(each));
    const met = armed.filter((each) => this.#isMissed(each));
    this.#watcher.check(watched);
    // Without a register that is free for it, INT3 in user mode is found by steps too.
    const hasNoTrap =
      armed.length === 4 && catchesUserBreaks(this.#facts) && (debug.control & USE_SW_BP) !== 0;
    const stepsAll = met.length > 0 || hasNoTrap;
    // It is placed before the next entry.
    this.#userBreaks.handler = undefined;
    const injectHere = (debug.control & INJECT_BP) !== 0 && !this.#facts.injectsAfterInt3;
    this.#arm(injectHere ? { ...debug, control: debug.control & ~INJECT_BP } : debug, watched, stepsAll);
    if (this.#putBack?.reason === "DEBUG") this.#putBack = this.#dataHits(this.#putBack, armed);
    // Injections are done once.
    this.#debug = { ...debug, control: debug.control & ~(INJECT_BP | INJECT_DB) };
    this.#armed = armed;
    this.#execution = armed.filter(({ kind }) => kind === "execute");
    this.#watched = watched;
    this.#met = met;
    this.#stepsAll = stepsAll;
    this.#watcher.arm(watched);
    if (injectHere) this.#giveBreakpoint();
  }

  /** `KVM_GUESTDBG_BLOCKIRQ`, where this KVM has it. */
  holdInterrupts(held: boolean): void {
    if (held === this.#holdsInterrupts) return;
    this.#holdsInterrupts = held;
    if (this.#debug.control !== 0) this.#arm();
  }

  reinject(exit: X86DebugExit): void {
    this.forget();
    if (exit.exception === vectors.breakpoint) {
      this.#aim(vectors.breakpoint);
      this.#giveBreakpoint();
      return;
    }
    this.#aim(vectors.debug);
    this.#injector.debug(exit, this.#pc());
    this.#moved = true;
  }

  /** Events of another time: nothing that is under way now goes on. */
  putBackEvents(events: X86VcpuEvents): void {
    // An exit in the midst of an instruction: the kernel completes it first, before what comes next.
    if (this.#unfinished) this.file.complete();
    this.#unfinished = false;
    this.#goal = undefined;
    this.#putBack = undefined;
    this.#userBreaks.isGivenBack = false;
    this.#ownTrap.reset(0n);
    this.setVcpuEvents({ ...events, flags: allEvents });
  }

  protected override get knowsPc(): boolean {
    return !this.#moved;
  }

  protected override moved(): void {
    this.#moved = true;
    this.#putBack = undefined;
    this.#mayPass = true;
  }

  /** Tells the kernel what to do; the guest's own TF is hidden while it steps, and back when it does not. */
  #arm(debug: X86GuestDebug = this.#debug, without = this.#watched, all = this.#stepsAll): void {
    const told = withTrap(kernelDebug(debug, without), this.#userBreaks.handler);
    let { control } = told;
    if (this.#search.active || all) control |= ENABLE | SINGLESTEP;
    if ((control & ENABLE) !== 0) control |= this.#blocked;
    const steps = (control & ENABLE) !== 0 && (control & SINGLESTEP) !== 0;
    if (steps && !this.#toldToStep) this.#ownTrap.value = (this.file.getRegs().rflags & trapFlag) !== 0n;
    this.file.setGuestDebug({ ...told, control });
    const isBack = this.#toldToStep && !steps && this.#ownTrap.value;
    this.#toldToStep = steps;
    if (isBack) this.#showOwnTrap();
  }

  #showOwnTrap(): void {
    const regs = this.file.getRegs();
    this.file.setRegs({ ...regs, rflags: regs.rflags | trapFlag });
    this.forget();
    this.#moved = true;
  }

  /** The bit that holds interrupts back, if they are to be and can. */
  get #blocked(): number {
    return this.#holdsInterrupts ? this.#facts.control & BLOCKIRQ : 0;
  }

  /** A step ends before the handler's first instruction. */
  #aim(vector: number): void {
    if (!this.#stepping || !this.#facts.execution.kernel) return;
    const handler = handlerOf(this.file, vector, this.#memory);
    this.#goal = handler === undefined ? undefined : [handler];
  }

  #giveBreakpoint(): void {
    this.#injector.breakpoint();
    this.#userBreaks.isGivenBack = this.#inUserMode;
    this.#moved = true;
  }

  /** What has to be done before the guest runs; an exit if that already is what the user waits for. */
  #begin(): X86Exit | undefined {
    this.forget();
    const putBack = this.#putBack;
    this.#putBack = undefined;
    if (putBack !== undefined) return putBack;
    this.#search.forget();
    if (this.#watcher.active) this.#watcher.place(this.file);
    const exit = this.#unfinished ? this.#finish() : undefined;
    if (exit !== undefined) return exit;
    if (this.#ownTrap.isDue) this.#giveOwnStep();
    const goal = this.#goal;
    this.#goal = undefined;
    if (goal !== undefined && this.#stepping) {
      const reached = this.#runTo(goal, true);
      if (reached !== "done") return reached;
    }
    if (this.#wantsSearch) {
      const pc = this.#pc();
      if (this.#search.isNext(Number(pc))) return this.#report(vectors.breakpoint, dr6Fixed, pc);
    }
    return this.#mayPass ? this.#pass() : undefined;
  }

  #beforeEntry(): void {
    const searches = this.#wantsSearch;
    const hasTrap = this.#userBreaks.place(this.#wantsUserBreaks);
    if (searches !== this.#search.active || hasTrap) {
      this.#search.active = searches;
      this.#arm();
    }
    if (this.#kernelSteps) this.#from = this.#moved ? this.#pcLow() : this.file.last.pcLow;
    this.#moved = false;
  }

  /** The user wants steps. */
  get #stepping(): boolean {
    return (this.#debug.control & SINGLESTEP) !== 0;
  }

  /** Each instruction is stepped, for the user or to compare what is watched. */
  get #kernelSteps(): boolean {
    return this.#stepping || this.#watched.length > 0 || this.#stepsAll || this.#search.active;
  }

  get #wantsSearch(): boolean {
    return this.#search.wanted(this.file, this.#debug.control, this.#moved);
  }

  /** INT3 in user mode has to be caught at the guest's handler. */
  get #wantsUserBreaks(): boolean {
    if ((this.#debug.control & USE_SW_BP) === 0 || this.#kernelSteps) return false;
    if (!catchesUserBreaks(this.#facts)) return false;
    if (this.#moved) this.#refresh();
    return true;
  }

  get #inUserMode(): boolean {
    return this.#moved ? this.file.getSregs().ss.dpl === 3 : this.file.last.user;
  }

  /** What the last exit tells is brought up to date. */
  #refresh(): void {
    this.file.refresh();
    this.#moved = false;
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
    return this.#report(vectors.debug, dr6Fixed | bitsOf(still), this.pc);
  }

  /** Whether this register is a watchpoint that the kernel would never report. */
  #isOurs({ kind }: ArmedRegister): boolean {
    return (kind === "write" || kind === "access") && !this.#facts.watchpoint.kernel;
  }

  /** Whether it is an execution breakpoint that the kernel would never report. */
  #isMissed({ kind, address }: ArmedRegister): boolean {
    if (kind !== "execute" || this.#facts.execution.user) return false;
    return isUserPage(address, this.file, this.#memory);
  }

  /** The linear address of the next instruction, asked of the kernel: nothing is remembered, as the vCPU is about to run. */
  #pc(): bigint {
    if (!this.#moved) return this.file.last.pc;
    const { cs } = this.file.getSregs();
    const { rip } = this.file.getRegs();
    return cs.l === 1 ? rip : rip + cs.base;
  }

  #pcLow(): number {
    return Number(BigInt.asUintN(32, this.#pc()));
  }

  /** What an exit of the kernel means; undefined when the guest goes on. */
  #judge(exit: X86Exit): X86Exit | undefined {
    switch (exit.reason) {
      case "IO":
      case "MMIO":
        this.#unfinished = true;
        return exit;
      case "DEBUG":
        return this.#debugExit(exit);
      case "INTERNAL_ERROR":
        return exit.suberror === internalErrors.KVM_INTERNAL_ERROR_EMULATION ? this.#emulate(exit) : exit;
      default:
        return exit;
    }
  }

  #debugExit(exit: DebugExit): X86Exit | undefined {
    if (exit.arch.exception !== vectors.debug) return exit;
    const { last } = this.file;
    const isBreakpoint = (last.dr6 & 0xf) !== 0;
    if (isBreakpoint) {
      if (this.#userBreaks.handler !== undefined && last.pc === this.#userBreaks.handler)
        return this.#atTrap(exit);
      this.#mayPass = true;
    } else if (last.movSsShadow) {
      // MOV SS and POP SS hold debug traps back until the next instruction is executed. SDM volume 3, 6.8.3.
      return undefined;
    }
    if (this.#toldToStep && (!isBreakpoint || (last.dr6 & Number(dr6Step)) !== 0)) this.#ownTrap.executed();
    if (this.#watched.length > 0 || this.#stepsAll) {
      const hits = this.#look();
      if (hits !== 0n) return this.#report(vectors.debug, this.#dr6(hits));
    } else if (!this.#search.active) {
      return exit;
    }
    if (this.#stepping || isBreakpoint) return exit;
    const isFound = this.#search.active && this.#search.isNext(last.pcLow);
    return isFound ? this.#report(vectors.breakpoint, dr6Fixed) : undefined;
  }

  /** Bits of DR6 for the watchpoints that the executed instruction has hit, where the kernel does not report them. */
  #look(): bigint {
    return this.#watched.length > 0 ? BigInt(this.#watcher.look()) : 0n;
  }

  /** At the handler of the guest's #BP, on which there is a breakpoint for INT3 in user mode. */
  #atTrap(exit: DebugExit): X86Exit | undefined {
    const { handler } = this.#userBreaks;
    const pc = this.#userBreaks.catch();
    if (pc !== undefined) {
      this.#moved = true;
      return this.#report(vectors.breakpoint, dr6Fixed, pc);
    }
    if (this.#execution.some(({ address }) => address === handler)) {
      this.#mayPass = true;
      return exit;
    }
    // The guest's own: on without the breakpoint for one instruction.
    this.#userBreaks.handler = undefined;
    this.#arm({ ...this.#debug, control: this.#debug.control | ENABLE | SINGLESTEP });
    const stepped = this.file.run();
    this.#userBreaks.handler = handler;
    this.#arm();
    const isOnlyOurStep =
      stepped.reason === "DEBUG" && (stepped.arch.dr6 & dr6Hits) === 0n && !this.#stepping;
    return isOnlyOurStep ? undefined : this.#judge(stepped);
  }

  /**
   * Completes the instruction that the last exit was in the middle of. KVM checks no step after port output and MMIO writes,
   * which need nothing more in the kernel; so that is done here, once the last piece is complete. Without steps the kernel does it
   * when it runs the vCPU next. @param always not only for steps @returns what is to be reported; undefined when the guest goes on.
   */
  #finish(always = false): X86Exit | undefined {
    this.#unfinished = false;
    const guestSteps = (this.file.last.rflags & Number(trapFlag)) !== 0;
    if (!always && !this.#kernelSteps && !guestSteps) return undefined;
    const exit = this.file.complete();
    if (exit !== undefined) return this.#judge(exit);
    // A fault on the way: the instruction is not executed, and the exception is what comes next.
    if (this.file.last.exception) return undefined;
    // A repeated instruction that has made its last transfer ends when it is executed once more; the kernel reports that.
    const isInPlace = this.#kernelSteps && this.file.last.pcLow === this.#from;
    if (isInPlace && this.file.last.noCount) return undefined;
    if (this.#kernelSteps) this.#ownTrap.executed();
    const hits = this.#look();
    if (this.#stepping || hits !== 0n) return this.#report(vectors.debug, this.#dr6(hits));
    if (guestSteps) this.#giveOwnStep();
    return undefined;
  }

  #dr6(hits: bigint): bigint {
    return dr6Fixed | hits | (this.#stepping ? dr6Step : 0n);
  }

  /** The #DB of the guest's own TF. */
  #giveOwnStep(): void {
    this.#ownTrap.isDue = false;
    this.#aim(vectors.debug);
    this.#injector.step();
    this.#moved = true;
  }

  /** Goes on from an execution breakpoint with RF where the kernel does not look at RF: without the breakpoint, for one step. */
  #pass(): X86Exit | undefined {
    this.#mayPass = false;
    if (this.#facts.resumeFlag || this.#execution.length === 0) return undefined;
    if ((this.file.getRegs().rflags & resumeFlag) === 0n) return undefined;
    const pc = this.#pc();
    const here = this.#execution.filter(({ address }) => address === pc);
    if (here.length === 0 || (this.#met.length > 0 && this.#inUserMode)) return undefined;
    this.#from = this.#pcLow();
    const stepped = { ...this.#debug, control: this.#debug.control | ENABLE | SINGLESTEP };
    this.#arm(stepped, [...this.#watched, ...here]);
    const exit = this.file.run();
    this.#arm();
    if (exit.reason === "INTR") this.#mayPass = true;
    const judged = this.#judge(exit);
    const isOnlyOurStep =
      exit.reason === "DEBUG" && !this.#stepping && (exit.arch.dr6 & dr6Hits) === 0n && judged === exit;
    return isOnlyOurStep ? undefined : judged;
  }

  /** A step that the kernel would lose. @returns undefined when it is the kernel's; "done" when it was made and the guest goes on */
  #specialStep(): X86Exit | "done" | undefined {
    if (this.#moved) this.#refresh();
    // An exception that is on its way comes first.
    if (this.file.last.exception) return undefined;
    if (this.file.last.user && !this.#facts.step.user) return this.#stepUserMode();
    const instruction = this.#peek.next(this.file);
    this.#ownTrap.before(instruction);
    return instruction === undefined ? undefined : this.#stepTransfer(instruction);
  }

  #stepUserMode(): X86Exit | "done" {
    this.#requireUserSteps();
    const { pc, rflags } = this.file.last;
    const met = this.#met.filter(({ address }) => address === pc);
    if (met.length > 0 && (rflags & Number(resumeFlag)) === 0)
      return this.#report(vectors.debug, dr6Fixed | bitsOf(met), pc);
    const [first, second] = this.#memory.bytes(pc, 2);
    if (first === int3 && (this.#debug.control & USE_SW_BP) !== 0)
      return this.#report(vectors.breakpoint, dr6Fixed, pc);
    if (first === 0x0f && second === 0x05) {
      this.#ownTrap.before("syscall");
      syscall(this.file);
      return this.#executed();
    }
    const step = this.#userMode.step(pc, this.#ownTrap.value, this.#blocked);
    this.#toldToStep = false;
    const wasTrapped = this.#ownTrap.value;
    this.#arm();
    if (step.kind === "exit") {
      this.#ownTrap.value = wasTrapped;
      this.#moved = true;
      const { exit } = step;
      if (exit.reason !== "IO" && exit.reason !== "MMIO") return this.#judge(exit) ?? "done";
      this.#from = this.file.last.pcLow;
      return this.#judge(exit) ?? "done";
    }
    this.#ownTrap.value = step.ownTrap;
    this.#ownTrap.isDue = wasTrapped && !step.inHandler;
    return this.#executed();
  }

  /** IRET, SYSRET: what goes to user mode is done here, where steps would get lost; to the kernel a breakpoint is where it goes. */
  #stepTransfer(instruction: Transfer): X86Exit | "done" | undefined {
    const { file } = this;
    const goesToUser = instruction === "sysret" || instruction === "sysretq";
    if (goesToUser && !this.#facts.step.user) {
      this.#requireUserSteps();
      if (instruction === "sysret")
        throw new KvmError("EOPNOTSUPP", "SYSRET to 32-bit user mode cannot be stepped on this host's KVM");
      sysretq(file);
      this.#ownTrap.executed();
      return this.#executed();
    }
    if (instruction !== "iretq" || this.#facts.iretStep) return undefined;
    const frame = frameAt(file.getRegs().rsp, this.#memory);
    if (frame === undefined) return undefined;
    if (isUserFrame(frame)) {
      if (this.#facts.step.user) return undefined;
      this.#requireUserSteps();
      if (!returnTo(file, frame, this.#memory)) return undefined;
      this.#ownTrap.executed();
      return this.#executed();
    }
    const faults = handlersOf(file, [vectors.protection, vectors.stack, vectors.page], this.#memory);
    return this.#runTo([frame.rip, ...faults.flatMap((handler) => handler ?? [])]);
  }

  /** A step that was made otherwise than by the kernel is over. */
  #executed(): X86Exit | "done" {
    this.#moved = true;
    const hits = this.#look();
    return this.#stepping || hits !== 0n ? this.#report(vectors.debug, this.#dr6(hits), this.#pc()) : "done";
  }

  /** @throws KvmError EOPNOTSUPP where user mode cannot be stepped at all */
  #requireUserSteps(): void {
    if (this.#facts.userEntry) return;
    throw new KvmError(
      "EOPNOTSUPP",
      "this host's KVM cannot single-step a guest's user mode, which watchpoints need here too; continue instead",
    );
  }

  /** Runs to the first of at most four addresses, which ends a step. @param isException that is how it gets there */
  #runTo(addresses: readonly bigint[], isException = false): X86Exit | "done" {
    const ownTrap = this.#ownTrap.value;
    this.file.setGuestDebug({ control: ENABLE | USE_HW | this.#blocked, arch: armAll(addresses) });
    if (ownTrap) this.#showOwnTrap();
    const exit = this.file.run();
    this.#moved = false;
    this.#toldToStep = false;
    this.#arm();
    this.#ownTrap.value = ownTrap;
    if (exit.reason === "INTR") this.#goal = addresses;
    if (exit.reason !== "DEBUG") return this.#judge(exit) ?? "done";
    this.#userBreaks.isGivenBack = false;
    if (isException) this.#ownTrap.entered();
    else this.#ownTrap.executed();
    const hits = this.#look();
    if (!this.#stepping && hits === 0n) return "done";
    return this.#report(vectors.debug, this.#dr6(hits));
  }

  /** Does what the kernel cannot: INT3, INT1 and FWAIT. */
  #emulate(exit: X86InternalError): X86Exit | undefined {
    switch (exit.instruction?.[0]) {
      case int3:
        if ((this.#debug.control & USE_SW_BP) !== 0) return this.#report(vectors.breakpoint, dr6Fixed);
        return this.#deliver(vectors.breakpoint, 1n);
      case int1:
        return this.#deliver(vectors.debug, 1n);
      case int: {
        const [, vector] = exit.instruction;
        if (vector === undefined) return exit;
        this.#aim(vector);
        this.#injector.interrupt(vector);
        return this.#delivered();
      }
      case fwait:
        return this.#wait();
      default:
        return exit;
    }
  }

  /** FWAIT: nothing, unless the x87 unit is away or has an exception pending (Intel SDM volume 2, WAIT). */
  #wait(): X86Exit | undefined {
    const { cr0 } = this.file.getSregs();
    const isAway = (cr0 & monitorAndSwitched) === monitorAndSwitched;
    if (isAway || (this.file.getFpu().fsw & exceptionSummary) !== 0)
      return this.#deliver(isAway ? vectors.noDevice : vectors.x87, 0n);
    const regs = this.file.getRegs();
    this.file.setRegs({ ...regs, rip: regs.rip + 1n, rflags: regs.rflags & ~resumeFlag });
    this.#moved = true;
    if (this.#toldToStep) this.#ownTrap.executed();
    return this.#stepping ? this.#report(vectors.debug, this.#dr6(0n), this.#pc()) : undefined;
  }

  /** Gives the guest the exception of the instruction at RIP. */
  #deliver(vector: number, skipped: bigint): X86Exit | undefined {
    this.#aim(vector);
    this.#injector.inject(vector, skipped);
    return this.#delivered();
  }

  #delivered(): X86Exit | undefined {
    this.#moved = true;
    const goal = this.#goal;
    this.#goal = undefined;
    if (goal === undefined) return undefined;
    const reached = this.#runTo(goal, true);
    return reached === "done" ? undefined : reached;
  }

  #report(exception: number, dr6: bigint, pc = this.file.last.pc): X86Exit {
    const { arch } = this.#ownExit;
    arch.exception = exception;
    arch.pc = pc;
    arch.dr6 = dr6;
    arch.dr7 = this.#debug.arch?.dr7 ?? 0x400n;
    return this.#ownExit;
  }
}

/** Bits of DR6 for registers that have hit. */
const bitsOf = (registers: readonly ArmedRegister[]): bigint =>
  registers.reduce((bits, { index }) => bits | (1n << BigInt(index)), 0n);
