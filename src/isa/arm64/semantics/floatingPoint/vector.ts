import type { Value } from "../../../../engine/ir/builder.ts";
import { type Definition, define, vector } from "../define.ts";
import { pick } from "../simd/lanes.ts";
import { scalarSingle, vectorSingle } from "./arithmetic.ts";
import { arrangements, checkEnabled, inPrecision, precisions, vectorArithmetic } from "./forms.ts";
import {
  type Binary,
  binaryOperations,
  comparisons,
  estimates,
  multiplyAdd,
  multiplySubtract,
  squareRoot,
  type Ternary,
  type Unary,
  zeroComparisons,
} from "./operations.ts";
import { roundings } from "./roundToIntegral.ts";
import { softFloat } from "./softFloat.ts";

const oneSource = { d: vector("Rd"), n: vector("Rn") };
const twoSources = { d: vector("Rd"), n: vector("Rn"), m: vector("Rm") };
const arranged = { arrangement: arrangements };
const scalars = { sz: precisions("sz") };

const unary = (name: string, operation: Unary): Definition =>
  define({
    encoding: `${name}_vector`,
    variants: arranged,
    operands: oneSource,
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      const k = vectorArithmetic(b, arrangement);
      k.write(o.d, operation(k, k.read(o.n)));
    },
  });

const unaryScalar = (name: string, operation: Unary): Definition =>
  define({
    encoding: `${name}_sisd`,
    variants: scalars,
    operands: oneSource,
    semantics: (b, o, { sz }) => {
      checkEnabled(b);
      inPrecision(b, sz, (k) => k.write(o.d, operation(k, k.read(o.n))));
    },
  });

const binary = (name: string, operation: Binary): Definition =>
  define({
    encoding: `${name}_vector`,
    variants: arranged,
    operands: twoSources,
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      const k = vectorArithmetic(b, arrangement);
      k.write(o.d, operation(k, k.read(o.n), k.read(o.m)));
    },
  });

const binaryScalar = (name: string, operation: Binary): Definition =>
  define({
    encoding: `${name}_sisd`,
    variants: scalars,
    operands: twoSources,
    semantics: (b, o, { sz }) => {
      checkEnabled(b);
      inPrecision(b, sz, (k) => k.write(o.d, operation(k, k.read(o.n), k.read(o.m))));
    },
  });

const accumulating = (name: string, operation: Ternary): Definition =>
  define({
    encoding: `${name}_vector`,
    variants: arranged,
    operands: twoSources,
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      const k = vectorArithmetic(b, arrangement);
      k.write(o.d, operation(k, k.read(o.d), k.read(o.n), k.read(o.m)));
    },
  });

/** Even and odd elements of n followed by m, by arrangement; half a register has its elements twice (see `vectorSingle`). */
const pairElements: Readonly<
  Record<number, readonly [size: 2 | 3, even: readonly number[], odd: readonly number[]]>
> = {
  0: [2, [0, 4, 0, 4], [1, 5, 1, 5]],
  1: [2, [0, 2, 4, 6], [1, 3, 5, 7]],
  3: [3, [0, 2], [1, 3]],
};

const pairwise = (name: string, operation: Binary): Definition =>
  define({
    encoding: `${name}_vector`,
    variants: arranged,
    operands: twoSources,
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      const k = vectorArithmetic(b, arrangement);
      const [size, even, odd] = pairElements[arrangement] ?? [3, [], []];
      const [n, m] = [k.read(o.n), k.read(o.m)];
      k.write(o.d, operation(k, pick(b, size, n, m, even), pick(b, size, n, m, odd)));
    },
  });

const pairwiseScalar = (name: string, operation: Binary): Definition =>
  define({
    encoding: `${name}_sisd`,
    variants: scalars,
    operands: oneSource,
    semantics: (b, o, { sz }) => {
      checkEnabled(b);
      inPrecision(b, sz, (k) => k.write(o.d, operation(k, k.read(o.n, 0), k.read(o.n, 1))));
    },
  });

/** Halves first, as the manual's `Reduce` does: the order decides which NaN comes out. */
const acrossLanes = (name: string, operation: Binary): Definition =>
  define({
    encoding: `${name}_vector`,
    operands: oneSource,
    semantics: (b, o) => {
      checkEnabled(b);
      const n = b.get(o.n);
      const even = pick(b, 2, n, n, [0, 2, 0, 2]);
      const odd = pick(b, 2, n, n, [1, 3, 1, 3]);
      const pairs = operation(vectorSingle(b, 2), even, odd);
      const k = scalarSingle(b);
      const lane = (index: number): Value<"f32"> => b.f32x4.extract_lane(index, pairs);
      k.write(o.d, operation(k, lane(0), lane(1)));
    },
  });

const unsignedEstimate = (name: string, soft: string): Definition =>
  define({
    encoding: `${name}_vector`,
    variants: { Q: [0, 1] },
    operands: oneSource,
    semantics: (b, o, { Q }) => {
      checkEnabled(b);
      const k = vectorSingle(b, Q === 1 ? 4 : 2);
      const n = k.read(o.n);
      let result = n;
      for (let i = 0; i < k.elements; i++)
        result = k.withElement(result, i, softFloat(b, soft, k.element(n, i)));
      k.write(o.d, result);
    },
  });

const { FADD, FSUB, FMUL, FMULX, FDIV, FMAX, FMIN, FMAXNM, FMINNM, FABD, FRECPS, FRSQRTS } = binaryOperations;
const pairs = { FADDP: FADD, FMAXP: FMAX, FMINP: FMIN, FMAXNMP: FMAXNM, FMINNMP: FMINNM };
const across = { FMAXV: FMAX, FMINV: FMIN, FMAXNMV: FMAXNM, FMINNMV: FMINNM };
const alsoScalar = { FMULX, FABD, FRECPS, FRSQRTS, ...comparisons };
const { FRECPE, FRSQRTE } = estimates;

type Table<T> = Readonly<Record<string, T>>;
const each = <T>(table: Table<T>, make: (name: string, operation: T) => Definition): readonly Definition[] =>
  Object.entries(table).map(([name, operation]) => make(name, operation));

/** Arm ARM C4.1.6: floating point of "Advanced SIMD three same", "two-register miscellaneous", "across lanes" and their scalar forms. */
export const vectors: readonly Definition[] = [
  ...each<Binary>({ FADD, FSUB, FMUL, FDIV, FMAX, FMIN, FMAXNM, FMINNM, ...alsoScalar }, binary),
  ...each<Binary>(alsoScalar, binaryScalar),
  ...each<Ternary>({ FMLA: multiplyAdd, FMLS: multiplySubtract }, accumulating),
  ...each<Binary>(pairs, pairwise),
  ...each<Binary>(pairs, pairwiseScalar),
  ...each<Binary>(across, acrossLanes),
  ...each<Unary>({ FSQRT: squareRoot, FRECPE, FRSQRTE, ...roundings, ...zeroComparisons }, unary),
  ...each<Unary>({ ...estimates, ...zeroComparisons }, unaryScalar),
  unary("FABS", (k, x) => k.unary("abs", x)),
  unary("FNEG", (k, x) => k.unary("neg", x)),
  unsignedEstimate("URECPE", "u32.recip-estimate"),
  unsignedEstimate("URSQRTE", "u32.rsqrt-estimate"),
];
