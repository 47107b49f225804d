import type { X86Exit } from "../../exits.ts";
import { guestDebugControl } from "../../guestDebug.ts";
import type { X86Vcpu } from "../../x86Vcpu.ts";
import { internalErrors } from "../uapi/constants.ts";
import type { X86VcpuEvents } from "../uapi/x86_64/records.ts";
import { dr6Fixed, dr6Hits, dr6Step, resumeFlag, trapFlag } from "./debug/bits.ts";
import { vectors } from "./debug/injector.ts";
import { backToRealBreak } from "./debug/realBreaks.ts";
import { X86Unemulated } from "./unemulated.ts";

const { ENABLE, SINGLESTEP } = guestDebugControl;

/** IA32_LSTAR. */
const lstar = 0xc000_0082;

/** KVM_VCPUEVENT_VALID_NMI_PENDING, _SIPI_VECTOR, _SHADOW. */
const allEvents = 7;

type DebugExit = Extract<X86Exit, { readonly reason: "DEBUG" }>;

/**
 * A vCPU of the host's KVM whose debug exits are those of the Intel SDM: what this host's kernel is known to leave out
 * (`HostDebugFacts`) is made up for here. Everything else is the kernel's.
 */
export class LinuxX86Vcpu extends X86Unemulated implements X86Vcpu {
  /**
   * `KVM_RUN`, until the guest needs somebody or something interrupts it. The exit is to be read before the next run.
   * @throws KvmError what the kernel answers; EOPNOTSUPP for a step in user mode where the host's KVM cannot
   */
  run(): X86Exit {
    let exit = this.#begin();
    while (exit === undefined) {
      exit = this.#owed();
      if (exit !== undefined) break;
      this.search();
      const special = this.kernelSteps ? this.specialStep() : undefined;
      if (special === "done") continue;
      if (special !== undefined) return special;
      this.#beforeEntry();
      exit = this.judge(this.file.run());
    }
    return exit;
  }

  get runsHere(): boolean {
    return !this.file.hasThread || this.kernelSteps || this.wantsSearch;
  }

  get isAway(): boolean {
    return this.file.isAway;
  }

  get hasReturned(): boolean {
    return this.file.hasReturned;
  }

  enter(): X86Exit | undefined {
    if (this.kernelSteps) return this.run();
    const exit = this.#begin() ?? this.#owed();
    if (exit !== undefined) return exit;
    this.search();
    if (this.kernelSteps) return this.run();
    this.#beforeEntry();
    this.file.enter();
    return undefined;
  }

  leave(): X86Exit | undefined {
    const exit = this.file.leave();
    if (exit !== undefined) return this.judge(exit);
    // It has not run, and what the last exit tells may be of earlier.
    this.moved();
    return undefined;
  }

  halt(): void {
    this.file.halt();
  }

  settle(): void {
    if (!this.unfinished || this.heldExit !== undefined) return;
    this.forget();
    const exit = this.#finish(true);
    if (exit !== undefined) this.putBack(exit);
  }

  /** Events of another time: nothing that is under way now goes on. */
  putBackEvents(events: X86VcpuEvents): void {
    // An exit in the midst of an instruction: the kernel completes it first, before what comes next.
    if (this.unfinished) this.file.complete();
    this.unfinished = false;
    this.goal = undefined;
    this.heldExit = undefined;
    this.userBreaks.isGivenBack = false;
    this.ownTrap.reset(0n);
    this.breakSearch.reset();
    this.missed.reset();
    this.setVcpuEvents({ ...events, flags: allEvents });
  }

  /** What has to be done before the guest runs; an exit if that already is what the user waits for. */
  #begin(): X86Exit | undefined {
    this.forget();
    const putBack = this.heldExit;
    this.heldExit = undefined;
    if (putBack !== undefined) return putBack;
    this.breakSearch.forget();
    if (this.watcher.active) {
      this.watcher.place(this.file);
      this.missed.watch();
    }
    const exit = this.unfinished ? this.#finish() : undefined;
    if (exit !== undefined) return exit;
    if (this.wantsInt3 && this.mode === "real" && this.facts.int3.real !== "exit") {
      const pc = this.linearPc();
      if (this.breakSearch.isNext(Number(pc))) return this.report(vectors.breakpoint, dr6Fixed, pc);
    }
    return this.mayPass ? this.#pass() : undefined;
  }

  /** An exception that the guest is to have before it executes anything. */
  #owed(): X86Exit | undefined {
    if (this.ownTrap.isDue) this.giveOwnStep();
    return this.goal === undefined ? undefined : this.reachGoal();
  }

  #beforeEntry(): void {
    if (this.userBreaks.place(this.wantsUserBreaks)) this.arm();
    if (this.kernelSteps) this.stepFrom = this.isMoved ? this.#pcLow() : this.file.last.pcLow;
    if (this.wantsInt3) this.#followInt3();
    this.isMoved = false;
  }

  /** What happens from here to INT3s that the host wants. */
  #followInt3(): void {
    const { mode } = this;
    if (this.breakSearch.active) this.breakSearch.step(mode);
    if (this.kernelSteps) this.missed.step(mode);
    else this.missed.leave(mode, this.userBreaks.handler, this.#wasUser);
  }

  /** Whether the guest has what a way back from user mode needs: a task register, or the address of SYSCALL. */
  readonly #wasUser = (): boolean => this.file.getSregs().tr.selector !== 0 || this.file.getMsr(lstar) !== 0n;

  #pcLow(): number {
    return Number(BigInt.asUintN(32, this.linearPc()));
  }

  /** What an exit of the kernel means; undefined when the guest goes on. */
  protected judge(exit: X86Exit): X86Exit | undefined {
    if (exit.reason !== "INTR") this.awake();
    switch (exit.reason) {
      case "IO":
      case "MMIO":
        this.unfinished = true;
        return exit;
      case "DEBUG":
        return this.#debugExit(exit);
      case "INTR":
        return this.#interrupted(exit);
      case "INTERNAL_ERROR":
        return exit.suberror === internalErrors.KVM_INTERNAL_ERROR_EMULATION ? this.emulate(exit) : exit;
      default:
        return exit;
    }
  }

  /** Between an INT3 of user mode and the guest's handler nobody may look: the guest is put back first. */
  #interrupted(exit: X86Exit): X86Exit | undefined {
    const { last } = this.file;
    const { handler, isGivenBack } = this.userBreaks;
    if (handler === undefined || isGivenBack) return exit;
    let now = exit;
    while (now.reason === "INTR" && last.user && last.exception) now = this.file.run();
    if (now !== exit) return this.judge(now);
    if (last.user || last.pc !== handler) return exit;
    const pc = this.userBreaks.catch();
    if (pc === undefined) return exit;
    this.isMoved = true;
    return this.report(vectors.breakpoint, dr6Fixed, pc);
  }

  #debugExit(exit: DebugExit): X86Exit | undefined {
    if (exit.arch.exception !== vectors.debug) return exit;
    const { last } = this.file;
    const isBreakpoint = (last.dr6 & 0xf) !== 0;
    if (isBreakpoint) {
      if (this.userBreaks.handler !== undefined && last.pc === this.userBreaks.handler)
        return this.#atTrap(exit);
      this.mayPass = true;
    } else if (last.movSsShadow) {
      // MOV SS and POP SS hold debug traps back until the next instruction is executed. SDM volume 3, 6.8.3.
      return undefined;
    }
    if (this.toldToStep && (!isBreakpoint || (last.dr6 & Number(dr6Step)) !== 0)) this.ownTrap.executed();
    if (this.watched.length > 0 || this.stepsAll) {
      const hits = this.look();
      if (hits !== 0n) return this.report(vectors.debug, this.dr6Of(hits));
    } else if (!this.breakSearch.active) {
      return exit;
    }
    if (this.stepping || isBreakpoint) return exit;
    return this.breakSearch.active && last.realMode ? this.#inRealMode() : undefined;
  }

  /** Behind a step of real mode that was made to find INT3s. */
  #inRealMode(): X86Exit | undefined {
    if (this.breakSearch.isNext(this.file.last.pcLow)) return this.report(vectors.breakpoint, dr6Fixed);
    const pc = backToRealBreak(this.file, this.memory, this.stepFrom);
    if (pc === undefined) return undefined;
    this.isMoved = true;
    return this.report(vectors.breakpoint, dr6Fixed, pc);
  }

  /** At the handler of the guest's #BP, on which there is a breakpoint for INT3 in user mode. */
  #atTrap(exit: DebugExit): X86Exit | undefined {
    const { handler } = this.userBreaks;
    const pc = this.userBreaks.catch();
    if (pc !== undefined) {
      this.isMoved = true;
      return this.report(vectors.breakpoint, dr6Fixed, pc);
    }
    if (this.execution.some(({ address }) => address === handler)) {
      this.mayPass = true;
      return exit;
    }
    // The guest's own: on without the breakpoint for one instruction.
    this.userBreaks.handler = undefined;
    this.arm({ ...this.wanted, control: this.wanted.control | ENABLE | SINGLESTEP });
    const stepped = this.file.run();
    this.userBreaks.handler = handler;
    this.arm();
    const isOnlyOurStep = stepped.reason === "DEBUG" && (stepped.arch.dr6 & dr6Hits) === 0n && !this.stepping;
    return isOnlyOurStep ? undefined : this.judge(stepped);
  }

  /**
   * Completes the instruction that the last exit was in the middle of. KVM checks no step after port output and MMIO writes,
   * which need nothing more in the kernel; so that is done here, once the last piece is complete. Without steps the kernel does it
   * when it runs the vCPU next. @param always not only for steps @returns what is to be reported; undefined when the guest goes on.
   */
  #finish(always = false): X86Exit | undefined {
    this.unfinished = false;
    const guestSteps = (this.file.last.rflags & Number(trapFlag)) !== 0;
    if (!always && !this.kernelSteps && !guestSteps) return undefined;
    const exit = this.file.complete();
    if (exit !== undefined) return this.judge(exit);
    // A fault on the way: the instruction is not executed, and the exception is what comes next.
    if (this.file.last.exception) return undefined;
    // A repeated instruction that has made its last transfer ends when it is executed once more; the kernel reports that.
    const isInPlace = this.kernelSteps && this.file.last.pcLow === this.stepFrom;
    if (isInPlace && this.file.last.noCount) return undefined;
    if (this.kernelSteps) this.ownTrap.executed();
    const hits = this.look();
    if (this.stepping || hits !== 0n) return this.report(vectors.debug, this.dr6Of(hits));
    if (guestSteps) this.giveOwnStep();
    return undefined;
  }

  /** Goes on from an execution breakpoint with RF where the kernel does not look at RF: without the breakpoint, for one step. */
  #pass(): X86Exit | undefined {
    this.mayPass = false;
    if (this.facts.resumeFlag || this.execution.length === 0) return undefined;
    const { rflags } = this.file.getRegs();
    if ((rflags & resumeFlag) === 0n) return undefined;
    const pc = this.linearPc();
    const here = this.execution.filter(({ address }) => address === pc);
    if (here.length === 0 || (this.met.length > 0 && this.mode === "user")) return undefined;
    if (this.isMoved) this.refresh();
    if ((rflags & trapFlag) === 0n && this.peek.next(this.file) === "hlt") {
      const halted = this.stepHalt();
      return halted === "done" ? undefined : halted;
    }
    this.stepFrom = this.#pcLow();
    const stepped = { ...this.wanted, control: this.wanted.control | ENABLE | SINGLESTEP };
    this.arm(stepped, [...this.watched, ...here]);
    const exit = this.file.run();
    this.arm();
    if (exit.reason === "INTR") this.mayPass = true;
    const judged = this.judge(exit);
    const isOnlyOurStep =
      exit.reason === "DEBUG" && !this.stepping && (exit.arch.dr6 & dr6Hits) === 0n && judged === exit;
    return isOnlyOurStep ? undefined : judged;
  }
}
