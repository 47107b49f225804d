import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import { reverseBitsOfBytes } from "./arithmetic.ts";
import { bitsOf, everyLane, lanesOf, type Vector } from "./lanes.ts";
import { type Half, widen } from "./width.ts";

/** Products over GF(2) of x and the low eight bits of y, as wide as the elements. */
function multiplyByByte(b: Builder, size: 0 | 1, x: Vector, y: Vector): Vector {
  const lanes = lanesOf(b, size);
  const last = bitsOf(size) - 1;
  let product = everyLane(b, size, 0n);
  for (let bit = 0; bit < 8; bit++) {
    const mask = lanes.shr_s(lanes.shl(y, last - bit), last);
    product = b.v128.xor(product, b.v128.and(lanes.shl(x, bit), mask));
  }
  return product;
}

/** The low eight bits of the products of bytes over GF(2). Arm ARM J1.3 `PolynomialMult`. */
export function polynomialMultiply(b: Builder, x: Vector, y: Vector): Vector {
  return multiplyByByte(b, 0, x, y);
}

/** The products over GF(2) of the bytes of one half of x and y, as 16-bit elements. */
export function polynomialMultiplyLong(b: Builder, x: Vector, y: Vector, half: Half): Vector {
  return multiplyByByte(b, 1, widen(b, 0, x, half, false), widen(b, 0, y, half, false));
}

/**
 * The 128-bit product over GF(2) of one 64-bit half of x and y. The high word is the low word of the product of the
 * operands with their bits reversed, itself reversed and one position down.
 */
export function polynomialMultiply64(b: Builder, x: Vector, y: Vector, half: Half): Vector {
  const low = lowProduct(b, b.i64x2.extract_lane(half, x), b.i64x2.extract_lane(half, y));
  const reversedX = b.i64x2.extract_lane(half, reverseDoublewords(b, x));
  const reversedY = b.i64x2.extract_lane(half, reverseDoublewords(b, y));
  const reversed = b.i64x2.splat(lowProduct(b, reversedX, reversedY));
  const high = b.i64x2.shr_u(reverseDoublewords(b, reversed), 1);
  return b.i64x2.replace_lane(0, high, low);
}

function reverseDoublewords(b: Builder, v: Vector): Vector {
  const bytes = b.shuffle(v, v, [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8]);
  return reverseBitsOfBytes(b, bytes);
}

/**
 * The low 64 bits of the product of x and y over GF(2) by integer multiplication: with only every fourth bit kept, no column
 * below bit 64 sums to more than 16, so the carries stay out of the next column that counts (or leave at the top).
 */
function lowProduct(b: Builder, x: Value<"i64">, y: Value<"i64">): Value<"i64"> {
  const masks = [0, 1, 2, 3].map((at) => 0x1111_1111_1111_1111n << BigInt(at));
  const xs = masks.map((mask) => b.i64.and(x, mask));
  const ys = masks.map((mask) => b.i64.and(y, mask));
  const columns = masks.map((mask, column) => {
    const products = xs.map((part, i) => {
      const other = ys[(column - i) & 3];
      if (other === undefined) throw new RangeError("four parts");
      return b.i64.mul(part, other);
    });
    return b.i64.and(
      products.reduce((sum, product) => b.i64.xor(sum, product)),
      mask,
    );
  });
  return columns.reduce((all, column) => b.i64.or(all, column));
}
