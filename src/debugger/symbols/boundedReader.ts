/**
 * Makes the error of one file format. `what` is the thing that was being read, `where` a byte offset into the
 * file (undefined when the fault has no single place), `problem` the reason.
 */
export type FormatFault = (what: string, where: number | undefined, problem: string) => Error;

/**
 * Integers out of a byte array that nobody vouches for: every access is checked against the end of the bytes
 * and a miss throws the format's own error, so that a truncated file never surfaces as a RangeError.
 */
export class BoundedReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly #view: DataView;
  readonly #fault: FormatFault;

  constructor(bytes: Uint8Array, littleEndian: boolean, fault: FormatFault) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fault = fault;
  }

  /** Number of bytes that can be read. */
  get length(): number {
    return this.bytes.byteLength;
  }

  /** Throws the format's error unless `size` bytes exist at `offset`. */
  require(offset: number, size: number, what: string): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || size < 0 || size > this.length - offset) {
      throw this.#fault(
        what,
        offset,
        `needs ${size} bytes, but the data ends at 0x${this.length.toString(16)}`,
      );
    }
  }

  /** Unsigned byte at `offset`. */
  u8(offset: number, what: string): number {
    this.require(offset, 1, what);
    return this.#view.getUint8(offset);
  }

  /** Unsigned 16-bit value at `offset`. */
  u16(offset: number, what: string): number {
    this.require(offset, 2, what);
    return this.#view.getUint16(offset, this.littleEndian);
  }

  /** Unsigned 32-bit value at `offset`. */
  u32(offset: number, what: string): number {
    this.require(offset, 4, what);
    return this.#view.getUint32(offset, this.littleEndian);
  }

  /** Unsigned 64-bit value at `offset`. */
  u64(offset: number, what: string): bigint {
    this.require(offset, 8, what);
    return this.#view.getBigUint64(offset, this.littleEndian);
  }

  /** Unsigned 64-bit value at `offset` that counts or places bytes: an error when it is past 2^53. */
  size64(offset: number, what: string): number {
    const value = this.u64(offset, what);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.#fault(what, offset, `0x${value.toString(16)} is no size or offset that a file can have`);
    }
    return Number(value);
  }

  /** The bytes `[offset, offset + size)`, shared with the file, not copied. */
  slice(offset: number, size: number, what: string): Uint8Array {
    this.require(offset, size, what);
    return this.bytes.subarray(offset, offset + size);
  }

  /** The bytes of a NUL-terminated string at `offset`, without the NUL, which must come before `end`. */
  cString(offset: number, end: number, what: string): Uint8Array {
    this.require(offset, 0, what);
    const stop = this.bytes.indexOf(0, offset);
    if (stop < 0 || stop >= end) {
      throw this.#fault(what, offset, "the string has no terminating NUL");
    }
    return this.bytes.subarray(offset, stop);
  }
}
