const TABLE: readonly number[] = Array.from({ length: 64 }, (_, k) => 2 ** k);

/** 2 ** k, exact; fast for 0 ≤ k < 64. */
export function powerOfTwo(k: number): number {
  return TABLE[k] ?? 2 ** k;
}

/** Number of significant bits of an integer in 0 … 2^53 - 1; 0 for 0. */
export function bitLength(n: number): number {
  return n < 0x1_0000_0000 ? 32 - Math.clz32(n) : 64 - Math.clz32(n / 0x1_0000_0000);
}
