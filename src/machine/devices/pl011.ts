import type {
  AccessSize,
  InterruptLine,
  MmioDevice,
  Saveable,
  ScheduledEvent,
  Scheduler,
} from "../device.ts";
import { CharacterQueue } from "./character-queue.ts";
import {
  CR,
  DR_ERROR,
  FR,
  PL011_INTERRUPT as INT,
  LCR_H,
  PL011_OFFSET as OFFSET,
  RX_TRIGGER,
  PL011_WRITABLE as WRITABLE,
} from "./pl011-registers.ts";
import { primeCellId } from "./prime-cell.ts";
import { readByWords, writeByWords } from "./word-access.ts";

/** r1p5: revision 3 in PeriphID2, which is how drivers know that the FIFOs are 32 deep. */
const PERIPH_ID = [0x11, 0x10, 0x34, 0x00] as const;
const FIFO_DEPTH = 32;
/** TRM 2.4.3: the receive timeout runs out after 32 bit periods without a character. */
const TIMEOUT_BITS = 32n;
const DEFAULT_BACKLOG = 64 * 1024;

/** Surroundings of a PL011. */
export interface Pl011Options {
  readonly interrupt: InterruptLine;
  readonly scheduler: Scheduler;
  /** Gets every character the guest sends, at once. */
  readonly transmit: (byte: number) => void;
  /** Called when the guest has read so much that `receive` takes bytes again. */
  readonly onReceiveRoom?: () => void;
  /** Bytes kept for the guest beyond the FIFO; 64 KiB if left out. */
  readonly backlogBytes?: number;
  /** UARTCLK in Hz; 24 MHz if left out. */
  readonly clockHz?: number;
}

/** What a PL011 remembers. */
export interface Pl011State {
  readonly rsr: number;
  readonly ilpr: number;
  readonly ibrd: number;
  readonly fbrd: number;
  readonly lcrH: number;
  readonly cr: number;
  readonly ifls: number;
  readonly imsc: number;
  readonly ris: number;
  readonly dmacr: number;
  /** The latched divisor of UARTIBRD and UARTFBRD, in 64ths. */
  readonly divisor: number;
  /** Characters in the receive FIFO with their error bits. */
  readonly fifo: readonly number[];
  readonly backlog: readonly number[];
  /** When the receive timeout runs out, in ns of virtual time. */
  readonly timeout: bigint | undefined;
}

/**
 * Arm PrimeCell UART PL011 r1p5. Sending takes no time, so the transmit FIFO is always empty. As on QEMU's board the UART sends
 * and receives whether or not the guest has set UARTEN, because small programs never do.
 */
export class Pl011 implements MmioDevice, Saveable<Pl011State> {
  readonly name = "pl011";
  readonly #options: Pl011Options;
  #rsr = 0;
  #ilpr = 0;
  #ibrd = 0;
  #fbrd = 0;
  #lcrH = 0;
  #cr: number = CR.TXE | CR.RXE;
  #ifls = 0x12;
  #imsc = 0;
  #ris = 0;
  #dmacr = 0;
  #divisor = 0;
  #fifo: number[] = [];
  #backlog = new CharacterQueue([]);
  #timeout: { readonly deadline: bigint; readonly event: ScheduledEvent } | undefined;

  constructor(options: Pl011Options) {
    this.#options = options;
  }

  /** Bytes that `receive` would take now. */
  get receiveRoom(): number {
    const limit = this.#options.backlogBytes ?? DEFAULT_BACKLOG;
    return Math.max(0, this.#depth - this.#fifo.length) + Math.max(0, limit - this.#backlog.length);
  }

  /**
   * Characters on the line for the guest. What the receive FIFO has no room for waits, and enters as the guest reads.
   * @returns how many were taken; the others are the caller's until `onReceiveRoom`.
   */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.receiveRoom);
    for (const byte of bytes.subarray(0, taken)) this.#backlog.push(byte);
    this.#refill();
    this.#drive();
    return taken;
  }

  /** A break on the line: how a terminal asks Linux for SysRq. It takes its turn behind the characters received before. */
  receiveBreak(): void {
    // TRM 3.3.1: a break enters the FIFO as one zero character, which is a framing error too.
    this.#backlog.push(DR_ERROR.BE | DR_ERROR.FE);
    this.#refill();
    this.#drive();
  }

  read(offset: number, size: AccessSize): bigint {
    return readByWords(offset, size, (at) => this.#readWord(at));
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    writeByWords(offset, size, value, (at, word) => this.#writeWord(at, word));
  }

  save(): Pl011State {
    return {
      rsr: this.#rsr,
      ilpr: this.#ilpr,
      ibrd: this.#ibrd,
      fbrd: this.#fbrd,
      lcrH: this.#lcrH,
      cr: this.#cr,
      ifls: this.#ifls,
      imsc: this.#imsc,
      ris: this.#ris,
      dmacr: this.#dmacr,
      divisor: this.#divisor,
      fifo: [...this.#fifo],
      backlog: this.#backlog.toArray(),
      timeout: this.#timeout?.deadline,
    };
  }

  load(state: Pl011State): void {
    this.#rsr = state.rsr;
    this.#ilpr = state.ilpr;
    this.#ibrd = state.ibrd;
    this.#fbrd = state.fbrd;
    this.#lcrH = state.lcrH;
    this.#cr = state.cr;
    this.#ifls = state.ifls;
    this.#imsc = state.imsc;
    this.#ris = state.ris;
    this.#dmacr = state.dmacr;
    this.#divisor = state.divisor;
    this.#fifo = [...state.fifo];
    this.#backlog = new CharacterQueue(state.backlog);
    this.#stopTimeout();
    if (state.timeout !== undefined) this.#startTimeout(state.timeout);
    this.#drive();
  }

  /** TRM 3.3.6: without FEN the FIFOs are holding registers of one character. */
  get #depth(): number {
    return this.#lcrH & LCR_H.FEN ? FIFO_DEPTH : 1;
  }

  get #trigger(): number {
    return this.#lcrH & LCR_H.FEN ? (RX_TRIGGER[(this.#ifls >> 3) & 7] ?? FIFO_DEPTH) : 1;
  }

  #readWord(offset: number): number {
    switch (offset) {
      case OFFSET.DR:
        return this.#readData();
      case OFFSET.RSR_ECR:
        return this.#rsr;
      case OFFSET.FR:
        return this.#flags();
      case OFFSET.ILPR:
        return this.#ilpr;
      case OFFSET.IBRD:
        return this.#ibrd;
      case OFFSET.FBRD:
        return this.#fbrd;
      case OFFSET.LCR_H:
        return this.#lcrH;
      case OFFSET.CR:
        return this.#cr;
      case OFFSET.IFLS:
        return this.#ifls;
      case OFFSET.IMSC:
        return this.#imsc;
      case OFFSET.RIS:
        return this.#ris;
      case OFFSET.MIS:
        return this.#ris & this.#imsc;
      case OFFSET.DMACR:
        return this.#dmacr;
      default:
        return primeCellId(offset, PERIPH_ID) ?? 0;
    }
  }

  #writeWord(offset: number, value: number): void {
    switch (offset) {
      case OFFSET.DR:
        this.#send(value & 0xff);
        break;
      case OFFSET.RSR_ECR:
        this.#rsr = 0;
        break;
      case OFFSET.ILPR:
        this.#ilpr = value & WRITABLE.ILPR;
        break;
      case OFFSET.IBRD:
        this.#ibrd = value & WRITABLE.IBRD;
        break;
      case OFFSET.FBRD:
        this.#fbrd = value & WRITABLE.FBRD;
        break;
      case OFFSET.LCR_H:
        this.#writeLineControl(value & WRITABLE.LCR_H);
        break;
      case OFFSET.CR:
        this.#writeControl(value & WRITABLE.CR);
        break;
      case OFFSET.IFLS:
        this.#ifls = value & WRITABLE.IFLS;
        if (this.#fifo.length >= this.#trigger) this.#ris |= INT.RX;
        break;
      case OFFSET.IMSC:
        this.#imsc = value & WRITABLE.IMSC;
        break;
      case OFFSET.ICR:
        this.#ris &= ~value;
        // The characters still there must not be forgotten: their timeout starts anew.
        if (value & INT.RT && this.#fifo.length > 0) this.#restartTimeout();
        break;
      case OFFSET.DMACR:
        // DMA is not connected: the register keeps its bits and nothing follows.
        this.#dmacr = value & WRITABLE.DMACR;
        break;
      default:
    }
    this.#drive();
  }

  #flags(): number {
    let flags: number = FR.TXFE;
    if (this.#fifo.length === 0) flags |= FR.RXFE;
    if (this.#fifo.length >= this.#depth) flags |= FR.RXFF;
    return flags | this.#modemInputs(this.#cr);
  }

  /** The modem inputs: not connected, except to the UART's own outputs in loopback (TRM 2.4.5). */
  #modemInputs(cr: number): number {
    if (!(cr & CR.LBE)) return 0;
    return (
      (cr & CR.RTS ? FR.CTS : 0) |
      (cr & CR.DTR ? FR.DSR : 0) |
      (cr & CR.OUT1 ? FR.DCD : 0) |
      (cr & CR.OUT2 ? FR.RI : 0)
    );
  }

  #readData(): number {
    const character = this.#fifo.shift();
    if (character === undefined) return 0;
    this.#rsr = (character >> 8) & 0xf;
    if (this.#fifo.length < this.#trigger) this.#ris &= ~INT.RX;
    if (this.#fifo.length === 0) {
      this.#ris &= ~INT.RT;
      this.#stopTimeout();
    }
    const before = this.#backlog.length;
    this.#refill();
    this.#drive();
    if (before > this.#backlog.length) this.#options.onReceiveRoom?.();
    return character;
  }

  #send(byte: number): void {
    if (this.#cr & CR.LBE) {
      if (this.#fifo.length < this.#depth) {
        this.#arrive(byte);
      } else {
        const last = this.#fifo.length - 1;
        this.#fifo[last] = (this.#fifo[last] ?? 0) | DR_ERROR.OE;
        this.#ris |= INT.OE;
      }
    } else {
      this.#options.transmit(byte);
    }
    // TRM 2.4.3: the interrupt is the FIFO's passing through its level, and every character passes at once.
    this.#ris |= INT.TX;
  }

  #writeLineControl(value: number): void {
    const changed = this.#lcrH ^ value;
    this.#lcrH = value;
    // TRM 3.3.5: a write here is what makes the divisors take effect.
    this.#divisor = this.#ibrd * 64 + this.#fbrd;
    if (changed & LCR_H.FEN) {
      this.#fifo = [];
      this.#ris &= ~(INT.RX | INT.RT);
      this.#stopTimeout();
    }
    this.#refill();
  }

  #writeControl(value: number): void {
    const changed = this.#modemInputs(this.#cr) ^ this.#modemInputs(value);
    this.#cr = value;
    if (changed & FR.CTS) this.#ris |= INT.CTS;
    if (changed & FR.DSR) this.#ris |= INT.DSR;
    if (changed & FR.DCD) this.#ris |= INT.DCD;
    if (changed & FR.RI) this.#ris |= INT.RI;
    this.#refill();
  }

  /** Lets waiting characters into the FIFO; in loopback the line from outside is cut (TRM 3.3.8). */
  #refill(): void {
    if (this.#cr & CR.LBE) return;
    while (this.#fifo.length < this.#depth) {
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
    this.#restartTimeout();
  }

  #restartTimeout(): void {
    this.#stopTimeout();
    // Without a FIFO each character raises the receive interrupt itself.
    if (this.#lcrH & LCR_H.FEN) this.#startTimeout(this.#options.scheduler.now() + this.#timeoutLength());
  }

  #timeoutLength(): bigint {
    // TRM 3.3.6: a bit takes 16 × divisor periods of UARTCLK; a UART never programmed counts as one at 115200 baud.
    const hz = BigInt(this.#options.clockHz ?? 24_000_000);
    if (this.#divisor < 64) return (TIMEOUT_BITS * 1_000_000_000n) / 115_200n;
    return (TIMEOUT_BITS * 16n * BigInt(this.#divisor) * 1_000_000_000n) / (64n * hz);
  }

  #startTimeout(deadline: bigint): void {
    const event = this.#options.scheduler.at(deadline, () => {
      this.#timeout = undefined;
      this.#ris |= INT.RT;
      this.#drive();
    });
    this.#timeout = { deadline, event };
  }

  #stopTimeout(): void {
    this.#timeout?.event.cancel();
    this.#timeout = undefined;
  }

  #drive(): void {
    this.#options.interrupt.set((this.#ris & this.#imsc) !== 0);
  }
}
