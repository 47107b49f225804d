import { engineState } from "../../engine/layout.ts";
import { arm64State } from "../../isa/arm64/state.ts";
import type { Arm64Cluster } from "./cluster.ts";
import { type HypervisorControls, mdcr, mdscr } from "./controls.ts";
import {
  breakpointAddresses,
  breakpointMatches,
  type DebugContext,
  type DebugRegisters,
  hasContextBreakpoint,
  noDebugRegisters,
  watchpointHit,
} from "./debugUnit.ts";
import type { CpuEvent, CpuExit, MmioAccess } from "./events.ts";
import { legalReturn, takeException, vectorKind } from "./exceptions.ts";
import { fetchPage } from "./fetch.ts";
import { PerformanceMonitor } from "./pmu.ts";
import { type Arm64Registers, pstate } from "./registers.ts";
import { dataAbort, exceptionClass, faultStatus, syndrome } from "./syndrome.ts";
import { sctlr } from "./systemRegisters/control.ts";
import { SystemRegisterFile } from "./systemRegisters/file.ts";
import { resources } from "./systemRegisters/identification.ts";
import { registerByName } from "./systemRegisters/table.ts";
import { eventStreamTicks, genericTimer, nanosecondsPerTick } from "./timers.ts";
import { translate } from "./translate.ts";
import { currentAsid, type Regime, readRegime } from "./translation/regime.ts";
import { SecondLevelTlb } from "./translation/secondLevel.ts";

/** The PPIs of the generic timers and the performance monitor (Arm Base System Architecture 3.6). */
const privateInterrupt = { performance: 23, virtualTimer: 27, physicalTimer: 30 } as const;

/** Words of system registers that are looked at before every run. */
const wordOf = {
  monitorControl: registerByName("MDSCR_EL1").address >>> 2,
  osLock: registerByName("OSLSR_EL1").address >>> 2,
} as const;

/** The first instruction run can never be longer than this; budgets of generated code are 31-bit. */
const longestRun = 0x4000_0000;

/** Rounds of `run` at once: a guest that takes an exception at every instruction must not keep the host busy for seconds. */
const mostRounds = 2048;

/**
 * Leave to execute the instruction at `pc` once in spite of an unseen breakpoint. The stack pointer tells it from the same
 * instruction in an interrupt's handler that comes first.
 */
interface BreakpointPass {
  readonly pc: bigint;
  readonly sp: bigint;
  /** Instructions retired when the breakpoint was passed; undefined before. */
  used: number | undefined;
}

/**
 * One vCPU: EL0 and EL1 of an Armv8.0-A core. It runs until something happens that is EL2's business; then the hypervisor
 * looks at the exit and, if it likes, runs it again. Its registers are reached only while it is the cluster's active CPU.
 */
export class Arm64Cpu {
  readonly index: number;
  readonly controls: HypervisorControls = { hcr: 0n, mdcr: resources.eventCounters, cntvoff: 0n };
  readonly system: SystemRegisterFile;
  readonly performance: PerformanceMonitor;
  readonly secondLevel = new SecondLevelTlb();
  /**
   * Breakpoints of the hypervisor that the guest cannot see or count: virtual addresses, in any context. After a change the
   * marks in decoded code must be made anew: `Arm64Cluster.remark`.
   */
  unseenBreakpoints: ReadonlySet<bigint> = new Set();
  /** Nanosecond of virtual time from which on the timers' outputs may be others; 0 when that has to be worked out. */
  #timersDue = 0;
  /** How many exceptions to EL1 there have been. */
  exceptionsTaken = 0;
  /** Interrupts stay pending, although they wake the CPU from waiting: for a debugger that steps. */
  interruptsHeld = false;
  readonly #cluster: Arm64Cluster;
  readonly #registers: Arm64Registers;
  #event: CpuEvent | undefined;
  #regime: Regime | undefined;
  #asid = 0;
  #debug: DebugRegisters = noDebugRegisters;
  #contextBreakpoint = false;
  /** Accesses of the current instruction that the machine has completed; the instruction runs again and finds them here. */
  #completed: MmioAccess[] = [];
  #replayed = 0;
  #pendingMmio: MmioAccess | undefined;
  /** PC of the instruction that these accesses belong to. */
  #accessPc = 0n;
  /** The unseen breakpoint that has been reported and is passed once. */
  #pass: BreakpointPass | undefined;
  /** Instructions retired at EL0 and EL1. */
  readonly #retired: [number, number] = [0, 0];
  #performanceActive = false;

  /** The WFE event register. */
  eventPending = false;
  /** Translations of fetches were dropped in this run: the code that runs may be mapped elsewhere now. */
  fetchesChanged = false;

  constructor(cluster: Arm64Cluster, index: number) {
    this.#cluster = cluster;
    this.#registers = cluster.registers;
    this.index = index;
    this.system = new SystemRegisterFile(cluster, this);
    this.performance = new PerformanceMonitor(this.system);
  }

  /** What a cold reset does beside the registers' values; the CPU is the active one. */
  reset(): void {
    this.system.reset();
    this.#dropAccesses();
    this.#event = undefined;
    this.#pass = undefined;
    this.eventPending = false;
    this.translationChanged(false);
    this.updateFloatingPointMode();
    this.updateTimers();
    this.performanceChanged();
  }

  /** The general registers; makes this vCPU the active one. */
  get registers(): Arm64Registers {
    this.#cluster.activate(this.index);
    return this.#registers;
  }

  /** Translation contexts of EL0 and EL1. */
  context(el: 0 | 1): number {
    return this.index * 2 + el;
  }

  get regime(): Regime {
    this.#regime ??= readRegime({
      sctlr: this.system.get("SCTLR_EL1"),
      tcr: this.system.get("TCR_EL1"),
      ttbr0: this.system.get("TTBR0_EL1"),
      ttbr1: this.system.get("TTBR1_EL1"),
      mair: this.system.get("MAIR_EL1"),
      physicalBits: resources.physicalBits,
    });
    return this.#regime;
  }

  get asid(): number {
    return this.#asid;
  }

  /** The debug registers the hardware compares with. */
  get debug(): DebugRegisters {
    return this.#debug;
  }

  /** Loads the hardware's breakpoint and watchpoint registers, and forgets translations they make slow. */
  loadDebugRegisters(registers: DebugRegisters): void {
    if (registers === this.#debug) return;
    this.#debug = registers;
    this.#contextBreakpoint = hasContextBreakpoint(registers);
    this.#cluster.remark();
    this.flushFirstLevel();
  }

  /** Lets the instruction at PC execute once although an unseen breakpoint is on it; interrupts may come before it. */
  passBreakpoint(): void {
    const { pc, sp } = this.registers;
    this.#pass = { pc, sp, used: undefined };
  }

  /** PC was set from outside: a breakpoint there counts again. */
  dropPass(): void {
    this.#pass = undefined;
  }

  /** Instruction addresses that must be looked at when they are about to execute. */
  breakpointAddresses(): readonly bigint[] {
    return [...breakpointAddresses(this.#debug), ...this.unseenBreakpoints];
  }

  /** Drops the set-up of stage 1 that was read from the registers; `keepTlb` when only the ASID or a base changed. */
  translationChanged(keepTlb: boolean): void {
    this.#regime = undefined;
    this.#asid = currentAsid(
      this.system.get("TCR_EL1"),
      this.system.get("TTBR0_EL1"),
      this.system.get("TTBR1_EL1"),
    );
    if (keepTlb) {
      this.fetchesChanged = true;
      for (const el of [0, 1] as const) this.#cluster.engine.tlb.flushFirst(this.context(el));
    } else {
      this.secondLevel.flush();
      this.flushFirstLevel();
    }
    this.#registers.setInt(engineState.asid, this.#asid);
  }

  flushFirstLevel(): void {
    this.fetchesChanged = true;
    this.#cluster.engine.tlb.flush(this.context(0));
    this.#cluster.engine.tlb.flush(this.context(1));
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

  /** BRK: always taken, to EL2 when debug exceptions are routed there (Arm ARM D2.7). */
  noteBrk(imm: number): void {
    const kind = this.#debugRoutedToHypervisor() ? "trap" : "exception";
    this.note({ kind, ec: exceptionClass.brk64, iss: imm, preferredReturn: "this" });
  }

  /** WFI or WFE with nothing to wake it: to EL1 or EL2 where trapped, else the CPU waits, which is the hypervisor's to arrange. */
  noteWait(what: "interrupt" | "event"): void {
    // A masked interrupt ends WFI's wait and not WFE's (Arm ARM D1.6.1, D1.6.2).
    if (what === "interrupt" ? this.interruptAsserted : this.interruptPending) return;
    const ec = exceptionClass.wfx;
    // ISS: CV = 1, COND = 0b1110, TI says which instruction (Arm ARM D17.2.37).
    const iss = 0x1e0_0000 | Number(what === "event");
    const allowed = (this.system.raw("SCTLR_EL1") & (what === "event" ? sctlr.nTWE : sctlr.nTWI)) !== 0n;
    const kind = this.#registers.el === 0 && !allowed ? "exception" : "trap";
    this.note({ kind, ec, iss, preferredReturn: "this" });
  }

  /** The hypervisor has done what the trapped instruction asks: it counts as executed, and a step over it is complete. */
  skipInstruction(): void {
    if (this.registers.pc === this.#pass?.pc) this.#pass = undefined;
    this.registers.pc += 4n;
    this.#retire(1, this.#registers.el);
    this.#advanceStep();
  }

  /** Takes an exception to EL1 as the CPU would; `far` and `syndrome` as in the report. */
  inject(report: Parameters<typeof takeException>[2]): void {
    this.#cluster.activate(this.index);
    this.#dropAccesses();
    this.#cluster.clock.advance(1);
    this.#take(report);
  }

  /** Rt of the instruction at PC, 31 when it cannot be read. */
  currentRt(): number {
    const { pc, el } = this.#registers;
    const page = translate(this.#cluster, this, pc, "execute", el);
    const host = page.kind === "fault" ? -1 : this.#cluster.physical.toHost(page.page + Number(pc & 0xfffn));
    return host < 0 ? 31 : (this.#cluster.engine.memory.words[host >>> 2] ?? 31) & 31;
  }

  /** Forgets one page in the first-level TLBs. */
  flushFirstLevelPage(va: bigint): void {
    this.fetchesChanged = true;
    this.#cluster.engine.tlb.flushPage(this.context(0), va);
    this.#cluster.engine.tlb.flushPage(this.context(1), va);
  }

  /** An access that no slot answers: the data the machine gave, or undefined after noting the trap. */
  mmio(access: MmioAccess, iss: number, far: bigint): MmioAccess | undefined {
    const done = this.#completed[this.#replayed];
    if (
      done !== undefined &&
      done.address === access.address &&
      done.write === access.write &&
      done.bytes === access.bytes
    ) {
      this.#replayed++;
      return done;
    }
    this.#pendingMmio = access;
    this.#accessPc = this.#registers.pc;
    const ec = exceptionClass.dataAbortLower;
    this.note({ kind: "trap", ec, iss, far, ipa: access.address, preferredReturn: "this" });
    return undefined;
  }

  /** Gives the machine's answer to the access of the last stage 2 exit; the instruction goes on with it at the next `run`. */
  completeMmio(data: bigint): void {
    const pending = this.#pendingMmio;
    if (pending === undefined) throw new RangeError("no access waits to be completed");
    this.#completed.push({ ...pending, data });
    this.#pendingMmio = undefined;
  }

  /** Whether an access waits for `completeMmio`. */
  get awaitsMmio(): boolean {
    return this.#pendingMmio !== undefined;
  }

  /** Whether an instruction is half done: some of its accesses are completed and it must run to its end first. */
  get midInstruction(): boolean {
    return this.#completed.length > 0 || this.#pendingMmio !== undefined;
  }

  #dropAccesses(): void {
    this.#completed = [];
    this.#pendingMmio = undefined;
  }

  /** Whether the IRQ or FIQ input is asserted, masked or not. */
  get interruptAsserted(): boolean {
    const lines = this.#cluster.interrupts?.pending(this.index);
    return lines !== undefined && (lines.irq || lines.fiq);
  }

  /** Whether an interrupt would be taken before the next instruction. */
  get interruptPending(): boolean {
    if (this.interruptsHeld) return false;
    const lines = this.#cluster.interrupts?.pending(this.index);
    if (lines === undefined) return false;
    const { daif } = this.#registers;
    return (lines.irq && (daif & pstate.i) === 0) || (lines.fiq && (daif & pstate.f) === 0);
  }

  /** Nanosecond of virtual time at which a timer output of this CPU rises, if one will. */
  timerDeadline(): number | undefined {
    this.keepTimers();
    return this.#timersDue === Number.POSITIVE_INFINITY ? undefined : this.#timersDue;
  }

  /** Nanosecond of virtual time of the next event of the event stream, if it is on. */
  nextStreamEvent(): number | undefined {
    this.#cluster.activate(this.index);
    const count = this.#cluster.count();
    const control = Number(this.system.raw("CNTKCTL_EL1"));
    const ticks = eventStreamTicks(control, count - this.controls.cntvoff);
    return ticks === undefined ? undefined : Number(count + ticks) * nanosecondsPerTick;
  }

  #nextTimer(): number {
    const count = this.#cluster.count();
    const left = [
      genericTimer.ticksLeft(this.#timer("P"), count),
      genericTimer.ticksLeft(this.#timer("V"), count - this.controls.cntvoff),
    ].filter((ticks) => ticks !== undefined);
    const times = left.map((ticks) => Number(count + ticks) * nanosecondsPerTick);
    const first = Math.min(...times);
    // Later than virtual time can count is never.
    return first <= Number.MAX_SAFE_INTEGER ? first : Number.POSITIVE_INFINITY;
  }

  /** Drives the timers' interrupt lines if time alone may have changed them. */
  keepTimers(): void {
    if (this.#cluster.clock.nanoseconds >= this.#timersDue) this.updateTimers();
  }

  /** Drives the timers' interrupt lines from their registers and the present count. */
  updateTimers(): void {
    const count = this.#cluster.count();
    const { interrupts } = this.#cluster;
    interrupts?.setPpi(
      this.index,
      privateInterrupt.physicalTimer,
      genericTimer.output(this.#timer("P"), count),
    );
    interrupts?.setPpi(
      this.index,
      privateInterrupt.virtualTimer,
      genericTimer.output(this.#timer("V"), count - this.controls.cntvoff),
    );
    this.#timersDue = this.#nextTimer();
  }

  /** Brings the performance counters up to date, also within a run. */
  updatePerformance(): void {
    const within = this.#cluster.retiredInRun();
    const { el } = this.#registers;
    this.performance.update([
      this.#retired[0] + (el === 0 ? within : 0),
      this.#retired[1] + (el === 1 ? within : 0),
    ]);
  }

  /** The performance monitor's controls or flags changed. */
  performanceChanged(): void {
    this.#performanceActive = this.performance.active;
    this.#cluster.interrupts?.setPpi(this.index, privateInterrupt.performance, this.performance.interrupt);
    this.#cluster.endRunSoon();
  }

  /** Makes CNTVCT_EL0 read `value` now, on every CPU of the cluster (CNTVOFF_EL2). */
  setVirtualCount(value: bigint): void {
    const offset = this.#cluster.count() - value;
    for (const cpu of this.#cluster.cpus) {
      cpu.controls.cntvoff = offset;
      cpu.#timersDue = 0;
    }
  }

  #timer(which: "P" | "V"): { control: number; compare: bigint } {
    return {
      control: Number(this.system.get(`CNT${which}_CTL_EL0`)),
      compare: this.system.get(`CNT${which}_CVAL_EL0`),
    };
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
    if (this.midInstruction && this.#registers.pc !== this.#accessPc) this.#dropAccesses();
    const end = clock.nanoseconds + limit;
    for (let round = 0; clock.nanoseconds < end && round < mostRounds; round++) {
      this.keepTimers();
      const before = this.#beforeInstruction();
      if (before !== undefined) {
        const exit = this.#handle(before);
        if (exit !== undefined) return exit;
        continue;
      }
      const stepping = this.#stepping();
      const single = stepping || this.midInstruction || this.#contextBreakpoint;
      const retired = this.#execute(single ? 1 : this.#runLength(end - clock.nanoseconds));
      if (stepping && retired > 0) this.#registers.singleStep = false;
      const event = this.#event;
      this.#event = undefined;
      if (this.#pass?.used !== undefined) this.#settlePass(event);
      if (event !== undefined) {
        const after = this.#handle(event);
        if (after !== undefined) return after;
      }
    }
    return { kind: "budget" };
  }

  #runLength(left: number): number {
    const deadline = this.timerDeadline();
    const until =
      deadline === undefined ? longestRun : Math.max(deadline - this.#cluster.clock.nanoseconds, 1);
    const overflow = this.#performanceActive ? this.performance.untilOverflow(this.#registers.el) : undefined;
    return Math.min(left, until, overflow ?? longestRun, longestRun);
  }

  #execute(count: number): number {
    this.#enterContext();
    this.#replayed = 0;
    this.fetchesChanged = false;
    const { el } = this.#registers;
    const { retired, exit } = this.#cluster.execute(count);
    this.#retire(retired, el);
    if (retired > 0) {
      this.#completed = [];
      // What precedes the next instruction comes before a fault of its fetch (Arm ARM D1.3.2.1); then it is fetched again.
      if (exit === "fetch") this.#event = undefined;
    }
    return retired;
  }

  /** Counts instructions that have retired at an Exception level. */
  #retire(count: number, el: 0 | 1): void {
    this.#cluster.clock.advance(count);
    this.#retired[el] += count;
    if (!this.#performanceActive) return;
    this.updatePerformance();
    this.#cluster.interrupts?.setPpi(this.index, privateInterrupt.performance, this.performance.interrupt);
  }

  #enterContext(): void {
    const { engine } = this.#cluster;
    const registers = this.#registers;
    const context = this.context(registers.el);
    registers.setInt(engineState.tlb, engine.tlb.dataBase(context));
    registers.setInt(engineState.fetchTlb, engine.tlb.fetchBase(context));
    registers.setInt(engineState.unprivilegedTlb, engine.tlb.dataBase(this.context(0)));
    registers.setInt(arm64State.fpTrap, Number(this.system.floatingPointTrapped(registers.el)));
    registers.setInt(arm64State.spAlignmentCheck, Number(this.system.stackAlignmentChecked(registers.el)));
  }

  /**
   * What comes before the next instruction, if anything: a pending step, a context breakpoint, illegal state; an interrupt is
   * taken. Arm ARM D1.3.2.1 has the order.
   */
  #beforeInstruction(): CpuEvent | undefined {
    if (this.midInstruction) return undefined;
    const registers = this.#registers;
    if (this.#stepActive() && !registers.singleStep) {
      const isv = 1 << 24;
      return this.#debugEvent("softwareStep", faultStatus.debug | isv);
    }
    if (this.#contextBreakpoint && this.#breakpointHits(registers.pc)) {
      return this.#debugEvent("breakpoint");
    }
    if (registers.illegal) return this.#illegalState();
    const lines = this.#cluster.interrupts?.pending(this.index);
    if (lines !== undefined && this.interruptPending) {
      const irq = lines.irq && (registers.daif & pstate.i) === 0;
      this.#take({ kind: irq ? vectorKind.irq : vectorKind.fiq, returnAddress: registers.pc });
      // Look again: the entry has left the step machine active-pending if it is active (Arm ARM D2.12.5).
      return { kind: "retry" };
    }
    return undefined;
  }

  /** An Illegal Execution state exception, or what the fetch of the instruction raises before it. */
  #illegalState(): CpuEvent {
    fetchPage(this.#cluster, this, this.#registers.pc);
    const event = this.#event;
    this.#event = undefined;
    return event ?? { kind: "exception", ec: exceptionClass.illegalState, iss: 0, preferredReturn: "this" };
  }

  #debugRoutedToHypervisor(): boolean {
    return (this.controls.mdcr & mdcr.TDE) !== 0;
  }

  /** Whether debug exceptions other than BRK can be taken from here. Arm ARM D2.4. */
  debugExceptionsEnabled(): boolean {
    if ((this.#word("osLock") & 2) !== 0) return false;
    if (this.#debugRoutedToHypervisor()) return true;
    if (this.#registers.el === 0) return true;
    return (this.#word("monitorControl") & mdscr.KDE) !== 0 && (this.#registers.daif & pstate.d) === 0;
  }

  /** Whether breakpoints and watchpoints can match: MDSCR_EL1.MDE and debug exceptions enabled. */
  breakpointsEnabled(): boolean {
    return (this.#word("monitorControl") & mdscr.MDE) !== 0 && this.debugExceptionsEnabled();
  }

  #word(of: keyof typeof wordOf): number {
    return this.#cluster.engine.memory.words[wordOf[of]] ?? 0;
  }

  #stepActive(): boolean {
    return (this.#word("monitorControl") & mdscr.SS) !== 0 && this.debugExceptionsEnabled();
  }

  #stepping(): boolean {
    return this.#stepActive() && this.#registers.singleStep;
  }

  /** SSAdvance: the instruction counts as executed although it ends in an exception (Arm ARM J1.1.2). */
  #advanceStep(): void {
    if (this.#stepActive()) this.#registers.singleStep = false;
  }

  /** Whether the instruction at PC, which is marked, should execute; if not, notes the breakpoint. */
  passesMark(): boolean {
    const { pc } = this.#registers;
    if (this.unseenBreakpoints.has(pc) && !this.#usePass(pc)) {
      this.note({
        kind: "trap",
        ec: exceptionClass.breakpointLower,
        iss: faultStatus.debug,
        preferredReturn: "this",
        unseen: true,
      });
      return false;
    }
    if (!this.#breakpointHits(pc)) return true;
    this.note(this.#debugEvent("breakpoint"));
    return false;
  }

  /** Whether the unseen breakpoint at `pc` is passed this time. */
  #usePass(pc: bigint): boolean {
    const pass = this.#pass;
    if (pass === undefined || pass.pc !== pc || pass.sp !== this.#registers.sp) return false;
    const now = this.#cluster.now();
    if (pass.used !== undefined && now > pass.used) {
      this.#pass = undefined;
      return false;
    }
    pass.used = now;
    return true;
  }

  /** After a run in which a breakpoint was passed: an instruction that was abandoned is tried again, and passed again. */
  #settlePass(event: CpuEvent | undefined): void {
    const pass = this.#pass;
    if (pass?.used === undefined) return;
    const ends = event !== undefined && "preferredReturn" in event && event.preferredReturn === "next";
    const done = ends || event?.kind === "exceptionReturn" || this.#cluster.clock.nanoseconds > pass.used;
    if (done) this.#pass = undefined;
    else pass.used = undefined;
  }

  /** An access is about to happen: whether a watchpoint stops it; then the exception is noted. */
  watchpointStops(va: bigint, bytes: number, write: boolean): boolean {
    if (!this.breakpointsEnabled()) return false;
    const hit = watchpointHit(this.#debug, va, bytes, write, this.#debugContext());
    if (hit === undefined) return false;
    const iss = faultStatus.debug | (write ? dataAbort.wnr : 0);
    this.note(this.#debugEvent("watchpoint", iss, hit.address));
    return true;
  }

  #breakpointHits(pc: bigint): boolean {
    return this.breakpointsEnabled() && breakpointMatches(this.#debug, pc, this.#debugContext());
  }

  #debugContext(): DebugContext {
    return { el: this.#registers.el, contextId: Number(this.system.get("CONTEXTIDR_EL1")) };
  }

  /** A debug exception at the present instruction, to EL1 or to the hypervisor. Arm ARM D2.4.1: MDCR_EL2.TDE routes. */
  #debugEvent(
    what: "breakpoint" | "watchpoint" | "softwareStep",
    iss: number = faultStatus.debug,
    far?: bigint,
  ): CpuEvent {
    const routed = this.#debugRoutedToHypervisor();
    const level = routed || this.#registers.el === 0 ? "Lower" : "Current";
    const ec = exceptionClass[`${what}${level}`];
    return {
      kind: routed ? "trap" : "exception",
      ec,
      iss,
      preferredReturn: "this",
      ...(far === undefined ? {} : { far }),
    };
  }

  #take(report: Parameters<typeof takeException>[2]): void {
    this.exceptionsTaken++;
    takeException(this.#registers, this.system, report);
  }

  #handle(event: CpuEvent): CpuExit | undefined {
    const registers = this.#registers;
    switch (event.kind) {
      case "retry":
        return undefined;
      case "unimplemented":
        return { kind: "unimplemented", what: event.what };
      case "exceptionReturn":
        this.#return();
        return undefined;
      case "exception": {
        const returnAddress = event.preferredReturn === "next" ? registers.pc + 4n : registers.pc;
        // An exception takes time as an instruction does, so that a guest that does nothing else makes progress.
        if (event.preferredReturn === "next") {
          this.#retire(1, registers.el);
          this.#advanceStep();
        } else {
          this.#cluster.clock.advance(1);
        }
        this.#dropAccesses();
        const far = event.far === undefined ? {} : { far: event.far };
        this.#take({
          kind: vectorKind.synchronous,
          returnAddress,
          syndrome: syndrome(event.ec, event.iss),
          ...far,
        });
        return undefined;
      }
      case "trap":
        if (event.preferredReturn === "next") {
          registers.pc += 4n;
          this.#retire(1, registers.el);
          this.#advanceStep();
        }
        return {
          kind: "trap",
          syndrome: syndrome(event.ec, event.iss),
          far: event.far ?? 0n,
          ipa: event.ipa ?? 0,
          mmio: this.#pendingMmio,
          unseen: event.unseen ?? false,
        };
    }
  }

  #return(): void {
    const registers = this.#registers;
    const spsr = Number(this.system.get("SPSR_EL1"));
    registers.setInt(arm64State.exclusiveBytes, 0);
    this.eventPending = true;
    registers.pc = this.system.get("ELR_EL1");
    this.#retire(1, 1);
    const kept = (registers.el === 0 ? 0 : 4) | registers.spSel;
    const wasEnabled = this.debugExceptionsEnabled();
    registers.pstate = legalReturn(spsr) ? spsr : ((spsr & ~0x1f) | kept | pstate.il) >>> 0;
    // DebugExceptionReturnSS: SPSR.SS counts only when the step machine becomes active by this return (Arm ARM D2.12.4).
    if (wasEnabled || !this.#stepActive()) registers.singleStep = false;
  }
}
