import { F64_FORMAT } from "./format.ts";
import { bitLength as numberBitLength } from "./powersOfTwo.ts";
import type { Representation } from "./representation.ts";
import { Lost, type Sign } from "./rounding.ts";
import { FloatKind, type RawBits, type Truncated, type Unpacked, type Unrounded } from "./unpacked.ts";

const { exponentMask, hiddenBit, fractionBits, minimumExponent } = F64_FORMAT;
const DENORMAL_EXPONENT = minimumExponent - fractionBits;
const SIGN_BIT = 1n << 63n;
const QUIET_BIT = 1n << 51n;
const TWO_32 = 0x1_0000_0000;

/** Above this distance between exponents a sum is jammed. Products have at most 106 bits. */
const LONGEST_ALIGNMENT = 128;
const GUARD_BITS = 4;

/** 2 ** k for k up to the longest significand: a product aligned over the longest distance has 235 bits. */
const POWERS: readonly bigint[] = Array.from({ length: 257 }, (_, k) => 1n << BigInt(k));

function powerOfTwo(k: number): bigint {
  return POWERS[k] ?? 1n << BigInt(k);
}

// The host rounds n and its logarithm: the guess may be off by one either way.
function bitLength(n: bigint): number {
  if (n === 0n) return 0;
  const guess = Math.floor(Math.log2(Number(n)));
  if (n < powerOfTwo(guess)) return guess;
  return n < powerOfTwo(guess + 1) ? guess + 1 : guess + 2;
}

// When jammed, the smaller operand lies wholly more than 20 bits below the larger's last bit: one unit below four guard
// bits stands for it.
function sum(x: Unrounded<bigint>, y: Unrounded<bigint>): Unrounded<bigint> {
  const large = x.exponent >= y.exponent ? x : y;
  const small = x.exponent >= y.exponent ? y : x;
  const distance = large.exponent - small.exponent;
  let exponent = small.exponent;
  let a: bigint;
  let b = small.significand;
  if (distance <= LONGEST_ALIGNMENT) {
    a = large.significand << BigInt(distance);
  } else {
    a = large.significand << BigInt(GUARD_BITS);
    b = b === 0n ? 0n : 1n;
    exponent = large.exponent - GUARD_BITS;
  }
  if (x.sign === y.sign) return { sign: x.sign, exponent, significand: a + b };
  if (a >= b) return { sign: large.sign, exponent, significand: a - b };
  return { sign: small.sign, exponent, significand: b - a };
}

function product(x: Unpacked<bigint>, y: Unpacked<bigint>): Unrounded<bigint> {
  return {
    sign: x.sign === y.sign ? 0 : 1,
    exponent: x.exponent + y.exponent,
    significand: BigInt(x.significand) * BigInt(y.significand),
  };
}

function quotient(x: Unpacked<bigint>, y: Unpacked<bigint>): Unrounded<bigint> {
  const shift = numberBitLength(y.significand) + 56 - numberBitLength(x.significand);
  const dividend = BigInt(x.significand) << BigInt(shift);
  const divisor = BigInt(y.significand);
  const whole = dividend / divisor;
  return {
    sign: x.sign === y.sign ? 0 : 1,
    exponent: x.exponent - y.exponent - shift,
    significand: whole * divisor === dividend ? whole : whole | 1n,
  };
}

// The host's root is a guess good to some 50 bits; one Newton step makes it exact to within one.
function integerSquareRoot(n: bigint): bigint {
  const guess = BigInt(Math.floor(Math.sqrt(Number(n))));
  let root = (guess + n / guess) >> 1n;
  while (root * root > n) root -= 1n;
  while ((root + 1n) * (root + 1n) <= n) root += 1n;
  return root;
}

function squareRoot(x: Unpacked<bigint>): Unrounded<bigint> {
  let shift = 112 - numberBitLength(x.significand);
  if ((x.exponent - shift) % 2 !== 0) shift -= 1;
  const radicand = BigInt(x.significand) << BigInt(shift);
  const root = integerSquareRoot(radicand);
  return {
    sign: 0,
    exponent: (x.exponent - shift) / 2,
    significand: root * root === radicand ? root : root | 1n,
  };
}

function truncate(significand: bigint, shift: number): Truncated {
  if (shift <= 0) return { kept: Number(significand << BigInt(-shift)), lost: Lost.NOTHING };
  if (shift >= POWERS.length) return { kept: 0, lost: significand === 0n ? Lost.NOTHING : Lost.BELOW_HALF };
  const kept = Number(significand >> BigInt(shift));
  const rest = BigInt.asUintN(shift, significand);
  if (rest === 0n) return { kept, lost: Lost.NOTHING };
  const half = powerOfTwo(shift - 1);
  if (rest < half) return { kept, lost: Lost.BELOW_HALF };
  return { kept, lost: rest === half ? Lost.HALF : Lost.ABOVE_HALF };
}

function unpack(bits: bigint): Unpacked<bigint> {
  const high = Number(bits >> 32n);
  const sign: Sign = high >= 0x8000_0000 ? 1 : 0;
  const field = (high >>> 20) & exponentMask;
  const fraction = (high & 0xf_ffff) * TWO_32 + Number(bits & 0xffff_ffffn);
  if (field === 0) {
    const kind = fraction === 0 ? FloatKind.ZERO : FloatKind.FINITE;
    return { kind, sign, exponent: DENORMAL_EXPONENT, significand: fraction, bits };
  }
  if (field === exponentMask) {
    const kind =
      fraction === 0
        ? FloatKind.INFINITY
        : fraction >= hiddenBit / 2
          ? FloatKind.QUIET_NAN
          : FloatKind.SIGNALLING_NAN;
    return { kind, sign, exponent: 0, significand: fraction, bits };
  }
  return {
    kind: FloatKind.FINITE,
    sign,
    exponent: DENORMAL_EXPONENT + field - 1,
    significand: fraction + hiddenBit,
    bits,
  };
}

/** Double precision; raw bits are a u64 in a bigint. */
export const F64: Representation<bigint> = {
  format: F64_FORMAT,
  unpack,
  pack: (sign, exponentField, fraction) => (BigInt(sign * 0x800 + exponentField) << 52n) + BigInt(fraction),
  quiet: (nan) => nan | QUIET_BIT,
  negate: (bits) => bits ^ SIGN_BIT,
  absolute: (bits) => bits & (SIGN_BIT - 1n),
  fromWord: (word: RawBits) => BigInt.asUintN(64, BigInt(word)),
  significand: (n) => BigInt(n),
  wideInteger: (sign, exponent, magnitude) => ({ sign, exponent, significand: magnitude }),
  sum,
  product,
  quotient,
  squareRoot,
  bitLength,
  truncate,
};
