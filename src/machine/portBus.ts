/** Bytes of one port access. */
export type PortSize = 1 | 2 | 4;

/** A block of x86 I/O ports. */
export interface PortDevice {
  /** As users see it in messages and maps, for example `uart16550`. */
  readonly name: string;
  /** The largest access it takes whole; larger ones come in parts, lowest port first. */
  readonly width: PortSize;
  /** Reads `size` bytes, little endian, at `offset` from its first port. @returns the value, below 2^(8·size) */
  readPort(offset: number, size: PortSize): number;
  /** Writes; `value` is below 2^(8·size). */
  writePort(offset: number, size: PortSize, value: number): void;
}

/** A device on a range of ports. */
export interface PortMapping {
  readonly base: number;
  readonly count: number;
  readonly device: PortDevice;
}

/** A mistake in how a machine's ports are put together. */
export class PortBusError extends Error {
  override readonly name = "PortBusError";
}

/** What a bus without an answer reads as. */
const FLOATING = 0xff;

/**
 * The I/O ports of a PC. A port that no device has reads as ones, and forgets what is written, as on an ISA bus: that is how
 * guests find out what is there.
 */
export class PortBus {
  readonly #mappings: PortMapping[] = [];

  /** The map, in the order it was made. */
  get mappings(): readonly PortMapping[] {
    return this.#mappings;
  }

  /** Puts `device` at ports [base, base + count). @throws PortBusError if another device has part of it */
  map(base: number, count: number, device: PortDevice): void {
    if (count <= 0 || base < 0 || base + count > 0x1_0000)
      throw new PortBusError(
        `${device.name}: there are no ports 0x${base.toString(16)} and ${count - 1} more`,
      );
    const other = this.#mappings.find((each) => base < each.base + each.count && each.base < base + count);
    if (other !== undefined)
      throw new PortBusError(
        `${device.name} at port 0x${base.toString(16)} overlaps ${other.device.name} at 0x${other.base.toString(16)}`,
      );
    this.#mappings.push({ base, count, device });
  }

  /** The device that has a port. */
  find(port: number): PortMapping | undefined {
    return this.#mappings.find(({ base, count }) => port >= base && port < base + count);
  }

  /** `IN`. @returns the value, below 2^(8·size) */
  read(port: number, size: PortSize): number {
    const mapping = this.#whole(port, size);
    if (mapping !== undefined) return mapping.device.readPort(port - mapping.base, size);
    if (size === 1) return FLOATING;
    const half = size === 4 ? 2 : 1;
    const high = this.read((port + half) & 0xffff, half);
    return (this.read(port, half) | (high << (8 * half))) >>> 0;
  }

  /** `OUT`. */
  write(port: number, size: PortSize, value: number): void {
    const mapping = this.#whole(port, size);
    if (mapping !== undefined) {
      mapping.device.writePort(port - mapping.base, size, value);
      return;
    }
    if (size === 1) return;
    const half = size === 4 ? 2 : 1;
    const mask = half === 1 ? 0xff : 0xffff;
    this.write(port, half, value & mask);
    this.write((port + half) & 0xffff, half, (value >>> (8 * half)) & mask);
  }

  /** The device that takes the access whole. */
  #whole(port: number, size: PortSize): PortMapping | undefined {
    const mapping = this.find(port);
    if (mapping === undefined || mapping.device.width < size) return undefined;
    return port + size <= mapping.base + mapping.count ? mapping : undefined;
  }
}
