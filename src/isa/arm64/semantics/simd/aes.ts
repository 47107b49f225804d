import type { Builder } from "../../../../engine/ir/builder.ts";
import { type Definition, define, vector } from "../define.ts";
import { checkEnabled } from "./forms.ts";
import { everyLane, type Vector } from "./lanes.ts";

/** A byte times x as polynomials over GF(2) modulo x⁸ + x⁴ + x³ + x + 1. FIPS 197, 4.2. */
const timesXByte = (a: number): number => (a << 1) ^ ((a >> 7) * 0x11b);

/** What SubBytes puts for each byte: its inverse, then the affine map. FIPS 197, 5.1.1. */
function forwardBox(): readonly number[] {
  // x + 1 generates the field's 255 units: the inverse of its power n is its power 255 − n.
  const powers = new Uint8Array(255);
  for (let n = 0, power = 1; n < 255; n++, power ^= timesXByte(power)) powers[n] = power;
  const inverses = new Uint8Array(256);
  powers.forEach((power, n) => {
    inverses[power] = powers[(255 - n) % 255] ?? 0;
  });
  return Array.from(inverses, (inverse) => {
    const twice = inverse * 0x101;
    const rotated = [0, 4, 5, 6, 7].reduce((sum, by) => sum ^ (twice >> by), 0);
    return (rotated & 0xff) ^ 0x63;
  });
}

function inverseBox(): readonly number[] {
  const forward = forwardBox();
  return forward.map((_, x) => forward.indexOf(x));
}

/** Where each byte of the state comes from in ShiftRows; byte 4c + r is row r of column c. FIPS 197, 5.1.2. */
const shiftRows: readonly number[] = Array.from({ length: 16 }, (_, i) => (i + 4 * (i & 3)) & 15);
const inverseShiftRows: readonly number[] = Array.from({ length: 16 }, (_, i) => (i - 4 * (i & 3)) & 15);

function bytesConstant(b: Builder, bytes: readonly number[]): Vector {
  const half = (from: number): bigint =>
    bytes.slice(from, from + 8).reduce((word, byte, i) => word | (BigInt(byte) << BigInt(8 * i)), 0n);
  return b.constV128(half(0), half(8));
}

/** Each byte replaced through a table of 256: sixteen look-ups of sixteen, of which all but one give zero. */
function substituteBytes(b: Builder, v: Vector, box: readonly number[]): Vector {
  let result = b.i8x16.swizzle(bytesConstant(b, box.slice(0, 16)), v);
  for (let at = 16; at < 256; at += 16) {
    const row = bytesConstant(b, box.slice(at, at + 16));
    const index = b.v128.xor(v, everyLane(b, 0, BigInt(at)));
    result = b.v128.or(result, b.i8x16.swizzle(row, index));
  }
  return result;
}

/** Each byte times x. */
function timesX(b: Builder, v: Vector): Vector {
  const reduction = b.v128.and(b.i8x16.shr_s(v, 7), everyLane(b, 0, 0x1bn));
  return b.v128.xor(b.i8x16.shl(v, 1), reduction);
}

/** Each column with its bytes moved up by `by` rows. */
function rotateColumns(b: Builder, v: Vector, by: number): Vector {
  return b.shuffle(
    v,
    v,
    Array.from({ length: 16 }, (_, i) => (i & 12) | ((i + by) & 3)),
  );
}

/** FIPS 197, 5.1.3: 2 · a₀ + 3 · a₁ + a₂ + a₃, and so on around the column. */
function mixColumns(b: Builder, v: Vector): Vector {
  const next = rotateColumns(b, v, 1);
  const twiceBoth = timesX(b, b.v128.xor(v, next));
  const rest = b.v128.xor(rotateColumns(b, v, 2), rotateColumns(b, v, 3));
  return b.v128.xor(b.v128.xor(twiceBoth, next), rest);
}

/** FIPS 197, 5.3.3. Multiplying by (5, 0, 4, 0) first leaves what `mixColumns` does. */
function inverseMixColumns(b: Builder, v: Vector): Vector {
  const both = b.v128.xor(v, rotateColumns(b, v, 2));
  return mixColumns(b, b.v128.xor(v, timesX(b, timesX(b, both))));
}

const registers = { d: vector("Rd"), n: vector("Rn") };

function round(encoding: string, order: readonly number[], box: () => readonly number[]): Definition {
  return define({
    encoding,
    operands: registers,
    semantics: (b, o) => {
      checkEnabled(b);
      const state = b.v128.xor(b.get(o.d), b.get(o.n));
      b.set(o.d, substituteBytes(b, b.shuffle(state, state, order), box()));
    },
  });
}

function columns(encoding: string, mix: (b: Builder, v: Vector) => Vector): Definition {
  return define({
    encoding,
    operands: registers,
    semantics: (b, o) => {
      checkEnabled(b);
      b.set(o.d, mix(b, b.get(o.n)));
    },
  });
}

/** Arm ARM C4.1.6 "Cryptographic AES". */
export const aes: readonly Definition[] = [
  round("AESE", shiftRows, forwardBox),
  round("AESD", inverseShiftRows, inverseBox),
  columns("AESMC", mixColumns),
  columns("AESIMC", inverseMixColumns),
];
