import { type Definition, define, vector } from "../define.ts";
import { arrangement, arrangements, checkEnabled, scalarSizes, writeElements } from "./forms.ts";
import { everySecond, lowHalves, sizeOf } from "./lanes.ts";
import { bitwiseOperations, pairwiseOperations, sameWidthOperations } from "./sameWidthOperations.ts";

const registers = { d: vector("Rd"), n: vector("Rn"), m: vector("Rm") };

/** What copying, searching and hashing code is full of: instruction and arrangement (for the bitwise ones, Q). */
const hotOperations = new Set(["ORR 1", "EOR 1", "AND 1", "CMEQ 1", "ADD 5", "UMAXP 1"]);
const isHot = (name: string, number: number): boolean => hotOperations.has(`${name} ${number}`);

const elementwise: readonly Definition[] = sameWidthOperations.map(({ name, sizes, operation }) =>
  define({
    encoding: `${name}_vector`,
    variants: { arrangement: arrangements(sizes) },
    operands: registers,
    hot: (variant) => isHot(name, variant.arrangement),
    semantics: (b, o, variant) => {
      const { size, bytes } = arrangement(variant.arrangement);
      checkEnabled(b);
      const result = operation(b, size, b.get(o.n), b.get(o.m), () => b.get(o.d));
      writeElements(b, o.d, result, bytes);
    },
  }),
);

const scalar: readonly Definition[] = sameWidthOperations.flatMap(({ name, operation, scalar: sizes }) =>
  sizes === undefined
    ? []
    : [
        define({
          encoding: `${name}_sisd`,
          variants: { size: scalarSizes(sizes) },
          operands: registers,
          semantics: (b, o, variant) => {
            const size = sizeOf(variant.size);
            checkEnabled(b);
            const result = operation(b, size, b.get(o.n), b.get(o.m), () => b.get(o.d));
            writeElements(b, o.d, result, 1 << size);
          },
        }),
      ],
);

const bitwise: readonly Definition[] = bitwiseOperations.map(({ name, operation }) =>
  define({
    encoding: `${name}_vector`,
    variants: { Q: [0, 1] },
    operands: registers,
    hot: ({ Q }) => isHot(name, Q),
    semantics: (b, o, { Q }) => {
      checkEnabled(b);
      const result = operation(b, 3, b.get(o.n), b.get(o.m), () => b.get(o.d));
      writeElements(b, o.d, result, 8 << Q);
    },
  }),
);

const pairwise: readonly Definition[] = pairwiseOperations.map(({ name, sizes, operation }) =>
  define({
    encoding: `${name}_vector`,
    variants: { arrangement: arrangements(sizes) },
    operands: registers,
    hot: (variant) => isHot(name, variant.arrangement),
    semantics: (b, o, variant) => {
      const { size, bytes } = arrangement(variant.arrangement);
      checkEnabled(b);
      const n = b.get(o.n);
      const m = b.get(o.m);
      const [low, high] = bytes === 16 ? [n, m] : [lowHalves(b, n, m), n];
      const even = everySecond(b, size, low, high, 0);
      const odd = everySecond(b, size, low, high, 1);
      const result = operation(b, size, even, odd, () => b.get(o.d));
      writeElements(b, o.d, result, bytes);
    },
  }),
);

/** Arm ARM C4.1.6 "Advanced SIMD three same" and "scalar three same", without floating point. */
export const threeSame: readonly Definition[] = [...elementwise, ...scalar, ...bitwise, ...pairwise];
