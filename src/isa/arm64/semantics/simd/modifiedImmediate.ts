import { type Definition, define, type FieldReader, imm64, vector } from "../define.ts";
import { checkEnabled, writeElements } from "./forms.ts";

function repeat(value: bigint, bits: number): bigint {
  let result = 0n;
  for (let at = 0; at < 64; at += bits) result |= value << BigInt(at);
  return result;
}

/**
 * The 64 bits that an 8-bit immediate stands for, as an unsigned value. Arm ARM J1.3 `AdvSIMDExpandImm`.
 *
 * @param cmode 0–15
 * @param op matters for cmode 14 (bytes, or a bit for each byte) and 15 (single, or double precision)
 * @param imm8 0–255
 */
export function expandModifiedImmediate(cmode: number, op: number, imm8: number): bigint {
  const imm = BigInt(imm8);
  if (cmode < 8) return repeat(imm << BigInt(8 * (cmode >> 1)), 32);
  if (cmode < 12) return repeat(imm << BigInt(8 * ((cmode >> 1) & 1)), 16);
  if (cmode === 12) return repeat((imm << 8n) | 0xffn, 32);
  if (cmode === 13) return repeat((imm << 16n) | 0xffffn, 32);
  if (cmode === 14) {
    if (op === 0) return repeat(imm, 8);
    let bytes = 0n;
    for (let i = 0; i < 8; i++) if (((imm8 >> i) & 1) === 1) bytes |= 0xffn << BigInt(8 * i);
    return bytes;
  }
  // aBbbbbbc defgh000…: B is b inverted, then as many b as the exponent needs. Arm ARM J1.3 `VFPExpandImm`
  const sign = imm >> 7n;
  const b = (imm >> 6n) & 1n;
  const fraction = imm & 0x3fn;
  if (op === 0) {
    const exponent = (b ^ 1n) << 5n;
    return repeat((sign << 31n) | ((exponent | (b * 0x1fn)) << 25n) | (fraction << 19n), 32);
  }
  const exponent = (b ^ 1n) << 8n;
  return (sign << 63n) | ((exponent | (b * 0xffn)) << 54n) | (fraction << 48n);
}

const imm8 = (f: FieldReader): number => f("abc") * 32 + f("defgh");

interface ImmediateForm {
  readonly encoding: string;
  readonly value: (f: FieldReader) => bigint;
}

const moves: readonly ImmediateForm[] = [
  { encoding: "MOVI", value: (f) => expandModifiedImmediate(f("cmode"), f("op"), imm8(f)) },
  { encoding: "MVNI", value: (f) => ~expandModifiedImmediate(f("cmode"), 1, imm8(f)) },
  { encoding: "FMOV_imm_vector", value: (f) => expandModifiedImmediate(15, f("op"), imm8(f)) },
];

const combinations = [
  { encoding: "ORR_imm_vector", operation: "or" },
  { encoding: "BIC_imm_vector", operation: "andnot" },
] as const;

/** Arm ARM C4.1.6 "Advanced SIMD modified immediate". */
export const modifiedImmediate: readonly Definition[] = [
  ...moves.map(({ encoding, value }) =>
    define({
      encoding,
      variants: { Q: [0, 1] },
      operands: { d: vector("Rd"), value: imm64(value) },
      hot: ({ Q }) => encoding === "MOVI" && Q === 1,
      semantics: (b, o, { Q }) => {
        checkEnabled(b);
        writeElements(b, o.d, b.i64x2.splat(o.value), 8 << Q);
      },
    }),
  ),
  ...combinations.map(({ encoding, operation }) =>
    define({
      encoding,
      variants: { Q: [0, 1] },
      operands: {
        d: vector("Rd"),
        value: imm64((f) => expandModifiedImmediate(f("cmode"), 0, imm8(f))),
      },
      semantics: (b, o, { Q }) => {
        checkEnabled(b);
        writeElements(b, o.d, b.v128[operation](b.get(o.d), b.i64x2.splat(o.value)), 8 << Q);
      },
    }),
  ),
];
