import { type Definition, define, type FieldReader, vector } from "../define.ts";
import { type ElementPlace, elementOperands } from "../simd/element.ts";
import { arrangements, checkEnabled, inPrecision, precisions, vectorArithmetic } from "./forms.ts";
import { binaryOperations, multiplyAdd, multiplySubtract, type Ternary } from "./operations.ts";

/** A single is chosen by H:L, a double by H, from the register M:Rm. Arm ARM C7.2 "FMUL (by element)". */
function element(f: FieldReader): ElementPlace {
  const register = f("M") * 16 + f("Rm");
  if (f("sz") === 1) return { register, size: 3, index: f("H") };
  return { register, size: 2, index: f("H") * 2 + f("L") };
}

const operands = { d: vector("Rd"), n: vector("Rn"), m: elementOperands(element).word };

const { FMUL, FMULX } = binaryOperations;

/** The accumulator comes first; the plain products ignore it. */
const operations: Readonly<Record<string, Ternary>> = {
  FMLA: multiplyAdd,
  FMLS: multiplySubtract,
  FMUL: (k, _d, n, m) => FMUL(k, n, m),
  FMULX: (k, _d, n, m) => FMULX(k, n, m),
};

/** Floating point of Arm ARM C4.1.6 "Advanced SIMD vector x indexed element" and "scalar x indexed element". */
export const byElement: readonly Definition[] = Object.entries(operations).flatMap(([name, operation]) => [
  define({
    encoding: `${name}_elem`,
    variants: { arrangement: arrangements },
    operands,
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      const k = vectorArithmetic(b, arrangement);
      k.write(o.d, operation(k, k.read(o.d), k.read(o.n), k.replicate(o.m)));
    },
  }),
  define({
    encoding: `${name}_elem_sisd`,
    variants: { sz: precisions("sz") },
    operands,
    semantics: (b, o, { sz }) => {
      checkEnabled(b);
      inPrecision(b, sz, (k) => k.write(o.d, operation(k, k.read(o.d), k.read(o.n), k.replicate(o.m))));
    },
  }),
]);
