import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { type Definition, define, xDestination, xSource } from "./define.ts";
import { getW, inWidth, setW } from "./registers.ts";

const oneSource = { d: xDestination("Rd"), n: xSource("Rn") };

/** LSLV, LSRV, ASRV, RORV: the amount is taken modulo the width, as WebAssembly does. */
const variableShifts = (
  [
    { encoding: "LSLV", operator: "shl" },
    { encoding: "LSRV", operator: "shr_u" },
    { encoding: "ASRV", operator: "shr_s" },
    { encoding: "RORV", operator: "rotr" },
  ] as const
).map(({ encoding, operator }) =>
  define({
    encoding,
    variants: { sf: [0, 1] },
    operands: { ...oneSource, m: xSource("Rm") },
    hot: ({ sf }) => sf === 1 && (operator === "shl" || operator === "shr_u"),
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) => w.set(o.d, w.binary(operator, w.get(o.n), w.get(o.m)))),
  }),
);

/** Reverses the bytes of each group of `bytes` in the lower half of a vector. */
function reverseBytes(b: Builder, x: Value<"i64">, bytes: number): Value<"i64"> {
  const vector = b.i64x2.splat(x);
  const lanes = Array.from({ length: 16 }, (_, lane) => (lane & 7) ^ (bytes - 1));
  return b.i64x2.extract_lane(0, b.shuffle(vector, vector, lanes));
}

/** Reverses the bits within each byte. */
function reverseBitsOfBytes(b: Builder, x: Value<"i64">): Value<"i64"> {
  const swap = (value: Value<"i64">, by: bigint, mask: bigint) =>
    b.i64.or(b.i64.and(b.i64.shr_u(value, by), mask), b.i64.shl(b.i64.and(value, mask), by));
  const fours = swap(x, 4n, 0x0f0f_0f0f_0f0f_0f0fn);
  const twos = swap(fours, 2n, 0x3333_3333_3333_3333n);
  return swap(twos, 1n, 0x5555_5555_5555_5555n);
}

const reversals = [
  define({
    encoding: "RBIT",
    variants: { sf: [0, 1] },
    operands: oneSource,
    semantics: (b, { d, n }, { sf }) => {
      const reversed = reverseBitsOfBytes(b, reverseBytes(b, b.get(n), 8));
      b.set(d, sf === 1 ? reversed : b.i64.shr_u(reversed, 32n));
    },
  }),
  define({
    encoding: "REV16",
    variants: { sf: [0, 1] },
    operands: oneSource,
    semantics: (b, { d, n }, { sf }) => {
      const reversed = reverseBytes(b, b.get(n), 2);
      if (sf === 1) b.set(d, reversed);
      else setW(b, d, b.i32.wrap_i64(reversed));
    },
  }),
  define({
    encoding: "REV32",
    operands: oneSource,
    semantics: (b, { d, n }) => b.set(d, reverseBytes(b, b.get(n), 4)),
  }),
  define({
    encoding: "REV",
    variants: { sf: [0, 1] },
    operands: oneSource,
    semantics: (b, { d, n }, { sf }) => {
      if (sf === 1) b.set(d, reverseBytes(b, b.get(n), 8));
      else setW(b, d, b.i32.wrap_i64(reverseBytes(b, b.i64.extend_i32_u(getW(b, n)), 4)));
    },
  }),
];

const counts = [
  define({
    encoding: "CLZ",
    variants: { sf: [0, 1] },
    operands: oneSource,
    semantics: (b, o, { sf }) => inWidth(b, sf, (w) => w.set(o.d, w.unary("clz", w.get(o.n)))),
  }),
  define({
    encoding: "CLS",
    variants: { sf: [0, 1] },
    operands: oneSource,
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) => {
        const x = w.get(o.n);
        // A set bit wherever a bit differs from the one above it.
        const changes = w.binary("xor", x, w.binary("shr_s", x, w.constant(1n)));
        w.set(o.d, w.binary("sub", w.unary("clz", changes), w.constant(1n)));
      }),
  }),
];

/** Shifts by a register, reversals and counts. Arm ARM C4.1.5. */
export const shiftsAndBits: readonly Definition[] = [...variableShifts, ...reversals, ...counts];
