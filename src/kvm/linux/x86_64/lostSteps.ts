import { KvmError } from "../../errors.ts";
import type { X86DebugExit, X86Exit } from "../../exits.ts";
import { guestDebugControl } from "../../guestDebug.ts";
import type { GuestRam } from "../guestRam.ts";
import { dr6Fixed, resumeFlag } from "./debug/bits.ts";
import { CodePeek, type Transfer } from "./debug/codePeek.ts";
import type { HostDebugFacts } from "./debug/facts.ts";
import { handlerOf, handlersOf } from "./debug/handlers.ts";
import { Injector, vectors } from "./debug/injector.ts";
import { frameAt, isUserFrame, returnTo, syscall, sysretq } from "./debug/transfers.ts";
import { armAll, UserMode } from "./debug/userMode.ts";
import { bitsOf, X86DebugOrders } from "./debugOrders.ts";
import type { X86VcpuFile } from "./vcpuFile.ts";

const { ENABLE, USE_HW } = guestDebugControl;

/** The one-byte instruction that a debugger and a guest break with. */
const int3 = 0xcc;

/** Of two bytes. */
const int = 0xcd;

/** KVM_VCPUEVENT_VALID_SHADOW. */
const shadowValid = 4;

const halt: X86Exit = { reason: "HLT" };

/** What a vCPU has around it. */
export interface DebugSurroundings {
  /** What this host's KVM does when it debugs, from `probeHost`. */
  readonly facts: HostDebugFacts;
  /** Interrupt controllers are in the kernel, where `HLT` waits then. */
  readonly irqchip?: boolean;
}

/** What the host's kernel loses or cannot do while a vCPU is debugged, done here: steps, and exceptions for the guest. */
export abstract class X86LostSteps extends X86DebugOrders {
  protected readonly peek: CodePeek;
  protected readonly injector: Injector;
  protected readonly userMode: UserMode;
  protected readonly hasIrqchip: boolean;
  /** The kernel is to complete an instruction for which the last exit was. */
  protected unfinished = false;
  /** Lower half of the linear address of the instruction that is being stepped. */
  protected stepFrom = 0;
  /** The vCPU is halted, and is stepped from where an interrupt takes it. */
  #isHalted = false;
  /** Where the present step ends: the handler of an exception that the vCPU enters when it runs. */
  protected goal: readonly bigint[] | undefined;

  constructor(file: X86VcpuFile, ram: GuestRam, { facts, irqchip = false }: DebugSurroundings) {
    super(file, ram, facts);
    this.hasIrqchip = irqchip;
    this.peek = new CodePeek(ram);
    this.injector = new Injector(file, this.memory);
    this.userMode = new UserMode(file, this.memory);
  }

  /** What an exit of the kernel means; undefined when the guest goes on. */
  protected abstract judge(exit: X86Exit): X86Exit | undefined;

  reinject(exit: X86DebugExit): void {
    this.forget();
    if (exit.exception === vectors.breakpoint) {
      this.aim(vectors.breakpoint);
      this.giveBreakpoint();
      return;
    }
    this.aim(vectors.debug);
    this.injector.debug(exit, this.linearPc());
    this.isMoved = true;
  }

  /** A step ends before the handler's first instruction. */
  protected aim(vector: number): void {
    if (!this.kernelSteps || !this.facts.execution.kernel) return;
    const handler = handlerOf(this.file, vector, this.memory);
    this.goal = handler === undefined ? undefined : [handler];
  }

  protected giveBreakpoint(): void {
    this.injector.breakpoint();
    this.userBreaks.isGivenBack = this.mode === "user";
    this.isMoved = true;
  }

  /** The #DB of the guest's own TF. */
  protected giveOwnStep(): void {
    this.ownTrap.isDue = false;
    this.aim(vectors.debug);
    this.injector.step();
    this.isMoved = true;
  }

  /** A step that the kernel would lose. @returns undefined when it is the kernel's; "done" when it was made and the guest goes on */
  protected specialStep(): X86Exit | "done" | undefined {
    if (this.#isHalted) return undefined;
    if (this.isMoved) this.refresh();
    // An exception that is on its way comes first.
    if (this.file.last.exception) return undefined;
    // Without paging the kernel steps user mode too.
    if (this.file.last.user && this.file.last.paging && !this.facts.step.user) return this.#stepUserMode();
    const instruction = this.peek.next(this.file);
    this.ownTrap.before(instruction);
    return instruction === undefined ? undefined : this.#stepTransfer(instruction);
  }

  /** An exit other than an interruption: if it was halted, it is no more. */
  protected awake(): void {
    this.#isHalted = false;
  }

  #stepUserMode(): X86Exit | "done" {
    this.#requireUserSteps();
    const { pc, rflags } = this.file.last;
    const met = this.met.filter(({ address }) => address === pc);
    if (met.length > 0 && (rflags & Number(resumeFlag)) === 0)
      return this.report(vectors.debug, dr6Fixed | bitsOf(met), pc);
    const [first, second] = this.memory.bytes(pc, 2);
    if (first === int3 && this.wantsInt3) return this.report(vectors.breakpoint, dr6Fixed, pc);
    if (first === 0x0f && second === 0x05) {
      this.ownTrap.before("syscall");
      syscall(this.file);
      return this.executed();
    }
    const step = this.userMode.step(pc, this.ownTrap.value, this.blocked);
    this.toldToStep = false;
    const wasTrapped = this.ownTrap.value;
    this.arm();
    if (step.kind === "exit") {
      this.ownTrap.value = wasTrapped;
      this.isMoved = true;
      const { exit } = step;
      if (exit.reason !== "IO" && exit.reason !== "MMIO") return this.judge(exit) ?? "done";
      this.stepFrom = this.file.last.pcLow;
      return this.judge(exit) ?? "done";
    }
    this.ownTrap.value = step.ownTrap;
    this.ownTrap.isDue = wasTrapped && !step.inHandler;
    // An exception is no step of its own; an interrupt that an instruction is for is.
    if (!step.inHandler || first === int || first === int3) return this.executed();
    this.isMoved = true;
    return "done";
  }

  /** IRET, SYSRET: what goes to user mode is done here, where steps would get lost; to the kernel a breakpoint is where it goes. */
  #stepTransfer(instruction: Transfer): X86Exit | "done" | undefined {
    const { file } = this;
    // A breakpoint on it comes first.
    if (instruction === "hlt")
      return this.execution.some(({ address }) => address === file.last.pc) ? undefined : this.stepHalt();
    const goesToUser = instruction === "sysret" || instruction === "sysretq";
    if (goesToUser && !this.facts.step.user) {
      this.#requireUserSteps();
      if (instruction === "sysret")
        throw new KvmError("EOPNOTSUPP", "SYSRET to 32-bit user mode cannot be stepped on this host's KVM");
      sysretq(file);
      this.ownTrap.executed();
      return this.executed();
    }
    if (instruction !== "iretq" || this.facts.iretStep) return undefined;
    const frame = frameAt(file.getRegs().rsp, this.memory);
    if (frame === undefined) return undefined;
    if (isUserFrame(frame)) {
      if (this.facts.step.user) return undefined;
      this.#requireUserSteps();
      if (!returnTo(file, frame, this.memory)) return undefined;
      this.ownTrap.executed();
      return this.executed();
    }
    const faults = handlersOf(file, [vectors.protection, vectors.stack, vectors.page], this.memory);
    return this.runTo([frame.rip, ...faults.flatMap((handler) => handler ?? [])]);
  }

  /**
   * HLT. A single step ends its halt (Intel SDM volume 2, HLT), but the kernel would halt behind the first instruction that it does
   * not step. What is not stepped for the user does halt.
   */
  protected stepHalt(): X86Exit | "done" {
    const { file } = this;
    const halts = !this.stepping && !this.ownTrap.value;
    this.injector.skip(1n);
    const events = file.getVcpuEvents();
    if (events.interrupt.shadow !== 0)
      file.setVcpuEvents({ ...events, flags: shadowValid, interrupt: { ...events.interrupt, shadow: 0 } });
    this.ownTrap.executed();
    const over = this.executed();
    if (!halts) return over;
    if (!this.hasIrqchip) return halt;
    this.#isHalted = true;
    file.setMpState("HALTED");
    return "done";
  }

  /** A step that was made otherwise than by the kernel is over. */
  protected executed(): X86Exit | "done" {
    this.isMoved = true;
    const hits = this.look();
    return this.stepping || hits !== 0n
      ? this.report(vectors.debug, this.dr6Of(hits), this.linearPc())
      : "done";
  }

  /** @throws KvmError EOPNOTSUPP where user mode cannot be stepped at all */
  #requireUserSteps(): void {
    if (this.facts.userEntry) return;
    throw new KvmError(
      "EOPNOTSUPP",
      "this host's KVM cannot single-step a guest's user mode, which watchpoints need here too; continue instead",
    );
  }

  /** Runs to the first of at most four addresses, which ends a step. @param isException that is how it gets there */
  protected runTo(addresses: readonly bigint[], isException = false): X86Exit | "done" {
    const ownTrap = this.ownTrap.value;
    this.file.setGuestDebug({ control: ENABLE | USE_HW | this.blocked, arch: armAll(addresses) });
    if (ownTrap) this.showOwnTrap();
    const exit = this.file.run();
    this.isMoved = false;
    this.toldToStep = false;
    this.arm();
    this.ownTrap.value = ownTrap;
    if (exit.reason === "INTR") this.goal = addresses;
    if (exit.reason !== "DEBUG") return this.judge(exit) ?? "done";
    this.userBreaks.isGivenBack = false;
    if (isException) this.ownTrap.entered();
    else this.ownTrap.executed();
    const hits = this.look();
    if (!this.stepping && hits === 0n) return "done";
    return this.report(vectors.debug, this.dr6Of(hits));
  }

  /** To the handler of an exception that the guest has been given, if it is stepped. */
  protected reachGoal(): X86Exit | undefined {
    const goal = this.goal;
    this.goal = undefined;
    if (goal === undefined || !this.kernelSteps) return undefined;
    const reached = this.runTo(goal, true);
    return reached === "done" ? undefined : reached;
  }
}
