import type { Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import type { Arithmetic } from "./arithmetic.ts";
import type { Attempt } from "./attempt.ts";

/** a + n · m, halved when `half`. */
interface Sum<T extends ValueType> {
  readonly a: Value<T>;
  readonly n: Value<T>;
  readonly m: Value<T>;
  readonly half: boolean;
}

/** x + y as the nearest number of the precision and what that misses; exact unless it overflows (Knuth, TAOCP 4.2.2, theorem B). */
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
  const lower = productError(k, n, m, product);
  const t = twoSum(k, a, lower);
  const v = twoSum(k, product, t.sum);
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

function fusedSingle<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  { a, n, m, half }: Sum<T>,
): Attempt<T, M> {
  const { value, mask } = k.viaDouble({ a, n, m }, (wide, operands) => {
    const { odd } = fusedToOdd(wide, { ...operands, half });
    return { number: odd, mask: becomesSingle(wide, odd) };
  });
  const exact = (): Value<M> =>
    k.viaDouble({ a, n, m, value }, (wide, operands) => {
      const { odd, error } = fusedToOdd(wide, { ...operands, half });
      const exactSum = wide.compare("eq", error, wide.constant(0));
      return { number: odd, mask: wide.both(exactSum, wide.compare("eq", odd, operands.value)) };
    }).mask;
  return { value, mode: "rounding", plain: mask, exact };
}

/** a + n · m with one rounding, halved before it when `half` (which loses nothing: the sum is zero or far from the denormals). */
export function fused<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  a: Value<T>,
  n: Value<T>,
  m: Value<T>,
  half = false,
): Attempt<T, M> {
  const sum = { a, n, m, half };
  return k.bits === 64 ? fusedDouble(k, sum) : fusedSingle(k, sum);
}

/** Where p is exactly x · y. It may miss doubles near the denormals. */
export function isProduct<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  p: Value<T>,
  x: Value<T>,
  y: Value<T>,
): Value<M> {
  if (k.bits === 32) {
    return k.viaDouble({ p, x, y }, (wide, operands) => {
      const product = wide.binary("mul", operands.x, operands.y);
      return { number: product, mask: wide.compare("eq", product, operands.p) };
    }).mask;
  }
  const product = k.binary("mul", x, y);
  const exact = k.compare("eq", productError(k, x, y, product), k.constant(0));
  const notTiny = k.compare("gt", k.unary("abs", product), k.constant(smallestProduct));
  return k.both(k.compare("eq", product, p), k.both(exact, notTiny));
}
