const MASK = (1n << 64n) - 1n;

/**
 * Bytes that look random and are the same for the same seed: what a deterministic machine gives its guest as entropy. Never use
 * them where a secret is needed.
 * @param seed any integer, of which 64 bits count.
 * @param count a multiple of 8.
 */
export function seededBytes(seed: bigint, count: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(count));
  let state = seed & MASK;
  for (let at = 0; at < count; at += 8) {
    // SplitMix64 (Steele, Lea, Flood 2014).
    state = (state + 0x9e37_79b9_7f4a_7c15n) & MASK;
    let mixed = state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK;
    view.setBigUint64(at, mixed ^ (mixed >> 31n));
  }
  return new Uint8Array(view.buffer);
}
