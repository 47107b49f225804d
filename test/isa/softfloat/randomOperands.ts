import type { WordKind } from "../../../src/isa/softfloat/operation.ts";

/** A repeatable source of random bits (xorshift64*). */
export class RandomBits {
  #state: bigint;

  /** @param seed any integer */
  constructor(seed: number) {
    this.#state = BigInt.asUintN(64, BigInt(seed) * 0x9e37_79b9_7f4a_7c15n) | 1n;
  }

  /** 64 random bits. */
  next(): bigint {
    let x = this.#state;
    x ^= x >> 12n;
    x ^= BigInt.asUintN(64, x << 25n);
    x ^= x >> 27n;
    this.#state = x;
    return BigInt.asUintN(64, x * 0x2545_f491_4f6c_dd1dn);
  }

  /** A random integer in 0 … limit - 1. */
  below(limit: number): number {
    return Number(this.next() >> 33n) % limit;
  }
}

interface Layout {
  readonly fraction: bigint;
  readonly exponent: bigint;
}

const LAYOUTS: Readonly<Record<"f16" | "f32" | "f64", Layout>> = {
  f16: { fraction: 10n, exponent: 5n },
  f32: { fraction: 23n, exponent: 8n },
  f64: { fraction: 52n, exponent: 11n },
};

function pack({ fraction, exponent }: Layout, sign: bigint, field: bigint, bits: bigint): bigint {
  return (sign << (fraction + exponent)) | (field << fraction) | BigInt.asUintN(Number(fraction), bits);
}

function specialFloat(layout: Layout, random: RandomBits): bigint {
  const top = (1n << layout.exponent) - 1n;
  const bias = top >> 1n;
  const ones = (1n << layout.fraction) - 1n;
  const quiet = 1n << (layout.fraction - 1n);
  const payload = random.next();
  const choices: readonly (readonly [bigint, bigint])[] = [
    [0n, 0n],
    [0n, 1n],
    [0n, ones],
    [0n, quiet],
    [1n, 0n],
    [1n, 1n],
    [top - 1n, ones],
    [top - 1n, 0n],
    [top, 0n],
    [top, quiet],
    [top, quiet | payload],
    [top, 1n],
    [top, BigInt.asUintN(Number(layout.fraction) - 1, payload) | 1n],
    [bias, 0n],
    [bias, 1n],
    [bias - 1n, 0n],
    [bias - 1n, ones],
    [bias + 1n, 0n],
    [bias + 1n, quiet],
  ];
  const [field, bits] = choices[random.below(choices.length)] ?? [0n, 0n];
  return pack(layout, random.next() & 1n, field, bits);
}

/** Fractions with few bits set or clear make products, sums and conversions that are exact or halfway. */
function sparseFraction(layout: Layout, random: RandomBits): bigint {
  const ones = (1n << layout.fraction) - 1n;
  const bit = (): bigint => 1n << BigInt(random.below(Number(layout.fraction)));
  switch (random.below(4)) {
    case 0:
      return bit() | bit();
    case 1:
      return ones & ~(bit() - 1n);
    case 2:
      return ones ^ bit();
    default:
      return random.next() & ones & ~(bit() - 1n);
  }
}

function randomFloat(layout: Layout, random: RandomBits, previous: bigint | undefined): bigint {
  const bias = (1n << (layout.exponent - 1n)) - 1n;
  const field = (value: bigint): bigint => BigInt.asUintN(Number(layout.exponent), value);
  const sign = random.next() & 1n;
  switch (random.below(previous === undefined ? 6 : 8)) {
    case 0:
    case 1:
      return specialFloat(layout, random);
    case 2:
      return BigInt.asUintN(Number(layout.fraction + layout.exponent + 1n), random.next());
    case 3:
      return pack(layout, sign, field(bias + BigInt(random.below(150) - 20)), random.next());
    case 4:
      return pack(layout, sign, field(bias + BigInt(random.below(72) - 4)), sparseFraction(layout, random));
    case 5:
      return pack(layout, sign, field(BigInt(random.below(4))), sparseFraction(layout, random));
    case 6:
      return pack(
        layout,
        sign,
        field(((previous ?? 0n) >> layout.fraction) + BigInt(random.below(7) - 3)),
        random.below(2) === 0 ? (previous ?? 0n) + BigInt(random.below(9) - 4) : random.next(),
      );
    default:
      return (previous ?? 0n) ^ (1n << BigInt(random.below(Number(layout.fraction + layout.exponent + 1n))));
  }
}

function randomInteger(bits: number, random: RandomBits): bigint {
  const one = 1n << BigInt(random.below(bits));
  const value = ((): bigint => {
    switch (random.below(5)) {
      case 0:
        return one;
      case 1:
        return one - 1n;
      case 2:
        return -one - BigInt(random.below(2));
      case 3:
        return random.next() & (one - 1n);
      default:
        return random.next();
    }
  })();
  return BigInt.asUintN(bits, value);
}

/**
 * A random operand that often is an edge case.
 * @param previous another operand of the same format, to be near to
 */
export function randomOperand(kind: WordKind, random: RandomBits, previous: bigint | undefined): bigint {
  switch (kind) {
    case "f16":
    case "f32":
    case "f64":
      return randomFloat(LAYOUTS[kind], random, previous);
    case "u16":
      return randomInteger(16, random);
    case "u32":
      return randomInteger(32, random);
    case "u64":
      return randomInteger(64, random);
    default:
      throw new TypeError(`${kind} is no random operand`);
  }
}

/** The operands every case of which is worth a try: zeros, denormals, one, two, extremes, infinities, NaNs. */
function edgeFloats(layout: Layout): readonly bigint[] {
  const top = (1n << layout.exponent) - 1n;
  const quiet = 1n << (layout.fraction - 1n);
  const positive = [
    pack(layout, 0n, 0n, 0n),
    pack(layout, 0n, 0n, 1n),
    pack(layout, 0n, 0n, -1n),
    pack(layout, 0n, 1n, 0n),
    pack(layout, 0n, top >> 1n, 0n),
    pack(layout, 0n, top - 1n, -1n),
    pack(layout, 0n, top, 0n),
    pack(layout, 0n, top, quiet | 2n),
    pack(layout, 0n, top, 3n),
  ];
  return positive.flatMap((bits) => [bits, bits | (1n << (layout.exponent + layout.fraction))]);
}

/** Every combination of edge values for an operation's float operands; none if it has no such operands. */
export function edgeCombinations(kinds: readonly WordKind[]): readonly (readonly bigint[])[] {
  let combinations: readonly (readonly bigint[])[] = [[]];
  for (const kind of kinds) {
    if (kind !== "f16" && kind !== "f32" && kind !== "f64") break;
    const values = edgeFloats(LAYOUTS[kind]);
    combinations = combinations.flatMap((operands) => values.map((value) => [...operands, value]));
  }
  return combinations.filter((operands) => operands.length > 0);
}

/** The seed of this run: FLOAT_SEED from the environment, or the clock. */
export function chosenSeed(): number {
  const given = process.env["FLOAT_SEED"];
  return given === undefined ? Date.now() % 1_000_000_007 : Number(given);
}
