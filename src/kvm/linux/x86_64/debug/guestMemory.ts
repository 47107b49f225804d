import { KvmError } from "../../../errors.ts";
import type { GuestRam } from "../../guestRam.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";

const pageBytes = 4096;

/** Memory as a vCPU sees it, by linear addresses; only RAM. */
export class GuestMemory {
  readonly #file: X86VcpuFile;
  readonly #ram: GuestRam;

  constructor(file: X86VcpuFile, ram: GuestRam) {
    this.#file = file;
    this.#ram = ram;
  }

  /** The byte at an address; undefined where no RAM is mapped. */
  byte(address: bigint): number | undefined {
    return this.#view(address, 1)?.[0];
  }

  /** Bytes from an address on, fewer where mapped RAM ends. */
  bytes(address: bigint, count: number): readonly number[] {
    const found: number[] = [];
    while (found.length < count) {
      const at = BigInt.asUintN(64, address + BigInt(found.length));
      const inPage = pageBytes - Number(at & BigInt(pageBytes - 1));
      const view = this.#view(at, Math.min(inPage, count - found.length));
      if (view === undefined) break;
      found.push(...view);
    }
    return found;
  }

  /** A little-endian number of so many bytes; undefined where no RAM is mapped. */
  number(address: bigint, size: number): bigint | undefined {
    const bytes = this.bytes(address, size);
    if (bytes.length < size) return undefined;
    return numberOf(bytes);
  }

  /** The same by a guest-physical address. */
  physicalNumber(address: bigint, size: number): bigint | undefined {
    const bytes = this.#physical(address, size);
    return bytes && numberOf([...bytes]);
  }

  /** Writes a byte. @returns whether RAM is mapped there */
  setByte(address: bigint, byte: number): boolean {
    const view = this.#view(address, 1);
    if (view !== undefined) view[0] = byte;
    return view !== undefined;
  }

  #view(address: bigint, length: number): Uint8Array | undefined {
    const physical = this.#file.translate(BigInt.asUintN(64, address))?.physicalAddress;
    return physical === undefined ? undefined : this.#physical(physical, length);
  }

  #physical(address: bigint, length: number): Uint8Array | undefined {
    try {
      return this.#ram.view(address, length);
    } catch (error) {
      // A device's registers.
      if (error instanceof KvmError && error.errno === "EFAULT") return undefined;
      throw error;
    }
  }
}

const numberOf = (bytes: readonly number[]): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
