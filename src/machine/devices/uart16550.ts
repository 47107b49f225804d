import type { InterruptLine, Saveable } from "../device.ts";
import type { PortDevice, PortSize } from "../portBus.ts";
import { CharacterQueue } from "./characterQueue.ts";
import { FCR, IER, IIR, LCR, LSR, MCR, MSR, REGISTER } from "./uart16550Registers.ts";

/** A 16550A has 16 characters of room each way. */
const FIFO_DEPTH = 16;
/** What waits on the line for a guest that does not read. */
const BACKLOG = 4096;
/** A character that came as a break: bit 8 beside its byte of zero. */
const BREAK = 0x100;

/** Surroundings of a 16550A. */
export interface Uart16550Options {
  readonly interrupt: InterruptLine;
  /** Gets what the guest sends, a byte at a time. */
  readonly transmit: (byte: number) => void;
  /** Called when the guest has read so much that `receive` takes bytes again. */
  readonly onReceiveRoom?: (() => void) | undefined;
}

/** What a 16550A remembers. */
export interface Uart16550State {
  readonly ier: number;
  readonly fcr: number;
  readonly lcr: number;
  readonly mcr: number;
  readonly scratch: number;
  readonly divisor: number;
  readonly lsrErrors: number;
  readonly msrDelta: number;
  readonly transmitterPending: boolean;
  readonly received: readonly number[];
  readonly waiting: readonly number[];
}

/**
 * National Semiconductor PC16550D, a PC's serial port: sends at once whatever the divisor, and receives as fast as the guest reads.
 * What it receives in a FIFO below its trigger level is told at once, as the time-out that would come after four characters.
 */
export class Uart16550 implements PortDevice, Saveable<Uart16550State> {
  readonly name = "uart16550";
  readonly width = 1;
  readonly #options: Uart16550Options;
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scratch = 0;
  #divisor = 1;
  /** OE, BI: cleared by reading LSR. */
  #lsrErrors = 0;
  #msrDelta = 0;
  /** The interrupt "transmitter holding register empty" has not been told yet. */
  #transmitterPending = false;
  #received = new CharacterQueue([]);
  #waiting = new CharacterQueue([]);
  #refused = false;
  /** The guest has read this register or allowed interrupts for it. */
  #listening = false;

  constructor(options: Uart16550Options) {
    this.#options = options;
  }

  /** Whether the guest has begun to look for input: it allows the interrupt, or has read the receiver or polls for it. */
  get listening(): boolean {
    return this.#listening;
  }

  /** Bytes that `receive` would take now. */
  get receiveRoom(): number {
    return BACKLOG - this.#waiting.length;
  }

  /** Characters on the line for the guest. @returns how many were taken */
  receive(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.receiveRoom);
    if (count < bytes.length) this.#refused = true;
    for (let i = 0; i < count; i++) this.#waiting.push(bytes[i] ?? 0);
    this.#refill();
    return count;
  }

  /** A break on the line: how a terminal asks Linux for SysRq. @returns whether there was room */
  receiveBreak(): boolean {
    if (this.receiveRoom === 0) return false;
    this.#waiting.push(BREAK);
    this.#refill();
    return true;
  }

  readPort(offset: number, _size: PortSize): number {
    const value = this.#read(offset);
    this.#drive();
    return value;
  }

  writePort(offset: number, _size: PortSize, value: number): void {
    this.#write(offset, value);
    this.#drive();
  }

  /** Power-on state; what waits on the line stays there. */
  reset(): void {
    this.#ier = 0;
    this.#fcr = 0;
    this.#lcr = 0;
    this.#mcr = 0;
    this.#divisor = 1;
    this.#lsrErrors = 0;
    this.#msrDelta = 0;
    this.#transmitterPending = false;
    this.#received = new CharacterQueue([]);
    this.#listening = false;
    this.#refill();
  }

  save(): Uart16550State {
    return {
      ier: this.#ier,
      fcr: this.#fcr,
      lcr: this.#lcr,
      mcr: this.#mcr,
      scratch: this.#scratch,
      divisor: this.#divisor,
      lsrErrors: this.#lsrErrors,
      msrDelta: this.#msrDelta,
      transmitterPending: this.#transmitterPending,
      received: this.#received.toArray(),
      waiting: this.#waiting.toArray(),
    };
  }

  load(state: Uart16550State): void {
    this.#ier = state.ier;
    this.#fcr = state.fcr;
    this.#lcr = state.lcr;
    this.#mcr = state.mcr;
    this.#scratch = state.scratch;
    this.#divisor = state.divisor;
    this.#lsrErrors = state.lsrErrors;
    this.#msrDelta = state.msrDelta;
    this.#transmitterPending = state.transmitterPending;
    this.#received = new CharacterQueue(state.received);
    this.#waiting = new CharacterQueue(state.waiting);
    this.#drive();
  }

  get #divisorLatch(): boolean {
    return (this.#lcr & LCR.DLAB) !== 0;
  }

  get #fifo(): boolean {
    return (this.#fcr & FCR.ENABLE) !== 0;
  }

  #read(offset: number): number {
    switch (offset) {
      case REGISTER.DATA:
        return this.#divisorLatch ? this.#divisor & 0xff : this.#take();
      case REGISTER.IER:
        return this.#divisorLatch ? this.#divisor >> 8 : this.#ier;
      case REGISTER.IIR: {
        const source = this.#source();
        // Data sheet, table IV: reading IIR resets this source, and no other.
        if (source === IIR.TRANSMITTER) this.#transmitterPending = false;
        return source | (this.#fifo ? IIR.FIFOS : 0);
      }
      case REGISTER.LCR:
        return this.#lcr;
      case REGISTER.MCR:
        return this.#mcr;
      case REGISTER.LSR: {
        const value = LSR.THRE | LSR.TEMT | (this.#received.length > 0 ? LSR.DR : 0) | this.#lsrErrors;
        this.#lsrErrors = 0;
        return value;
      }
      case REGISTER.MSR: {
        const value = this.#modemStatus() | this.#msrDelta;
        this.#msrDelta = 0;
        return value;
      }
      default:
        return this.#scratch;
    }
  }

  #write(offset: number, value: number): void {
    switch (offset) {
      case REGISTER.DATA:
        if (this.#divisorLatch) this.#divisor = (this.#divisor & 0xff00) | value;
        else this.#send(value);
        break;
      case REGISTER.IER:
        if (this.#divisorLatch) {
          this.#divisor = (this.#divisor & 0xff) | (value << 8);
          break;
        }
        // Allowing it while the holding register is empty causes the interrupt.
        if ((value & ~this.#ier & IER.TRANSMITTER) !== 0) this.#transmitterPending = true;
        this.#ier = value & IER.ALL;
        if ((value & IER.RECEIVER) !== 0) this.#listening = true;
        break;
      case REGISTER.IIR:
        this.#control(value);
        break;
      case REGISTER.LCR:
        this.#lcr = value;
        break;
      case REGISTER.MCR:
        this.#setModemControl(value & MCR.ALL);
        break;
      case REGISTER.SCRATCH:
        this.#scratch = value;
        break;
      default:
    }
  }

  #control(value: number): void {
    // Switching the FIFOs on or off empties them.
    if (((value ^ this.#fcr) & FCR.ENABLE) !== 0 || (value & FCR.CLEAR_RECEIVER) !== 0)
      this.#received = new CharacterQueue([]);
    this.#fcr = (value & FCR.ENABLE) === 0 ? 0 : value & (FCR.ENABLE | FCR.TRIGGER);
    this.#refill();
  }

  #setModemControl(value: number): void {
    const before = this.#modemStatus();
    this.#mcr = value;
    const changed = before ^ this.#modemStatus();
    // CTS, DSR and DCD tell each change, RI its end.
    this.#msrDelta |= (changed >> 4) & ~MSR.TERI;
    if ((changed & before & MSR.RI) !== 0) this.#msrDelta |= MSR.TERI;
    this.#refill();
  }

  /** A modem that is there; in loop-back the outputs of MCR. */
  #modemStatus(): number {
    if ((this.#mcr & MCR.LOOP) === 0) return MSR.CTS | MSR.DSR | MSR.DCD;
    const on = (output: number, input: number): number => ((this.#mcr & output) !== 0 ? input : 0);
    return on(MCR.RTS, MSR.CTS) | on(MCR.DTR, MSR.DSR) | on(MCR.OUT1, MSR.RI) | on(MCR.OUT2, MSR.DCD);
  }

  #send(value: number): void {
    if ((this.#mcr & MCR.LOOP) !== 0) this.#enter(value);
    else this.#options.transmit(value);
    this.#transmitterPending = true;
  }

  #take(): number {
    this.#listening = true;
    const character = this.#received.shift() ?? 0;
    this.#refill();
    return character & 0xff;
  }

  #enter(character: number): void {
    if (this.#received.length >= (this.#fifo ? FIFO_DEPTH : 1)) {
      this.#lsrErrors |= LSR.OE;
      return;
    }
    if (character === BREAK) this.#lsrErrors |= LSR.BI;
    this.#received.push(character);
  }

  /** Moves what waits on the line into the receiver, but not while it hears itself. */
  #refill(): void {
    const depth = this.#fifo ? FIFO_DEPTH : 1;
    while ((this.#mcr & MCR.LOOP) === 0 && this.#received.length < depth) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#enter(next);
    }
    this.#drive();
    if (this.#refused && this.receiveRoom > 0) {
      this.#refused = false;
      this.#options.onReceiveRoom?.();
    }
  }

  /** The source of highest priority, as IIR tells it. */
  #source(): number {
    if ((this.#ier & IER.LINE) !== 0 && this.#lsrErrors !== 0) return IIR.LINE;
    if ((this.#ier & IER.RECEIVER) !== 0 && this.#received.length > 0) {
      const trigger = this.#fifo ? (FCR.TRIGGER_LEVELS[this.#fcr >> 6] ?? 1) : 1;
      return this.#received.length >= trigger ? IIR.RECEIVER : IIR.TIMEOUT;
    }
    if ((this.#ier & IER.TRANSMITTER) !== 0 && this.#transmitterPending) return IIR.TRANSMITTER;
    return (this.#ier & IER.MODEM) !== 0 && this.#msrDelta !== 0 ? IIR.MODEM : IIR.NONE;
  }

  /** On a PC, OUT2 connects the interrupt. */
  #drive(): void {
    const connected = (this.#mcr & MCR.OUT2) !== 0 && (this.#mcr & MCR.LOOP) === 0;
    this.#options.interrupt.set(connected && this.#source() !== IIR.NONE);
  }
}
