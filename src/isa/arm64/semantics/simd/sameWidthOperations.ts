import type { Builder } from "../../../../engine/ir/builder.ts";
import {
  absoluteDifference,
  add,
  greater,
  greaterOrEqual,
  halvingAdd,
  halvingSubtract,
  haveCommonBits,
  maximum,
  minimum,
  multiply,
  roundingHalvingAdd,
  subtract,
} from "./arithmetic.ts";
import type { Elements } from "./forms.ts";
import { choose, lanesOf, type Size, type Vector } from "./lanes.ts";
import { polynomialMultiply } from "./polynomial.ts";
import { shiftByRegister, shiftByRegisterSaturating } from "./registerShift.ts";
import { addSaturating, doublingMultiplyHigh, subtractSaturating } from "./saturation.ts";

/** What an instruction does with elements of n and m (and d, when asked for) that gives elements of the same width. */
export type SameWidthOperation = (b: Builder, size: Size, n: Vector, m: Vector, d: () => Vector) => Elements;

/** One instruction name and where it exists. */
export interface SameWidthEntry {
  readonly name: string;
  readonly operation: SameWidthOperation;
  /** Element sizes of the vector form. */
  readonly sizes: readonly Size[];
  /** Element sizes of the scalar form, if there is one. */
  readonly scalar?: readonly Size[];
  /** Whether there are forms by an element (of 16 and 32 bits). */
  readonly byElement?: true;
}

const all: readonly Size[] = [0, 1, 2, 3];
const notDoubles: readonly Size[] = [0, 1, 2];
const halvesAndWords: readonly Size[] = [1, 2];
const bytes: readonly Size[] = [0];
const double: readonly Size[] = [3];

type Signed = (b: Builder, size: Size, n: Vector, m: Vector, signed: boolean) => Elements;

const s =
  (operation: Signed): SameWidthOperation =>
  (b, size, n, m) =>
    operation(b, size, n, m, true);
const u =
  (operation: Signed): SameWidthOperation =>
  (b, size, n, m) =>
    operation(b, size, n, m, false);
const accumulateDifference =
  (signed: boolean): SameWidthOperation =>
  (b, size, n, m, d) =>
    add(b, size, d(), absoluteDifference(b, size, n, m, signed));

/** Arm ARM C4.1.6 "Advanced SIMD three same" without floating point, and what of it has other forms. */
// biome-ignore format: one instruction per line
export const sameWidthOperations: readonly SameWidthEntry[] = [
  { name: "SHADD", sizes: notDoubles, operation: s(halvingAdd) },
  { name: "UHADD", sizes: notDoubles, operation: u(halvingAdd) },
  { name: "SRHADD", sizes: notDoubles, operation: s(roundingHalvingAdd) },
  { name: "URHADD", sizes: notDoubles, operation: u(roundingHalvingAdd) },
  { name: "SHSUB", sizes: notDoubles, operation: s(halvingSubtract) },
  { name: "UHSUB", sizes: notDoubles, operation: u(halvingSubtract) },
  { name: "SQADD", sizes: all, scalar: all, operation: s(addSaturating) },
  { name: "UQADD", sizes: all, scalar: all, operation: u(addSaturating) },
  { name: "SQSUB", sizes: all, scalar: all, operation: s(subtractSaturating) },
  { name: "UQSUB", sizes: all, scalar: all, operation: u(subtractSaturating) },
  { name: "CMGT", sizes: all, scalar: double, operation: s(greater) },
  { name: "CMHI", sizes: all, scalar: double, operation: u(greater) },
  { name: "CMGE", sizes: all, scalar: double, operation: s(greaterOrEqual) },
  { name: "CMHS", sizes: all, scalar: double, operation: u(greaterOrEqual) },
  { name: "CMTST", sizes: all, scalar: double, operation: haveCommonBits },
  { name: "CMEQ", sizes: all, scalar: double, operation: (b, size, n, m) => lanesOf(b, size).eq(n, m) },
  { name: "SSHL", sizes: all, scalar: double, operation: (b, size, n, m) => shiftByRegister(b, size, n, m, true, false) },
  { name: "USHL", sizes: all, scalar: double, operation: (b, size, n, m) => shiftByRegister(b, size, n, m, false, false) },
  { name: "SRSHL", sizes: all, scalar: double, operation: (b, size, n, m) => shiftByRegister(b, size, n, m, true, true) },
  { name: "URSHL", sizes: all, scalar: double, operation: (b, size, n, m) => shiftByRegister(b, size, n, m, false, true) },
  { name: "SQSHL", sizes: all, scalar: all, operation: (b, size, n, m) => shiftByRegisterSaturating(b, size, n, m, true, false) },
  { name: "UQSHL", sizes: all, scalar: all, operation: (b, size, n, m) => shiftByRegisterSaturating(b, size, n, m, false, false) },
  { name: "SQRSHL", sizes: all, scalar: all, operation: (b, size, n, m) => shiftByRegisterSaturating(b, size, n, m, true, true) },
  { name: "UQRSHL", sizes: all, scalar: all, operation: (b, size, n, m) => shiftByRegisterSaturating(b, size, n, m, false, true) },
  { name: "SMAX", sizes: notDoubles, operation: s(maximum) },
  { name: "UMAX", sizes: notDoubles, operation: u(maximum) },
  { name: "SMIN", sizes: notDoubles, operation: s(minimum) },
  { name: "UMIN", sizes: notDoubles, operation: u(minimum) },
  { name: "SABD", sizes: notDoubles, operation: s(absoluteDifference) },
  { name: "UABD", sizes: notDoubles, operation: u(absoluteDifference) },
  { name: "SABA", sizes: notDoubles, operation: accumulateDifference(true) },
  { name: "UABA", sizes: notDoubles, operation: accumulateDifference(false) },
  { name: "ADD", sizes: all, scalar: double, operation: add },
  { name: "SUB", sizes: all, scalar: double, operation: subtract },
  { name: "MUL", sizes: notDoubles, byElement: true, operation: multiply },
  { name: "MLA", sizes: notDoubles, byElement: true, operation: (b, size, n, m, d) => add(b, size, d(), multiply(b, size, n, m)) },
  { name: "MLS", sizes: notDoubles, byElement: true, operation: (b, size, n, m, d) => subtract(b, size, d(), multiply(b, size, n, m)) },
  { name: "PMUL", sizes: bytes, operation: (b, _size, n, m) => polynomialMultiply(b, n, m) },
  { name: "SQDMULH", sizes: halvesAndWords, scalar: halvesAndWords, byElement: true, operation: (b, size, n, m) => doublingMultiplyHigh(b, size, n, m, false) },
  { name: "SQRDMULH", sizes: halvesAndWords, scalar: halvesAndWords, byElement: true, operation: (b, size, n, m) => doublingMultiplyHigh(b, size, n, m, true) },
];

/** AND, BIC and the like: what they do with whole registers. */
// biome-ignore format: one instruction per line
export const bitwiseOperations: readonly { readonly name: string; readonly operation: SameWidthOperation }[] = [
  { name: "AND", operation: (b, _size, n, m) => b.v128.and(n, m) },
  { name: "BIC", operation: (b, _size, n, m) => b.v128.andnot(n, m) },
  { name: "ORR", operation: (b, _size, n, m) => b.v128.or(n, m) },
  { name: "ORN", operation: (b, _size, n, m) => b.v128.or(n, b.v128.not(m)) },
  { name: "EOR", operation: (b, _size, n, m) => b.v128.xor(n, m) },
  { name: "BSL", operation: (b, _size, n, m, d) => choose(b, d(), n, m) },
  { name: "BIT", operation: (b, _size, n, m, d) => choose(b, m, n, d()) },
  { name: "BIF", operation: (b, _size, n, m, d) => choose(b, m, d(), n) },
];

/** Instructions on neighbouring elements of m:n: what they do with each pair. */
// biome-ignore format: one instruction per line
export const pairwiseOperations: readonly { readonly name: string; readonly sizes: readonly Size[]; readonly operation: SameWidthOperation }[] = [
  { name: "ADDP", sizes: all, operation: add },
  { name: "SMAXP", sizes: notDoubles, operation: s(maximum) },
  { name: "UMAXP", sizes: notDoubles, operation: u(maximum) },
  { name: "SMINP", sizes: notDoubles, operation: s(minimum) },
  { name: "UMINP", sizes: notDoubles, operation: u(minimum) },
];
