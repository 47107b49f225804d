import type { Random } from "./random.ts";

/** The floating-point formats as numbers: fraction bits, exponent bias. */
const layouts = {
  32: { fraction: 23, bias: 127 },
  64: { fraction: 52, bias: 1023 },
} as const;

/** Width of a float in bits. */
export type FloatWidth = keyof typeof layouts;

function pack(width: FloatWidth, negative: boolean, exponent: number, fraction: bigint): bigint {
  const { fraction: bits, bias } = layouts[width];
  const field = Math.min(Math.max(exponent + bias, 0), 2 * bias);
  return (BigInt(negative) << BigInt(width - 1)) | (BigInt(field) << BigInt(bits)) | fraction;
}

/** 2^exponent · (1 + 2^-place), with 1 ≤ place. */
function abovePower(width: FloatWidth, negative: boolean, exponent: number, place: number): bigint {
  return pack(width, negative, exponent, 1n << BigInt(layouts[width].fraction - place));
}

/** 2^exponent · (1 − 2^-place), with 1 ≤ place. */
function belowPower(width: FloatWidth, negative: boolean, exponent: number, place: number): bigint {
  const bits = layouts[width].fraction;
  const ones = (1n << BigInt(place - 1)) - 1n;
  return pack(width, negative, exponent - 1, ones << BigInt(bits + 1 - place));
}

/** Mostly ordinary, sometimes where numbers become denormal or infinite, or where the product of doubles loses its lower half. */
function hardExponent(width: FloatWidth, random: Random): number {
  const { fraction, bias } = layouts[width];
  switch (random.below(6)) {
    case 0:
      return 1 - bias + random.below(4) - 2;
    case 1:
      return 1 - bias + random.below(3 * fraction) - fraction;
    case 2:
      return bias + random.below(5) - 3;
    default:
      return random.below(40) - 20;
  }
}

/** A product and an addend. */
export interface HardSum {
  readonly n: bigint;
  readonly m: bigint;
  readonly a: bigint;
}

/**
 * Factors whose exact product is a hair beside a power of two, and an addend that the product nearly cancels or of which it is
 * half a last place: rounding twice, or the parts of a product in double precision, would show.
 */
export function hardSum(width: FloatWidth, random: Random): HardSum {
  const { fraction } = layouts[width];
  const exponent = hardExponent(width, random);
  const upper = Math.trunc(exponent / 2) + random.below(5);
  const place = 1 + random.below(fraction);
  const otherPlace = random.oneIn(4) ? 1 + random.below(fraction) : place;
  const sign = (): boolean => random.oneIn(2);
  const n = abovePower(width, sign(), upper, place);
  const m = random.oneIn(4)
    ? abovePower(width, sign(), exponent - upper, otherPlace)
    : belowPower(width, sign(), exponent - upper, otherPlace);
  const distance = random.oneIn(2) ? random.below(3) - 1 : fraction + random.below(4);
  const addendExponent = exponent + distance;
  const a = random.pick([
    pack(width, sign(), addendExponent, 0n),
    pack(width, sign(), addendExponent, 1n),
    pack(width, sign(), addendExponent, BigInt(random.below(4))),
    belowPower(width, sign(), addendExponent, fraction + 1),
  ]);
  const zero = (value: bigint): bigint =>
    random.oneIn(16) ? (value >> BigInt(width - 1)) << BigInt(width - 1) : value;
  return { n: zero(n), m: zero(m), a: zero(a) };
}

/** A dividend and a divisor whose quotient is as hard to round. */
export function hardQuotient(width: FloatWidth, random: Random): { readonly n: bigint; readonly m: bigint } {
  const { fraction } = layouts[width];
  const exponent = hardExponent(width, random);
  const upper = Math.trunc(exponent / 2) + random.below(5);
  const n = random.pick([
    belowPower(width, random.oneIn(2), upper, fraction + 1),
    abovePower(width, random.oneIn(2), upper, fraction),
    pack(width, random.oneIn(2), upper, BigInt(random.u32() & 0x7f_ffff)),
  ]);
  const m = random.pick([
    pack(width, random.oneIn(2), upper - exponent, 0n),
    abovePower(width, random.oneIn(2), upper - exponent, 1 + random.below(fraction)),
  ]);
  return { n, m };
}

/** Where a narrower format begins, ends, or loses its last bit: magnitudes as numbers. */
const borders = [
  2 ** -126,
  2 ** -149,
  2 ** -150,
  2 ** 128 - 2 ** 103,
  2 ** 128 - 2 ** 104,
  2 ** -14,
  2 ** -24,
  2 ** -25,
  65504,
  65520,
  131008,
  131040,
  1 + 2 ** -24,
  1 + 3 * 2 ** -24,
  1 + 2 ** -11,
  1 + 3 * 2 ** -11,
];

/** A number at or a few last places beside such a border. */
export function borderNumber(width: FloatWidth, random: Random): bigint {
  const view = new DataView(new ArrayBuffer(8));
  const value = random.pick(borders) * (random.oneIn(2) ? -1 : 1);
  const step = BigInt(random.below(5) - 2);
  if (width === 64) {
    view.setFloat64(0, value);
    return view.getBigUint64(0) + step;
  }
  view.setFloat32(0, value);
  return BigInt.asUintN(32, BigInt(view.getUint32(0)) + step);
}
