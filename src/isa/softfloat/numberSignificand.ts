import { F16_FORMAT, F32_FORMAT, type FloatFormat } from "./format.ts";
import { bitLength, powerOfTwo } from "./powersOfTwo.ts";
import type { Representation } from "./representation.ts";
import { Lost, type Sign } from "./rounding.ts";
import { FloatKind, type RawBits, type Truncated, type Unpacked, type Unrounded } from "./unpacked.ts";

/** Bits the larger operand of a sum is stretched to: one carry more still lies below 2^53. */
const SUM_BITS = 51;

function jam(n: number): number {
  return n % 2 === 0 ? n + 1 : n;
}

function shiftRightJam(n: number, shift: number): number {
  if (shift >= 53) return n === 0 ? 0 : 1;
  const quotient = Math.floor(n / powerOfTwo(shift));
  return quotient * powerOfTwo(shift) === n ? quotient : jam(quotient);
}

// A sum is jammed only when the smaller operand's last bit lies more than 51 bits below the larger's first. Products have
// at most 48 bits, so the two leading bits are then at least 4 apart and at most one leading bit cancels.
function sum(x: Unrounded<number>, y: Unrounded<number>): Unrounded<number> {
  const xTop = x.exponent + bitLength(x.significand);
  const yTop = y.exponent + bitLength(y.significand);
  const large = xTop >= yTop ? x : y;
  const small = xTop >= yTop ? y : x;
  const distance = large.exponent - small.exponent;
  let exponent = large.exponent;
  let a = large.significand;
  let b = small.significand;
  if (distance <= 0) {
    b *= powerOfTwo(-distance);
  } else {
    const stretch = Math.min(distance, SUM_BITS - bitLength(a));
    exponent -= stretch;
    a *= powerOfTwo(stretch);
    if (stretch !== distance) b = shiftRightJam(b, distance - stretch);
  }
  if (x.sign === y.sign) return { sign: x.sign, exponent, significand: a + b };
  if (a >= b) return { sign: large.sign, exponent, significand: a - b };
  return { sign: small.sign, exponent, significand: b - a };
}

function product(x: Unpacked<number>, y: Unpacked<number>): Unrounded<number> {
  return {
    sign: x.sign === y.sign ? 0 : 1,
    exponent: x.exponent + y.exponent,
    significand: x.significand * y.significand,
  };
}

// The dividend has 27 bits more than the divisor and at most 51, so the host's quotient is within 2^-26 of the true one while
// a true quotient that is no integer is at least 2^-24 away from the next integer: flooring is exact.
function quotient(x: Unpacked<number>, y: Unpacked<number>): Unrounded<number> {
  const shift = bitLength(y.significand) + 27 - bitLength(x.significand);
  const dividend = x.significand * powerOfTwo(shift);
  const whole = Math.floor(dividend / y.significand);
  return {
    sign: x.sign === y.sign ? 0 : 1,
    exponent: x.exponent - y.exponent - shift,
    significand: whole * y.significand === dividend ? whole : jam(whole),
  };
}

// A radicand of 51 or 52 bits has a root of 26; the host's root is within 2^-28 of the true one, which if it is no integer is
// at least 2^-27 away from the next: flooring is exact.
function squareRoot(x: Unpacked<number>): Unrounded<number> {
  let shift = 52 - bitLength(x.significand);
  if ((x.exponent - shift) % 2 !== 0) shift -= 1;
  const radicand = x.significand * powerOfTwo(shift);
  const root = Math.floor(Math.sqrt(radicand));
  return {
    sign: 0,
    exponent: (x.exponent - shift) / 2,
    significand: root * root === radicand ? root : jam(root),
  };
}

function wideInteger(sign: Sign, exponent: number, magnitude: bigint): Unrounded<number> {
  const excess = 11;
  if (magnitude < 1n << 53n) return { sign, exponent, significand: Number(magnitude) };
  const kept = Number(magnitude >> BigInt(excess));
  const lost = BigInt.asUintN(excess, magnitude) !== 0n;
  return { sign, exponent: exponent + excess, significand: lost ? jam(kept) : kept };
}

function truncate(significand: number, shift: number): Truncated {
  if (shift <= 0) return { kept: significand * powerOfTwo(-shift), lost: Lost.NOTHING };
  if (shift > 53) return { kept: 0, lost: significand === 0 ? Lost.NOTHING : Lost.BELOW_HALF };
  const kept = Math.floor(significand / powerOfTwo(shift));
  const rest = significand - kept * powerOfTwo(shift);
  const half = powerOfTwo(shift - 1);
  if (rest === 0) return { kept, lost: Lost.NOTHING };
  if (rest < half) return { kept, lost: Lost.BELOW_HALF };
  return { kept, lost: rest === half ? Lost.HALF : Lost.ABOVE_HALF };
}

function numberRepresentation(format: FloatFormat): Representation<number> {
  const { fractionBits, exponentMask, hiddenBit, minimumExponent } = format;
  const signBit = 2 ** (format.width - 1);
  const fractionMask = hiddenBit - 1;
  const quietBit = hiddenBit / 2;
  const denormalExponent = minimumExponent - fractionBits;

  function unpack(bits: number, alternative: boolean): Unpacked<number> {
    const sign: Sign = bits >= signBit ? 1 : 0;
    const field = (bits >>> fractionBits) & exponentMask;
    const fraction = bits & fractionMask;
    if (field === 0) {
      const kind = fraction === 0 ? FloatKind.ZERO : FloatKind.FINITE;
      return { kind, sign, exponent: denormalExponent, significand: fraction, bits };
    }
    if (field === exponentMask && !alternative) {
      const kind =
        fraction === 0
          ? FloatKind.INFINITY
          : fraction & quietBit
            ? FloatKind.QUIET_NAN
            : FloatKind.SIGNALLING_NAN;
      return { kind, sign, exponent: 0, significand: fraction, bits };
    }
    return {
      kind: FloatKind.FINITE,
      sign,
      exponent: denormalExponent + field - 1,
      significand: fraction + hiddenBit,
      bits,
    };
  }

  return {
    format,
    unpack,
    pack: (sign, exponentField, fraction) => sign * signBit + exponentField * hiddenBit + fraction,
    quiet: (nan) => (nan | quietBit) >>> 0,
    negate: (bits) => (bits ^ signBit) >>> 0,
    absolute: (bits) => bits & (signBit - 1),
    fromWord: (word: RawBits) =>
      (typeof word === "bigint" ? Number(BigInt.asUintN(format.width, word)) : word & (signBit * 2 - 1)) >>>
      0,
    significand: (n) => n,
    wideInteger,
    sum,
    product,
    quotient,
    squareRoot,
    bitLength,
    truncate,
  };
}

/** Half precision; raw bits are a u16 in a number. */
export const F16: Representation<number> = numberRepresentation(F16_FORMAT);

/** Single precision; raw bits are a u32 in a number. */
export const F32: Representation<number> = numberRepresentation(F32_FORMAT);
