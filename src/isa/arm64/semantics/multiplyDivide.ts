import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { type Definition, define, xDestination, xSource } from "./define.ts";
import { getW, inWidth } from "./registers.ts";

const threeSources = {
  d: xDestination("Rd"),
  n: xSource("Rn"),
  m: xSource("Rm"),
  a: xSource("Ra"),
};
const twoSources = { d: xDestination("Rd"), n: xSource("Rn"), m: xSource("Rm") };

const multiplyAdd = (
  [
    { encoding: "MADD", operator: "add" },
    { encoding: "MSUB", operator: "sub" },
  ] as const
).map(({ encoding, operator }) =>
  define({
    encoding,
    variants: { sf: [0, 1] },
    operands: threeSources,
    hot: ({ sf }) => sf === 1 || operator === "add",
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) =>
        w.set(o.d, w.binary(operator, w.get(o.a), w.binary("mul", w.get(o.n), w.get(o.m)))),
      ),
  }),
);

const multiplyAddLong = (
  [
    { encoding: "SMADDL", operator: "add", extend: "extend_i32_s" },
    { encoding: "SMSUBL", operator: "sub", extend: "extend_i32_s" },
    { encoding: "UMADDL", operator: "add", extend: "extend_i32_u" },
    { encoding: "UMSUBL", operator: "sub", extend: "extend_i32_u" },
  ] as const
).map(({ encoding, operator, extend }) =>
  define({
    encoding,
    operands: threeSources,
    hot: operator === "add",
    semantics: (b, { d, n, m, a }) => {
      const product = b.i64.mul(b.i64[extend](getW(b, n)), b.i64[extend](getW(b, m)));
      b.set(d, b.i64[operator](b.get(a), product));
    },
  }),
);

/** Bits 127:64 of the product, from four products of halves. */
function multiplyHigh(b: Builder, x: Value<"i64">, y: Value<"i64">, shift: "shr_s" | "shr_u"): Value<"i64"> {
  const low = (value: Value<"i64">) => b.i64.and(value, 0xffff_ffffn);
  const high = (value: Value<"i64">) => b.i64[shift](value, 32n);
  const carried = b.i64.shr_u(b.i64.mul(low(x), low(y)), 32n);
  const first = b.i64.add(b.i64.mul(high(x), low(y)), carried);
  const second = b.i64.add(b.i64.mul(low(x), high(y)), low(first));
  return b.i64.add(b.i64.add(b.i64.mul(high(x), high(y)), high(first)), high(second));
}

const high = (
  [
    { encoding: "SMULH", shift: "shr_s" },
    { encoding: "UMULH", shift: "shr_u" },
  ] as const
).map(({ encoding, shift }) =>
  define({
    encoding,
    operands: twoSources,
    semantics: (b, { d, n, m }) => b.set(d, multiplyHigh(b, b.get(n), b.get(m), shift)),
  }),
);

/** Division by zero gives zero, and the most negative number by −1 itself. Arm ARM C6.2 "SDIV", "UDIV". */
const divide = [
  define({
    encoding: "UDIV",
    variants: { sf: [0, 1] },
    operands: twoSources,
    hot: ({ sf }) => sf === 1,
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) => {
        const y = w.get(o.m);
        const zero = w.eqz(y);
        const quotient = w.binary("div_u", w.get(o.n), w.binary("or", y, w.unsigned(zero)));
        w.set(o.d, w.select(zero, w.constant(0n), quotient));
      }),
  }),
  define({
    encoding: "SDIV",
    variants: { sf: [0, 1] },
    operands: twoSources,
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) => {
        const x = w.get(o.n);
        const y = w.get(o.m);
        // For the divisors that WebAssembly may trap on, 0 and −1, the quotient is the product.
        const special = w.compare("le_u", w.binary("add", y, w.constant(1n)), w.constant(1n));
        const quotient = w.binary("div_s", x, w.select(special, w.constant(1n), y));
        w.set(o.d, w.select(special, w.binary("mul", x, y), quotient));
      }),
  }),
];

/** Multiplications and divisions. Arm ARM C4.1.5. */
export const multiplyDivide: readonly Definition[] = [...multiplyAdd, ...multiplyAddLong, ...high, ...divide];
