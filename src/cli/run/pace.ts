/** Nanoseconds. Timers of the host are not finer. */
const FINEST = 1_000_000;

/** Keeps an idle guest's virtual time from running ahead of the wall clock. */
export class Pace {
  readonly #begin: number;
  readonly #milliseconds: () => number;

  /** @param milliseconds of a monotonic clock */
  constructor(milliseconds: () => number) {
    this.#milliseconds = milliseconds;
    this.#begin = milliseconds();
  }

  /** Nanoseconds since the beginning: what the guest's clock may show at most. */
  get now(): number {
    return (this.#milliseconds() - this.#begin) * 1e6;
  }

  /** Milliseconds to sleep before virtual time may jump to `nanosecond`; 0 if it may at once. */
  untilDue(nanosecond: number): number {
    const left = nanosecond - this.now;
    return left < FINEST ? 0 : Math.ceil(left / 1e6);
  }
}
