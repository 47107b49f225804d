import type { Builder } from "../../../../engine/ir/builder.ts";
import { type Definition, define, vector } from "../define.ts";
import {
  add,
  addLongPairs,
  countLeadingSignBits,
  countLeadingZeros,
  countOnes,
  reverseBitsOfBytes,
} from "./arithmetic.ts";
import {
  arrangement,
  arrangements,
  checkEnabled,
  type Elements,
  scalarSizes,
  writeElements,
} from "./forms.ts";
import { lanesOf, pick, type Size, shiftLeft, sizeOf, type Vector, wider, zero } from "./lanes.ts";
import { addSignedToUnsigned, addUnsignedToSigned, negateSaturating } from "./saturation.ts";
import { type NarrowSize, narrowSizeOf, widen } from "./width.ts";

type TwoRegisterOperation = (b: Builder, size: Size, n: Vector, d: () => Vector) => Elements;

interface TwoRegisterEntry {
  readonly name: string;
  readonly sizes: readonly Size[];
  readonly scalar?: readonly Size[];
  readonly operation: TwoRegisterOperation;
}

const all: readonly Size[] = [0, 1, 2, 3];
const notDoubles: readonly Size[] = [0, 1, 2];
const double: readonly Size[] = [3];

const registers = { d: vector("Rd"), n: vector("Rn") };

/** Elements in reverse order within containers of the size `container`. */
const reverseWithin =
  (container: Size): TwoRegisterOperation =>
  (b, size, n) => {
    const flip = (1 << (container - size)) - 1;
    const order = Array.from({ length: 16 >> size }, (_, i) => i ^ flip);
    return pick(b, size, n, n, order);
  };

type ZeroComparison = "gt_s" | "ge_s" | "eq" | "le_s" | "lt_s";
const compareWithZero =
  (comparison: ZeroComparison): TwoRegisterOperation =>
  (b, size, n) =>
    lanesOf(b, size)[comparison](n, zero(b));

const addPairs =
  (signed: boolean, accumulating: boolean): TwoRegisterOperation =>
  (b, size, n, d) => {
    const narrow = narrowSizeOf(size);
    const sums = addLongPairs(b, narrow, n, signed);
    return accumulating ? add(b, wider(narrow), d(), sums) : sums;
  };

// biome-ignore format: one instruction per line
const operations: readonly TwoRegisterEntry[] = [
  { name: "REV64", sizes: notDoubles, operation: reverseWithin(3) },
  { name: "REV32", sizes: [0, 1], operation: reverseWithin(2) },
  { name: "REV16", sizes: [0], operation: reverseWithin(1) },
  { name: "CLS", sizes: notDoubles, operation: (b, size, n) => countLeadingSignBits(b, narrowSizeOf(size), n) },
  { name: "CLZ", sizes: notDoubles, operation: (b, size, n) => countLeadingZeros(b, narrowSizeOf(size), n) },
  { name: "CNT", sizes: [0], operation: (b, _size, n) => countOnes(b, 0, n) },
  { name: "NOT", sizes: [0], operation: (b, _size, n) => b.v128.not(n) },
  { name: "RBIT", sizes: [0], operation: (b, _size, n) => reverseBitsOfBytes(b, n) },
  { name: "SADDLP", sizes: notDoubles, operation: addPairs(true, false) },
  { name: "UADDLP", sizes: notDoubles, operation: addPairs(false, false) },
  { name: "SADALP", sizes: notDoubles, operation: addPairs(true, true) },
  { name: "UADALP", sizes: notDoubles, operation: addPairs(false, true) },
  { name: "SUQADD", sizes: all, scalar: all, operation: (b, size, n, d) => addUnsignedToSigned(b, size, d(), n) },
  { name: "USQADD", sizes: all, scalar: all, operation: (b, size, n, d) => addSignedToUnsigned(b, size, d(), n) },
  { name: "SQABS", sizes: all, scalar: all, operation: (b, size, n) => negateSaturating(b, size, n, "abs") },
  { name: "SQNEG", sizes: all, scalar: all, operation: (b, size, n) => negateSaturating(b, size, n, "neg") },
  { name: "ABS", sizes: all, scalar: double, operation: (b, size, n) => lanesOf(b, size).abs(n) },
  { name: "NEG", sizes: all, scalar: double, operation: (b, size, n) => lanesOf(b, size).neg(n) },
  { name: "CMGT_zero", sizes: all, scalar: double, operation: compareWithZero("gt_s") },
  { name: "CMGE_zero", sizes: all, scalar: double, operation: compareWithZero("ge_s") },
  { name: "CMEQ_zero", sizes: all, scalar: double, operation: compareWithZero("eq") },
  { name: "CMLE_zero", sizes: all, scalar: double, operation: compareWithZero("le_s") },
  { name: "CMLT_zero", sizes: all, scalar: double, operation: compareWithZero("lt_s") },
];

const vectorForms: readonly Definition[] = operations.map(({ name, sizes, operation }) =>
  define({
    encoding: `${name}_vector`,
    variants: { arrangement: arrangements(sizes) },
    operands: registers,
    semantics: (b, o, variant) => {
      const { size, bytes } = arrangement(variant.arrangement);
      checkEnabled(b);
      const result = operation(b, size, b.get(o.n), () => b.get(o.d));
      writeElements(b, o.d, result, bytes);
    },
  }),
);

const scalarForms: readonly Definition[] = operations.flatMap(({ name, operation, scalar: sizes }) =>
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
            const result = operation(b, size, b.get(o.n), () => b.get(o.d));
            writeElements(b, o.d, result, 1 << size);
          },
        }),
      ],
);

/** Widened elements shifted left by their old width. */
const shiftLeftLong: Definition = define({
  encoding: "SHLL_vector",
  variants: { arrangement: arrangements(notDoubles) },
  operands: registers,
  semantics: (b, o, variant) => {
    const { size: anySize, half } = arrangement(variant.arrangement);
    const size: NarrowSize = narrowSizeOf(anySize);
    checkEnabled(b);
    const widened = widen(b, size, b.get(o.n), half, false);
    b.set(o.d, shiftLeft(b, wider(size), widened, 8 << size));
  },
});

const addPairScalar: Definition = define({
  encoding: "ADDP_sisd",
  operands: registers,
  semantics: (b, o) => {
    checkEnabled(b);
    const sum = b.i64.add(b.read("i64", o.n.place, 0), b.read("i64", o.n.place, 8));
    b.set(o.d, b.i64x2.replace_lane(0, zero(b), sum));
  },
});

/** Arm ARM C4.1.6 "two-register miscellaneous", vector and scalar, without narrowing and floating point; scalar ADDP. */
export const twoRegister: readonly Definition[] = [
  ...vectorForms,
  ...scalarForms,
  shiftLeftLong,
  addPairScalar,
];
