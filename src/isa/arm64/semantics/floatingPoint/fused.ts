import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import { pick } from "../simd/lanes.ts";
import { type Arithmetic, scalarDouble, vectorDouble } from "./arithmetic.ts";
import type { Attempt } from "./attempt.ts";

/** a + n · m, halved when `half`. */
interface Sum<T extends ValueType> {
  readonly a: Value<T>;
  readonly n: Value<T>;
  readonly m: Value<T>;
  readonly half: boolean;
}

/** x + y as the nearest double and what that misses; exact unless it overflows (Knuth, TAOCP 4.2.2, theorem B). */
export function twoSum<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
  y: Value<T>,
): { readonly sum: Value<T>; readonly error: Value<T> } {
  const sum = k.binary("add", x, y);
  const ofY = k.binary("sub", sum, x);
  const ofX = k.binary("sub", sum, ofY);
  const error = k.binary("add", k.binary("sub", x, ofX), k.binary("sub", y, ofY));
  return { sum, error };
}

/**
 * What the double product misses: 26-bit halves have exact products (Dekker 1971). Exact when it neither overflows nor comes
 * near the denormals.
 */
function productError<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
  y: Value<T>,
  product: Value<T>,
): Value<T> {
  const [xHigh, yHigh] = [k.upperHalf(x), k.upperHalf(y)];
  const [xLow, yLow] = [k.binary("sub", x, xHigh), k.binary("sub", y, yHigh)];
  const high = k.binary("sub", k.binary("mul", xHigh, yHigh), product);
  const middle = k.binary(
    "add",
    k.binary("add", high, k.binary("mul", xHigh, yLow)),
    k.binary("mul", xLow, yHigh),
  );
  return k.binary("add", middle, k.binary("mul", xLow, yLow));
}

const largestOperand = 2 ** 1000;
const smallestProduct = 2 ** -960;

/**
 * A fused double without WebAssembly having one: rounding the small parts to odd makes the last addition round the exact sum.
 * Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd", IEEE
 * Transactions on Computers 57(4), 2008, theorem 6; there is neither underflow nor overflow within the bounds.
 */
function fusedDouble<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  { a, n, m, half }: Sum<T>,
): Attempt<T, M> {
  const product = k.binary("mul", n, m);
  const upper = product;
  const lower = productError(k, n, m, product);
  const t = twoSum(k, a, lower);
  const v = twoSum(k, upper, t.sum);
  const small = twoSum(k, t.error, v.error);
  const rounded = k.binary("add", v.sum, k.toOdd(small.sum, small.error));
  const zero = k.constant(0);
  // With a zero product nothing is rounded, and only the plain sum has the right sign of zero.
  const zeroProduct = k.either(k.compare("eq", n, zero), k.compare("eq", m, zero));
  const sum = k.choose(zeroProduct, k.binary("add", a, product), rounded);
  const magnitude = (x: Value<T>): Value<T> => k.unary("abs", x);
  const largest = k.binary(
    "max",
    k.binary("max", magnitude(n), magnitude(m)),
    k.binary("max", magnitude(a), magnitude(product)),
  );
  const plain = k.both(
    k.compare("lt", largest, k.constant(largestOperand)),
    k.either(k.compare("gt", magnitude(product), k.constant(smallestProduct)), zeroProduct),
  );
  return {
    value: half ? k.binary("mul", sum, k.constant(0.5)) : sum,
    mode: "rounding",
    plain,
    exact: () =>
      k.either(zeroProduct, k.both(k.compare("eq", t.error, zero), k.compare("eq", v.error, zero))),
  };
}

/** The sum of singles as a double rounded to odd, which rounds to the right single because it has 2 · 24 + 2 bits or more. */
function fusedToOdd<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  { a, n, m, half }: Sum<T>,
): { readonly odd: Value<T>; readonly error: Value<T> } {
  const { sum, error } = twoSum(k, a, k.binary("mul", n, m));
  const odd = k.toOdd(sum, error);
  return { odd: half ? k.binary("mul", odd, k.constant(0.5)) : odd, error };
}

const smallestNormalSingle = 2 ** -126;
/** From half a last place above the largest single on, rounding to nearest gives infinity. */
const overflowToSingle = 2 ** 128 - 2 ** 103;

/** Where a double that is exact, or rounded to odd, becomes a single without overflow and without being tiny before rounding. */
export function becomesSingle<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
): Value<M> {
  const magnitude = k.unary("abs", x);
  const normal = k.compare("ge", magnitude, k.constant(smallestNormalSingle));
  const notTiny = k.either(normal, k.compare("eq", x, k.constant(0)));
  return k.both(notTiny, k.compare("lt", magnitude, k.constant(overflowToSingle)));
}

function fusedScalarSingle(b: Builder, { a, n, m, half }: Sum<"f32">): Attempt<"f32", "i32"> {
  const k = scalarDouble(b);
  const wide = (x: Value<"f32">): Value<"f64"> => b.f64.promote_f32(x);
  const { odd, error } = fusedToOdd(k, { a: wide(a), n: wide(n), m: wide(m), half });
  const value = b.f32.demote_f64(odd);
  return {
    value,
    mode: "rounding",
    plain: becomesSingle(k, odd),
    exact: () => k.both(k.compare("eq", error, k.constant(0)), k.compare("eq", wide(value), odd)),
  };
}

function fusedVectorSingle(
  b: Builder,
  elements: number,
  { a, n, m, half }: Sum<"v128">,
): Attempt<"v128", "v128"> {
  const k = vectorDouble(b);
  const upper = (x: Value<"v128">): Value<"v128"> => pick(b, 3, x, x, [1, 1]);
  const ofHalf = (place: (x: Value<"v128">) => Value<"v128">) => {
    const wide = (x: Value<"v128">): Value<"v128"> => b.f64x2.promote_low_f32x4(place(x));
    const { odd } = fusedToOdd(k, { a: wide(a), n: wide(n), m: wide(m), half });
    return { value: b.f32x4.demote_f64x2_zero(odd), plain: becomesSingle(k, odd) };
  };
  const low = ofHalf((x) => x);
  if (elements === 2) return { ...low, mode: "rounding" };
  const high = ofHalf(upper);
  return {
    value: pick(b, 3, low.value, high.value, [0, 2]),
    mode: "rounding",
    plain: k.both(low.plain, high.plain),
  };
}

/** a + n · m with one rounding, halved before it when `half` (which loses nothing: the sum is zero or far from the denormals). */
export function fused<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  a: Value<T>,
  n: Value<T>,
  m: Value<T>,
  half = false,
): Attempt<T, M> {
  if (k.bits === 64) return fusedDouble(k, { a, n, m, half });
  const sum = { a, n, m, half };
  const attempt = isVector(sum)
    ? fusedVectorSingle(k.b, k.elements, sum)
    : fusedScalarSingle(k.b, sum as unknown as Sum<"f32">);
  return attempt as unknown as Attempt<T, M>;
}

function isVector(sum: Sum<ValueType>): sum is Sum<"v128"> {
  return sum.a.type === "v128";
}
