import type { Builder, Operand, Value } from "../../../../engine/ir/builder.ts";

/** A whole SIMD register's bits as a value. */
export type Vector = Value<"v128">;

/** Element size as the manual's `size` fields have it: log2 of the bytes. */
export type Size = 0 | 1 | 2 | 3;

const shapes = ["i8x16", "i16x8", "i32x4", "i64x2"] as const;

/** WebAssembly's name of a vector with elements of a size. */
export function shapeName<S extends Size>(size: S): (typeof shapes)[S] {
  return shapes[size];
}

/** WebAssembly's operators on elements of a size. */
export function lanesOf<S extends Size>(b: Builder, size: S): Builder[(typeof shapes)[S]] {
  return b[shapes[size]];
}

/** Checks a decoded size. Throws outside 0–3: a mistake in the definition that asks. */
export function sizeOf(value: number): Size {
  if (value === 0 || value === 1 || value === 2 || value === 3) return value;
  throw new RangeError(`no element size ${value}`);
}

/** The size of elements twice as wide. Throws for 64-bit elements. */
export function wider(size: Size): 1 | 2 | 3 {
  if (size === 3) throw new RangeError("nothing is wider than 64-bit elements");
  return (size + 1) as 1 | 2 | 3;
}

/** Bits of an element. */
export function bitsOf(size: Size): number {
  return 8 << size;
}

/** A constant with `value` (modulo the element's width) in each element. */
export function everyLane(b: Builder, size: Size, value: bigint): Vector {
  const bits = bitsOf(size);
  const lane = BigInt.asUintN(bits, value);
  let half = 0n;
  for (let at = 0; at < 64; at += bits) half |= lane << BigInt(at);
  return b.constV128(half, half);
}

/** A constant with each element's sign bit. */
export function signBits(b: Builder, size: Size): Vector {
  return everyLane(b, size, 1n << BigInt(bitsOf(size) - 1));
}

/** A constant with the largest signed value in each element. */
export function largestSigned(b: Builder, size: Size): Vector {
  return everyLane(b, size, (1n << BigInt(bitsOf(size) - 1)) - 1n);
}

/** Sixteen zero bytes. */
export function zero(b: Builder): Vector {
  return b.constV128(0n, 0n);
}

/** Keeps the lowest `bytes` bytes (1, 2, 4, 8 or 16); the rest becomes zero. */
export function lowest(b: Builder, v: Vector, bytes: number): Vector {
  if (bytes === 16) return v;
  return b.v128.and(v, b.constV128((1n << BigInt(8 * bytes)) - 1n, 0n));
}

/** All ones where an element is negative, else zero. */
export function signMask(b: Builder, size: Size, v: Vector): Vector {
  return lanesOf(b, size).shr_s(v, bitsOf(size) - 1);
}

/** Sixteen byte numbers for `shuffle` from element numbers; the elements of the second operand follow those of the first. */
export function byteLanes(size: Size, elements: readonly number[]): readonly number[] {
  const bytes = 1 << size;
  return elements.flatMap((element) => Array.from({ length: bytes }, (_, i) => element * bytes + i));
}

/** `shuffle` by element numbers; the elements of `high` follow those of `low`. There must be 16 bytes of elements. */
export function pick(b: Builder, size: Size, low: Vector, high: Vector, elements: readonly number[]): Vector {
  return b.shuffle(low, high, byteLanes(size, elements));
}

/** Every second element of `low`, then of `high`, beginning with element `first` (0 or 1). */
export function everySecond(b: Builder, size: Size, low: Vector, high: Vector, first: 0 | 1): Vector {
  return pick(
    b,
    size,
    low,
    high,
    Array.from({ length: 16 >> size }, (_, i) => 2 * i + first),
  );
}

/** The low half of `low`, then the low half of `high`. */
export function lowHalves(b: Builder, low: Vector, high: Vector): Vector {
  return pick(b, 3, low, high, [0, 2]);
}

/** Ones where `mask` has ones come from `then`, elsewhere from `otherwise`. */
export function choose(b: Builder, mask: Vector, then: Vector, otherwise: Vector): Vector {
  return b.v128.bitselect(then, otherwise, mask);
}

/** Every element shifted; the same names for all sizes. */
export function shiftLeft(b: Builder, size: Size, v: Vector, bits: Operand<"i32">): Vector {
  return lanesOf(b, size).shl(v, bits);
}

/** Every element shifted right by less than its width, arithmetically or logically. */
export function shiftRight(b: Builder, size: Size, v: Vector, bits: Operand<"i32">, signed: boolean): Vector {
  return signed ? lanesOf(b, size).shr_s(v, bits) : lanesOf(b, size).shr_u(v, bits);
}
