/**
 * What a search may still cost. The image may be hostile: every step is paid for, and a search that would not come
 * to an end stops instead of running on.
 */
export class SearchBudget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** Takes `steps`; false when the budget is used up. */
  take(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }
}

/** The bytes a kallsyms table is searched in, with unchecked reads in the kernel's endianness. */
export class KallsymsBlob {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly littleEndian: boolean;

  constructor(bytes: Uint8Array, littleEndian: boolean) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.littleEndian = littleEndian;
  }

  /** Number of bytes. */
  get length(): number {
    return this.bytes.length;
  }

  /** Unsigned 16-bit value; the caller has checked the bounds. */
  u16(offset: number): number {
    return this.view.getUint16(offset, this.littleEndian);
  }

  /** Unsigned 32-bit value; the caller has checked the bounds. */
  u32(offset: number): number {
    return this.view.getUint32(offset, this.littleEndian);
  }

  /** Signed 32-bit value; the caller has checked the bounds. */
  i32(offset: number): number {
    return this.view.getInt32(offset, this.littleEndian);
  }

  /** Unsigned 64-bit value; the caller has checked the bounds. */
  u64(offset: number): bigint {
    return this.view.getBigUint64(offset, this.littleEndian);
  }

  /** The more significant half of the 64-bit value at `offset`. */
  high32(offset: number): number {
    return this.u32(this.littleEndian ? offset + 4 : offset);
  }

  /** The less significant half of the 64-bit value at `offset`. */
  low32(offset: number): number {
    return this.u32(this.littleEndian ? offset : offset + 4);
  }
}

/**
 * How far apart the labels of the table stand, in bytes: `.balign 4` since Linux 7.0, `.balign 8` since 4.20;
 * before that `.align 8`, which the arm64 assembler takes as a power of two.
 */
export const LABEL_ALIGNMENTS = [4, 8, 256] as const;

/** The least multiple of `align` that is not below `value`. */
export function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}
