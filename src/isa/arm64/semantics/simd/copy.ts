import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import {
  type Definition,
  define,
  type FieldReader,
  imm32,
  vector,
  xDestination,
  xSource,
} from "../define.ts";
import {
  type ElementOperands,
  elementByImm5,
  elementOperands,
  imm5Size,
  insertElement,
  readElement32,
  replicateElement,
} from "./element.ts";
import { arrangement, checkEnabled, writeElements } from "./forms.ts";
import { lanesOf, type Size, sizeOf, type Vector } from "./lanes.ts";

/** Variants by the element size in `imm5`. */
const elementSize = (values: readonly Size[]) => ({ values, from: imm5Size });
const all: readonly Size[] = [0, 1, 2, 3];

/** Variants by that and Q: size · 2 + Q. */
const copyArrangement = (values: readonly number[]) => ({
  values,
  from: (f: FieldReader) => 2 * imm5Size(f) + f("Q"),
});
/** 64-bit elements come in pairs only. */
const replicated = copyArrangement([0, 1, 2, 3, 4, 5, 7]);

/** A general register's value in every element. */
function replicateGeneral(b: Builder, size: Size, value: Value<"i64">): Vector {
  return size === 3 ? b.i64x2.splat(value) : lanesOf(b, size).splat(b.i32.wrap_i64(value));
}

const destinationIndex = imm32((f) => f("imm5") >> (imm5Size(f) + 1));

/** An element as an unsigned 64-bit value. */
function unsignedElement(b: Builder, size: Size, element: ElementOperands): Value<"i64"> {
  if (size === 3) return b.read("i64", element.word.place, 0);
  const value = readElement32(b, size, element);
  if (size === 2) return b.i64.extend_i32_u(value);
  return b.i64.extend_i32_u(b.i32.and(value, size === 0 ? 0xff : 0xffff));
}

/** An element as a signed value, in 32 bits. */
function signedElement32(b: Builder, size: Size, element: ElementOperands): Value<"i32"> {
  if (size === 0) return b.i32.extend8_s(readElement32(b, 0, element));
  if (size === 1) return b.i32.extend16_s(readElement32(b, 1, element));
  return readElement32(b, 2, element);
}

const source = elementOperands(elementByImm5("Rn"));

/** Arm ARM C4.1.6 "Advanced SIMD copy" and "scalar copy". */
export const copy: readonly Definition[] = [
  define({
    encoding: "DUP_element",
    variants: { arrangement: replicated },
    operands: { d: vector("Rd"), ...source },
    semantics: (b, o, variant) => {
      const { size, bytes } = arrangement(variant.arrangement);
      checkEnabled(b);
      writeElements(b, o.d, replicateElement(b, size, o), bytes);
    },
  }),
  define({
    encoding: "DUP_element_sisd",
    variants: { size: elementSize(all) },
    operands: { d: vector("Rd"), ...source },
    semantics: (b, o, { size }) => {
      checkEnabled(b);
      writeElements(b, o.d, replicateElement(b, sizeOf(size), o), 1 << size);
    },
  }),
  define({
    encoding: "DUP_general",
    variants: { arrangement: replicated },
    operands: { d: vector("Rd"), n: xSource("Rn") },
    hot: (variant) => variant.arrangement === 1,
    semantics: (b, o, variant) => {
      const { size, bytes } = arrangement(variant.arrangement);
      checkEnabled(b);
      writeElements(b, o.d, replicateGeneral(b, size, b.get(o.n)), bytes);
    },
  }),
  define({
    encoding: "SMOV",
    variants: { arrangement: copyArrangement([0, 1, 2, 3, 5]) },
    operands: { d: xDestination("Rd"), ...source },
    semantics: (b, o, variant) => {
      const { size, half: Q } = arrangement(variant.arrangement);
      checkEnabled(b);
      const value = signedElement32(b, size, o);
      b.set(o.d, Q === 1 ? b.i64.extend_i32_s(value) : b.i64.extend_i32_u(value));
    },
  }),
  define({
    encoding: "UMOV",
    variants: { size: elementSize(all) },
    operands: { d: xDestination("Rd"), ...source },
    hot: ({ size }) => size === 3,
    semantics: (b, o, { size }) => {
      checkEnabled(b);
      b.set(o.d, unsignedElement(b, sizeOf(size), o));
    },
  }),
  define({
    encoding: "INS_general",
    variants: { size: elementSize(all) },
    operands: { d: vector("Rd"), n: xSource("Rn"), index: destinationIndex },
    semantics: (b, o, { size: number }) => {
      const size = sizeOf(number);
      checkEnabled(b);
      const value = replicateGeneral(b, size, b.get(o.n));
      b.set(o.d, insertElement(b, size, b.get(o.d), value, o.index));
    },
  }),
  define({
    encoding: "INS_element",
    variants: { size: elementSize(all) },
    operands: {
      d: vector("Rd"),
      ...elementOperands((f) => {
        const size = imm5Size(f);
        return { register: f("Rn"), size, index: f("imm4") >> size };
      }),
      index: destinationIndex,
    },
    semantics: (b, o, { size: number }) => {
      const size = sizeOf(number);
      checkEnabled(b);
      const value = replicateElement(b, size, o);
      b.set(o.d, insertElement(b, size, b.get(o.d), value, o.index));
    },
  }),
];
