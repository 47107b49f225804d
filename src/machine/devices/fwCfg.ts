import type { Saveable } from "../device.ts";
import type { PortDevice, PortSize } from "../portBus.ts";

/** Items of QEMU's firmware configuration device, by selector (QEMU: docs/specs/fw_cfg.rst). */
const ITEM = {
  SIGNATURE: 0,
  ID: 1,
  RAM_SIZE: 3,
  NOGRAPHIC: 4,
  NB_CPUS: 5,
  MAX_CPUS: 0xf,
  FILE_DIR: 0x19,
} as const;

/** The interface by ports, and no DMA. */
const TRADITIONAL = 1;

/** What the device tells of the machine. */
export interface FwCfgOptions {
  readonly memoryBytes: number;
  readonly cpus: number;
}

/** What the device remembers. */
export interface FwCfgState {
  readonly selector: number;
  readonly offset: number;
}

/**
 * QEMU's fw_cfg at ports 0x510 (selector, 16 bits) and 0x511 (data, a byte at a time), by which test guests and firmware ask for the
 * number of processors and the size of memory. It has no files, no kernel and no DMA; whatever else is selected reads as zeros.
 */
export class FwCfg implements PortDevice, Saveable<FwCfgState> {
  readonly name = "fw-cfg";
  readonly width = 2;
  readonly #items: ReadonlyMap<number, Uint8Array>;
  #selector = 0;
  #offset = 0;

  constructor({ memoryBytes, cpus }: FwCfgOptions) {
    this.#items = new Map([
      [ITEM.SIGNATURE, new TextEncoder().encode("QEMU")],
      [ITEM.ID, littleEndian(TRADITIONAL, 4)],
      [ITEM.RAM_SIZE, littleEndian(memoryBytes, 8)],
      [ITEM.NOGRAPHIC, littleEndian(1, 2)],
      [ITEM.NB_CPUS, littleEndian(cpus, 2)],
      [ITEM.MAX_CPUS, littleEndian(cpus, 2)],
      // The number of files, in big endian.
      [ITEM.FILE_DIR, new Uint8Array(4)],
    ]);
  }

  readPort(offset: number, size: PortSize): number {
    // The selector cannot be read back.
    if (offset === 0) return size === 1 ? 0xff : 0xffff;
    return this.#items.get(this.#selector)?.[this.#offset++] ?? 0;
  }

  writePort(offset: number, size: PortSize, value: number): void {
    // Items cannot be written, as in QEMU since 2.4.
    if (offset !== 0 || size !== 2) return;
    this.#selector = value;
    this.#offset = 0;
  }

  reset(): void {
    this.#selector = 0;
    this.#offset = 0;
  }

  save(): FwCfgState {
    return { selector: this.#selector, offset: this.#offset };
  }

  load({ selector, offset }: FwCfgState): void {
    this.#selector = selector;
    this.#offset = offset;
  }
}

function littleEndian(value: number, bytes: number): Uint8Array {
  let left = BigInt(value);
  return Uint8Array.from({ length: bytes }, () => {
    const byte = Number(left & 0xffn);
    left >>= 8n;
    return byte;
  });
}
