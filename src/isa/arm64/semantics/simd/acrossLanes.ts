import type { Builder } from "../../../../engine/ir/builder.ts";
import { type Definition, define, type VariantSpec, vector } from "../define.ts";
import { add, addLongPairs, maximum, minimum, reduce } from "./arithmetic.ts";
import { arrangement, checkEnabled, writeElements } from "./forms.ts";
import type { Size, Vector } from "./lanes.ts";
import { wider } from "./lanes.ts";
import { narrowSizeOf } from "./width.ts";

const registers = { d: vector("Rd"), n: vector("Rn") };

/** Arrangements of at least four elements. */
const variants: { readonly arrangement: VariantSpec } = {
  arrangement: { values: [0, 1, 2, 3, 5], from: (f) => 2 * f("size") + f("Q") },
};

type Combination = (b: Builder, size: Size, x: Vector, y: Vector) => Vector;

const toOneElement: readonly Definition[] = (
  [
    { name: "ADDV", combine: add },
    { name: "SMAXV", combine: (b, size, x, y) => maximum(b, size, x, y, true) },
    { name: "UMAXV", combine: (b, size, x, y) => maximum(b, size, x, y, false) },
    { name: "SMINV", combine: (b, size, x, y) => minimum(b, size, x, y, true) },
    { name: "UMINV", combine: (b, size, x, y) => minimum(b, size, x, y, false) },
  ] satisfies readonly { name: string; combine: Combination }[]
).map(({ name, combine }) =>
  define({
    encoding: `${name}_vector`,
    variants,
    operands: registers,
    semantics: (b, o, variant) => {
      const { size, bytes } = arrangement(variant.arrangement);
      checkEnabled(b);
      const result = reduce(b, size, b.get(o.n), bytes, (x, y) => combine(b, size, x, y));
      writeElements(b, o.d, result, 1 << size);
    },
  }),
);

const toWideSum: readonly Definition[] = [
  { name: "SADDLV", signed: true },
  { name: "UADDLV", signed: false },
].map(({ name, signed }) =>
  define({
    encoding: `${name}_vector`,
    variants,
    operands: registers,
    semantics: (b, o, variant) => {
      const { size: anySize, bytes } = arrangement(variant.arrangement);
      const size = narrowSizeOf(anySize);
      checkEnabled(b);
      const pairs = addLongPairs(b, size, b.get(o.n), signed);
      const result = reduce(b, wider(size), pairs, bytes, (x, y) => add(b, wider(size), x, y));
      writeElements(b, o.d, result, 2 << size);
    },
  }),
);

/** Arm ARM C4.1.6 "Advanced SIMD across lanes" without floating point. */
export const acrossLanes: readonly Definition[] = [...toOneElement, ...toWideSum];
