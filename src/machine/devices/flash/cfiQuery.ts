/** Bytes of one erase block of the bank: 128 KiB in each of its two chips. */
export const blockBytes = 0x4_0000;
/** Bytes that one buffered write of the bank can take: 2 KiB in each chip. */
export const bufferBytes = 0x1000;

/** Manufacturer and device of the chips: Intel, 28F256 of the StrataFlash family. */
export const identity = { manufacturer: 0x89, device: 0x18 } as const;

const chips = 2;
/** JESD68.01, "Query structure": word offset of the answer's first byte. */
const firstByte = 0x10;
/** Where the primary vendor's table begins, by offset in the same words. */
const primaryTable = 0x31;

const log2 = (value: number): number => 31 - Math.clz32(value);
const low = (value: number): number => value & 0xff;
const high = (value: number): number => (value >> 8) & 0xff;
const letters = (text: string): readonly number[] => [...text].map((letter) => letter.charCodeAt(0));

/**
 * What one chip of a bank of `bytes` answers to the query, from word offset 0x10 on. JESD68.01 (Common Flash Interface) has the
 * structure; the primary command set is Intel's, number 1 (Intel application note 646).
 */
export function cfiAnswer(bytes: number): readonly number[] {
  const blocks = bytes / blockBytes;
  const perChip = blockBytes / chips / 256;
  return [
    ...letters("QRY"),
    ...[1, 0],
    ...[primaryTable, 0],
    ...[0, 0],
    ...[0, 0],
    // Supply: 4.5 V to 5.5 V, none for programming.
    ...[0x45, 0x55, 0, 0],
    // Typical times, as powers of two: word 128 µs, buffer 128 µs, block 1 s, no chip erase; at most 16 times that.
    ...[7, 7, 10, 0, 4, 4, 4, 0],
    log2(bytes / chips),
    ...[2, 0],
    log2(bufferBytes / chips),
    0,
    ...[1, low(blocks - 1), high(blocks - 1), low(perChip), high(perChip)],
    ...new Array<number>(primaryTable - 0x31).fill(0),
    ...letters("PRI10"),
    ...[0, 0, 0, 0],
    // Program or read elsewhere during an erase: not offered; two bytes of lock status: none.
    ...[0, 0, 0],
    ...[0x50, 0],
  ];
}

/** The byte of the answer at a word offset of a chip; 0 where there is none. */
export function cfiByte(answer: readonly number[], word: number): number {
  return answer[word - firstByte] ?? 0;
}
