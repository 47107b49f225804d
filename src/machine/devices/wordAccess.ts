import type { AccessSize } from "../device.ts";

/**
 * Registers of 32 bits behind accesses of 1 to 8 bytes. A narrow read gets its bytes of the register, a wide one two registers.
 * @param readWord gives the register at a word-aligned offset, as an unsigned number.
 */
export function readByWords(offset: number, size: AccessSize, readWord: (offset: number) => number): bigint {
  const word = BigInt(readWord(offset & ~3) >>> 0);
  if (size === 8) return word | (BigInt(readWord((offset & ~3) + 4) >>> 0) << 32n);
  return BigInt.asUintN(size * 8, word >> BigInt((offset & 3) * 8));
}

/**
 * The writing side of `readByWords`.
 * @param writeWord gets the register's offset, the bits at their place in the register, and which bits were written
 * (all ones for a whole register), both unsigned.
 */
export function writeByWords(
  offset: number,
  size: AccessSize,
  value: bigint,
  writeWord: (offset: number, value: number, written: number) => void,
): void {
  const base = offset & ~3;
  if (size === 8) {
    writeWord(base, Number(value & 0xffff_ffffn), 0xffff_ffff);
    writeWord(base + 4, Number((value >> 32n) & 0xffff_ffffn), 0xffff_ffff);
    return;
  }
  const shift = (offset & 3) * 8;
  const written = size === 4 ? 0xffff_ffff : (((1 << (size * 8)) - 1) << shift) >>> 0;
  writeWord(base, ((Number(value) << shift) & written) >>> 0, written);
}
