import type { AccessOptions, Builder, RegisterOperand, Value } from "../../../engine/ir/builder.ts";
import { type GeneralRegister, getW, setW } from "./registers.ts";

/** Loads 1 << `size` bytes, zero-extended to 64 bits. */
export function loadUnsigned(
  b: Builder,
  size: number,
  address: Value<"i64">,
  options: AccessOptions = {},
): Value<"i64"> {
  const operator = (["i64.load8_u", "i64.load16_u", "i64.load32_u", "i64.load"] as const)[size];
  if (operator === undefined) throw new RangeError(`no access size ${size}`);
  return b.load("i64", operator, address, options);
}

/** Stores the low 1 << `size` bytes of a value. */
export function storeLow(
  b: Builder,
  size: number,
  address: Value<"i64">,
  value: Value<"i64">,
  options: AccessOptions = {},
): void {
  const operator = (["i64.store8", "i64.store16", "i64.store32", "i64.store"] as const)[size];
  if (operator === undefined) throw new RangeError(`no access size ${size}`);
  b.store("i64", operator, address, value, options);
}

/** Stores the low 1 << `size` bytes of a general register. */
export function storeRegister(
  b: Builder,
  size: number,
  address: Value<"i64">,
  source: GeneralRegister,
  options: AccessOptions = {},
): void {
  if (size === 3) {
    b.store("i64", "i64.store", address, b.get(source), options);
    return;
  }
  const operator = (["i32.store8", "i32.store16", "i32.store"] as const)[size];
  if (operator === undefined) throw new RangeError(`no access size ${size}`);
  b.store("i32", operator, address, getW(b, source), options);
}

/** LDRSB, LDRSH and LDRSW as a variant: 0–2 to X by size, 3 and 4 bytes and halfwords to W. */
export const signedKind = {
  values: [0, 1, 2, 3, 4],
  from: (f: (name: string) => number) => f("size") + (f("opc") === 3 ? 3 : 0),
} as const;

/** Loads a `signedKind` and writes it, sign-extended to its register's width. */
export function loadSigned(
  b: Builder,
  kind: number,
  address: Value<"i64">,
  options: AccessOptions = {},
): (destination: GeneralRegister) => void {
  if (kind < 3) {
    const operator = (["i64.load8_s", "i64.load16_s", "i64.load32_s"] as const)[kind] ?? "i64.load32_s";
    const value = b.load("i64", operator, address, options);
    return (destination) => b.set(destination, value);
  }
  const value = b.load("i32", kind === 3 ? "i32.load8_s" : "i32.load16_s", address, options);
  return (destination) => setW(b, destination, value);
}

/** Scale of a SIMD&FP register by `size` and `opc` as a variant: 0–4 are B, H, S, D, Q. */
export const vectorScale = {
  values: [0, 1, 2, 3, 4],
  from: (f: (name: string) => number) => f("size") + (f("opc") >= 2 ? 4 : 0),
} as const;

/** A 64-bit value in a vector register, the upper half zero. */
export function lowHalf(b: Builder, value: Value<"i64">): Value<"v128"> {
  return b.i64x2.replace_lane(0, b.constV128(0n, 0n), value);
}

/** Loads a SIMD&FP register's value of 1 << `scale` bytes; the rest of the register is zero. */
export function loadVector(b: Builder, scale: number, address: Value<"i64">): Value<"v128"> {
  if (scale === 4) return b.load("v128", "v128.load", address);
  return lowHalf(b, loadUnsigned(b, scale, address));
}

/** Stores the low 1 << `scale` bytes of a SIMD&FP register. */
export function storeVector(
  b: Builder,
  scale: number,
  address: Value<"i64">,
  source: RegisterOperand<"v128">,
): void {
  if (scale === 4) b.store("v128", "v128.store", address, b.get(source));
  else storeLow(b, scale, address, b.read("i64", source.place, 0));
}
