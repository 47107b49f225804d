import { BreakpointPass } from "./breakpointPass.ts";
import type { Arm64Cluster } from "./cluster.ts";
import { mdcr, mdscr } from "./controls.ts";
import type { Arm64Cpu } from "./cpu.ts";
import {
  breakpointAddresses,
  breakpointMatches,
  type DebugContext,
  type DebugRegisters,
  hasContextBreakpoint,
  noDebugRegisters,
  watchpointHit,
} from "./debugUnit.ts";
import type { CpuEvent } from "./events.ts";
import { pstate } from "./registers.ts";
import { dataAbort, exceptionClass, faultStatus } from "./syndrome.ts";
import { registerByName } from "./systemRegisters/table.ts";

/** Words of system registers that are looked at before every run. */
const wordOf = {
  monitorControl: registerByName("MDSCR_EL1").address >>> 2,
  osLock: registerByName("OSLSR_EL1").address >>> 2,
} as const;

/**
 * One vCPU's debug exceptions: whether they are enabled and where they go, breakpoints, watchpoints, the software step machine;
 * and the hypervisor's unseen breakpoints, which no hardware has.
 */
export class DebugExceptions {
  /**
   * Breakpoints of the hypervisor that the guest cannot see or count: virtual addresses, in any context. After a change the
   * marks in decoded code must be made anew: `Arm64Cluster.remark`.
   */
  unseenBreakpoints: ReadonlySet<bigint> = new Set();
  readonly #cluster: Arm64Cluster;
  readonly #cpu: Arm64Cpu;
  #registers: DebugRegisters = noDebugRegisters;
  #contextBreakpoint = false;
  /** The unseen breakpoint that has been reported and is passed once. */
  #pass: BreakpointPass | undefined;

  constructor(cluster: Arm64Cluster, cpu: Arm64Cpu) {
    this.#cluster = cluster;
    this.#cpu = cpu;
  }

  /** The debug registers the hardware compares with. */
  get registers(): DebugRegisters {
    return this.#registers;
  }

  /** Loads the hardware's breakpoint and watchpoint registers, and forgets translations they make slow. */
  load(registers: DebugRegisters): void {
    if (registers === this.#registers) return;
    this.#registers = registers;
    this.#contextBreakpoint = hasContextBreakpoint(registers);
    this.#cluster.remark();
    this.#cpu.flushFirstLevel();
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
    this.advanceStep();
  }

  /** After a run, which ended with `event`. */
  settle(event: CpuEvent | undefined): void {
    if (this.#pass?.used === true && this.#pass.settle(event, this.#cluster.clock.nanoseconds))
      this.#pass = undefined;
  }

  /** Instruction addresses that must be looked at when they are about to execute. */
  breakpointAddresses(): readonly bigint[] {
    return [...breakpointAddresses(this.#registers), ...this.unseenBreakpoints];
  }

  /** Whether a breakpoint can match at any address, so that every instruction must be looked at. */
  get looksEverywhere(): boolean {
    return this.#contextBreakpoint;
  }

  /** MDCR_EL2.TDE: debug exceptions are the hypervisor's (Arm ARM D2.4.1). */
  get routedToHypervisor(): boolean {
    return (this.#cpu.controls.mdcr & mdcr.TDE) !== 0;
  }

  /** Whether debug exceptions other than BRK can be taken from here. Arm ARM D2.4. */
  enabled(): boolean {
    if ((this.#word("osLock") & 2) !== 0) return false;
    if (this.routedToHypervisor) return true;
    const { el, daif } = this.#cluster.registers;
    if (el === 0) return true;
    return (this.#word("monitorControl") & mdscr.KDE) !== 0 && (daif & pstate.d) === 0;
  }

  /** Whether the software step machine is active. */
  get stepActive(): boolean {
    return (this.#word("monitorControl") & mdscr.SS) !== 0 && this.enabled();
  }

  /** Whether it is active-not-pending: the next instruction is stepped. */
  get stepping(): boolean {
    return this.stepActive && this.#cluster.registers.singleStep;
  }

  /** SSAdvance: the instruction counts as executed although it ends in an exception (Arm ARM J1.1.2). */
  advanceStep(): void {
    if (this.stepActive) this.#cluster.registers.singleStep = false;
  }

  /** What comes before the next instruction: a pending step, or a breakpoint that every instruction is looked at for. */
  beforeInstruction(): CpuEvent | undefined {
    const { singleStep, pc } = this.#cluster.registers;
    if (this.stepActive && !singleStep) {
      const isv = 1 << 24;
      return this.#event("softwareStep", faultStatus.debug | isv);
    }
    return this.#contextBreakpoint && this.#breakpointHits(pc) ? this.#event("breakpoint") : undefined;
  }

  /** Whether the instruction at PC, which is marked, should execute; if not, notes the breakpoint. */
  passesMark(): boolean {
    const { pc } = this.#cluster.registers;
    if (this.unseenBreakpoints.has(pc) && !this.#usePass(pc)) {
      this.#cpu.note({
        kind: "trap",
        ec: exceptionClass.breakpointLower,
        iss: faultStatus.debug,
        preferredReturn: "this",
        unseen: true,
      });
      return false;
    }
    if (!this.#breakpointHits(pc)) return true;
    this.#cpu.note(this.#event("breakpoint"));
    return false;
  }

  /** BRK: always taken, to EL2 when debug exceptions are routed there (Arm ARM D2.7). */
  noteBrk(imm: number): void {
    const kind = this.routedToHypervisor ? "trap" : "exception";
    this.#cpu.note({ kind, ec: exceptionClass.brk64, iss: imm, preferredReturn: "this" });
  }

  /** An access is about to happen: whether a watchpoint stops it; then the exception is noted. */
  watchpointStops(va: bigint, bytes: number, write: boolean): boolean {
    if (!this.#matchingEnabled()) return false;
    const hit = watchpointHit(this.#registers, va, bytes, write, this.#context());
    if (hit === undefined) return false;
    const iss = faultStatus.debug | (write ? dataAbort.wnr : 0);
    this.#cpu.note(this.#event("watchpoint", iss, hit.address));
    return true;
  }

  #word(of: keyof typeof wordOf): number {
    return this.#cluster.engine.memory.words[wordOf[of]] ?? 0;
  }

  /** Whether breakpoints and watchpoints can match: MDSCR_EL1.MDE and debug exceptions enabled. */
  #matchingEnabled(): boolean {
    return (this.#word("monitorControl") & mdscr.MDE) !== 0 && this.enabled();
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
    const contextId = Number(this.#cpu.system.get("CONTEXTIDR_EL1"));
    return { el: this.#cluster.registers.el, contextId };
  }

  /** A debug exception at the present instruction, to EL1 or to the hypervisor. Arm ARM D2.4.1: MDCR_EL2.TDE routes. */
  #event(
    what: "breakpoint" | "watchpoint" | "softwareStep",
    iss: number = faultStatus.debug,
    far?: bigint,
  ): CpuEvent {
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
