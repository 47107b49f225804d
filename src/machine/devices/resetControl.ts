import type { PortDevice, PortSize } from "../portBus.ts";

/** Reset Control Register of Intel's chipsets, port 0xCF9: RST_CPU makes the reset, SYS_RST says how deep. */
const RST_CPU = 4;
const SYS_RST = 2;
/** Its offset from port 0xCF8. */
const REGISTER = 1;

/**
 * Port 0xCF9, by which ACPI's FADT says that the machine is reset. It answers single bytes only: four bytes from 0xCF8 on are the
 * address of PCI's configuration space (PCI Local Bus Specification 3.0, 3.2.2.3.2), and guests that look for PCI must not reset
 * the machine by it.
 */
export class ResetControl implements PortDevice {
  readonly name = "reset-control";
  readonly width = 4;
  readonly #reset: () => void;
  #value = 0;

  /** @param reset the guest resets the machine */
  constructor(reset: () => void) {
    this.#reset = reset;
  }

  readPort(offset: number, size: PortSize): number {
    return offset === REGISTER && size === 1 ? this.#value : 2 ** (8 * size) - 1;
  }

  writePort(offset: number, size: PortSize, value: number): void {
    if (offset !== REGISTER || size !== 1) return;
    const rises = (value & ~this.#value & RST_CPU) !== 0;
    this.#value = value & (RST_CPU | SYS_RST);
    if (rises) this.#reset();
  }

  reset(): void {
    this.#value = 0;
  }
}

/** System Control Port A, port 0x92: bit 0 resets, bit 1 is the A20 gate, which is always open here. */
export class SystemControlA implements PortDevice {
  readonly name = "system-control-a";
  readonly width = 1;
  readonly #reset: () => void;

  /** @param reset the guest resets the machine */
  constructor(reset: () => void) {
    this.#reset = reset;
  }

  readPort(): number {
    return 2;
  }

  writePort(_offset: number, _size: PortSize, value: number): void {
    if ((value & 1) !== 0) this.#reset();
  }
}
