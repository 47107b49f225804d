import type { KvmExit, X86Exit } from "../../kvm/exits.ts";
import { VIRT_MAP } from "../../machine/board/memoryMap.ts";
import { PL011_INTERRUPT, PL011_OFFSET } from "../../machine/devices/pl011Registers.ts";
import type { Listening } from "./runnable.ts";

const RECEIVE = BigInt(PL011_INTERRUPT.RX | PL011_INTERRUPT.RT);
/** A transmitter looks at UARTFR two or three times for each character it sends; who looks more often waits for input. */
const POLLS = 16;

/**
 * Finds out when a guest begins to listen to its serial console, by the registers it uses: it allows the receive interrupt,
 * polls UARTFR without sending, or reads UARTDR. Input that comes before would be lost: Linux empties the FIFO when it
 * starts the UART.
 */
export class ListeningWatch implements Listening {
  #listening = false;
  #polls = 0;

  get listening(): boolean {
    return this.#listening;
  }

  /** Watches an exit. @returns true when the guest has just begun to listen */
  observe(exit: KvmExit | X86Exit): boolean {
    if (this.#listening || exit.reason !== "MMIO") return false;
    const offset = Number(exit.address - VIRT_MAP.uart.base);
    if (exit.isWrite) {
      if (offset === PL011_OFFSET.DR) this.#polls = 0;
      else if (offset === PL011_OFFSET.IMSC) this.#listening = (exit.data & RECEIVE) !== 0n;
    } else {
      if (offset === PL011_OFFSET.FR) this.#polls += 1;
      this.#listening = offset === PL011_OFFSET.DR || this.#polls >= POLLS;
    }
    return this.#listening;
  }

  /** The guest waits for ever: it has to listen now or never. */
  assume(): void {
    this.#listening = true;
  }

  /** The guest starts anew. */
  reset(): void {
    this.#listening = false;
    this.#polls = 0;
  }
}
