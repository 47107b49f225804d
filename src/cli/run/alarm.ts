/** Lets the run loop sleep until something happens. */
export class Alarm {
  #rung = false;
  #wake: (() => void) | undefined;
  #slept = 0;

  /** Milliseconds slept in all. */
  get slept(): number {
    return this.#slept;
  }

  /** Ends a sleep, or the next one before it begins. */
  readonly ring = (): void => {
    this.#rung = true;
    this.#wake?.();
  };

  /** Sleeps until `ring`, at most this long. */
  async sleep(milliseconds?: number): Promise<void> {
    if (!this.#rung) {
      const begin = performance.now();
      await new Promise<void>((resolve) => {
        const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
        // An interval holds the process while nothing else does: a promise alone would let it end.
        const hold = timer === undefined ? setInterval(() => {}, 60_000) : undefined;
        this.#wake = () => {
          clearTimeout(timer);
          clearInterval(hold);
          resolve();
        };
      });
      this.#slept += performance.now() - begin;
    }
    this.#wake = undefined;
    this.#rung = false;
  }
}
