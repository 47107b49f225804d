import { type Definition, define, vector } from "../define.ts";
import { add, subtract } from "./arithmetic.ts";
import { arrangement, arrangements, checkEnabled, scalarSizes, writeElements } from "./forms.ts";
import { wider } from "./lanes.ts";
import { lengtheningOperations } from "./lengtheningOperations.ts";
import { polynomialMultiply64 } from "./polynomial.ts";
import { highParts, narrowSizeOf, placeNarrow, roundForHighParts } from "./width.ts";

const registers = { d: vector("Rd"), n: vector("Rn"), m: vector("Rm") };

const lengthening: readonly Definition[] = lengtheningOperations.map(({ name, sizes, operation }) =>
  define({
    encoding: `${name}_vector`,
    variants: { arrangement: arrangements(sizes) },
    operands: registers,
    semantics: (b, o, variant) => {
      const { size, half } = arrangement(variant.arrangement);
      checkEnabled(b);
      const result = operation(b, narrowSizeOf(size), b.get(o.n), b.get(o.m), half, () => b.get(o.d));
      writeElements(b, o.d, result, 16);
    },
  }),
);

const scalar: readonly Definition[] = lengtheningOperations
  .filter((entry) => entry.scalar === true)
  .map(({ name, sizes, operation }) =>
    define({
      encoding: `${name}_sisd`,
      variants: { size: scalarSizes(sizes) },
      operands: registers,
      semantics: (b, o, variant) => {
        const size = narrowSizeOf(variant.size);
        checkEnabled(b);
        const result = operation(b, size, b.get(o.n), b.get(o.m), 0, () => b.get(o.d));
        writeElements(b, o.d, result, 2 << size);
      },
    }),
  );

/** The high halves of wide sums and differences. */
const narrowing: readonly Definition[] = [
  { name: "ADDHN", operation: add, rounding: false },
  { name: "RADDHN", operation: add, rounding: true },
  { name: "SUBHN", operation: subtract, rounding: false },
  { name: "RSUBHN", operation: subtract, rounding: true },
].map(({ name, operation, rounding }) =>
  define({
    encoding: `${name}_vector`,
    variants: { arrangement: arrangements([0, 1, 2]) },
    operands: registers,
    semantics: (b, o, variant) => {
      const { size: anySize, half } = arrangement(variant.arrangement);
      const size = narrowSizeOf(anySize);
      checkEnabled(b);
      const total = operation(b, wider(size), b.get(o.n), b.get(o.m));
      const narrow = highParts(b, size, rounding ? roundForHighParts(b, size, total) : total);
      b.set(
        o.d,
        placeNarrow(b, half, narrow, () => b.get(o.d)),
      );
    },
  }),
);

const polynomial64: Definition = define({
  encoding: "PMULL_1Q",
  variants: { Q: [0, 1] },
  operands: registers,
  semantics: (b, o, { Q }) => {
    checkEnabled(b);
    b.set(o.d, polynomialMultiply64(b, b.get(o.n), b.get(o.m), Q === 1 ? 1 : 0));
  },
});

/** Arm ARM C4.1.6 "Advanced SIMD three different" and "scalar three different". */
export const threeDifferent: readonly Definition[] = [...lengthening, ...scalar, ...narrowing, polynomial64];
