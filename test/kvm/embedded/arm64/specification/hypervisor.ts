import type { Access, ComparatorSet, GuestState } from "./guest.ts";
import {
  breakpointMatches,
  enabledHere,
  monitor,
  noComparators,
  notStepped,
  psr,
  stepState,
  takeToEl1,
  watchpointHits,
} from "./guest.ts";
import { advance, type Instruction, type Outcome } from "./instructions.ts";

/**
 * The specification of guest debugging on KVM, written from the rows S1, S3 and S5 of the requirements: what a run of the vCPU
 * does to the guest, with which exit it ends, and whose the debug registers are. It shares nothing with `src`.
 */

/** `kvm_guest_debug.control`. */
export const control = { ENABLE: 1, SINGLESTEP: 2, USE_SW_BP: 0x10000, USE_HW: 0x20000 } as const;

/** An exit as the specification has it; FAR may be any of `far` where several watchpoints stop one access. */
export type SpecifiedExit =
  | { readonly reason: "INTR" }
  | { readonly reason: "DEBUG"; readonly hsr: number; readonly far: readonly bigint[] }
  | {
      readonly reason: "MMIO";
      readonly address: bigint;
      readonly isWrite: boolean;
      readonly data: bigint;
    }
  | { readonly reason: "HALTED"; readonly until: "interrupt" | "event" };

/** Where things are. */
export interface Layout {
  readonly vbar: bigint;
  readonly device: bigint;
  readonly ramBegin: bigint;
  readonly ramEnd: bigint;
}

const il = 1 << 25;
const esr = (ec: number, iss: number): number => ((ec << 26) | il | iss) >>> 0;
const debugStatus = 0x22;
const stepIss = ({ isv, ex }: { readonly isv: boolean; readonly ex: boolean }): number =>
  debugStatus | (isv ? 1 << 24 : 0) | (isv && ex ? 1 << 6 : 0);

/** Situations that the rows are about: a test of random sequences wants to know that it has met them. */
export const situations = [
  "userspace's step",
  "userspace's step of a load-exclusive",
  "guest's step, nobody debugs",
  "guest's step beside userspace's",
  "guest's step under userspace's debugging",
  "breakpoint of userspace",
  "breakpoint of the guest, nobody debugs",
  "breakpoint of the guest under userspace's debugging",
  "breakpoint of both",
  "breakpoint that the guest masks under userspace's debugging",
  "watchpoint of userspace",
  "watchpoint of the guest, nobody debugs",
  "watchpoint of the guest under userspace's debugging",
  "watchpoint of both",
  "watchpoint that the guest masks under userspace's debugging",
  "BRK, nobody debugs",
  "BRK under userspace's debugging",
  "interrupt while userspace steps",
  "exception return that makes the guest step under userspace's debugging",
  "MMIO while userspace steps",
  "wait while userspace steps",
  "illegal state while userspace steps",
] as const;

/** One of them. */
export type Situation = (typeof situations)[number];

/** A vCPU and its userspace's settings. */
export class SpecifiedVcpu {
  readonly guest: GuestState;
  readonly #layout: Layout;
  readonly #instructionAt: (pc: bigint) => Instruction | undefined;
  readonly #note: (situation: Situation) => void;
  interrupt = false;
  control = 0;
  host: ComparatorSet = noComparators();
  /** Userspace's step machine, when `SINGLESTEP` is set: active-pending, else active-not-pending. */
  hostPending = false;
  #hostStepped: { readonly isv: boolean; readonly ex: boolean } = notStepped;
  /** The instruction at PC has begun: an access of it went to the machine. */
  midInstruction = false;
  #answer: bigint | undefined;
  #halted = false;
  #accessed = false;
  /** Instructions of the last run, and exceptions that took the place of one. */
  count = 0;

  constructor(
    guest: GuestState,
    layout: Layout,
    instructionAt: (pc: bigint) => Instruction | undefined,
    note: (situation: Situation) => void,
  ) {
    this.guest = guest;
    this.#layout = layout;
    this.#instructionAt = instructionAt;
    this.#note = note;
  }

  get #enabled(): boolean {
    return (this.control & control.ENABLE) !== 0;
  }

  get stepping(): boolean {
    return (this.control & control.SINGLESTEP) !== 0;
  }

  /** S1.1. */
  setGuestDebug(value: number, registers: ComparatorSet): void {
    this.control = (value & control.ENABLE) === 0 ? 0 : value;
    this.host = (this.control & control.USE_HW) === 0 ? noComparators() : registers;
    if (!this.stepping) this.hostPending = false;
  }

  /**
   * S3.3. An access of the guest's to a register that nobody owns makes it the owner for the rest of the run, if it was seen:
   * one that still owned them when it gave them up was not.
   */
  get owners(): readonly ("free" | "host" | "guest")[] {
    if ((this.control & control.USE_HW) !== 0) return ["host"];
    if ((this.guest.mdscr & (monitor.KDE | monitor.MDE)) !== 0) return ["guest"];
    return this.#accessed ? ["free", "guest"] : ["free"];
  }

  /** S3.2, for six counters. */
  mdcr(owner: "free" | "host" | "guest"): number {
    const traps = 0x20 | 0x40 | 0x400 | 0x800 | 0x4000;
    return 6 | traps | (this.#enabled ? 0x100 : 0) | (owner === "guest" ? 0 : 0x200);
  }

  /** The machine's answer to the access that `run` ended with. */
  completeMmio(data: bigint): void {
    this.#answer = data;
  }

  /** S1.5, S1.6: userspace delivers the exception of a debug exit into the guest. */
  deliver(hsr: number, far: bigint): void {
    const g = this.guest;
    const ec = hsr >>> 26;
    const hasLevels = ec === 0x30 || ec === 0x32 || ec === 0x34;
    const translated = hasLevels && g.el === 1 ? hsr + 2 ** 26 : hsr;
    takeToEl1(g, this.#layout.vbar, {
      offset: 0,
      elr: g.pc,
      esr: translated,
      ...(ec === 0x34 ? { far } : {}),
    });
  }

  /** `KVM_RUN`. @param limit instructions, and exceptions that take the place of one. */
  run(limit: number): SpecifiedExit {
    this.count = 0;
    if (this.#halted && !this.hostPending) {
      if (!this.interrupt) return { reason: "HALTED", until: "interrupt" };
      this.#halted = false;
    }
    this.#accessed = false;
    for (;;) {
      if (this.count >= limit) return { reason: "INTR" };
      const exit = this.midInstruction ? this.#execute() : this.#boundary();
      if (exit !== undefined) return exit;
    }
  }

  /** What comes before the next instruction, in the order of D1.3.2.1; then the instruction. */
  #boundary(): SpecifiedExit | undefined {
    const g = this.guest;
    if (this.hostPending) {
      this.hostPending = false;
      this.#note(this.#hostStepped.ex ? "userspace's step of a load-exclusive" : "userspace's step");
      return this.#debugExit(0x32, stepIss(this.#hostStepped));
    }
    if (stepState(g) === "active-pending") {
      this.#note(`guest's step${this.#beside}`);
      return this.#debugException(0x32, stepIss(g.stepped), [], true);
    }
    if (!g.il && this.interrupt && (g.daif & psr.i) === 0) {
      if (this.stepping) this.#note("interrupt while userspace steps");
      takeToEl1(g, this.#layout.vbar, { offset: 0x80, elr: g.pc });
      this.#tookException();
      return undefined;
    }
    if ((g.pc & 3n) !== 0n) return this.#exception(0x22, 0, g.pc);
    if (g.pc < this.#layout.ramBegin || g.pc >= this.#layout.ramEnd)
      return this.#exception(g.el === 0 ? 0x20 : 0x21, 0x10, g.pc);
    const isHosts = breakpointMatches(this.host, g);
    const isGuests = breakpointMatches(g.comparators, g);
    if (isHosts || (isGuests && this.#guestLive)) {
      this.#noteHit("breakpoint", isHosts, isGuests);
      return isHosts ? this.#debugExit(0x30, debugStatus) : this.#debugException(0x30, debugStatus, []);
    }
    if (isGuests) this.#noteMasked("breakpoint");
    if (g.il) {
      if (this.stepping) this.#note("illegal state while userspace steps");
      return this.#exception(0x0e, 0);
    }
    return this.#execute();
  }

  /** The guest's own breakpoints and watchpoints could fire here if it ran alone. */
  get #guestLive(): boolean {
    return (this.guest.mdscr & monitor.MDE) !== 0 && enabledHere(this.guest);
  }

  get #beside(): ", nobody debugs" | " beside userspace's" | " under userspace's debugging" {
    if (!this.#enabled) return ", nobody debugs";
    return this.stepping ? " beside userspace's" : " under userspace's debugging";
  }

  #noteHit(what: "breakpoint" | "watchpoint", isHosts: boolean, isGuests: boolean): void {
    if (isHosts && isGuests) this.#note(`${what} of both`);
    else if (isHosts) this.#note(`${what} of userspace`);
    else
      this.#note(`${what} of the guest${this.#enabled ? " under userspace's debugging" : ", nobody debugs"}`);
  }

  /** The hardware would fire, if it were not for the guest's own KDE and PSTATE.D. */
  #noteMasked(what: "breakpoint" | "watchpoint"): void {
    const g = this.guest;
    const isLive = (g.mdscr & monitor.MDE) !== 0 && !g.osLock && !g.doubleLock;
    if (isLive && this.#enabled) this.#note(`${what} that the guest masks under userspace's debugging`);
  }

  /** Whether a watchpoint comes before an access. */
  #watch(access: Access): SpecifiedExit | "exception" | undefined {
    const g = this.guest;
    const iss = debugStatus | (access.write ? 0x40 : 0);
    const hostHits = watchpointHits(this.host, g, access);
    const allGuestHits = watchpointHits(g.comparators, g, access);
    const guestHits = this.#guestLive ? allGuestHits : [];
    const [first] = [...hostHits, ...guestHits];
    if (first === undefined) {
      if (allGuestHits.length > 0) this.#noteMasked("watchpoint");
      return undefined;
    }
    this.#noteHit("watchpoint", hostHits.length > 0, guestHits.length > 0);
    if (hostHits.length > 0) return this.#debugExit(0x34, iss, [...hostHits, ...guestHits]);
    return this.#debugException(0x34, iss, guestHits) ?? "exception";
  }

  #execute(): SpecifiedExit | undefined {
    const g = this.guest;
    const instruction = this.#instructionAt(g.pc);
    if (instruction === undefined) throw new RangeError(`no instruction at 0x${g.pc.toString(16)}`);
    const surroundings = {
      interruptAsserted: this.interrupt,
      device: this.#layout.device,
      answer: this.#answer,
    };
    const access = this.midInstruction ? undefined : instruction.access?.(g, surroundings);
    const watched = access === undefined ? undefined : this.#watch(access);
    if (watched !== undefined) return watched === "exception" ? undefined : watched;
    if (/DBG[BW][CV]R\d/.test(instruction.text) && g.el === 1) this.#accessed = true;
    const before = stepState(g);
    return this.#settle(instruction.execute(g, surroundings), before);
  }

  #settle(outcome: Outcome, before: ReturnType<typeof stepState>): SpecifiedExit | undefined {
    const g = this.guest;
    switch (outcome.kind) {
      case "done": {
        const isReturn = this.#returned;
        if (!isReturn) advance(g, before, outcome.ex === true);
        else if (this.#enabled && g.ss)
          this.#note("exception return that makes the guest step under userspace's debugging");
        this.#executed({ isv: true, ex: outcome.ex === true });
        return undefined;
      }
      case "hypercall":
        // X0 is PSCI_VERSION, which is 1.1, or nothing that is known; X1–X3 are zero (DEN 0028).
        g.x[0] = g.x[0] === 0x8400_0000n ? 0x1_0001n : 0xffff_ffff_ffff_ffffn;
        g.x[1] = 0n;
        g.x[2] = 0n;
        g.x[3] = 0n;
        g.pc += 4n;
        advance(g, before, false);
        this.#executed({ isv: true, ex: false });
        return undefined;
      case "wait":
        g.pc += 4n;
        advance(g, before, false);
        this.#executed({ isv: true, ex: false });
        if (outcome.until === "interrupt") this.#halted = true;
        if (this.stepping) this.#note("wait while userspace steps");
        return this.stepping ? undefined : { reason: "HALTED", until: outcome.until };
      case "mmio":
        this.midInstruction = true;
        if (this.stepping) this.#note("MMIO while userspace steps");
        return { reason: "MMIO", address: outcome.address, isWrite: outcome.isWrite, data: outcome.data };
      case "breakpoint-instruction":
        this.#note(this.#enabled ? "BRK under userspace's debugging" : "BRK, nobody debugs");
        if (this.#enabled) return this.#debugExit(0x3c, outcome.iss);
        return this.#exception(0x3c, outcome.iss);
      case "exception": {
        if (outcome.executed !== true) return this.#exception(outcome.ec, outcome.iss);
        const elr = g.pc + 4n;
        advance(g, before, false);
        takeToEl1(g, this.#layout.vbar, { offset: 0, elr, esr: esr(outcome.ec, outcome.iss) });
        this.#executed({ isv: true, ex: false });
        return undefined;
      }
    }
  }

  /** Set by ERET, which moves the step machine itself. */
  get #returned(): boolean {
    const { returned } = this.guest;
    this.guest.returned = false;
    return returned;
  }

  /** An instruction counts as executed: userspace's step over it is complete. */
  #executed(stepped: { readonly isv: boolean; readonly ex: boolean }): void {
    this.count++;
    this.midInstruction = false;
    this.#answer = undefined;
    if (!this.stepping) return;
    this.hostPending = true;
    this.#hostStepped = stepped;
  }

  /** Exception entry clears PSTATE.SS: userspace's step ends at the vector. */
  #tookException(): void {
    this.guest.stepped = notStepped;
    if (!this.stepping) return;
    this.hostPending = true;
    this.#hostStepped = notStepped;
  }

  /** A synchronous exception to EL1 in place of the instruction. */
  #exception(ec: number, iss: number, far?: bigint): undefined {
    const g = this.guest;
    this.count++;
    takeToEl1(g, this.#layout.vbar, {
      offset: 0,
      elr: g.pc,
      esr: esr(ec, iss),
      ...(far === undefined ? {} : { far }),
    });
    this.#tookException();
    return undefined;
  }

  /**
   * A debug exception that is the guest's own. Nobody debugs: EL1 takes it. Userspace debugs: it exits, and userspace delivers it
   * (S1.5); but a step exception beside userspace's own steps is delivered by the hypervisor, as userspace could not tell it.
   */
  #debugException(
    ec: number,
    iss: number,
    far: readonly bigint[],
    isStep = false,
  ): SpecifiedExit | undefined {
    if (this.#enabled && !(isStep && this.stepping)) return this.#debugExit(ec, iss, far);
    const own = this.guest.el === 1 ? ec + 1 : ec;
    return this.#exception(own, iss, far[0]);
  }

  #debugExit(ec: number, iss: number, far: readonly bigint[] = []): SpecifiedExit {
    return { reason: "DEBUG", hsr: esr(ec, iss), far };
  }
}
