/**
 * Virtual time: one nanosecond for each instruction any vCPU has retired or ended in an exception, and what was skipped while all
 * of them waited.
 */
export class VirtualClock {
  #nanoseconds = 0;

  /** Nanoseconds as of the last finished run. */
  get nanoseconds(): number {
    return this.#nanoseconds;
  }

  /** Adds executed instructions or skipped idle time. */
  advance(nanoseconds: number): void {
    this.#nanoseconds += nanoseconds;
  }
}
