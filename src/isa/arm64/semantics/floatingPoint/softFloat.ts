import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import { floatOperation } from "../../../softfloat/operations.ts";
import type { Arithmetic } from "./arithmetic.ts";

type Bits = Value<"i64">;

/** Calls the soft-float operation of that name, for instance `f64.add`, on raw bits. */
export function softFloat(b: Builder, name: string, ...operands: readonly Bits[]): Bits {
  const [x = b.constI64(0n), y = b.constI64(0n), z = b.constI64(0n)] = operands;
  return b.host("softFloat", "i64", b.constI32(floatOperation(name).code), x, y, z);
}

/** What a soft-float operation takes after its floating-point operands, and what becomes of its result. */
export interface SoftOptions {
  readonly immediates?: readonly bigint[];
  readonly finish?: (b: Builder, bits: Bits) => Bits;
}

/** The soft-float operation called `f32.` or `f64.` with the name, on each element. */
export function softEach<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  name: string,
  operands: readonly [Value<T>, ...Value<T>[]],
  { immediates = [], finish = (_b, bits) => bits }: SoftOptions = {},
): Value<T> {
  const { b } = k;
  let [result] = operands;
  for (let i = 0; i < k.elements; i++) {
    const bits = softFloat(
      b,
      `f${k.bits}.${name}`,
      ...operands.map((operand) => k.element(operand, i)),
      ...immediates.map((value) => b.constI64(value)),
    );
    result = k.withElement(result, i, finish(b, bits));
  }
  return result;
}
