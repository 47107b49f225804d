import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import { roundMagnitude } from "./integral.ts";
import { unpackOperand } from "./operand.ts";
import type { Representation } from "./representation.ts";
import { roundResult } from "./round.ts";
import { RoundingMode, type Sign } from "./rounding.ts";
import { FloatKind, isNan, type RawBits } from "./unpacked.ts";
import { zero } from "./values.ts";

/** An integer type a float converts to or from. */
export interface IntegerType {
  readonly bits: 16 | 32 | 64;
  readonly signed: boolean;
}

const LARGEST_MAGNITUDE = 2 ** 65;

/** The converted integer; a magnitude is exact as a number because it has at most 53 significant bits. */
type Converted =
  | { readonly kind: "value"; readonly sign: Sign; readonly magnitude: number }
  | { readonly kind: "lowest" }
  | { readonly kind: "highest" };

function convert<B extends RawBits>(
  r: Representation<B>,
  a: B,
  type: IntegerType,
  fractionBits: number,
  mode: RoundingMode,
  context: FloatContext,
): Converted {
  const x = unpackOperand(r, a, context);
  const indefinite = context.rules.integerOverflow === "indefinite";
  const outOfRange = (): Converted => {
    context.flags |= FloatException.IOC;
    if (indefinite) return { kind: type.signed ? "lowest" : "highest" };
    return { kind: x.sign === 1 ? "lowest" : "highest" };
  };
  if (isNan(x)) {
    if (indefinite) return outOfRange();
    context.flags |= FloatException.IOC;
    return { kind: "value", sign: 0, magnitude: 0 };
  }
  if (x.kind === FloatKind.ZERO) return { kind: "value", sign: 0, magnitude: 0 };
  const { magnitude, inexact } =
    x.kind === FloatKind.INFINITY
      ? { magnitude: LARGEST_MAGNITUDE, inexact: false }
      : roundMagnitude(x, fractionBits, mode);
  const limit = 2 ** (type.signed ? type.bits - 1 : type.bits);
  const fits = x.sign === 0 ? magnitude < limit : magnitude <= (type.signed ? limit : 0);
  if (!fits) return outOfRange();
  if (inexact) context.flags |= FloatException.IXC;
  return { kind: "value", sign: x.sign, magnitude };
}

/**
 * Float to a 16- or 32-bit integer (FCVT*; Arm ARM, FPToFixed): a × 2^fractionBits rounded, saturated with IOC.
 * @returns the register's bits, zero-extended: a u16 or u32 in a number
 */
export function toInteger32<B extends RawBits>(
  r: Representation<B>,
  a: B,
  type: { readonly bits: 16 | 32; readonly signed: boolean },
  fractionBits: number,
  mode: RoundingMode,
  context: FloatContext,
): number {
  const result = convert(r, a, type, fractionBits, mode, context);
  const modulus = 2 ** type.bits;
  switch (result.kind) {
    case "value":
      return result.sign === 1 && result.magnitude !== 0 ? modulus - result.magnitude : result.magnitude;
    case "lowest":
      return type.signed ? modulus / 2 : 0;
    case "highest":
      return (type.signed ? modulus / 2 : modulus) - 1;
  }
}

/**
 * Float to a 64-bit integer (FCVT*; Arm ARM, FPToFixed): a × 2^fractionBits rounded, saturated with IOC.
 * @returns the register's bits: a u64 in a bigint
 */
export function toInteger64<B extends RawBits>(
  r: Representation<B>,
  a: B,
  signed: boolean,
  fractionBits: number,
  mode: RoundingMode,
  context: FloatContext,
): bigint {
  const result = convert(r, a, { bits: 64, signed }, fractionBits, mode, context);
  switch (result.kind) {
    case "value": {
      const magnitude = BigInt(result.magnitude);
      return BigInt.asUintN(64, result.sign === 1 ? -magnitude : magnitude);
    }
    case "lowest":
      return signed ? 0x8000_0000_0000_0000n : 0n;
    case "highest":
      return signed ? 0x7fff_ffff_ffff_ffffn : 0xffff_ffff_ffff_ffffn;
  }
}

/**
 * Double to a signed 32-bit integer modulo 2^32, towards zero (FJCVTZS; Arm ARM, FPToFixedJS).
 * @returns the u32, and whether it equals the operand exactly (PSTATE.Z; -0 and flushed denormals do not)
 */
export function toInteger32Modular<B extends RawBits>(
  r: Representation<B>,
  a: B,
  context: FloatContext,
): { readonly value: number; readonly exact: boolean } {
  const x = unpackOperand(r, a, context);
  if (isNan(x) || x.kind === FloatKind.INFINITY) {
    context.flags |= FloatException.IOC;
    return { value: 0, exact: false };
  }
  if (x.kind === FloatKind.ZERO) {
    return { value: 0, exact: x.sign === 0 && r.unpack(a, false).kind === FloatKind.ZERO };
  }
  const { magnitude, inexact } = roundMagnitude(x, 0, RoundingMode.RZ);
  const low = magnitude % 2 ** 32;
  const value = (x.sign === 1 ? -low : low) >>> 0;
  const fits = x.sign === 0 ? magnitude < 2 ** 31 : magnitude <= 2 ** 31;
  if (!fits) context.flags |= FloatException.IOC;
  else if (inexact) context.flags |= FloatException.IXC;
  return { value, exact: fits && !inexact };
}

/**
 * A 16- or 32-bit integer to float in the context's rounding mode (SCVTF, UCVTF; Arm ARM, FixedToFP): a ÷ 2^fractionBits.
 * @param a the register's bits as a number; bits above the type's are ignored
 */
export function fromInteger32<B extends RawBits>(
  r: Representation<B>,
  a: number,
  type: { readonly bits: 16 | 32; readonly signed: boolean },
  fractionBits: number,
  context: FloatContext,
): B {
  const modulus = 2 ** type.bits;
  const unsigned = (a >>> 0) % modulus;
  const negative = type.signed && unsigned >= modulus / 2;
  const magnitude = negative ? modulus - unsigned : unsigned;
  if (magnitude === 0) return zero(r, 0);
  const sign: Sign = negative ? 1 : 0;
  return roundResult(r, { sign, exponent: -fractionBits, significand: r.significand(magnitude) }, context);
}

/**
 * A 64-bit integer to float in the context's rounding mode (SCVTF, UCVTF; Arm ARM, FixedToFP): a ÷ 2^fractionBits.
 * @param a the register's bits as a bigint; bits above 63 are ignored
 */
export function fromInteger64<B extends RawBits>(
  r: Representation<B>,
  a: bigint,
  signed: boolean,
  fractionBits: number,
  context: FloatContext,
): B {
  const integer = signed ? BigInt.asIntN(64, a) : BigInt.asUintN(64, a);
  const sign: Sign = integer < 0n ? 1 : 0;
  if (integer === 0n) return zero(r, 0);
  const value = r.wideInteger(sign, -fractionBits, sign === 1 ? -integer : integer);
  return roundResult(r, value, context);
}
