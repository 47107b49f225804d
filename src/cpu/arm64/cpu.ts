import { engineState } from "../../engine/layout.ts";
import { arm64State } from "../../isa/arm64/state.ts";
import type { Arm64Cluster } from "./cluster.ts";
import { HypervisorControls } from "./controls.ts";
import { DebugExceptions } from "./debugExceptions.ts";
import type { CpuEvent, CpuExit, MmioAccess } from "./events.ts";
import { ExceptionLevels } from "./exceptionLevels.ts";
import { vectorKind } from "./exceptions.ts";
import { fetchPage } from "./fetch.ts";
import { HalfDoneInstruction } from "./halfDoneInstruction.ts";
import { InterruptInputs } from "./interruptInputs.ts";
import { PerformanceMonitor } from "./pmu.ts";
import { PrivateTimers } from "./privateTimers.ts";
import type { Arm64Registers } from "./registers.ts";
import { exceptionClass } from "./syndrome.ts";
import { sctlr } from "./systemRegisters/control.ts";
import { SystemRegisterFile } from "./systemRegisters/file.ts";
import { translate } from "./translate.ts";
import { Stage1 } from "./translation/stage1.ts";

/** The first instruction run can never be longer than this; budgets of generated code are 31-bit. */
const longestRun = 0x4000_0000;

/** Rounds of `run` at once: a guest that takes an exception at every instruction must not keep the host busy for seconds. */
const mostRounds = 2048;

const pcWord = engineState.pc.place.address >>> 2;

const budget: CpuExit = { kind: "budget" };
const retry: CpuEvent = { kind: "retry" };

/**
 * One vCPU: EL0 and EL1 of an Armv8.0-A core. It runs until something happens that is EL2's business; then the hypervisor
 * looks at the exit and, if it likes, runs it again. Its registers are reached only while it is the cluster's active CPU.
 */
export class Arm64Cpu {
  readonly index: number;
  readonly controls = new HypervisorControls();
  readonly system: SystemRegisterFile;
  readonly performance: PerformanceMonitor;
  readonly stage1: Stage1;
  readonly timers: PrivateTimers;
  readonly debug: DebugExceptions;
  readonly exceptions: ExceptionLevels;
  readonly interrupts: InterruptInputs;
  readonly #cluster: Arm64Cluster;
  readonly #registers: Arm64Registers;
  readonly #halfDone = new HalfDoneInstruction();
  #event: CpuEvent | undefined;
  /** Address of the instruction that is stepped, or was last: bits 31:0 and 63:32. */
  #steppedPcLow = 0;
  #steppedPcHigh = 0;

  /** The WFE event register. */
  eventPending = false;

  constructor(cluster: Arm64Cluster, index: number) {
    this.#cluster = cluster;
    this.#registers = cluster.registers;
    this.index = index;
    this.system = new SystemRegisterFile(cluster, this);
    this.performance = new PerformanceMonitor(cluster, this);
    this.stage1 = new Stage1(cluster, this);
    this.timers = new PrivateTimers(cluster, this);
    this.debug = new DebugExceptions(cluster, this);
    this.exceptions = new ExceptionLevels(cluster, this, this.#halfDone);
    this.interrupts = new InterruptInputs(cluster, this);
  }

  /** What a cold reset does beside the registers' values; the CPU is the active one. */
  reset(): void {
    this.system.reset();
    this.#halfDone.drop();
    this.#event = undefined;
    this.debug.dropPass();
    this.debug.notStepped();
    this.eventPending = false;
    this.stage1.registersChanged(false);
    this.updateFloatingPointMode();
    this.timers.update();
    this.performance.controlsChanged();
  }

  /** The general registers; makes this vCPU the active one. */
  get registers(): Arm64Registers {
    this.#cluster.activate(this.index);
    return this.#registers;
  }

  /** FPCR or FPSR changed: whether WebAssembly's own arithmetic does (see `arm64State.fpFast`). */
  updateFloatingPointMode(): void {
    const control = this.#registers.getInt(arm64State.fpcr);
    const inexact = (this.#registers.getInt(arm64State.fpsr) & 0x10) !== 0;
    const defaults = (control & 0x01c0_0000) === 0;
    this.#registers.setInt(arm64State.fpFast, Number(defaults && inexact));
  }

  /** Called while an instruction is abandoned: what is to happen instead. */
  note(event: CpuEvent): void {
    this.#event = event;
    this.#cluster.engine.abandon();
  }

  /** Whether the current instruction has been abandoned. */
  get abandoned(): boolean {
    return this.#event !== undefined;
  }

  /** WFI or WFE with nothing to wake it: to EL1 or EL2 where trapped, else the CPU waits, which is the hypervisor's to arrange. */
  noteWait(what: "interrupt" | "event"): void {
    // A masked interrupt ends WFI's wait and not WFE's (Arm ARM D1.6.1, D1.6.2).
    if (what === "interrupt" ? this.interrupts.asserted : this.interrupts.pending) return;
    const ec = exceptionClass.wfx;
    // ISS: CV = 1, COND = 0b1110, TI says which instruction (Arm ARM D17.2.37).
    const iss = 0x1e0_0000 | Number(what === "event");
    const allowed = (this.system.raw("SCTLR_EL1") & (what === "event" ? sctlr.nTWE : sctlr.nTWI)) !== 0n;
    const kind = this.#registers.el === 0 && !allowed ? "exception" : "trap";
    this.note({ kind, ec, iss, preferredReturn: "this" });
  }

  /** The hypervisor has done what the trapped instruction asks: it counts as executed. The step machine is the hypervisor's to advance. */
  skipInstruction(): void {
    const { registers } = this;
    const { pc } = registers;
    registers.pc += 4n;
    this.retire(1, registers.el);
    this.debug.skipped(pc);
  }

  /** Counts instructions that have retired at an Exception level. */
  retire(count: number, el: 0 | 1): void {
    this.#cluster.clock.advance(count);
    this.performance.retire(count, el);
  }

  /** Rt of the instruction at PC, 31 when it cannot be read. */
  currentRt(): number {
    return (this.#instructionAt(this.#registers.pc) ?? 31) & 31;
  }

  /** The instruction that was stepped last, 0 when it cannot be read any more. */
  lastInstruction(): number {
    const pc = (BigInt(this.#steppedPcHigh) << 32n) | BigInt(this.#steppedPcLow >>> 0);
    return this.#instructionAt(BigInt.asUintN(64, pc)) ?? 0;
  }

  #notePc(): void {
    const { words } = this.#cluster.engine.memory;
    this.#steppedPcLow = words[pcWord] ?? 0;
    this.#steppedPcHigh = words[pcWord + 1] ?? 0;
  }

  #instructionAt(pc: bigint): number | undefined {
    const page = translate(this.#cluster, this, pc, "execute", this.#registers.el);
    const host = page.kind === "fault" ? -1 : this.#cluster.physical.toHost(page.page + Number(pc & 0xfffn));
    return host < 0 ? undefined : this.#cluster.engine.memory.words[host >>> 2];
  }

  /** An access that no slot answers: the data the machine gave, or undefined after noting the trap. */
  mmio(access: MmioAccess, iss: number, far: bigint): MmioAccess | undefined {
    const done = this.#halfDone.next(access, this.#registers.pc);
    if (done !== undefined) return done;
    const ec = exceptionClass.dataAbortLower;
    this.note({ kind: "trap", ec, iss, far, ipa: access.address, preferredReturn: "this" });
    return undefined;
  }

  /** Gives the machine's answer to the access of the last stage 2 exit; the instruction goes on with it at the next `run`. */
  completeMmio(data: bigint): void {
    this.#halfDone.complete(data);
  }

  /** Whether an access waits for `completeMmio`. */
  get awaitsMmio(): boolean {
    return this.#halfDone.pending !== undefined;
  }

  /** Whether an instruction is half done: some of its accesses are completed and it must run to its end first. */
  get midInstruction(): boolean {
    return this.#halfDone.exists;
  }

  /** Whether what happens next has happened before: the instruction is being run again for an access that comes later. */
  get replays(): boolean {
    return this.#halfDone.replays;
  }

  /**
   * Runs at most `limit` instructions (≥ 1): those retired, and those that end in an exception to EL1. Fewer when there are very
   * many exceptions.
   * @returns why it stopped; the virtual clock has advanced by one nanosecond for each.
   */
  run(limit: number): CpuExit {
    const { clock } = this.#cluster;
    this.#cluster.activate(this.index);
    // The hypervisor has sent the guest elsewhere while an instruction was half done.
    if (this.midInstruction && this.#registers.pc !== this.#halfDone.pc) this.#halfDone.drop();
    const end = clock.nanoseconds + limit;
    for (let round = 0; clock.nanoseconds < end && round < mostRounds; round++) {
      this.timers.keep();
      const before = this.#beforeInstruction();
      if (before !== undefined) {
        const exit = this.exceptions.handle(before);
        if (exit !== undefined) return exit;
        continue;
      }
      const { stepping } = this.debug;
      if (stepping) this.#notePc();
      const single = stepping || this.midInstruction || this.debug.looksEverywhere;
      const retired = this.#execute(single ? 1 : this.#runLength(end - clock.nanoseconds));
      if (retired > 0) {
        if (stepping) this.debug.completeStep();
        else this.debug.notStepped();
      }
      const event = this.#event;
      this.#event = undefined;
      this.debug.settle(event);
      if (event !== undefined) {
        const after = this.exceptions.handle(event);
        if (after !== undefined) return after;
      }
    }
    return budget;
  }

  #runLength(left: number): number {
    const deadline = this.timers.deadline();
    const until =
      deadline === undefined ? longestRun : Math.max(deadline - this.#cluster.clock.nanoseconds, 1);
    const overflow = this.performance.untilOverflow(this.#registers.el) ?? longestRun;
    return Math.min(left, until, overflow, longestRun);
  }

  #execute(count: number): number {
    this.#enterContext();
    this.#halfDone.begin();
    this.#registers.setInt(arm64State.fetchesChanged, 0);
    const { el } = this.#registers;
    // The instruction that reads the counter is among those that may be retired no more.
    const base = this.#cluster.clock.nanoseconds + count - 1;
    this.#registers.setNumber(arm64State.counterBase, base);
    const { retired, exit } = this.#cluster.execute(count);
    this.retire(retired, el);
    if (retired > 0) {
      this.#halfDone.end();
      // What precedes the next instruction comes before a fault of its fetch (Arm ARM D1.3.2.1); then it is fetched again.
      if (exit === "fetch") this.#event = undefined;
    }
    return retired;
  }

  #enterContext(): void {
    const { engine } = this.#cluster;
    const registers = this.#registers;
    const context = this.stage1.context(registers.el);
    registers.setInt(engineState.tlb, engine.tlb.dataBase(context));
    registers.setInt(engineState.fetchTlb, engine.tlb.fetchBase(context));
    registers.setInt(engineState.unprivilegedTlb, engine.tlb.dataBase(this.stage1.context(0)));
    registers.setInt(arm64State.fpTrap, Number(this.system.floatingPointTrapped(registers.el)));
    registers.setInt(arm64State.counterAccess, this.system.counterAccess(registers.el));
    registers.setInt(arm64State.cacheAccess, this.system.cacheAccess(registers.el));
    registers.setLong(arm64State.virtualOffset, this.controls.cntvoff);
    registers.setInt(arm64State.spAlignmentCheck, Number(this.system.stackAlignmentChecked(registers.el)));
  }

  /**
   * What comes before the next instruction, if anything: a pending step, illegal state, a context breakpoint; an interrupt is
   * taken. Arm ARM D1.3.2.1 has the order.
   */
  #beforeInstruction(): CpuEvent | undefined {
    const registers = this.#registers;
    registers.setInt(arm64State.interruptsQuiet, 0);
    if (this.midInstruction) return undefined;
    const step = this.debug.pendingStep();
    if (step !== undefined) return step;
    if (registers.illegal) return this.#illegalState();
    const interrupt = this.interrupts.look();
    if (interrupt !== undefined) {
      this.exceptions.take({ kind: vectorKind[interrupt], returnAddress: registers.pc });
      this.debug.notStepped();
      // Look again: the entry has left the step machine active-pending if it is active (Arm ARM D2.12.5).
      return retry;
    }
    return this.debug.looksEverywhere ? this.#fetchEvent() : undefined;
  }

  /** An Illegal Execution state exception, or what comes before it. */
  #illegalState(): CpuEvent {
    const illegal = { kind: "exception", ec: exceptionClass.illegalState, iss: 0 } as const;
    return this.#fetchEvent() ?? { ...illegal, preferredReturn: "this" };
  }

  /** What the fetch of the instruction raises, or a breakpoint on it. */
  #fetchEvent(): CpuEvent | undefined {
    fetchPage(this.#cluster, this, this.#registers.pc);
    const event = this.#event;
    this.#event = undefined;
    return event ?? this.debug.breakpointHere();
  }
}
