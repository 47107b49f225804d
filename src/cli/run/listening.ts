import type { KvmExit, X86Exit } from "../../kvm/exits.ts";
import { VIRT_MAP } from "../../machine/board/memoryMap.ts";
import { PL011_INTERRUPT, PL011_OFFSET } from "../../machine/devices/pl011Registers.ts";
import type { Listening, ListeningNews } from "./runnable.ts";

const RECEIVE = BigInt(PL011_INTERRUPT.RX | PL011_INTERRUPT.RT);
/** A transmitter looks at UARTFR two or three times for each character it sends; who looks more often waits for input. */
const POLLS = 16;
/**
 * Nanoseconds from allowing the receive interrupt to being ready for input. Linux' driver allows it early in its start, and then
 * throws away up to 64 characters, twice the FIFO, before it lets the interrupt happen (pl011_hwinit, pl011_enable_interrupts).
 */
const SETTLING = 10_000_000n;

/**
 * Finds out when a guest begins to listen to its serial console, by the registers it uses: it allows the receive interrupt,
 * polls UARTFR without sending, or reads UARTDR. Input that comes before would be lost: Linux empties the FIFO when it
 * starts the UART.
 */
export class ListeningWatch implements Listening {
  #listening = false;
  #allowed = false;
  #polls = 0;

  get listening(): boolean {
    return this.#listening;
  }

  observe(exit: KvmExit | X86Exit): ListeningNews | undefined {
    if (this.#listening || exit.reason !== "MMIO") return undefined;
    const offset = Number(exit.address - VIRT_MAP.uart.base);
    if (exit.isWrite) {
      if (offset === PL011_OFFSET.DR) this.#polls = 0;
      return offset === PL011_OFFSET.IMSC ? this.#allow((exit.data & RECEIVE) !== 0n) : undefined;
    }
    if (offset === PL011_OFFSET.FR) this.#polls += 1;
    if (offset !== PL011_OFFSET.DR && this.#polls < POLLS) return undefined;
    this.#listening = true;
    return { listensIn: 0n };
  }

  assume(): void {
    this.#listening = true;
  }

  reset(): void {
    this.#listening = false;
    this.#allowed = false;
    this.#polls = 0;
  }

  #allow(allowed: boolean): ListeningNews | undefined {
    if (allowed === this.#allowed) return undefined;
    this.#allowed = allowed;
    return allowed ? { listensIn: SETTLING } : "not after all";
  }
}
