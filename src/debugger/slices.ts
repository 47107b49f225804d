import type { StopEvent } from "./events.ts";
import type { Host } from "./host.ts";
import type { DebuggedMachine, MachineStop } from "./machine.ts";

/** What the loop asks of the session. */
export interface SliceClient {
  /** Before the machine advances: which vCPUs stand. */
  next(): ReadonlySet<number> | undefined;
  /** What the machine stopped for: an event that ends the run, or undefined to run on. */
  consider(
    stop: Exclude<MachineStop, { kind: "limit" | "idle" | "waiting" | "away" }>,
  ): StopEvent | undefined;
  /** No vCPU that may run can go on without input: whether there is something else to try. */
  idle(): boolean;
  /** The run is over. */
  stopped(event: StopEvent): void;
  /** The event of a run that was interrupted. */
  interrupted(): StopEvent;
}

/** Milliseconds a slice takes; the first is short because many runs are. */
const slice = 10;
const firstSlice = 4;
/** Milliseconds after which a step at once is given up, on a host however busy. */
const longestStep = 2000;
/** Milliseconds between two looks at the clock that are aimed at. */
const look = 2;
/** Nanoseconds of virtual time, that is instructions, to advance at once. */
const chunk = { least: 10_000, first: 200_000, most: 4_000_000 } as const;
/** Milliseconds slept at most while the guest waits for the wall clock. */
const longestSleep = 20;

/** Runs the machine in slices, with the host's event loop in between. */
export class Slices {
  readonly #machine: DebuggedMachine;
  readonly #host: Host;
  readonly #client: SliceClient;
  readonly #wallClock: boolean;
  #chunk: number = chunk.first;
  /** The present run; callbacks of earlier ones do nothing. */
  #run = 0;
  #active = false;
  #inside = false;
  #interrupted = false;
  /** Nothing in the guest can go on without input. */
  #asleep = false;
  /** How often it has slept: the end of an earlier sleep means nothing. */
  #sleeps = 0;
  /** Wall-clock milliseconds minus virtual ones at the last moment the two were compared. */
  #offset = 0;

  constructor(machine: DebuggedMachine, host: Host, pace: "free" | "wall-clock", client: SliceClient) {
    this.#machine = machine;
    this.#host = host;
    this.#client = client;
    this.#wallClock = pace === "wall-clock";
    if (machine.halt !== undefined) machine.onNews = () => this.wake();
  }

  /** Begins a run with a first, short slice, or one that is to bring it to its end. */
  start(first: "short" | "whole" = "short"): void {
    this.#run++;
    this.#active = true;
    this.#interrupted = false;
    this.#asleep = false;
    if (this.#wallClock) this.#offset = this.#host.now() - this.#machine.now / 1e6;
    this.#slice(first === "short" ? firstSlice : longestStep);
  }

  /** Ends the run: at once, or after the present advance when called from inside of it. */
  interrupt(): void {
    if (this.#inside) this.#interrupted = true;
    else this.#end(this.#client.interrupted());
  }

  /** Ends the run without an event. */
  cancel(): void {
    this.#run++;
    this.#active = false;
    this.#asleep = false;
    this.#machine.halt?.();
  }

  /** Ends a sleep. */
  wake(): void {
    if (!this.#asleep || this.#inside) return;
    this.#asleep = false;
    this.#sleeps++;
    if (this.#wallClock) this.#machine.skipTo(this.#wallTime());
    this.#later();
  }

  #slice(milliseconds: number): void {
    const run = this.#run;
    this.#inside = true;
    let event: StopEvent | undefined;
    try {
      event = this.#advanceFor(run, milliseconds);
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      event = this.#client.interrupted();
      if (event.kind === "stopped")
        event = { ...event, reason: { kind: "failure", message: `internal error: ${message}` } };
    } finally {
      this.#inside = false;
    }
    if (run !== this.#run) return;
    if (event !== undefined) this.#end(event);
    else if (!this.#asleep) this.#later();
  }

  /** Most runs are single steps: the clock is looked at only when more is to come. */
  #advanceFor(run: number, milliseconds: number): StopEvent | undefined {
    let begin: number | undefined;
    let end = Number.POSITIVE_INFINITY;
    do {
      const standing = this.#client.next();
      const stop = this.#machine.advance(this.#chunk, {
        standing,
        stopAtWaits: this.#wallClock,
        attentive: true,
      });
      switch (stop.kind) {
        case "limit":
          break;
        case "idle":
          this.#asleep = !this.#client.idle();
          this.#sleeps++;
          break;
        case "waiting":
          this.#waitUntil(stop.until);
          break;
        case "away":
          this.#sleep((stop.until - this.#machine.now) / 1e6);
          break;
        default: {
          const event = this.#client.consider(stop);
          if (event !== undefined) return event;
        }
      }
      if (run !== this.#run) return undefined;
      if (this.#interrupted) return this.#client.interrupted();
      const now = this.#host.now();
      if (begin === undefined) end = now + milliseconds;
      else if (stop.kind === "limit") this.#adapt(now - begin);
      begin = now;
    } while (!this.#asleep && begin < end);
    return undefined;
  }

  #adapt(milliseconds: number): void {
    if (milliseconds < look / 2) this.#chunk = Math.min(this.#chunk * 2, chunk.most);
    else if (milliseconds > look * 2) this.#chunk = Math.max(this.#chunk / 2, chunk.least);
  }

  /** Virtual nanoseconds as the wall clock has them. */
  #wallTime(): number {
    return (this.#host.now() - this.#offset) * 1e6;
  }

  /** The guest waits until then: time goes on at once as far as the wall clock allows. */
  #waitUntil(nanosecond: number): void {
    const wall = this.#wallTime();
    if (wall >= nanosecond) {
      this.#machine.skipTo(nanosecond);
      return;
    }
    this.#machine.skipTo(wall);
    this.#sleep(Math.min((nanosecond - wall) / 1e6, longestSleep));
  }

  #sleep(milliseconds: number): void {
    this.#asleep = true;
    const sleep = ++this.#sleeps;
    this.#host.delay(milliseconds, () => {
      if (sleep === this.#sleeps) this.wake();
    });
  }

  #later(): void {
    const run = this.#run;
    this.#host.defer(() => {
      if (run === this.#run && this.#active) this.#slice(slice);
    });
  }

  #end(event: StopEvent): void {
    if (!this.#active) return;
    this.cancel();
    this.#client.stopped(event);
  }
}
