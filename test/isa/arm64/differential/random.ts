/** A fast repeatable source of random numbers (xoshiro128**, public domain, Blackman and Vigna). */
export class Random {
  readonly #s = new Uint32Array(4);

  /** @param seed any integer; @param stream tells apart sources made from one seed */
  constructor(seed: number, stream = "") {
    // FNV-1a over the seed and the stream's name spreads both over the state.
    let hash = 0x811c_9dc5;
    for (const unit of `${seed}/${stream}`) hash = Math.imul(hash ^ unit.charCodeAt(0), 0x0100_0193);
    for (let i = 0; i < 4; i++) {
      hash = Math.imul(hash ^ (hash >>> 15) ^ i, 0x2c1b_3c6d);
      this.#s[i] = hash ^ (hash >>> 12);
    }
    this.#s[0] = (this.#s[0] ?? 0) | 1;
    for (let i = 0; i < 8; i++) this.u32();
  }

  /** 32 random bits. */
  u32(): number {
    const s = this.#s;
    const [a = 0, b = 0, c = 0, d = 0] = s;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const mixed = c ^ a;
    const last = d ^ b;
    s[0] = a ^ last;
    s[1] = b ^ mixed;
    s[2] = mixed ^ (b << 9);
    s[3] = (last << 11) | (last >>> 21);
    return result;
  }

  /** An integer in 0 … limit − 1; limit at most 2^32. */
  below(limit: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * limit);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of the values. */
  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new RangeError("nothing to choose from");
    return value;
  }

  /** 64 random bits. */
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }
}
