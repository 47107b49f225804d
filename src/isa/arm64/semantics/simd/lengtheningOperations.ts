import type { Builder } from "../../../../engine/ir/builder.ts";
import { absoluteDifference, add, subtract } from "./arithmetic.ts";
import type { Elements } from "./forms.ts";
import { type Vector, wider } from "./lanes.ts";
import { polynomialMultiplyLong } from "./polynomial.ts";
import { accumulateDoubleProduct, doubleProduct } from "./saturation.ts";
import { type Half, multiplyLong, type NarrowSize, widen } from "./width.ts";

/** What an instruction does with narrow elements of one half of n and m (and the wide ones of d) that gives wide elements. */
export type LengtheningOperation = (
  b: Builder,
  size: NarrowSize,
  n: Vector,
  m: Vector,
  half: Half,
  d: () => Vector,
) => Elements;

/** One instruction name and where it exists. */
export interface LengtheningEntry {
  readonly name: string;
  readonly operation: LengtheningOperation;
  /** Sizes of the narrow elements. */
  readonly sizes: readonly NarrowSize[];
  /** Whether there are scalar forms (of 16 and 32 bits). */
  readonly scalar?: true;
  /** Whether there are forms by an element (of 16 and 32 bits). */
  readonly byElement?: true;
}

type WideOperation = (b: Builder, size: 1 | 2 | 3, x: Vector, y: Vector) => Vector;

/** Both sources widened, then combined. */
const long =
  (operation: WideOperation, signed: boolean): LengtheningOperation =>
  (b, size, n, m, half) =>
    operation(b, wider(size), widen(b, size, n, half, signed), widen(b, size, m, half, signed));

/** n is wide already. */
const wide =
  (operation: WideOperation, signed: boolean): LengtheningOperation =>
  (b, size, n, m, half) =>
    operation(b, wider(size), n, widen(b, size, m, half, signed));

/** However they were extended, widened values are signed values of the wider size. */
const difference: WideOperation = (b, size, x, y) => absoluteDifference(b, size, x, y, true);

const accumulateDifference =
  (signed: boolean): LengtheningOperation =>
  (b, size, n, m, half, d) => {
    const wideSize = wider(size);
    const x = widen(b, size, n, half, signed);
    const y = widen(b, size, m, half, signed);
    return add(b, wideSize, d(), difference(b, wideSize, x, y));
  };

const product =
  (signed: boolean): LengtheningOperation =>
  (b, size, n, m, half) =>
    multiplyLong(b, size, n, m, half, signed);

const accumulateProduct =
  (operation: WideOperation, signed: boolean): LengtheningOperation =>
  (b, size, n, m, half, d) =>
    operation(b, wider(size), d(), multiplyLong(b, size, n, m, half, signed));

const doublingSize = (size: NarrowSize): 2 | 3 => (size === 1 ? 2 : 3);

const accumulateDoubled =
  (subtracting: boolean): LengtheningOperation =>
  (b, size, n, m, half, d) => {
    const full = multiplyLong(b, size, n, m, half, true);
    return accumulateDoubleProduct(b, doublingSize(size), d(), full, subtracting);
  };

const all: readonly NarrowSize[] = [0, 1, 2];
const halvesAndWords: readonly NarrowSize[] = [1, 2];

/** Arm ARM C4.1.6 "Advanced SIMD three different" that lengthen, and what of them has other forms. */
// biome-ignore format: one instruction per line
export const lengtheningOperations: readonly LengtheningEntry[] = [
  { name: "SADDL", sizes: all, operation: long(add, true) },
  { name: "UADDL", sizes: all, operation: long(add, false) },
  { name: "SSUBL", sizes: all, operation: long(subtract, true) },
  { name: "USUBL", sizes: all, operation: long(subtract, false) },
  { name: "SADDW", sizes: all, operation: wide(add, true) },
  { name: "UADDW", sizes: all, operation: wide(add, false) },
  { name: "SSUBW", sizes: all, operation: wide(subtract, true) },
  { name: "USUBW", sizes: all, operation: wide(subtract, false) },
  { name: "SABDL", sizes: all, operation: long(difference, true) },
  { name: "UABDL", sizes: all, operation: long(difference, false) },
  { name: "SABAL", sizes: all, operation: accumulateDifference(true) },
  { name: "UABAL", sizes: all, operation: accumulateDifference(false) },
  { name: "SMULL", sizes: all, byElement: true, operation: product(true) },
  { name: "UMULL", sizes: all, byElement: true, operation: product(false) },
  { name: "SMLAL", sizes: all, byElement: true, operation: accumulateProduct(add, true) },
  { name: "UMLAL", sizes: all, byElement: true, operation: accumulateProduct(add, false) },
  { name: "SMLSL", sizes: all, byElement: true, operation: accumulateProduct(subtract, true) },
  { name: "UMLSL", sizes: all, byElement: true, operation: accumulateProduct(subtract, false) },
  { name: "PMULL", sizes: [0], operation: (b, _size, n, m, half) => polynomialMultiplyLong(b, n, m, half) },
  { name: "SQDMULL", sizes: halvesAndWords, scalar: true, byElement: true, operation: (b, size, n, m, half) => doubleProduct(b, doublingSize(size), multiplyLong(b, size, n, m, half, true)) },
  { name: "SQDMLAL", sizes: halvesAndWords, scalar: true, byElement: true, operation: accumulateDoubled(false) },
  { name: "SQDMLSL", sizes: halvesAndWords, scalar: true, byElement: true, operation: accumulateDoubled(true) },
];
