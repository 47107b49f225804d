import { KvmError } from "../../errors.ts";
import type { X86DebugExit, X86Exit, X86InternalError } from "../../exits.ts";
import { guestDebugControl, type X86GuestDebug, x86GuestDebugControl } from "../../guestDebug.ts";
import { type ArmedRegister, armedRegisters } from "../../x86DebugRegisters.ts";
import type { X86Vcpu } from "../../x86Vcpu.ts";
import type { GuestRam } from "../guestRam.ts";
import { internalErrors } from "../uapi/constants.ts";
import type { X86VcpuEvents } from "../uapi/x86_64/records.ts";
import { BreakSearch } from "./debug/breakSearch.ts";
import { CodePeek } from "./debug/codePeek.ts";
import type { HostDebugFacts } from "./debug/facts.ts";
import { handlerOf, type ReadPhysical } from "./debug/handlers.ts";
import { iretTarget } from "./debug/iretTarget.ts";
import { kernelDebug } from "./debug/kernelDebug.ts";
import { Watcher } from "./debug/watcher.ts";
import type { X86VcpuFile } from "./vcpuFile.ts";
import { X86VcpuState } from "./vcpuState.ts";

const { ENABLE, SINGLESTEP, USE_SW_BP, USE_HW } = guestDebugControl;
const { INJECT_BP, INJECT_DB, BLOCKIRQ } = x86GuestDebugControl;

const trapFlag = 0x100;
const resumeFlag = 0x1_0000n;

/** DR6: BS, and the bits that are always one (Intel SDM volume 3, 18.2.3). */
const dr6Step = 0x4000n;
const dr6Fixed = 0xffff_0ff0n;
const dr6Hits = 0xfn;
/** DR6: the hits, BD, BS, BT. */
const dr6Told = 0xe00fn;
/** DR7.GD, which #DB clears (18.2.4). */
const dr7GeneralDetect = 0x2000n;

/** KVM_VCPUEVENT_VALID_NMI_PENDING, _SIPI_VECTOR, _SHADOW. */
const allEvents = 7;

const vectorDebug = 1;
const vectorNoDevice = 7;
const vectorX87 = 16;
const vectorBreakpoint = 3;

/** The one-byte instructions that a debugger and a guest break with. */
const int3 = 0xcc;
const int1 = 0xf1;
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
  readonly #ram: GuestRam;
  readonly #watcher: Watcher;
  readonly #peek: CodePeek;
  readonly #search: BreakSearch;
  readonly #ownExit: OwnDebugExit = {
    reason: "DEBUG",
    arch: { exception: vectorDebug, pc: 0n, dr6: 0n, dr7: 0n },
  };
  #debug: X86GuestDebug = { control: 0 };
  /** The user's debug registers. */
  #armed: readonly ArmedRegister[] = [];
  #execution: readonly ArmedRegister[] = [];
  /** Watchpoints that the kernel does not know of. */
  #watched: readonly ArmedRegister[] = [];
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
    this.#ram = ram;
    this.#facts = facts;
    this.#watcher = new Watcher(ram);
    this.#peek = new CodePeek(ram);
    this.#search = new BreakSearch(ram, facts);
  }

  /**
   * `KVM_RUN`, until the guest needs somebody or something interrupts it. The exit is to be read before the next run.
   * @throws KvmError what the kernel answers; EOPNOTSUPP for a step in user mode where the host's KVM cannot
   */
  run(): X86Exit {
    let exit = this.#begin();
    while (exit === undefined) {
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

  /** `KVM_SET_GUEST_DEBUG`. @throws KvmError EINVAL on control bits this KVM does not know; nothing changes then. */
  setGuestDebug(debug: X86GuestDebug): void {
    const armed = armedRegisters(debug);
    const watched = armed.filter((each) => this.#isOurs(each));
    this.#watcher.check(watched);
    const injectHere = (debug.control & INJECT_BP) !== 0 && !this.#facts.injectsAfterInt3;
    this.#arm(injectHere ? { ...debug, control: debug.control & ~INJECT_BP } : debug, watched);
    if (this.#putBack?.reason === "DEBUG") this.#putBack = this.#dataHits(this.#putBack, armed);
    // Injections are done once.
    this.#debug = { ...debug, control: debug.control & ~(INJECT_BP | INJECT_DB) };
    this.#armed = armed;
    this.#execution = armed.filter(({ kind }) => kind === "execute");
    this.#watched = watched;
    this.#watcher.arm(watched);
    if (injectHere) this.#inject(vectorBreakpoint, 1n);
  }

  /** `KVM_GUESTDBG_BLOCKIRQ`, where this KVM has it. */
  holdInterrupts(held: boolean): void {
    if (held === this.#holdsInterrupts) return;
    this.#holdsInterrupts = held;
    if (this.#debug.control !== 0) this.#arm();
  }

  reinject(exit: X86DebugExit): void {
    this.forget();
    if (exit.exception === vectorBreakpoint) {
      this.#aim(vectorBreakpoint);
      this.#inject(vectorBreakpoint, 1n);
      return;
    }
    const told = exit.dr6 & dr6Told;
    const registers = this.file.getDebugRegs();
    this.file.setDebugRegs({
      ...registers,
      dr6: (registers.dr6 & ~dr6Hits) | told,
      dr7: registers.dr7 & ~dr7GeneralDetect,
    });
    this.#aim(vectorDebug);
    // Where nothing is told it was INT1, at which RIP still is.
    this.#inject(vectorDebug, told === 0n && this.#isNext(int1) ? 1n : 0n);
  }

  /** Events of another time: nothing that is under way now goes on. */
  putBackEvents(events: X86VcpuEvents): void {
    // An exit in the midst of an instruction: the kernel completes it first, before what comes next.
    if (this.#unfinished) this.file.complete();
    this.#unfinished = false;
    this.#goal = undefined;
    this.setVcpuEvents({ ...events, flags: allEvents });
  }

  /** Tells the kernel what to do. */
  #arm(debug: X86GuestDebug = this.#debug, without: readonly ArmedRegister[] = this.#watched): void {
    const told = kernelDebug(debug, without);
    let { control } = told;
    if (this.#search.active) control |= ENABLE | SINGLESTEP;
    if ((control & ENABLE) !== 0 && this.#holdsInterrupts) control |= this.#facts.control & BLOCKIRQ;
    this.file.setGuestDebug({ ...told, control });
  }

  /** A step ends before the handler's first instruction. */
  #aim(vector: number): void {
    if (!this.#stepping || !this.#facts.execution.kernel) return;
    const handler = handlerOf(this.file, vector, this.#read);
    this.#goal = handler === undefined ? undefined : [handler];
  }

  /** Whether the next instruction begins with this byte. */
  #isNext(byte: number): boolean {
    const physical = this.file.translate(this.#pc())?.physicalAddress;
    try {
      return physical !== undefined && this.#ram.view(physical, 1)[0] === byte;
    } catch {
      return false;
    }
  }

  protected override get knowsPc(): boolean {
    return !this.#moved;
  }

  protected override moved(): void {
    this.#moved = true;
    this.#putBack = undefined;
    this.#mayPass = true;
  }

  /** What has to be done before the guest runs; an exit if that already is what the user waits for. */
  #begin(): X86Exit | undefined {
    this.forget();
    const putBack = this.#putBack;
    this.#putBack = undefined;
    if (putBack !== undefined) return putBack;
    this.#search.forget();
    if (this.#watcher.active) this.#watcher.place(this.file);
    if (this.#kernelSteps && !this.#facts.step.user) this.#refuseUserMode();
    const exit = this.#unfinished ? this.#finish() : undefined;
    if (exit !== undefined) return exit;
    const goal = this.#goal;
    this.#goal = undefined;
    if (goal !== undefined && this.#stepping) return this.#runTo(goal);
    if (this.#wantsSearch) {
      const pc = this.#pc();
      if (this.#search.isNext(Number(pc))) return this.#report(vectorBreakpoint, dr6Fixed, pc);
    }
    return (this.#mayPass ? this.#pass() : undefined) ?? this.#stepReturn();
  }

  #beforeEntry(): void {
    const searches = this.#wantsSearch;
    if (searches !== this.#search.active) {
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

  /** The kernel steps, for the user or to compare what is watched. */
  get #kernelSteps(): boolean {
    return this.#stepping || this.#watched.length > 0 || this.#search.active;
  }

  get #wantsSearch(): boolean {
    return this.#search.wanted(this.file, this.#debug.control, this.#moved);
  }

  /**
   * A debug exit that nobody has looked at, as it may come later: what watchpoints have seen that are among `armed` still. Steps
   * are over, and at a breakpoint the vCPU arrives anew.
   */
  #dataHits({ arch: { exception, dr6 } }: DebugExit, armed = this.#armed): X86Exit | undefined {
    if (exception !== vectorDebug) return undefined;
    const hit = this.#armed.filter(
      ({ index, kind }) => kind !== "execute" && (dr6 & (1n << BigInt(index))) !== 0n,
    );
    const still = armed.filter(({ address, kind }) =>
      hit.some((was) => was.address === address && was.kind === kind),
    );
    if (still.length === 0) return undefined;
    const hits = still.reduce((bits, { index }) => bits | (1n << BigInt(index)), 0n);
    return this.#report(vectorDebug, dr6Fixed | hits, this.pc);
  }

  /** Whether this register is a watchpoint that the kernel would never report. */
  #isOurs({ kind }: ArmedRegister): boolean {
    return (kind === "write" || kind === "access") && !this.#facts.watchpoint.kernel;
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

  #refuseUserMode(): void {
    const inUserMode = this.#moved ? this.file.getSregs().ss.dpl === 3 : this.file.last.user;
    if (!inUserMode) return;
    throw new KvmError(
      "EOPNOTSUPP",
      "this host's KVM cannot single-step a guest's user mode, which watchpoints need here too",
    );
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
    if (exit.arch.exception !== vectorDebug) return exit;
    const isBreakpoint = (this.file.last.dr6 & 0xf) !== 0;
    if (isBreakpoint) this.#mayPass = true;
    // MOV SS and POP SS hold debug traps back until the next instruction is executed. SDM volume 3, 6.8.3.
    else if (this.file.last.movSsShadow) return undefined;
    if (this.#watched.length > 0) {
      const hits = this.#watcher.look();
      if (hits !== 0) return this.#report(vectorDebug, this.#dr6(BigInt(hits)));
    } else if (!this.#search.active) {
      return exit;
    }
    if (this.#stepping || isBreakpoint) return exit;
    const isFound = this.#search.active && this.#search.isNext(this.file.last.pcLow);
    return isFound ? this.#report(vectorBreakpoint, dr6Fixed) : undefined;
  }

  /**
   * Completes the instruction that the last exit was in the middle of. KVM checks no step after port output and MMIO writes,
   * which need nothing more in the kernel; so that is done here, once the last piece is complete. Without steps the kernel does it
   * when it runs the vCPU next. @param always not only for steps @returns what is to be reported; undefined when the guest goes on.
   */
  #finish(always = false): X86Exit | undefined {
    this.#unfinished = false;
    const guestSteps = (this.file.last.rflags & trapFlag) !== 0;
    if (!always && !this.#kernelSteps && !guestSteps) return undefined;
    const exit = this.file.complete();
    if (exit !== undefined) return this.#judge(exit);
    // A fault on the way: the instruction is not executed, and the exception is what comes next.
    if (this.file.last.exception) return undefined;
    // A repeated instruction that has made its last transfer ends when it is executed once more; the kernel reports that.
    const isInPlace = this.#kernelSteps && this.file.last.pcLow === this.#from;
    if (isInPlace && this.file.last.noCount) return undefined;
    const hits = this.#watched.length > 0 ? this.#watcher.look() : 0;
    if (this.#stepping || hits !== 0) return this.#report(vectorDebug, this.#dr6(BigInt(hits)));
    if (guestSteps) this.#trapGuest();
    return undefined;
  }

  #dr6(hits: bigint): bigint {
    return dr6Fixed | hits | (this.#stepping ? dr6Step : 0n);
  }

  /** The guest's own single step: #DB with BS, the lower bits of its DR6 cleared. */
  #trapGuest(): void {
    const registers = this.file.getDebugRegs();
    this.file.setDebugRegs({ ...registers, dr6: (registers.dr6 & ~dr6Hits) | dr6Step });
    this.#inject(vectorDebug, 0n);
  }

  /** Goes on from an execution breakpoint with RF where the kernel does not look at RF: without the breakpoint, for one step. */
  #pass(): X86Exit | undefined {
    this.#mayPass = false;
    if (this.#facts.resumeFlag || this.#execution.length === 0) return undefined;
    if ((this.file.getRegs().rflags & resumeFlag) === 0n) return undefined;
    const pc = this.#pc();
    const here = this.#execution.filter(({ address }) => address === pc);
    if (here.length === 0) return undefined;
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

  /**
   * A step of IRETQ or SYSRET where the kernel would lose it: a breakpoint where it goes to, and where its faults do.
   * @throws KvmError EOPNOTSUPP when it goes to a user mode that cannot be stepped
   */
  #stepReturn(): X86Exit | undefined {
    if (this.#facts.iretStep || !this.#stepping || this.#moved || !this.file.last.long) return undefined;
    const kind = this.#peek.returns(this.file);
    if (kind === undefined) return undefined;
    const target = kind === "iret" ? iretTarget(this.file, this.#read) : undefined;
    if (kind === "sysret" || target?.user === true) {
      if (!this.#facts.step.user)
        throw new KvmError(
          "EOPNOTSUPP",
          "the next instruction returns to user mode, which this host's KVM cannot single-step; continue instead",
        );
      return undefined;
    }
    if (target === undefined) return undefined;
    const faults = [13, 12, 14].flatMap((vector) => handlerOf(this.file, vector, this.#read) ?? []);
    return this.#runTo([target.address, ...faults]);
  }

  /** Runs to the first of at most four addresses, and reports that as a step. */
  #runTo(addresses: readonly bigint[]): X86Exit | undefined {
    const holdsInterrupts = (this.#facts.control & BLOCKIRQ) !== 0 ? BLOCKIRQ : 0;
    const dr7 = addresses.reduce((enabled, _, i) => enabled | (2n << BigInt(2 * i)), 0x400n);
    this.file.setGuestDebug({
      control: ENABLE | USE_HW | holdsInterrupts,
      arch: { addresses, dr7 },
    });
    const exit = this.file.run();
    this.#arm();
    if (exit.reason === "INTR") this.#goal = addresses;
    if (exit.reason !== "DEBUG") return this.#judge(exit);
    const hits = this.#watched.length > 0 ? this.#watcher.look() : 0;
    return this.#report(vectorDebug, this.#dr6(BigInt(hits)));
  }

  readonly #read: ReadPhysical = (address, length) => this.#ram.read(address, length);

  /** Does what the kernel cannot: INT3 and INT1. */
  #emulate(exit: X86InternalError): X86Exit | undefined {
    switch (exit.instruction?.[0]) {
      case int3:
        if ((this.#debug.control & USE_SW_BP) !== 0) return this.#report(vectorBreakpoint, dr6Fixed);
        return this.#deliver(vectorBreakpoint);
      case int1:
        return this.#deliver(vectorDebug);
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
    if (isAway || (this.file.getFpu().fsw & exceptionSummary) !== 0) {
      const vector = isAway ? vectorNoDevice : vectorX87;
      this.#aim(vector);
      this.#inject(vector, 0n);
      const goal = this.#goal;
      this.#goal = undefined;
      return goal && this.#runTo(goal);
    }
    const regs = this.file.getRegs();
    this.file.setRegs({ ...regs, rip: regs.rip + 1n, rflags: regs.rflags & ~resumeFlag });
    this.#moved = true;
    return this.#stepping ? this.#report(vectorDebug, this.#dr6(0n), this.#pc()) : undefined;
  }

  /** Gives the guest the exception of the one-byte instruction at RIP. */
  #deliver(vector: number): X86Exit | undefined {
    this.#aim(vector);
    this.#inject(vector, 1n);
    const goal = this.#goal;
    this.#goal = undefined;
    return goal && this.#runTo(goal);
  }

  /** Puts an exception into the guest, as of the instruction that begins `skipped` bytes further on. */
  #inject(vector: number, skipped: bigint): void {
    if (skipped !== 0n) {
      const regs = this.file.getRegs();
      this.file.setRegs({ ...regs, rip: regs.rip + skipped, rflags: regs.rflags & ~resumeFlag });
    }
    const events = this.file.getVcpuEvents();
    const exception = { injected: 1, nr: vector, has_error_code: 0, pending: 0, error_code: 0 };
    this.file.setVcpuEvents({ ...events, flags: 0, exception });
    this.#moved = true;
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
