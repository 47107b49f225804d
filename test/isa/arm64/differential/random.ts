/** A fast repeatable source of random numbers (xoshiro128**, public domain, Blackman and Vigna). */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** @param seed any integer; @param stream tells apart sources made from one seed */
  constructor(seed: number, stream = "") {
    // FNV-1a over the seed and the stream's name spreads both over the state.
    let hash = 0x811c_9dc5;
    for (const unit of `${seed}/${stream}`) hash = Math.imul(hash ^ unit.charCodeAt(0), 0x0100_0193);
    const next = (n: number): number => {
      hash = Math.imul(hash ^ (hash >>> 15) ^ n, 0x2c1b_3c6d);
      return hash ^ (hash >>> 12);
    };
    this.#a = next(0) | 1;
    this.#b = next(1);
    this.#c = next(2);
    this.#d = next(3);
    for (let i = 0; i < 8; i++) this.u32();
  }

  /** 32 random bits. */
  u32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
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
