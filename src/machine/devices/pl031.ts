import type {
  AccessSize,
  InterruptLine,
  MmioDevice,
  Saveable,
  ScheduledEvent,
  Scheduler,
} from "../device.ts";
import { primeCellId } from "./prime-cell.ts";
import { readByWords, writeByWords } from "./word-access.ts";

/** Arm PrimeCell RTC PL031 r1p3, TRM DDI 0224C, table 3-1. */
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
  #alarm: ScheduledEvent | undefined;

  constructor(options: Pl031Options) {
    this.#options = options;
    this.#loaded = BigInt.asUintN(32, options.epochSeconds);
    this.#schedule();
  }

  read(offset: number, size: AccessSize): bigint {
    return readByWords(offset, size, (at) => this.#readWord(at));
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    writeByWords(offset, size, value, (at, word) => this.#writeWord(at, word));
  }

  save(): Pl031State {
    return {
      loaded: this.#loaded,
      loadedAt: this.#loadedAt,
      match: this.#match,
      load: this.#load,
      imsc: this.#imsc,
      ris: this.#ris,
    };
  }

  load(state: Pl031State): void {
    this.#loaded = state.loaded;
    this.#loadedAt = state.loadedAt;
    this.#match = state.match;
    this.#load = state.load;
    this.#imsc = state.imsc;
    this.#ris = state.ris;
    this.#schedule();
    this.#drive();
  }

  get #count(): bigint {
    return BigInt.asUintN(32, this.#loaded + (this.#options.scheduler.now() - this.#loadedAt) / SECOND);
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
        // TRM 3.3.4: once started it cannot be stopped.
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
    this.#drive();
  }

  /** After the counter or the match register was set: equal counts as a match. */
  #compare(): void {
    if (this.#count === BigInt(this.#match)) this.#ris = 1;
    this.#schedule();
  }

  /** Waits for the next second at which the counter becomes the match value. */
  #schedule(): void {
    this.#alarm?.cancel();
    const { scheduler } = this.#options;
    const elapsed = (scheduler.now() - this.#loadedAt) / SECOND;
    const ahead = BigInt.asUintN(32, BigInt(this.#match) - this.#count);
    const deadline = this.#loadedAt + (elapsed + (ahead === 0n ? WRAP : ahead)) * SECOND;
    this.#alarm = scheduler.at(deadline, () => {
      this.#ris = 1;
      this.#schedule();
      this.#drive();
    });
  }

  #drive(): void {
    this.#options.interrupt.set((this.#ris & this.#imsc) !== 0);
  }
}
