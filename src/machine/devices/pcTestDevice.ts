import type { InterruptLine, Saveable } from "../device.ts";
import type { PortDevice, PortSize } from "../portBus.ts";

/** Bytes of its memory. */
export const TEST_MEMORY_BYTES = 0x1_0000;

/** What the device remembers. */
export interface PcTestDeviceState {
  readonly ports: Uint8Array;
  readonly memory: Uint8Array;
}

/**
 * QEMU's pc-testdev, by which kvm-unit-tests have something to read and write that is not RAM (hw/misc/pc-testdev.c): four bytes
 * behind ports, 64 KiB behind addresses, and the interrupt controllers' inputs.
 */
export class PcTestDevice implements Saveable<PcTestDeviceState> {
  /** Four bytes that read as they were written. */
  readonly wide: PortDevice;
  /** The same four bytes, of which each access takes one. */
  readonly narrow: PortDevice;
  /** A port for each interrupt line: what is written is its level. */
  readonly lines: PortDevice;
  readonly #ports = new Uint8Array(4);
  readonly #memory = new Uint8Array(TEST_MEMORY_BYTES);
  readonly #inputs: readonly InterruptLine[];

  constructor(inputs: readonly InterruptLine[]) {
    this.#inputs = inputs;
    this.wide = this.#bytes(4);
    this.narrow = this.#bytes(1);
    this.lines = {
      name: "test-interrupts",
      width: 1,
      readPort: () => 0xff,
      writePort: (line, _, value) => inputs[line]?.set(value !== 0),
    };
  }

  /** Bytes of its memory, in little endian. @returns undefined where it has none */
  readMemory(offset: number, length: number): bigint | undefined {
    if (!isInside(offset, length)) return undefined;
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#memory[offset + i] ?? 0);
    return value;
  }

  /** Writes `length` bytes of its memory, in little endian; elsewhere nothing. */
  writeMemory(offset: number, length: number, value: bigint): void {
    if (!isInside(offset, length)) return;
    for (let i = 0; i < length; i++) this.#memory[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }

  reset(): void {
    this.#ports.fill(0);
    this.#memory.fill(0);
    for (const input of this.#inputs) input.set(false);
  }

  save(): PcTestDeviceState {
    return { ports: this.#ports.slice(), memory: this.#memory.slice() };
  }

  load({ ports, memory }: PcTestDeviceState): void {
    this.#ports.set(ports);
    this.#memory.set(memory);
  }

  #bytes(width: PortSize): PortDevice {
    const bytes = this.#ports;
    return {
      name: "test-ports",
      width,
      readPort: (offset, size) => {
        let value = 0;
        for (let i = size - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
        return value;
      },
      writePort: (offset, size, value) => {
        for (let i = 0; i < size; i++) bytes[offset + i] = value >>> (8 * i);
      },
    };
  }
}

const isInside = (offset: number, length: number): boolean =>
  offset >= 0 && offset + length <= TEST_MEMORY_BYTES;
