import type { InterruptLine, ScheduledEvent, Scheduler } from "../../src/machine/device.ts";

interface Waiting {
  readonly deadline: bigint;
  readonly callback: () => void;
}

/** Virtual time that a test moves by hand. */
export class VirtualTime implements Scheduler {
  #now = 0n;
  #waiting: Waiting[] = [];

  now(): bigint {
    return this.#now;
  }

  at(deadline: bigint, callback: () => void): ScheduledEvent {
    const event = { deadline, callback };
    this.#waiting.push(event);
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((other) => other !== event);
      },
    };
  }

  /** Moves on by `ns` and runs what is due, in order. */
  advance(ns: bigint): void {
    const end = this.#now + ns;
    for (;;) {
      const [next] = this.#waiting
        .filter((w) => w.deadline <= end)
        .sort((a, b) => Number(a.deadline - b.deadline));
      if (!next) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      if (next.deadline > this.#now) this.#now = next.deadline;
      next.callback();
    }
    this.#now = end;
  }

  get waiting(): number {
    return this.#waiting.length;
  }
}

/** An interrupt line whose level a test looks at. */
export class Wire implements InterruptLine {
  level = false;

  set(level: boolean): void {
    this.level = level;
  }
}
