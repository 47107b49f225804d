import { arm64State } from "../../isa/arm64/state.ts";
import { BreakpointPass } from "./breakpointPass.ts";
import type { Arm64Cluster } from "./cluster.ts";
import { debugLock, mdcr, mdscr } from "./controls.ts";
import type { Arm64Cpu } from "./cpu.ts";
import {
  breakpointAddresses,
  breakpointMatches,
  type DebugContext,
  type DebugRegisters,
  hasContextBreakpoint,
  noDebugRegisters,
  watchedPieces,
  watchpointHit,
} from "./debugUnit.ts";
import type { CpuEvent } from "./events.ts";
import { pstate } from "./registers.ts";
import { dataAbort, exceptionClass, faultStatus, softwareStep } from "./syndrome.ts";
import { registerByName } from "./systemRegisters/table.ts";

/** Words of system registers that are looked at before every run. */
const wordOf = {
  monitorControl: registerByName("MDSCR_EL1").address >>> 2,
  osLock: registerByName("OSLSR_EL1").address >>> 2,
  doubleLock: registerByName("OSDLR_EL1").address >>> 2,
  power: registerByName("DBGPRCR_EL1").address >>> 2,
  contextId: registerByName("CONTEXTIDR_EL1").address >>> 2,
} as const;

/** DBGPRCR_EL1.CORENPDRQ: while it is set the double lock is open (Arm ARM D17.3.15). */
const noPowerDown = 1;

/**
 * One vCPU's debug exceptions: whether they are enabled and where they go, breakpoints, watchpoints, the software step machine;
 * and the hypervisor's unseen breakpoints, which no hardware has.
 */
export class DebugExceptions {
  readonly #cluster: Arm64Cluster;
  readonly #cpu: Arm64Cpu;
  #unseen: ReadonlySet<bigint> = new Set();
  #registers: DebugRegisters = noDebugRegisters;
  /** Addresses of both kinds of breakpoints by page number; undefined when they have changed. */
  #marked: ReadonlyMap<bigint, readonly bigint[]> | undefined;
  #contextBreakpoint = false;
  /** What a software step exception would say of the last instruction: whether it was stepped, and was a load-exclusive. */
  #stepped = 0;
  #stepEvent: Extract<CpuEvent, { kind: "exception" | "trap" }> | undefined;
  /** The unseen breakpoint that has been reported and is passed once. */
  #pass: BreakpointPass | undefined;

  constructor(cluster: Arm64Cluster, cpu: Arm64Cpu) {
    this.#cluster = cluster;
    this.#cpu = cpu;
  }

  /**
   * Breakpoints of the hypervisor that the guest cannot see or count: virtual addresses, in any context. After a change the
   * marks in decoded code must be made anew: `Arm64Cluster.remark`.
   */
  set unseenBreakpoints(addresses: ReadonlySet<bigint>) {
    this.#unseen = addresses;
    this.#marked = undefined;
  }

  /** The debug registers the hardware compares with. */
  get registers(): DebugRegisters {
    return this.#registers;
  }

  /** Loads the hardware's breakpoint and watchpoint registers, and forgets translations they make slow. */
  load(registers: DebugRegisters): void {
    if (registers === this.#registers) return;
    this.#registers = registers;
    this.#marked = undefined;
    this.#contextBreakpoint = hasContextBreakpoint(registers);
    this.#cluster.activate(this.#cpu.index);
    this.#cluster.engine.tlb.watch(watchedPieces(registers));
    this.#cluster.remark();
    this.#cpu.stage1.flushFirstLevel();
  }

  /** Lets the instruction at PC execute once although an unseen breakpoint is on it; interrupts may come before it. */
  passBreakpoint(): void {
    const { pc, sp } = this.#cpu.registers;
    this.#pass = new BreakpointPass(pc, sp);
  }

  /** PC was set from outside: a breakpoint there counts again. */
  dropPass(): void {
    this.#pass = undefined;
  }

  /** The instruction at `pc` was done without the CPU. */
  skipped(pc: bigint): void {
    if (pc === this.#pass?.pc) this.#pass = undefined;
    this.#stepped = softwareStep.isv;
  }

  /** After a run, which ended with `event`. */
  settle(event: CpuEvent | undefined): void {
    if (this.#pass?.used === true && this.#pass.settle(event, this.#cluster.clock.nanoseconds))
      this.#pass = undefined;
  }

  /** An exception has returned to the present PC. */
  returned(): void {
    if (this.#pass === undefined) return;
    const { pc, sp } = this.#cluster.registers;
    if (this.#pass.isLeft(pc, sp)) this.#pass = undefined;
  }

  /** Addresses of instructions in the page of `va` (4 KiB) that must be looked at when they are about to execute. */
  breakpointsInPage(va: bigint): readonly bigint[] {
    this.#marked ??= byPage([...breakpointAddresses(this.#registers), ...this.#unseen]);
    return this.#marked.get(va >> 12n) ?? none;
  }

  /** Whether a breakpoint can match at any address, so that every instruction must be looked at. */
  get looksEverywhere(): boolean {
    return this.#contextBreakpoint;
  }

  /** MDCR_EL2.TDE: debug exceptions are the hypervisor's (Arm ARM D2.4.1). */
  get routedToHypervisor(): boolean {
    return (this.#cpu.controls.mdcr & mdcr.TDE) !== 0;
  }

  /** Whether debug exceptions other than BRK can be taken from here: AArch64.GenerateDebugExceptions (Arm ARM D2.4, J1.1.2). */
  enabled(): boolean {
    return !this.locked && (this.routedToHypervisor || this.enabledByGuest());
  }

  /** The OS lock or the double lock is on. */
  get locked(): boolean {
    if ((this.#word(wordOf.osLock) & debugLock.OSLK) !== 0) return true;
    return (
      (this.#word(wordOf.doubleLock) & debugLock.DLK) !== 0 && (this.#word(wordOf.power) & noPowerDown) === 0
    );
  }

  /** Whether a debug exception that is EL1's own would be enabled here, but for the locks. */
  enabledByGuest(): boolean {
    const { el, daif } = this.#cluster.registers;
    return el === 0 || ((this.#word(wordOf.monitorControl) & mdscr.KDE) !== 0 && (daif & pstate.d) === 0);
  }

  /** Whether the software step machine is active. */
  get stepActive(): boolean {
    return (this.#word(wordOf.monitorControl) & mdscr.SS) !== 0 && this.enabled();
  }

  /** Whether it is active-not-pending: the next instruction is stepped. */
  get stepping(): boolean {
    return this.stepActive && this.#cluster.registers.singleStep;
  }

  /** SSAdvance: the instruction counts as executed although it ends in an exception (Arm ARM J1.1.2). */
  advanceStep(): void {
    const { stepping } = this;
    if (stepping) this.#cluster.registers.singleStep = false;
    this.#stepped = stepping ? softwareStep.isv : 0;
  }

  /** An instruction has been executed that the step machine was active for. */
  completeStep(): void {
    this.#cluster.registers.singleStep = false;
    this.#stepped = softwareStep.isv | (this.#loadedExclusive() ? softwareStep.ex : 0);
  }

  /** What was executed last was not stepped: an instruction that no step machine was active for, or an exception's entry. */
  notStepped(): void {
    this.#stepped = 0;
  }

  /** ISS of a software step exception before the present instruction (Arm ARM D17.2.37): ISV and EX. */
  get steppedIss(): number {
    return this.#stepped;
  }

  /** Takes over what a step exception would say, from another's step machine. */
  setSteppedIss(iss: number): void {
    this.#stepped = iss;
  }

  /** The step exception, when the step machine is active-pending. */
  pendingStep(): CpuEvent | undefined {
    if (!this.stepActive || this.#cluster.registers.singleStep) return undefined;
    const { softwareStepLower: lower, softwareStepCurrent: current } = exceptionClass;
    const routed = this.routedToHypervisor;
    const ec = routed || this.#cluster.registers.el === 0 ? lower : current;
    const kind = routed ? "trap" : "exception";
    const iss = faultStatus.debug | this.#stepped;
    const last = this.#stepEvent;
    // Most are alike.
    if (last?.kind === kind && last.ec === ec && last.iss === iss) return last;
    this.#stepEvent = { kind, ec, iss, preferredReturn: "this" };
    return this.#stepEvent;
  }

  /** The instruction at PC has been fetched; whether a breakpoint comes before it. */
  breakpointHere(): CpuEvent | undefined {
    return this.#breakpointHits(this.#cluster.registers.pc) ? this.#event("breakpoint") : undefined;
  }

  /** Whether the instruction at PC, which is marked, should execute; if not, notes the breakpoint. */
  passesMark(): boolean {
    const { pc } = this.#cluster.registers;
    const begins = !this.#cpu.replays;
    if (this.#unseen.has(pc) && !this.#usePass(pc) && begins) {
      this.#cpu.note({
        kind: "trap",
        ec: exceptionClass.breakpointLower,
        iss: faultStatus.debug,
        preferredReturn: "this",
        unseen: true,
      });
      return false;
    }
    if (!begins || !this.#breakpointHits(pc)) return true;
    this.#cpu.note(this.#event("breakpoint"));
    return false;
  }

  /** BRK: always taken, to EL2 when debug exceptions are routed there (Arm ARM D2.7). */
  noteBrk(imm: number): void {
    const kind = this.routedToHypervisor ? "trap" : "exception";
    this.#cpu.note({ kind, ec: exceptionClass.brk64, iss: imm, preferredReturn: "this" });
  }

  /**
   * An access is about to happen: whether a watchpoint stops it; then the exception is noted.
   * @param access.el the level whose permissions count, EL0 for unprivileged accesses (AArch64.StateMatch, `ispriv`).
   */
  watchpointStops(
    va: bigint,
    bytes: number,
    access: { readonly write: boolean; readonly el?: 0 | 1; readonly cacheMaintenance?: boolean },
  ): boolean {
    if (!this.#matchingEnabled() || this.#cpu.replays) return false;
    const { write } = access;
    const context = this.#context();
    const hit = watchpointHit(this.#registers, va, bytes, write, { ...context, el: access.el ?? context.el });
    if (hit === undefined) return false;
    const maintenance = access.cacheMaintenance === true ? dataAbort.cm : 0;
    const iss = faultStatus.debug | (write ? dataAbort.wnr : 0) | maintenance;
    this.#cpu.note(this.#event("watchpoint", iss, hit.address));
    return true;
  }

  /** Whether the instruction that has just been executed was a load-exclusive. Such a one leaves the monitor closed. */
  #loadedExclusive(): boolean {
    if (this.#cluster.registers.getInt(arm64State.exclusiveBytes) === 0) return false;
    return isLoadExclusive(this.#cpu.lastInstruction());
  }

  #word(index: number): number {
    return this.#cluster.engine.memory.words[index] ?? 0;
  }

  /** Whether breakpoints and watchpoints can match: MDSCR_EL1.MDE and debug exceptions enabled. */
  #matchingEnabled(): boolean {
    return (this.#word(wordOf.monitorControl) & mdscr.MDE) !== 0 && this.enabled();
  }

  /** Whether the unseen breakpoint at `pc` is passed this time. */
  #usePass(pc: bigint): boolean {
    const passed = this.#pass?.use(pc, this.#cluster.registers.sp, this.#cluster.now()) ?? false;
    if (passed !== "expired") return passed;
    this.#pass = undefined;
    return false;
  }

  #breakpointHits(pc: bigint): boolean {
    return this.#matchingEnabled() && breakpointMatches(this.#registers, pc, this.#context());
  }

  #context(): DebugContext {
    return { el: this.#cluster.registers.el, contextId: this.#word(wordOf.contextId) >>> 0 };
  }

  /** A debug exception at the present instruction, to EL1 or to the hypervisor. Arm ARM D2.4.1: MDCR_EL2.TDE routes. */
  #event(what: "breakpoint" | "watchpoint", iss: number = faultStatus.debug, far?: bigint): CpuEvent {
    const routed = this.routedToHypervisor;
    const level = routed || this.#cluster.registers.el === 0 ? "Lower" : "Current";
    const ec = exceptionClass[`${what}${level}`];
    return {
      kind: routed ? "trap" : "exception",
      ec,
      iss,
      preferredReturn: "this",
      ...(far === undefined ? {} : { far }),
    };
  }
}

/** Load-exclusive: LDXR, LDAXR, LDXP, LDAXP and their byte and halfword forms (Arm ARM C4.1.4). */
function isLoadExclusive(word: number): boolean {
  const isPair = (word & 0x0020_0000) !== 0;
  // o2 = 0 and L = 1; with o1 = 1 the small sizes are CASP.
  return (word & 0x3fc0_0000) === 0x0840_0000 && (!isPair || word < 0);
}

const none: readonly bigint[] = [];

function byPage(addresses: readonly bigint[]): ReadonlyMap<bigint, readonly bigint[]> {
  const pages = new Map<bigint, bigint[]>();
  for (const address of addresses) {
    const page = pages.get(address >> 12n);
    if (page === undefined) pages.set(address >> 12n, [address]);
    else page.push(address);
  }
  return pages;
}
