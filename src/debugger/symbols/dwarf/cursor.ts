import { decodeName, type Utf8Decoder } from "../text.ts";
import { DwarfError } from "./dwarfError.ts";

/** Reads a section from front to back, never past `end`. Offsets are of the section. */
export class DwarfCursor {
  readonly bytes: Uint8Array;
  readonly section: string;
  readonly littleEndian: boolean;
  readonly #view: DataView;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, section: string, littleEndian: boolean, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.section = section;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  /** The error for a fault at `offset` (the current place unless given). */
  fault(problem: string, offset = this.at): DwarfError {
    return new DwarfError(this.section, offset, problem);
  }

  /** Whether nothing is left. */
  get isDone(): boolean {
    return this.at >= this.end;
  }

  /** Moves on by `size` bytes and returns where they begin. */
  skip(size: number): number {
    const from = this.at;
    if (!(size >= 0 && size <= this.end - from)) {
      throw this.fault(`needs ${size} bytes, but the data ends at 0x${this.end.toString(16)}`);
    }
    this.at = from + size;
    return from;
  }

  u8(): number {
    return this.#view.getUint8(this.skip(1));
  }

  i8(): number {
    return this.#view.getInt8(this.skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), this.littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.skip(8), this.littleEndian);
  }

  /** An offset or length of 4 or 8 bytes (32-bit or 64-bit DWARF). */
  offset(size: 4 | 8): number {
    if (size === 4) return this.u32();
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.fault(`0x${value.toString(16)} is no offset`, this.at - 8);
    return Number(value);
  }

  /** An address of 1, 2, 4 or 8 bytes. */
  address(size: number): bigint {
    switch (size) {
      case 1:
        return BigInt(this.u8());
      case 2:
        return BigInt(this.u16());
      case 4:
        return BigInt(this.u32());
      case 8:
        return this.u64();
      default:
        throw this.fault(`addresses of ${size} bytes are not known`);
    }
  }

  /** Unsigned LEB128 (DWARF 5, 7.6); an error past 2^53. */
  uleb(): number {
    const from = this.at;
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw this.fault("a number is larger than 2^53", from);
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > 2 ** 70) throw this.fault("a number does not end", from);
    }
  }

  /** Signed LEB128 (DWARF 5, 7.6); an error past ±2^53. */
  sleb(): number {
    const from = this.at;
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        if ((byte & 0x40) !== 0) value -= scale;
        if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw this.fault("a number is larger than 2^53", from);
        return value;
      }
      if (scale > 2 ** 70) throw this.fault("a number does not end", from);
    }
  }

  /** A string up to its NUL. */
  string(decoder: Utf8Decoder): string {
    const from = this.at;
    const stop = this.bytes.indexOf(0, from);
    if (stop < 0 || stop >= this.end) throw this.fault("a string has no end", from);
    this.at = stop + 1;
    return decodeName(this.bytes.subarray(from, stop), decoder);
  }
}
