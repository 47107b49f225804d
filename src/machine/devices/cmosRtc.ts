import type { Clock, Saveable } from "../device.ts";
import type { PortDevice, PortSize } from "../portBus.ts";

/** Motorola MC146818, as a PC has it: registers by index. */
const REGISTER = {
  SECONDS: 0,
  MINUTES: 2,
  HOURS: 4,
  WEEKDAY: 6,
  DAY: 7,
  MONTH: 8,
  YEAR: 9,
  A: 10,
  B: 11,
  C: 12,
  D: 13,
};
/** Where ACPI's FADT says that the century is. */
export const CMOS_CENTURY = 0x32;

/** A: time base of 32768 Hz, 1024 Hz. B: 24 hours, BCD. D: the battery is good. */
const RESET_A = 0x26;
const B = { HOURS_24: 2, BINARY: 4, SET: 0x80 } as const;
const D_VALID = 0x80;

const SECOND = 1_000_000_000n;
const INDEX_MASK = 0x7f;

/** Surroundings of the clock. */
export interface CmosRtcOptions {
  readonly clock: Clock;
  /** What it shows at time 0, in seconds since 1970, UTC. */
  readonly epochSeconds: bigint;
  /** Bytes of RAM above 16 MiB and above 4 GiB, which firmware looks up here. */
  readonly memoryBytes: number;
}

/** What the clock remembers. */
export interface CmosRtcState {
  readonly index: number;
  readonly bytes: readonly number[];
  /** Seconds by which the guest has set it. */
  readonly adjusted: bigint;
}

/** A PC's real-time clock with its 128 bytes of CMOS memory, at ports 0x70 and 0x71. It has no alarm and no periodic interrupt. */
export class CmosRtc implements PortDevice, Saveable<CmosRtcState> {
  readonly name = "rtc";
  readonly width = 1;
  readonly #options: CmosRtcOptions;
  #index = 0;
  #bytes = new Uint8Array(128);
  #adjusted = 0n;

  constructor(options: CmosRtcOptions) {
    this.#options = options;
    this.#bytes[REGISTER.A] = RESET_A;
    this.#bytes[REGISTER.B] = B.HOURS_24;
    const above16 = Math.max(0, options.memoryBytes - 2 ** 24) >>> 16;
    const word = (at: number, value: number): void => {
      this.#bytes[at] = value & 0xff;
      this.#bytes[at + 1] = value >> 8;
    };
    // IBM AT and later firmware: KiB of base memory, KiB above 1 MiB, 64 KiB above 16 MiB.
    word(0x15, 640);
    word(0x17, Math.min(0xffff, Math.max(0, options.memoryBytes - 2 ** 20) >>> 10));
    word(0x30, Math.min(0xffff, Math.max(0, options.memoryBytes - 2 ** 20) >>> 10));
    word(0x34, Math.min(0xffff, above16));
  }

  readPort(offset: number, _size: PortSize): number {
    // The index cannot be read back.
    return offset === 0 ? 0xff : this.#read(this.#index);
  }

  writePort(offset: number, _size: PortSize, value: number): void {
    // Bit 7 masks NMIs, of which this machine has none.
    if (offset === 0) this.#index = value & INDEX_MASK;
    else this.#write(this.#index, value);
  }

  reset(): void {
    this.#index = 0;
  }

  save(): CmosRtcState {
    return { index: this.#index, bytes: [...this.#bytes], adjusted: this.#adjusted };
  }

  load(state: CmosRtcState): void {
    this.#index = state.index;
    this.#bytes = Uint8Array.from(state.bytes);
    this.#adjusted = state.adjusted;
  }

  #now(): Date {
    const { clock, epochSeconds } = this.#options;
    return new Date(Number(epochSeconds + clock.now() / SECOND + this.#adjusted) * 1000);
  }

  #read(index: number): number {
    const field = timeField(index);
    // While SET is on, the time stands: what was written is read.
    if (field !== undefined && ((this.#bytes[REGISTER.B] ?? 0) & B.SET) === 0)
      return this.#code(field(this.#now()));
    switch (index) {
      case REGISTER.C:
        return 0;
      case REGISTER.D:
        return D_VALID;
      default:
        return this.#bytes[index] ?? 0;
    }
  }

  #write(index: number, value: number): void {
    if (index === REGISTER.C || index === REGISTER.D) return;
    const field = timeField(index);
    if (index === REGISTER.B) this.#setB(value);
    else if (field === undefined || ((this.#bytes[REGISTER.B] ?? 0) & B.SET) !== 0)
      this.#bytes[index] = value;
  }

  #setB(value: number): void {
    const before = this.#bytes[REGISTER.B] ?? 0;
    this.#bytes[REGISTER.B] = value;
    if ((value & ~before & B.SET) !== 0) {
      const now = this.#now();
      for (let index = 0; index <= CMOS_CENTURY; index++) {
        const field = timeField(index);
        if (field !== undefined) this.#bytes[index] = this.#code(field(now));
      }
    } else if ((before & ~value & B.SET) !== 0) this.#adjust();
  }

  /** Takes over the time that the guest has written. */
  #adjust(): void {
    const value = (index: number): number => this.#decode(this.#bytes[index] ?? 0);
    const { YEAR, MONTH, DAY, HOURS, MINUTES, SECONDS } = REGISTER;
    const year = value(CMOS_CENTURY) * 100 + value(YEAR);
    const set = Date.UTC(year, value(MONTH) - 1, value(DAY), value(HOURS), value(MINUTES), value(SECONDS));
    this.#adjusted += BigInt(Math.round((set - this.#now().getTime()) / 1000));
  }

  #code(value: number): number {
    const isBinary = ((this.#bytes[REGISTER.B] ?? 0) & B.BINARY) !== 0;
    return isBinary ? value : (Math.floor(value / 10) << 4) | (value % 10);
  }

  #decode(value: number): number {
    const isBinary = ((this.#bytes[REGISTER.B] ?? 0) & B.BINARY) !== 0;
    return isBinary ? value : (value >> 4) * 10 + (value & 0xf);
  }
}

/** What a register of the clock shows of a time, if it is one. */
function timeField(index: number): ((time: Date) => number) | undefined {
  switch (index) {
    case REGISTER.SECONDS:
      return (time) => time.getUTCSeconds();
    case REGISTER.MINUTES:
      return (time) => time.getUTCMinutes();
    case REGISTER.HOURS:
      return (time) => time.getUTCHours();
    case REGISTER.WEEKDAY:
      return (time) => time.getUTCDay() + 1;
    case REGISTER.DAY:
      return (time) => time.getUTCDate();
    case REGISTER.MONTH:
      return (time) => time.getUTCMonth() + 1;
    case REGISTER.YEAR:
      return (time) => time.getUTCFullYear() % 100;
    case CMOS_CENTURY:
      return (time) => Math.floor(time.getUTCFullYear() / 100);
    default:
      return undefined;
  }
}
