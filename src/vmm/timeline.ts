import type { ScheduledEvent, Scheduler } from "../machine/device.ts";

interface Entry extends ScheduledEvent {
  readonly deadline: bigint;
  readonly order: number;
  readonly callback: () => void;
}

/** Virtual time for devices: callbacks wait for their nanosecond, in order of deadline and then of asking. */
export class Timeline implements Scheduler {
  readonly #now: () => number;
  #entries: Entry[] = [];
  #asked = 0;

  /** `now` gives nanoseconds of virtual time. */
  constructor(now: () => number) {
    this.#now = now;
  }

  now(): bigint {
    return BigInt(this.#now());
  }

  at(deadline: bigint, callback: () => void): ScheduledEvent {
    const entry: Entry = {
      deadline,
      order: this.#asked++,
      callback,
      cancel: () => {
        this.#entries = this.#entries.filter((each) => each !== entry);
      },
    };
    this.#entries.push(entry);
    this.#entries.sort((a, b) =>
      a.deadline === b.deadline ? a.order - b.order : a.deadline < b.deadline ? -1 : 1,
    );
    return entry;
  }

  /** The next deadline in nanoseconds. */
  get next(): number | undefined {
    const first = this.#entries[0];
    return first === undefined ? undefined : Number(first.deadline);
  }

  /** Calls everything whose deadline has passed. */
  runDue(): void {
    for (;;) {
      const first = this.#entries[0];
      if (first === undefined || first.deadline > this.now()) return;
      this.#entries.shift();
      first.callback();
    }
  }
}
