import { catchesUserBreaks, type HostDebugFacts } from "./facts.ts";

/** Steps after which a guest that has not come to user mode runs on by itself: some seconds. */
const most = 0x4_0000;

/**
 * A guest on its way to user mode for the first time. Where INT3 in user mode is caught at the guest's #BP handler, the interrupt
 * table must be the final one before user mode begins, and nothing but stepping tells when that is.
 */
export class UserEntry {
  readonly #isNeeded: boolean;
  #left = most;

  constructor(facts: HostDebugFacts) {
    this.#isNeeded = catchesUserBreaks(facts) && facts.step.real && facts.step.kernel;
  }

  /** Whether the guest is stepped from here. @param isUser it is in user mode now, and that is the end of it */
  wanted(isUser: boolean): boolean {
    if (!this.#isNeeded || this.#left === 0) return false;
    if (isUser) this.#left = 0;
    return !isUser;
  }

  /** Another instruction is stepped for this. */
  step(): void {
    this.#left--;
  }

  /** The guest begins anew. */
  reset(): void {
    this.#left = most;
  }
}
