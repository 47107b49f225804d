import type { Builder, FlagModel, Operand, Value } from "../../../engine/ir/builder.ts";
import type { ValueType } from "../../../engine/wasm/types.ts";
import { arm64State } from "../state.ts";

/**
 * The ways A64 instructions make NZCV. Arguments: `add` and `sub` take both operands, `adc` also the result and the
 * carry that went in, `logic` the result, `nzcv` the four bits as N:Z:C:V in bits 3:0. Arm ARM J1.3 `AddWithCarry`.
 */
export const arm64Flags: FlagModel = {
  producers: {
    // The sum and the difference are soon made again, and need not be kept until then.
    add64: (b, [x, y]) => addition64(b, i64(x), i64(y), b.i64.add(i64(x), i64(y))),
    add32: (b, [x, y]) => addition32(b, i32(x), i32(y), b.i32.add(i32(x), i32(y))),
    sub64: (b, [x, y]) => subtraction64(b, i64(x), i64(y), b.i64.sub(i64(x), i64(y))),
    sub32: (b, [x, y]) => subtraction32(b, i32(x), i32(y), b.i32.sub(i32(x), i32(y))),
    adc64: (b, [x, y, r, c]) => withCarry64(b, i64(x), i64(y), i64(r), i32(c)),
    adc32: (b, [x, y, r, c]) => withCarry32(b, i32(x), i32(y), i32(r), i32(c)),
    logic64: (b, [r]) => {
      signAndZero(b, i64(r));
      carryAndOverflow(b, 0, 0);
    },
    logic32: (b, [r]) => {
      signAndZero(b, b.i64.extend_i32_s(i32(r)));
      carryAndOverflow(b, 0, 0);
    },
    nzcv: (b, [bits]) => {
      const nzcv = i32(bits);
      b.set(arm64State.flagN, b.i64.shl(b.i64.extend_i32_u(nzcv), 60n));
      b.set(arm64State.flagZ, b.i64.extend_i32_u(b.i32.xor(b.i32.and(nzcv, 4), 4)));
      carryAndOverflow(b, b.i32.and(b.i32.shr_u(nzcv, 1), 1), b.i32.and(nzcv, 1));
    },
  },
  conditions: {
    sub64: (b, condition, args) => subtractionHolds(b, 64, condition, args),
    sub32: (b, condition, args) => subtractionHolds(b, 32, condition, args),
    add64: (b, condition, [x, y]) => withZero(b, 64, bySign[condition], () => b.i64.add(i64(x), i64(y))),
    add32: (b, condition, [x, y]) => withZero(b, 32, bySign[condition], () => b.i32.add(i32(x), i32(y))),
    logic64: (b, condition, [r]) => withZero(b, 64, afterLogic[condition], () => i64(r)),
    logic32: (b, condition, [r]) => withZero(b, 32, afterLogic[condition], () => i32(r)),
  },
};

type Comparison = "eq" | "ne" | `${"lt" | "le" | "gt" | "ge"}_${"s" | "u"}`;

/** Conditions as one comparison of the operands of a subtraction: EQ, NE, HS, LO, HI, LS, GE, LT, GT, LE. */
const afterSubtraction: Readonly<Partial<Record<number, Comparison>>> = {
  0: "eq",
  1: "ne",
  2: "ge_u",
  3: "lt_u",
  8: "gt_u",
  9: "le_u",
  10: "ge_s",
  11: "lt_s",
  12: "gt_s",
  13: "le_s",
};

/** Conditions on the result alone, as a comparison with zero: EQ, NE, MI, PL. */
const bySign: Readonly<Partial<Record<number, Comparison>>> = { 0: "eq", 1: "ne", 4: "lt_s", 5: "ge_s" };

/** As `bySign` where C and V are clear: also GE, LT, GT, LE. */
const afterLogic: Readonly<Partial<Record<number, Comparison>>> = {
  ...bySign,
  10: "ge_s",
  11: "lt_s",
  12: "gt_s",
  13: "le_s",
};

function withZero(
  b: Builder,
  bits: 32 | 64,
  comparison: Comparison | undefined,
  result: () => Value<"i32"> | Value<"i64">,
): Value<"i32"> | undefined {
  if (comparison === undefined) return undefined;
  return bits === 32
    ? b.op(`i32.${comparison}`, i32(result()), 0)
    : b.op(`i64.${comparison}`, i64(result()), 0n);
}

function subtractionHolds(
  b: Builder,
  bits: 32 | 64,
  condition: number,
  [x, y]: readonly Value<ValueType>[],
): Value<"i32"> | undefined {
  const comparison = afterSubtraction[condition];
  if (comparison === undefined)
    return withZero(b, bits, bySign[condition], () =>
      bits === 32 ? b.i32.sub(i32(x), i32(y)) : b.i64.sub(i64(x), i64(y)),
    );
  return bits === 32 ? b.op(`i32.${comparison}`, i32(x), i32(y)) : b.op(`i64.${comparison}`, i64(x), i64(y));
}

function i64(value: Value<ValueType> | undefined): Value<"i64"> {
  if (value?.type !== "i64") throw new TypeError("flag producer wants an i64");
  return value as Value<"i64">;
}

function i32(value: Value<ValueType> | undefined): Value<"i32"> {
  if (value?.type !== "i32") throw new TypeError("flag producer wants an i32");
  return value as Value<"i32">;
}

function signAndZero(b: Builder, result: Value<"i64">): void {
  b.set(arm64State.flagN, result);
  b.set(arm64State.flagZ, result);
}

function carryAndOverflow(b: Builder, carry: Operand<"i32">, overflow: Operand<"i32">): void {
  b.set(arm64State.flagC, carry);
  b.set(arm64State.flagV, overflow);
}

function overflow64(b: Builder, bits: Value<"i64">): Value<"i32"> {
  return b.i32.wrap_i64(b.i64.shr_u(bits, 63n));
}

function addition64(b: Builder, x: Value<"i64">, y: Value<"i64">, r: Value<"i64">): void {
  signAndZero(b, r);
  carryAndOverflow(b, b.i64.lt_u(r, x), overflow64(b, b.i64.and(b.i64.xor(x, r), b.i64.xor(y, r))));
}

function addition32(b: Builder, x: Value<"i32">, y: Value<"i32">, r: Value<"i32">): void {
  signAndZero(b, b.i64.extend_i32_s(r));
  carryAndOverflow(b, b.i32.lt_u(r, x), b.i32.shr_u(b.i32.and(b.i32.xor(x, r), b.i32.xor(y, r)), 31));
}

function subtraction64(b: Builder, x: Value<"i64">, y: Value<"i64">, r: Value<"i64">): void {
  signAndZero(b, r);
  carryAndOverflow(b, b.i64.ge_u(x, y), overflow64(b, b.i64.and(b.i64.xor(x, y), b.i64.xor(x, r))));
}

function subtraction32(b: Builder, x: Value<"i32">, y: Value<"i32">, r: Value<"i32">): void {
  signAndZero(b, b.i64.extend_i32_s(r));
  carryAndOverflow(b, b.i32.ge_u(x, y), b.i32.shr_u(b.i32.and(b.i32.xor(x, y), b.i32.xor(x, r)), 31));
}

// The carry out of x + y + c is that of the first addition or of the second; bit 63 of the majority function says so.
function withCarry64(b: Builder, x: Value<"i64">, y: Value<"i64">, r: Value<"i64">, c: Value<"i32">): void {
  signAndZero(b, r);
  const carry = b.select("i32", c, b.i64.le_u(r, x), b.i64.lt_u(r, x));
  carryAndOverflow(b, carry, overflow64(b, b.i64.and(b.i64.xor(x, r), b.i64.xor(y, r))));
}

function withCarry32(b: Builder, x: Value<"i32">, y: Value<"i32">, r: Value<"i32">, c: Value<"i32">): void {
  signAndZero(b, b.i64.extend_i32_s(r));
  const carry = b.select("i32", c, b.i32.le_u(r, x), b.i32.lt_u(r, x));
  carryAndOverflow(b, carry, b.i32.shr_u(b.i32.and(b.i32.xor(x, r), b.i32.xor(y, r)), 31));
}

/** ConditionHolds(cond) for a condition known when the operation is built, 0–15: 0 or 1 (Arm ARM C1.2.4). */
export function conditionHolds(b: Builder, cond: number): Value<"i32"> {
  return cond >= 14 ? b.constI32(1) : b.condition(cond, () => byFlags(b, cond));
}

function byFlags(b: Builder, cond: number): Value<"i32"> {
  const n = () => b.i64.lt_s(b.get(arm64State.flagN), 0n);
  const z = () => b.i64.eqz(b.get(arm64State.flagZ));
  const c = () => b.get(arm64State.flagC);
  const v = () => b.get(arm64State.flagV);
  const positive = (): Value<"i32"> => {
    switch (cond >> 1) {
      case 0:
        return z();
      case 1:
        return c();
      case 2:
        return n();
      case 3:
        return v();
      case 4:
        return b.i32.gt_u(c(), z());
      case 5:
        return b.i32.eq(n(), v());
      default:
        return b.i32.gt_u(b.i32.eq(n(), v()), z());
    }
  };
  const holds = positive();
  return (cond & 1) === 1 ? b.i32.eqz(holds) : holds;
}

/** PSTATE.NZCV as N:Z:C:V in bits 3:0. */
export function packedFlags(b: Builder): Value<"i32"> {
  const n = b.i32.shl(b.i64.lt_s(b.get(arm64State.flagN), 0n), 3);
  const z = b.i32.shl(b.i64.eqz(b.get(arm64State.flagZ)), 2);
  const c = b.i32.shl(b.get(arm64State.flagC), 1);
  return b.i32.or(b.i32.or(n, z), b.i32.or(c, b.get(arm64State.flagV)));
}
