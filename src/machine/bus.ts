import { type GuestPhysicalAddress, hex } from "./address.ts";
import type { AccessSize, MmioDevice } from "./device.ts";

/** A device on a range of the bus. */
export interface BusMapping {
  readonly base: GuestPhysicalAddress;
  /** Bytes. */
  readonly size: bigint;
  readonly device: MmioDevice;
}

/** A mistake in how a machine's bus is put together. */
export class BusError extends Error {
  override readonly name = "BusError";
}

/**
 * The guest-physical addresses of the devices. The bus has no policy of its own for an access that no device answers: it says so,
 * and the caller reads zero, reports it, or injects an abort.
 */
export class Bus {
  /** Sorted by base, never overlapping. */
  readonly #mappings: BusMapping[] = [];

  /** The map, lowest address first. */
  get mappings(): readonly BusMapping[] {
    return this.#mappings;
  }

  /**
   * Puts `device` at [base, base + size).
   * @throws BusError if the range is empty or another device has part of it.
   */
  map(base: GuestPhysicalAddress, size: bigint, device: MmioDevice): void {
    if (size <= 0n) throw new BusError(`${device.name} at ${hex(base)}: a device's range cannot be empty`);
    const other = this.#mappings.find((m) => base < m.base + m.size && m.base < base + size);
    if (other !== undefined) {
      throw new BusError(
        `${device.name} at ${hex(base)} (${hex(size)} bytes) overlaps ${other.device.name} at ${hex(other.base)}`,
      );
    }
    const index = this.#mappings.findIndex((m) => m.base > base);
    this.#mappings.splice(index === -1 ? this.#mappings.length : index, 0, { base, size, device });
  }

  /** The device that answers all of the `length` bytes at `address`. */
  find(address: GuestPhysicalAddress, length = 1): BusMapping | undefined {
    let low = 0;
    let high = this.#mappings.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const mapping = this.#mappings[middle];
      if (mapping !== undefined && mapping.base <= address) low = middle + 1;
      else high = middle;
    }
    const mapping = this.#mappings[low - 1];
    return mapping !== undefined && address + BigInt(length) <= mapping.base + mapping.size
      ? mapping
      : undefined;
  }

  /** @returns what the device answers, or undefined if no device answers the whole access. */
  read(address: GuestPhysicalAddress, size: AccessSize, cpu: number): bigint | undefined {
    const mapping = this.find(address, size);
    return mapping?.device.read(Number(address - mapping.base), size, cpu);
  }

  /** @returns whether a device took the whole access. */
  write(address: GuestPhysicalAddress, size: AccessSize, value: bigint, cpu: number): boolean {
    const mapping = this.find(address, size);
    mapping?.device.write(Number(address - mapping.base), size, value, cpu);
    return mapping !== undefined;
  }
}
