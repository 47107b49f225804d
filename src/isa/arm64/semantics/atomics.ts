import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { baseAddress, stackBase } from "./addressing.ts";
import { type Definition, define, xDestination, xOrSp, xSource } from "./define.ts";
import { getW } from "./registers.ts";
import { loadUnsigned, storeLow } from "./transfer.ts";

const sizes = [0, 1, 2, 3] as const;
const readForUpdate = { mustAlign: true, willWrite: true } as const;
const update = { mustAlign: true } as const;

/** The low 1 << `size` bytes, zero-extended. */
function low(b: Builder, size: number, value: Value<"i64">): Value<"i64"> {
  return size === 3 ? value : b.i64.and(value, (1n << BigInt(8 << size)) - 1n);
}

function signExtended(b: Builder, size: number, value: Value<"i64">): Value<"i64"> {
  switch (size) {
    case 0:
      return b.i64.extend8_s(value);
    case 1:
      return b.i64.extend16_s(value);
    case 2:
      return b.i64.extend32_s(value);
    default:
      return value;
  }
}

/** The new memory value from the old one, zero-extended, and the register; bits above the size do not matter. */
type Combine = (b: Builder, old: Value<"i64">, register: Value<"i64">, size: number) => Value<"i64">;

const chooseBy =
  (comparison: "lt_s" | "gt_s" | "lt_u" | "gt_u", extend: typeof low): Combine =>
  (b, old, register, size) => {
    const other = extend(b, size, register);
    const value = extend(b, size, old);
    return b.select("i64", b.i64[comparison](value, other), value, other);
  };

const operations: readonly { readonly encoding: string; readonly combine: Combine }[] = [
  { encoding: "LDADD", combine: (b, old, register) => b.i64.add(old, register) },
  { encoding: "LDCLR", combine: (b, old, register) => b.i64.and(old, b.i64.xor(register, -1n)) },
  { encoding: "LDEOR", combine: (b, old, register) => b.i64.xor(old, register) },
  { encoding: "LDSET", combine: (b, old, register) => b.i64.or(old, register) },
  { encoding: "LDSMAX", combine: chooseBy("gt_s", signExtended) },
  { encoding: "LDSMIN", combine: chooseBy("lt_s", signExtended) },
  { encoding: "LDUMAX", combine: chooseBy("gt_u", low) },
  { encoding: "LDUMIN", combine: chooseBy("lt_u", low) },
  { encoding: "SWP", combine: (_b, _old, register) => register },
];

/** Orderings add nothing: one vCPU runs at a time and in program order. */
const readModifyWrite = operations.map(({ encoding, combine }) =>
  define({
    encoding,
    variants: { size: sizes, sp: stackBase },
    operands: { s: xSource("Rs"), t: xDestination("Rt"), n: xOrSp("Rn") },
    semantics: (b, { s, t, n }, { size, sp }) => {
      const address = baseAddress(b, n, sp);
      const register = b.get(s);
      const old = loadUnsigned(b, size, address, readForUpdate);
      storeLow(b, size, address, combine(b, old, register, size), update);
      b.set(t, old);
    },
  }),
);

const compareAndSwap = define({
  encoding: "CAS",
  variants: { size: sizes, sp: stackBase },
  operands: { s: xSource("Rs"), d: xDestination("Rs"), t: xSource("Rt"), n: xOrSp("Rn") },
  semantics: (b, { s, d, t, n }, { size, sp }) => {
    const address = baseAddress(b, n, sp);
    const expected = low(b, size, b.get(s));
    const replacement = b.get(t);
    const old = loadUnsigned(b, size, address, readForUpdate);
    b.if(b.i64.eq(old, expected), () => storeLow(b, size, address, replacement, update));
    b.set(d, old);
  },
});

/** Register pairs begin at an even number, so that only the second of a pair can be XZR. */
const compareAndSwapPair = define({
  encoding: "CASP",
  variants: { sz: [0, 1], sp: stackBase },
  operands: {
    s: xSource("Rs"),
    s2: xSource((f) => f("Rs") + 1),
    d: xDestination("Rs"),
    d2: xDestination((f) => f("Rs") + 1),
    t: xSource("Rt"),
    t2: xSource((f) => f("Rt") + 1),
    n: xOrSp("Rn"),
  },
  semantics: (b, { s, s2, d, d2, t, t2, n }, { sz, sp }) => {
    const address = baseAddress(b, n, sp);
    if (sz === 1) {
      const [expected, expected2] = [b.get(s), b.get(s2)];
      const replacement = b.i64x2.replace_lane(1, b.i64x2.splat(b.get(t)), b.get(t2));
      const old = b.load("v128", "v128.load", address, readForUpdate);
      const [first, second] = [b.i64x2.extract_lane(0, old), b.i64x2.extract_lane(1, old)];
      const same = b.i32.and(b.i64.eq(first, expected), b.i64.eq(second, expected2));
      b.if(same, () => b.store("v128", "v128.store", address, replacement, update));
      b.set(d, first);
      b.set(d2, second);
    } else {
      const pair = (x: Value<"i32">, y: Value<"i32">) =>
        b.i64.or(b.i64.extend_i32_u(x), b.i64.shl(b.i64.extend_i32_u(y), 32n));
      const expected = pair(getW(b, s), getW(b, s2));
      const replacement = pair(getW(b, t), getW(b, t2));
      const old = b.load("i64", "i64.load", address, readForUpdate);
      b.if(b.i64.eq(old, expected), () => b.store("i64", "i64.store", address, replacement, update));
      b.set(d, b.i64.and(old, 0xffff_ffffn));
      b.set(d2, b.i64.shr_u(old, 32n));
    }
  },
});

/** The Armv8.1 atomics (FEAT_LSE). Arm ARM C4.1.4. */
export const atomics: readonly Definition[] = [...readModifyWrite, compareAndSwap, compareAndSwapPair];
