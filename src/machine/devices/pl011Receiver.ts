import type { ScheduledEvent, Scheduler } from "../device.ts";
import { CharacterQueue } from "./characterQueue.ts";
import { DR_ERROR, PL011_INTERRUPT as INT } from "./pl011Registers.ts";

/** The receive FIFO of an r1p5. */
const FIFO_DEPTH = 32;

/** How the UART's registers set its receiver up. */
export interface ReceiverSetup {
  /** Whether FEN makes the holding register a FIFO. */
  readonly fifo: boolean;
  /** The level of the FIFO that raises UARTRXINTR. */
  readonly trigger: number;
  /** Whether the line from outside is cut because the transmitter feeds the receiver (LBE). */
  readonly loopback: boolean;
  /** The receive timeout, in ns. */
  readonly timeout: bigint;
}

/** What a receiver remembers. */
export interface Pl011ReceiverState {
  /** Characters in the FIFO with their error bits. */
  readonly fifo: readonly number[];
  /** Characters that wait outside. */
  readonly backlog: readonly number[];
  /** When the receive timeout runs out, in ns of virtual time. */
  readonly deadline: bigint | undefined;
  /** Its bits of UARTRIS. */
  readonly ris: number;
}

/** The receiving half of a PL011: FIFO, the characters waiting for room in it, timeout, and the interrupts these raise. */
export class Pl011Receiver {
  readonly #scheduler: Scheduler;
  readonly #limit: number;
  readonly #onTimeout: () => void;
  #setup: ReceiverSetup = { fifo: false, trigger: 1, loopback: false, timeout: 0n };
  #fifo: number[] = [];
  #backlog = new CharacterQueue([]);
  #timer: { readonly deadline: bigint; readonly event: ScheduledEvent } | undefined;
  #ris = 0;

  /**
   * @param limit characters kept beyond the FIFO.
   * @param onTimeout called when UARTRTINTR has been raised.
   */
  constructor(scheduler: Scheduler, limit: number, onTimeout: () => void) {
    this.#scheduler = scheduler;
    this.#limit = limit;
    this.#onTimeout = onTimeout;
  }

  /** RX, RT and the error interrupts. */
  get ris(): number {
    return this.#ris;
  }

  get isEmpty(): boolean {
    return this.#fifo.length === 0;
  }

  get isFull(): boolean {
    return this.#fifo.length >= this.#depth;
  }

  /** Characters that `offer` would take now. */
  get room(): number {
    return Math.max(0, this.#depth - this.#fifo.length) + Math.max(0, this.#limit - this.#backlog.length);
  }

  /** Follows the registers. Switching the FIFO on or off empties it. */
  configure(setup: ReceiverSetup): void {
    if (setup.fifo !== this.#setup.fifo) this.#empty();
    this.#setup = setup;
    if (this.#fifo.length >= this.#trigger) this.#ris |= INT.RX;
    this.#refill();
  }

  /** Characters from outside, with their error bits. @returns how many were taken. */
  offer(characters: ArrayLike<number>): number {
    const taken = Math.min(characters.length, this.room);
    for (let i = 0; i < taken; i += 1) this.#backlog.push(characters[i] ?? 0);
    this.#refill();
    return taken;
  }

  /** A character of the UART's own transmitter; with the FIFO full it is lost, and the last one says so. */
  loopBack(character: number): void {
    if (!this.isFull) {
      this.#arrive(character);
      return;
    }
    const last = this.#fifo.length - 1;
    this.#fifo[last] = (this.#fifo[last] ?? 0) | DR_ERROR.OE;
    this.#ris |= INT.OE;
  }

  /**
   * Takes the next character out.
   * @returns it with its error bits, and whether one from outside has followed into the FIFO; undefined if there is none.
   */
  take(): { readonly character: number; readonly followed: boolean } | undefined {
    const character = this.#fifo.shift();
    if (character === undefined) return undefined;
    if (this.#fifo.length < this.#trigger) this.#ris &= ~INT.RX;
    if (this.isEmpty) {
      this.#ris &= ~INT.RT;
      this.#stopTimer();
    }
    const waiting = this.#backlog.length;
    this.#refill();
    return { character, followed: this.#backlog.length < waiting };
  }

  /** UARTICR. */
  clear(bits: number): void {
    this.#ris &= ~bits;
    // The characters still there must not be forgotten: their timeout starts anew.
    if (bits & INT.RT && !this.isEmpty) this.#restartTimer();
  }

  /** Power-on state; what waits outside goes on waiting. */
  reset(): void {
    this.#empty();
    this.#ris = 0;
  }

  save(): Pl011ReceiverState {
    return {
      fifo: [...this.#fifo],
      backlog: this.#backlog.toArray(),
      deadline: this.#timer?.deadline,
      ris: this.#ris,
    };
  }

  load(state: Pl011ReceiverState, setup: ReceiverSetup): void {
    this.#setup = setup;
    this.#fifo = [...state.fifo];
    this.#backlog = new CharacterQueue(state.backlog);
    this.#ris = state.ris;
    this.#stopTimer();
    if (state.deadline !== undefined) this.#startTimer(state.deadline);
  }

  /** TRM, UARTLCR_H: without FEN the FIFO is a holding register of one character. */
  get #depth(): number {
    return this.#setup.fifo ? FIFO_DEPTH : 1;
  }

  get #trigger(): number {
    return this.#setup.fifo ? this.#setup.trigger : 1;
  }

  #empty(): void {
    this.#fifo = [];
    this.#ris &= ~(INT.RX | INT.RT);
    this.#stopTimer();
  }

  #refill(): void {
    if (this.#setup.loopback) return;
    while (!this.isFull) {
      const next = this.#backlog.shift();
      if (next === undefined) break;
      this.#arrive(next);
    }
  }

  #arrive(character: number): void {
    this.#fifo.push(character);
    if (this.#fifo.length >= this.#trigger) this.#ris |= INT.RX;
    if (character & DR_ERROR.BE) this.#ris |= INT.BE;
    else if (character & DR_ERROR.FE) this.#ris |= INT.FE;
    this.#restartTimer();
  }

  #restartTimer(): void {
    this.#stopTimer();
    // Without a FIFO each character raises the receive interrupt itself.
    if (this.#setup.fifo) this.#startTimer(this.#scheduler.now() + this.#setup.timeout);
  }

  #startTimer(deadline: bigint): void {
    const event = this.#scheduler.at(deadline, () => {
      this.#timer = undefined;
      this.#ris |= INT.RT;
      this.#onTimeout();
    });
    this.#timer = { deadline, event };
  }

  #stopTimer(): void {
    this.#timer?.event.cancel();
    this.#timer = undefined;
  }
}
