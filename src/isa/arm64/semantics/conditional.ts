import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { type Definition, define, type FieldReader, imm32, xDestination, xSource } from "./define.ts";
import { conditionHolds } from "./flags.ts";
import { inWidth, type Width } from "./registers.ts";

/** A condition as a variant; 15 means always as 14 does. Arm ARM C1.2.4. */
export const condition = {
  values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
  from: (f: FieldReader) => Math.min(f("cond"), 14),
} as const;

function conditionalCompare<T extends "i32" | "i64">(
  b: Builder,
  w: Width<T>,
  operator: "add" | "sub",
  cond: number,
  x: Value<T>,
  y: Value<T>,
  nzcv: Value<"i32">,
): void {
  b.if(
    conditionHolds(b, cond),
    () => b.flags(`${operator}${w.bits}`, x, y),
    () => b.flags("nzcv", nzcv),
  );
}

const compares = (
  [
    { name: "CCMN", operator: "add" },
    { name: "CCMP", operator: "sub" },
  ] as const
).flatMap(({ name, operator }) => [
  define({
    encoding: `${name}_reg`,
    variants: { sf: [0, 1], cond: condition },
    operands: { n: xSource("Rn"), m: xSource("Rm"), nzcv: imm32("nzcv") },
    semantics: (b, o, { sf, cond }) =>
      inWidth(b, sf, (w) => conditionalCompare(b, w, operator, cond, w.get(o.n), w.get(o.m), o.nzcv)),
  }),
  define({
    encoding: `${name}_imm`,
    variants: { sf: [0, 1], cond: condition },
    operands: { n: xSource("Rn"), imm: imm32("imm5"), nzcv: imm32("nzcv") },
    hot: ({ cond }) => name === "CCMP" && cond === 1,
    semantics: (b, o, { sf, cond }) =>
      inWidth(b, sf, (w) => conditionalCompare(b, w, operator, cond, w.get(o.n), w.unsigned(o.imm), o.nzcv)),
  }),
]);

type Otherwise = <T extends "i32" | "i64">(w: Width<T>, m: Value<T>) => Value<T>;

const selects = (
  [
    { encoding: "CSEL", otherwise: (_w, m) => m },
    { encoding: "CSINC", otherwise: (w, m) => w.binary("add", m, w.constant(1n)) },
    { encoding: "CSINV", otherwise: (w, m) => w.not(m) },
    { encoding: "CSNEG", otherwise: (w, m) => w.binary("sub", w.constant(0n), m) },
  ] as readonly { readonly encoding: string; readonly otherwise: Otherwise }[]
).map(({ encoding, otherwise }) =>
  define({
    encoding,
    variants: { sf: [0, 1], cond: condition },
    operands: { d: xDestination("Rd"), n: xSource("Rn"), m: xSource("Rm") },
    hot: ({ sf, cond }) =>
      cond <= 3 && ((encoding === "CSEL" && sf === 1) || (encoding === "CSINC" && (sf === 0 || cond >= 2))),
    semantics: (b, o, { sf, cond }) =>
      inWidth(b, sf, (w) =>
        w.set(o.d, w.select(conditionHolds(b, cond), w.get(o.n), otherwise(w, w.get(o.m)))),
      ),
  }),
);

/** Conditional compares and selects. Arm ARM C4.1.5. */
export const conditional: readonly Definition[] = [...compares, ...selects];
