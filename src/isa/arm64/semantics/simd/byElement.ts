import { type Definition, define, type FieldReader, vector } from "../define.ts";
import { type ElementPlace, elementOperands, replicateElement } from "./element.ts";
import { arrangement, arrangements, checkEnabled, scalarSizes, writeElements } from "./forms.ts";
import { type Size, sizeOf } from "./lanes.ts";
import { lengtheningOperations } from "./lengtheningOperations.ts";
import { sameWidthOperations } from "./sameWidthOperations.ts";
import { narrowSizeOf } from "./width.ts";

const halvesAndWords: readonly Size[] = [1, 2];

/** H:L:M of V0–V15 for 16 bits, H:L of M:Rm for 32. Arm ARM C7.2 "MUL (by element)". */
function indexedElement(f: FieldReader): ElementPlace {
  const size = sizeOf(f("size"));
  if (size === 1) return { register: f("Rm"), size, index: f("H") * 4 + f("L") * 2 + f("M") };
  return { register: f("M") * 16 + f("Rm"), size, index: f("H") * 2 + f("L") };
}

const operands = { d: vector("Rd"), n: vector("Rn"), ...elementOperands(indexedElement) };

const sameWidth: readonly Definition[] = sameWidthOperations
  .filter((entry) => entry.byElement === true)
  .flatMap(({ name, operation, scalar }) => {
    const vectorForm = define({
      encoding: `${name}_elem`,
      variants: { arrangement: arrangements(halvesAndWords) },
      operands,
      semantics: (b, o, variant) => {
        const { size, bytes } = arrangement(variant.arrangement);
        checkEnabled(b);
        const m = replicateElement(b, size, o);
        writeElements(
          b,
          o.d,
          operation(b, size, b.get(o.n), m, () => b.get(o.d)),
          bytes,
        );
      },
    });
    if (scalar === undefined) return [vectorForm];
    const scalarForm = define({
      encoding: `${name}_elem_sisd`,
      variants: { size: scalarSizes(halvesAndWords) },
      operands,
      semantics: (b, o, variant) => {
        const size = sizeOf(variant.size);
        checkEnabled(b);
        const m = replicateElement(b, size, o);
        writeElements(
          b,
          o.d,
          operation(b, size, b.get(o.n), m, () => b.get(o.d)),
          1 << size,
        );
      },
    });
    return [vectorForm, scalarForm];
  });

const lengthening: readonly Definition[] = lengtheningOperations
  .filter((entry) => entry.byElement === true)
  .flatMap(({ name, operation, scalar }) => {
    const vectorForm = define({
      encoding: `${name}_elem`,
      variants: { arrangement: arrangements(halvesAndWords) },
      operands,
      semantics: (b, o, variant) => {
        const { size: anySize, half } = arrangement(variant.arrangement);
        const size = narrowSizeOf(anySize);
        checkEnabled(b);
        const m = replicateElement(b, size, o);
        writeElements(
          b,
          o.d,
          operation(b, size, b.get(o.n), m, half, () => b.get(o.d)),
          16,
        );
      },
    });
    if (scalar !== true) return [vectorForm];
    const scalarForm = define({
      encoding: `${name}_elem_sisd`,
      variants: { size: scalarSizes(halvesAndWords) },
      operands,
      semantics: (b, o, variant) => {
        const size = narrowSizeOf(variant.size);
        checkEnabled(b);
        const m = replicateElement(b, size, o);
        writeElements(
          b,
          o.d,
          operation(b, size, b.get(o.n), m, 0, () => b.get(o.d)),
          2 << size,
        );
      },
    });
    return [vectorForm, scalarForm];
  });

/** Arm ARM C4.1.6 "Advanced SIMD vector x indexed element" and "scalar x indexed element" without floating point. */
export const byElement: readonly Definition[] = [...sameWidth, ...lengthening];
