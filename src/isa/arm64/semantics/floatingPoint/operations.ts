import type { Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { type Attempt, settle } from "./attempt.ts";
import { fused, isProduct, twoSum } from "./fused.ts";
import { type SoftOptions, softEach } from "./softFloat.ts";

/** A rule for one operand in any shape. */
export type Unary = <T extends ValueType, M extends ValueType>(k: Arithmetic<T, M>, x: Value<T>) => Value<T>;
/** A rule for two operands in any shape. */
export type Binary = <T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
  y: Value<T>,
) => Value<T>;
/** A rule for an addend and two factors in any shape. */
export type Ternary = <T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  a: Value<T>,
  n: Value<T>,
  m: Value<T>,
) => Value<T>;

type BinaryAttempt = <T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
  y: Value<T>,
) => Attempt<T, M>;

/** A binary operation that WebAssembly does when it can and the soft-float operation of that name otherwise. */
const withSoft =
  (name: string, attempt: BinaryAttempt): Binary =>
  (k, x, y) =>
    settle(k, attempt(k, x, y), () => softEach(k, name, [x, y]));

/** Neither infinity nor NaN. */
function isFiniteNumber<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
): Value<M> {
  return k.compare("lt", k.unary("abs", x), k.constant(Number.POSITIVE_INFINITY));
}

/** Neither operand is a NaN. */
export function ordered<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
  y: Value<T>,
): Value<M> {
  return k.both(k.compare("eq", x, x), k.compare("eq", y, y));
}

const smallestNormal = { 32: 2 ** -126, 64: 2 ** -1022 } as const;

/** Finite and greater than any number that rounding makes of a tiny one, which would be an underflow (tininess is detected before rounding). */
function isRoundedNormal<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
): Value<M> {
  return k.both(k.compare("gt", k.unary("abs", x), k.constant(smallestNormal[k.bits])), isFiniteNumber(k, x));
}

function isZero<T extends ValueType, M extends ValueType>(k: Arithmetic<T, M>, x: Value<T>): Value<M> {
  return k.compare("eq", x, k.constant(0));
}

// A sum that is tiny is exact.
const addition: BinaryAttempt = (k, x, y) => {
  const value = k.binary("add", x, y);
  return {
    value,
    mode: "rounding",
    plain: isFiniteNumber(k, value),
    exact: () => isZero(k, twoSum(k, x, y).error),
  };
};

const subtraction: BinaryAttempt = (k, x, y) => {
  const value = k.binary("sub", x, y);
  return {
    value,
    mode: "rounding",
    plain: isFiniteNumber(k, value),
    exact: () => isZero(k, twoSum(k, x, k.unary("neg", y)).error),
  };
};

const multiplication: BinaryAttempt = (k, x, y) => {
  const value = k.binary("mul", x, y);
  const zeroByFactor = k.both(isZero(k, value), k.either(isZero(k, x), isZero(k, y)));
  return {
    value,
    mode: "rounding",
    plain: k.either(isRoundedNormal(k, value), zeroByFactor),
    exact: () => k.either(isProduct(k, value, x, y), isZero(k, value)),
  };
};

const division: BinaryAttempt = (k, x, y) => {
  const value = k.binary("div", x, y);
  const zeroByDividend = k.both(isZero(k, value), isZero(k, x));
  return {
    value,
    mode: "rounding",
    plain: k.either(isRoundedNormal(k, value), zeroByDividend),
    exact: () => k.either(isProduct(k, x, value, y), isZero(k, value)),
  };
};

/** Both have the architecture's rule for zeros of different sign. */
const extremum =
  (name: "min" | "max"): BinaryAttempt =>
  (k, x, y) => {
    const value = k.binary(name, x, y);
    return { value, mode: "unflushed", plain: k.compare("eq", value, value) };
  };

const mapped =
  (attempt: BinaryAttempt, name: "abs" | "neg"): BinaryAttempt =>
  (k, x, y) => {
    const inner = attempt(k, x, y);
    return { ...inner, value: k.unary(name, inner.value) };
  };

/** addend − x · y, halved or not. */
const step =
  (addend: number, half: boolean): BinaryAttempt =>
  (k, x, y) =>
    fused(k, k.constant(addend), k.unary("neg", x), y, half);

/** The operations on two floats, by the instructions' names without the form. */
export const binaryOperations = {
  FADD: withSoft("add", addition),
  FSUB: withSoft("sub", subtraction),
  FMUL: withSoft("mul", multiplication),
  FMULX: withSoft("mulx", multiplication),
  FNMUL: withSoft("nmul", mapped(multiplication, "neg")),
  FDIV: withSoft("div", division),
  FMAX: withSoft("max", extremum("max")),
  FMIN: withSoft("min", extremum("min")),
  FMAXNM: withSoft("maxnm", extremum("max")),
  FMINNM: withSoft("minnm", extremum("min")),
  FABD: withSoft("absolute-difference", mapped(subtraction, "abs")),
  FRECPS: withSoft("recip-step", step(2, false)),
  FRSQRTS: withSoft("rsqrt-step", step(3, true)),
} as const satisfies Record<string, Binary>;

/** a + n · m, rounded once. */
export const multiplyAdd: Ternary = (k, a, n, m) =>
  settle(k, fused(k, a, n, m), () => softEach(k, "fma", [a, n, m]));

/** a − n · m, rounded once. */
export const multiplySubtract: Ternary = (k, a, n, m) => multiplyAdd(k, a, k.unary("neg", n), m);

type Comparison = "eq" | "ge" | "gt";

const softComparisons = {
  eq: "compare-equal",
  ge: "compare-greater-equal",
  gt: "compare-greater",
} as const;

const onesWhereTrue: SoftOptions = { finish: (b, bits) => b.i64.sub(0n, bits) };

/** Ones where x `comparison` y holds, zeros elsewhere. */
const comparing =
  (comparison: Comparison): Binary =>
  (k, x, y) =>
    settle(
      k,
      { value: k.ones(k.compare(comparison, x, y)), mode: "unflushed", plain: ordered(k, x, y) },
      () => softEach(k, softComparisons[comparison], [x, y], onesWhereTrue),
    );

const comparingMagnitudes =
  (comparison: Comparison): Binary =>
  (k, x, y) =>
    comparing(comparison)(k, k.unary("abs", x), k.unary("abs", y));

/** The comparisons of two floats. */
export const comparisons = {
  FCMEQ: comparing("eq"),
  FCMGE: comparing("ge"),
  FCMGT: comparing("gt"),
  FACGE: comparingMagnitudes("ge"),
  FACGT: comparingMagnitudes("gt"),
} as const satisfies Record<string, Binary>;

/** The comparisons of a float with zero; "less" is "greater" the other way round. */
export const zeroComparisons = {
  FCMEQ_zero: (k, x) => comparing("eq")(k, x, k.constant(0)),
  FCMGE_zero: (k, x) => comparing("ge")(k, x, k.constant(0)),
  FCMGT_zero: (k, x) => comparing("gt")(k, x, k.constant(0)),
  FCMLE_zero: (k, x) => comparing("ge")(k, k.constant(0), x),
  FCMLT_zero: (k, x) => comparing("gt")(k, k.constant(0), x),
} as const satisfies Record<string, Unary>;

/** The square root; it is never tiny. */
export const squareRoot: Unary = (k, x) => {
  const value = k.unary("sqrt", x);
  const attempt = {
    value,
    mode: "rounding",
    plain: isFiniteNumber(k, value),
    exact: () => k.either(isProduct(k, x, value, value), isZero(k, value)),
  } as const;
  return settle(k, attempt, () => softEach(k, "sqrt", [x]));
};

const soft =
  (name: string): Unary =>
  (k, x) =>
    softEach(k, name, [x]);

/** Estimates: table look-ups that the soft-float library has. */
export const estimates = {
  FRECPE: soft("recip-estimate"),
  FRSQRTE: soft("rsqrt-estimate"),
  FRECPX: soft("recip-exponent"),
} as const satisfies Record<string, Unary>;
