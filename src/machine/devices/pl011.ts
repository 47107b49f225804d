import type { AccessSize, InterruptLine, MmioDevice, Saveable, Scheduler } from "../device.ts";
import { Pl011Receiver, type Pl011ReceiverState, type ReceiverSetup } from "./pl011Receiver.ts";
import {
  CR,
  DR_ERROR,
  FR,
  PL011_INTERRUPT as INT,
  LCR_H,
  PL011_OFFSET as OFFSET,
  RX_TRIGGER,
  PL011_WRITABLE as WRITABLE,
} from "./pl011Registers.ts";
import { primeCellId } from "./primeCell.ts";
import { readByWords, writeByWords } from "./wordAccess.ts";

/** r1p5: revision 3 in PeriphID2, which is how drivers know that the FIFOs are 32 deep. */
const PERIPH_ID = [0x11, 0x10, 0x34, 0x00] as const;
/** TRM, "Interrupts": the receive timeout runs out after 32 bit periods without a character. */
const TIMEOUT_BITS = 32n;
/** A UART whose divisors were never set counts as one of this baud rate. */
const DEFAULT_BAUD = 115_200n;
const DEFAULT_CLOCK_HZ = 24_000_000;
const DEFAULT_BACKLOG = 64 * 1024;
const SECOND = 1_000_000_000n;

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

/** The registers as a PL011 keeps them. */
interface Registers {
  rsr: number;
  ilpr: number;
  ibrd: number;
  fbrd: number;
  lcrH: number;
  cr: number;
  ifls: number;
  imsc: number;
  dmacr: number;
  /** TX and the modem status interrupts; the others are the receiver's. */
  ris: number;
  /** What UARTIBRD and UARTFBRD were when UARTLCR_H was last written, in 64ths. */
  divisor: number;
}

/** What a PL011 remembers. */
export interface Pl011State {
  readonly registers: Readonly<Registers>;
  readonly receiver: Pl011ReceiverState;
}

function resetValues(): Registers {
  return {
    rsr: 0,
    ilpr: 0,
    ibrd: 0,
    fbrd: 0,
    lcrH: 0,
    cr: CR.TXE | CR.RXE,
    ifls: 0x12,
    imsc: 0,
    dmacr: 0,
    ris: 0,
    divisor: 0,
  };
}

/**
 * Arm PrimeCell UART PL011 r1p5. Sending takes no time, so the transmit FIFO is always empty. As on QEMU's board the UART sends
 * and receives whether or not the guest has set UARTEN, because small programs never do.
 */
export class Pl011 implements MmioDevice, Saveable<Pl011State> {
  readonly name = "pl011";
  readonly #options: Pl011Options;
  readonly #receiver: Pl011Receiver;
  #registers = resetValues();

  constructor(options: Pl011Options) {
    this.#options = options;
    const { scheduler, backlogBytes = DEFAULT_BACKLOG } = options;
    this.#receiver = new Pl011Receiver(scheduler, backlogBytes, () => this.#drive());
    this.#receiver.configure(this.#setup());
  }

  /** Bytes that `receive` would take now. */
  get receiveRoom(): number {
    return this.#receiver.room;
  }

  /**
   * Characters on the line for the guest. What the receive FIFO has no room for waits, and enters as the guest reads.
   * @returns how many were taken; the others are the caller's until `onReceiveRoom`.
   */
  receive(bytes: Uint8Array): number {
    const taken = this.#receiver.offer(bytes);
    this.#drive();
    return taken;
  }

  /**
   * A break on the line: how a terminal asks Linux for SysRq. It takes its turn behind the characters received before.
   * @returns false if there was no room for it.
   */
  receiveBreak(): boolean {
    // TRM, UARTDR: a break enters the FIFO as one zero character, which is a framing error too.
    const taken = this.#receiver.offer([DR_ERROR.BE | DR_ERROR.FE]);
    this.#drive();
    return taken === 1;
  }

  read(offset: number, size: AccessSize): bigint {
    return readByWords(offset, size, (at) => this.#readWord(at));
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    writeByWords(offset, size, value, (at, word) => this.#writeWord(at, word));
  }

  /** Power-on state; characters the guest has not been given yet stay. */
  reset(): void {
    this.#registers = resetValues();
    this.#receiver.reset();
    this.#receiver.configure(this.#setup());
    this.#drive();
  }

  save(): Pl011State {
    return { registers: { ...this.#registers }, receiver: this.#receiver.save() };
  }

  load(state: Pl011State): void {
    this.#registers = { ...state.registers };
    this.#receiver.load(state.receiver, this.#setup());
    this.#drive();
  }

  get #ris(): number {
    return this.#registers.ris | this.#receiver.ris;
  }

  #readWord(offset: number): number {
    const registers = this.#registers;
    switch (offset) {
      case OFFSET.DR:
        return this.#readData();
      case OFFSET.RSR_ECR:
        return registers.rsr;
      case OFFSET.FR:
        return this.#flags();
      case OFFSET.ILPR:
        return registers.ilpr;
      case OFFSET.IBRD:
        return registers.ibrd;
      case OFFSET.FBRD:
        return registers.fbrd;
      case OFFSET.LCR_H:
        return registers.lcrH;
      case OFFSET.CR:
        return registers.cr;
      case OFFSET.IFLS:
        return registers.ifls;
      case OFFSET.IMSC:
        return registers.imsc;
      case OFFSET.RIS:
        return this.#ris;
      case OFFSET.MIS:
        return this.#ris & registers.imsc;
      case OFFSET.DMACR:
        return registers.dmacr;
      default:
        return primeCellId(offset, PERIPH_ID) ?? 0;
    }
  }

  #writeWord(offset: number, value: number): void {
    const registers = this.#registers;
    switch (offset) {
      case OFFSET.DR:
        this.#send(value & 0xff);
        break;
      case OFFSET.RSR_ECR:
        registers.rsr = 0;
        break;
      case OFFSET.ILPR:
        registers.ilpr = value & WRITABLE.ILPR;
        break;
      case OFFSET.IBRD:
        registers.ibrd = value & WRITABLE.IBRD;
        break;
      case OFFSET.FBRD:
        registers.fbrd = value & WRITABLE.FBRD;
        break;
      case OFFSET.LCR_H:
        registers.lcrH = value & WRITABLE.LCR_H;
        // TRM, UARTLCR_H: a write here is what makes the divisors take effect.
        registers.divisor = registers.ibrd * 64 + registers.fbrd;
        this.#receiver.configure(this.#setup());
        break;
      case OFFSET.CR:
        this.#writeControl(value & WRITABLE.CR);
        break;
      case OFFSET.IFLS:
        registers.ifls = value & WRITABLE.IFLS;
        this.#receiver.configure(this.#setup());
        break;
      case OFFSET.IMSC:
        registers.imsc = value & WRITABLE.IMSC;
        break;
      case OFFSET.ICR:
        registers.ris &= ~value;
        this.#receiver.clear(value);
        break;
      case OFFSET.DMACR:
        // DMA is not connected: the register keeps its bits and nothing follows.
        registers.dmacr = value & WRITABLE.DMACR;
        break;
      default:
    }
    this.#drive();
  }

  #flags(): number {
    let flags: number = FR.TXFE;
    if (this.#receiver.isEmpty) flags |= FR.RXFE;
    if (this.#receiver.isFull) flags |= FR.RXFF;
    return flags | modemInputs(this.#registers.cr);
  }

  #readData(): number {
    const taken = this.#receiver.take();
    if (!taken) return 0;
    this.#registers.rsr = (taken.character >> 8) & 0xf;
    this.#drive();
    if (taken.followed) this.#options.onReceiveRoom?.();
    return taken.character;
  }

  #send(byte: number): void {
    if (this.#registers.cr & CR.LBE) this.#receiver.loopBack(byte);
    else this.#options.transmit(byte);
    // TRM, UARTTXINTR: the interrupt is the FIFO's passing through its level, and every character passes at once.
    this.#registers.ris |= INT.TX;
  }

  #writeControl(value: number): void {
    const changed = modemInputs(this.#registers.cr) ^ modemInputs(value);
    this.#registers.cr = value;
    if (changed & FR.CTS) this.#registers.ris |= INT.CTS;
    if (changed & FR.DSR) this.#registers.ris |= INT.DSR;
    if (changed & FR.DCD) this.#registers.ris |= INT.DCD;
    if (changed & FR.RI) this.#registers.ris |= INT.RI;
    this.#receiver.configure(this.#setup());
  }

  #setup(): ReceiverSetup {
    const { lcrH, cr, ifls } = this.#registers;
    return {
      fifo: (lcrH & LCR_H.FEN) !== 0,
      trigger: RX_TRIGGER[(ifls >> 3) & 7] ?? 0,
      loopback: (cr & CR.LBE) !== 0,
      timeout: this.#timeout(),
    };
  }

  /** TRM, UARTFBRD: a bit takes 16 × divisor periods of UARTCLK. */
  #timeout(): bigint {
    const divisor = BigInt(this.#registers.divisor);
    if (divisor < 64n) return (TIMEOUT_BITS * SECOND) / DEFAULT_BAUD;
    return (
      (TIMEOUT_BITS * 16n * divisor * SECOND) / (64n * BigInt(this.#options.clockHz ?? DEFAULT_CLOCK_HZ))
    );
  }

  #drive(): void {
    this.#options.interrupt.set((this.#ris & this.#registers.imsc) !== 0);
  }
}

/** The modem inputs: not connected, except to the UART's own outputs in loopback (TRM, UARTCR.LBE). */
function modemInputs(cr: number): number {
  if (!(cr & CR.LBE)) return 0;
  return (
    (cr & CR.RTS ? FR.CTS : 0) |
    (cr & CR.DTR ? FR.DSR : 0) |
    (cr & CR.OUT1 ? FR.DCD : 0) |
    (cr & CR.OUT2 ? FR.RI : 0)
  );
}
