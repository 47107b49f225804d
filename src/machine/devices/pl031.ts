import type {
  AccessSize,
  InterruptLine,
  MmioDevice,
  Saveable,
  ScheduledEvent,
  Scheduler,
} from "../device.ts";
import { primeCellId } from "./primeCell.ts";
import { readByWords, writeByWords } from "./wordAccess.ts";

/** Arm PrimeCell RTC PL031 r1p3, TRM DDI 0224C, "Programmer's model". */
const OFFSET = {
  DR: 0x00,
  MR: 0x04,
  LR: 0x08,
  CR: 0x0c,
  IMSC: 0x10,
  RIS: 0x14,
  MIS: 0x18,
  ICR: 0x1c,
} as const;
const PERIPH_ID = [0x31, 0x10, 0x14, 0x00] as const;
const SECOND = 1_000_000_000n;
const WRAP = 1n << 32n;

/** Surroundings of a PL031. */
export interface Pl031Options {
  readonly interrupt: InterruptLine;
  readonly scheduler: Scheduler;
  /** What the counter shows at virtual time 0: seconds since 1970, of which 32 bits count. */
  readonly epochSeconds: bigint;
}

/** What a PL031 remembers. */
export interface Pl031State {
  /** The counter's value at `loadedAt` (ns of virtual time). */
  readonly loaded: bigint;
  readonly loadedAt: bigint;
  readonly match: number;
  readonly load: number;
  readonly imsc: number;
  readonly ris: number;
  /** When the counter next becomes the match value, in ns of virtual time. */
  readonly matchAt: bigint;
}

/** Arm PrimeCell real-time clock PL031: a counter of seconds of virtual time, started at the machine's making, and a match interrupt. */
export class Pl031 implements MmioDevice, Saveable<Pl031State> {
  readonly name = "pl031";
  readonly #options: Pl031Options;
  #loaded: bigint;
  #loadedAt = 0n;
  #match = 0;
  #load = 0;
  #imsc = 0;
  #ris = 0;
  #matchAt: bigint;
  #alarm: ScheduledEvent | undefined;

  constructor(options: Pl031Options) {
    this.#options = options;
    this.#loaded = BigInt.asUintN(32, options.epochSeconds);
    this.#matchAt = this.#nextMatch();
  }

  read(offset: number, size: AccessSize): bigint {
    this.#catchUp();
    return readByWords(offset, size, (at) => this.#readWord(at));
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    this.#catchUp();
    writeByWords(offset, size, value, (at, word) => this.#writeWord(at, word));
    this.#drive();
  }

  /** Power-on state, except that the counter goes on: it has a reset of its own (nRTCRST). */
  reset(): void {
    this.#match = 0;
    this.#load = 0;
    this.#imsc = 0;
    this.#ris = 0;
    this.#matchAt = this.#nextMatch();
    this.#drive();
  }

  save(): Pl031State {
    this.#catchUp();
    return {
      loaded: this.#loaded,
      loadedAt: this.#loadedAt,
      match: this.#match,
      load: this.#load,
      imsc: this.#imsc,
      ris: this.#ris,
      matchAt: this.#matchAt,
    };
  }

  load(state: Pl031State): void {
    this.#loaded = state.loaded;
    this.#loadedAt = state.loadedAt;
    this.#match = state.match;
    this.#load = state.load;
    this.#imsc = state.imsc;
    this.#ris = state.ris;
    this.#matchAt = state.matchAt;
    this.#drive();
  }

  get #count(): bigint {
    return BigInt.asUintN(32, this.#loaded + this.#elapsed);
  }

  /** Whole seconds since the counter was loaded. */
  get #elapsed(): bigint {
    return (this.#options.scheduler.now() - this.#loadedAt) / SECOND;
  }

  #readWord(offset: number): number {
    switch (offset) {
      case OFFSET.DR:
        return Number(this.#count);
      case OFFSET.MR:
        return this.#match;
      case OFFSET.LR:
        return this.#load;
      case OFFSET.CR:
        // TRM, RTCCR: once started it cannot be stopped.
        return 1;
      case OFFSET.IMSC:
        return this.#imsc;
      case OFFSET.RIS:
        return this.#ris;
      case OFFSET.MIS:
        return this.#ris & this.#imsc;
      default:
        return primeCellId(offset, PERIPH_ID) ?? 0;
    }
  }

  #writeWord(offset: number, value: number): void {
    switch (offset) {
      case OFFSET.MR:
        this.#match = value >>> 0;
        this.#compare();
        break;
      case OFFSET.LR:
        this.#load = value >>> 0;
        this.#loaded = BigInt(this.#load);
        this.#loadedAt = this.#options.scheduler.now();
        this.#compare();
        break;
      case OFFSET.IMSC:
        this.#imsc = value & 1;
        break;
      case OFFSET.ICR:
        if (value & 1) this.#ris = 0;
        break;
      default:
    }
  }

  /** After the counter or the match register was set: equal counts as a match. */
  #compare(): void {
    if (this.#count === BigInt(this.#match)) this.#ris = 1;
    this.#matchAt = this.#nextMatch();
  }

  /** When the counter will next become the match value: within 2^32 seconds. */
  #nextMatch(): bigint {
    const ahead = BigInt.asUintN(32, BigInt(this.#match) - this.#count);
    return this.#loadedAt + (this.#elapsed + (ahead === 0n ? WRAP : ahead)) * SECOND;
  }

  /** Notices a match that has passed meanwhile. */
  #catchUp(): void {
    if (this.#options.scheduler.now() < this.#matchAt) return;
    this.#ris = 1;
    this.#matchAt = this.#nextMatch();
  }

  /** Sets the line, and waits for the match only while that would change it: an idle guest must not be woken for nothing. */
  #drive(): void {
    const { interrupt, scheduler } = this.#options;
    interrupt.set((this.#ris & this.#imsc) !== 0);
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (this.#imsc === 0 || this.#ris !== 0) return;
    this.#alarm = scheduler.at(this.#matchAt, () => {
      this.#catchUp();
      this.#drive();
    });
  }
}
