import type { CpuEvent } from "./events.ts";

/**
 * Leave to execute the instruction at `pc` once in spite of an unseen breakpoint. The stack pointer tells it from the same
 * instruction in an interrupt's handler that comes first.
 */
export class BreakpointPass {
  readonly pc: bigint;
  readonly #sp: bigint;
  /** Instructions retired when the breakpoint was passed; undefined before. */
  #used: number | undefined;
  /** It has been abandoned at least once. */
  #isTried = false;

  constructor(pc: bigint, sp: bigint) {
    this.pc = pc;
    this.#sp = sp;
  }

  get used(): boolean {
    return this.#used !== undefined;
  }

  /**
   * The instruction at `pc` is about to execute at time `now`.
   * @returns whether it may pass; "expired" when it has passed already.
   */
  use(pc: bigint, sp: bigint, now: number): boolean | "expired" {
    if (this.pc !== pc || this.#sp !== sp) return false;
    if (this.#used !== undefined && now > this.#used) return "expired";
    this.#used = now;
    return true;
  }

  /** Whether an exception that the instruction has ended in has returned to somewhere else: it will not be tried again. */
  isLeft(pc: bigint, sp: bigint): boolean {
    return this.#used === undefined && this.#isTried && sp === this.#sp && pc !== this.pc;
  }

  /**
   * After a run, at time `now`, in which the breakpoint was passed: whether the instruction is done. If not, it was abandoned;
   * it is tried again, and passed again.
   */
  settle(event: CpuEvent | undefined, now: number): boolean {
    if (this.#used === undefined) return false;
    const ends = event !== undefined && "preferredReturn" in event && event.preferredReturn === "next";
    const done = ends || event?.kind === "exceptionReturn" || now > this.#used;
    if (!done) {
      this.#used = undefined;
      this.#isTried = true;
    }
    return done;
  }
}
