import type { Builder, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import { registerOperand } from "../../../../engine/layout.ts";
import { vectorRegisterAddress } from "../../state.ts";
import {
  type Definition,
  define,
  type FieldReader,
  imm32,
  type OperandSpec,
  type VariantSpec,
} from "../define.ts";
import { insertElement } from "./element.ts";
import { checkEnabled } from "./forms.ts";
import { lowest, type Size, sizeOf, type Vector } from "./lanes.ts";
import {
  type AddressingForm,
  type AddressOperands,
  addressingForms,
  addressOperands,
  listRegister,
  postIndex,
  postIndexOf,
  structureAddress,
} from "./structureAddress.ts";

/** Element size of a single structure: `scale`, but 64 bits where `size` says so. Arm ARM C7.2 "LD1 (single structure)". */
function elementSize(f: FieldReader): Size {
  return f("scale") === 2 && f("size") === 1 ? 3 : sizeOf(f("scale"));
}

/** Element number: Q:S:size without the bits below the element's size. */
function elementIndex(f: FieldReader): number {
  return (f("Q") * 8 + f("S") * 4 + f("size")) >> elementSize(f);
}

/** Loads one element into every element of a vector. */
function loadReplicated(b: Builder, size: Size, address: Value<"i64">): Vector {
  switch (size) {
    case 0:
      return b.i8x16.splat(b.load("i32", "i32.load8_u", address));
    case 1:
      return b.i16x8.splat(b.load("i32", "i32.load16_u", address));
    case 2:
      return b.i32x4.splat(b.load("i32", "i32.load", address));
    case 3:
      return b.i64x2.splat(b.load("i64", "i64.load", address));
  }
}

/** Address of the element of register number i of the list. */
function elementAddress(b: Builder, base: Value<"i64">, size: Size, i: number): Value<"i64"> {
  return i === 0 ? base : b.i64.add(base, BigInt(i << size));
}

type Specs<T> = Readonly<Record<string, OperandSpec<T>>>;

function listOperands<T>(count: number, spec: (i: number) => OperandSpec<T>): Specs<T> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, spec(i)]));
}

function listOf<T>(operands: Readonly<Record<string, unknown>>, count: number): readonly T[] {
  return Array.from({ length: count }, (_, i) => operands[`t${i}`] as T);
}

const counts = [1, 2, 3, 4];

/** Reads every element from memory, then gives each register its one. */
function loadEach(
  b: Builder,
  registers: readonly RegisterOperand<"v128">[],
  base: Value<"i64">,
  size: Size,
  merge: (register: RegisterOperand<"v128">, replicated: Vector) => Vector,
): void {
  const loaded = registers.map((_, i) => loadReplicated(b, size, elementAddress(b, base, size, i)));
  registers.forEach((register, i) => {
    const replicated = loaded[i];
    if (replicated !== undefined) b.set(register, merge(register, replicated));
  });
}

/** Every element of a register: 16 of 8 bits, 8 of 16, 4 of 32, 2 of 64, in this order. */
const elements: readonly { readonly size: Size; readonly index: number }[] = ([0, 1, 2, 3] as const).flatMap(
  (size) => Array.from({ length: 16 >> size }, (_, index) => ({ size, index })),
);

/** One of `elements` as a variant. */
const elementVariant: VariantSpec = {
  values: elements.map((_, number) => number),
  from: (f) => elements.findIndex(({ size, index }) => size === elementSize(f) && index === elementIndex(f)),
};

/** LD1 and LD2: the element's number is an operand. */
function loadElement(count: number, { suffix, variants }: AddressingForm): Definition {
  return define({
    encoding: `LD${count}_single${suffix}`,
    variants: { size: { values: [0, 1, 2, 3], from: elementSize }, post: variants.post },
    operands: {
      ...listOperands(count, listRegister),
      ...addressOperands(suffix),
      index: imm32(elementIndex),
    },
    semantics: (b, o, variant) => {
      const size = sizeOf(variant.size);
      const address: AddressOperands = o;
      const index: Value<"i32"> = o.index;
      checkEnabled(b);
      const base = structureAddress(b, address);
      loadEach(b, listOf(o, count), base, size, (register, replicated) =>
        insertElement(b, size, b.get(register), replicated, index),
      );
      postIndex(b, address, base, postIndexOf(variant.post), count << size);
    },
  });
}

/** LD3 and LD4: a record has no room for the element's number beside so many registers. */
function loadElementOfMany(count: number, { suffix, variants }: AddressingForm): Definition {
  return define({
    encoding: `LD${count}_single${suffix}`,
    variants: { element: elementVariant, post: variants.post },
    operands: { ...listOperands(count, listRegister), ...addressOperands(suffix) },
    semantics: (b, o, variant) => {
      const { size, index } = elementOf(variant.element);
      const address: AddressOperands = o;
      checkEnabled(b);
      const base = structureAddress(b, address);
      loadEach(b, listOf(o, count), base, size, (register, replicated) =>
        insertElement(b, size, b.get(register), replicated, index),
      );
      postIndex(b, address, base, postIndexOf(variant.post), count << size);
    },
  });
}

function elementOf(variant: number): { readonly size: Size; readonly index: number } {
  const element = elements[variant];
  if (element === undefined) throw new RangeError(`no element ${variant}`);
  return element;
}

function loadReplicate(count: number, { suffix, variants }: AddressingForm): Definition {
  return define({
    encoding: `LD${count}R${suffix}`,
    variants: { size: [0, 1, 2, 3], Q: [0, 1], post: variants.post },
    operands: { ...listOperands(count, listRegister), ...addressOperands(suffix) },
    semantics: (b, o, variant) => {
      const size = sizeOf(variant.size);
      const address: AddressOperands = o;
      checkEnabled(b);
      const base = structureAddress(b, address);
      loadEach(b, listOf(o, count), base, size, (_register, replicated) =>
        lowest(b, replicated, 8 << variant.Q),
      );
      postIndex(b, address, base, postIndexOf(variant.post), count << size);
    },
  });
}

/** An element's size and its place within a 32-bit word (within the element itself for 64 bits), as a variant. */
const wordPart: VariantSpec = {
  values: [0, 1, 2, 3, 4, 5, 6, 7],
  from: (f) => {
    const size = elementSize(f);
    const first = [0, 4, 6, 7][size] ?? 0;
    return size < 2 ? first + (elementIndex(f) & (3 >> size)) : first;
  },
};

function partOf(variant: number): { readonly size: Size; readonly below: number } {
  if (variant < 4) return { size: 0, below: 8 * variant };
  if (variant < 6) return { size: 1, below: 16 * (variant - 4) };
  return { size: variant === 6 ? 2 : 3, below: 0 };
}

/** The word of register Vt+i that holds the element. */
function elementWord(i: number): OperandSpec<RegisterOperand<"i64">> {
  return {
    kind: "register",
    encode: (f) => {
      const byte = elementIndex(f) << elementSize(f);
      return vectorRegisterAddress((f("Rt") + i) & 31) + (elementSize(f) === 3 ? byte : byte & ~3);
    },
    bind: (_b, index) => registerOperand("i64", index),
  };
}

/** Stores `size` of a word, `below` bits up. */
function storeElement(
  b: Builder,
  size: Size,
  below: number,
  address: Value<"i64">,
  word: RegisterOperand<"i64">,
): void {
  if (size === 3) {
    b.store("i64", "i64.store", address, b.get(word));
    return;
  }
  const bits = b.read("i32", word.place, 0);
  const operator = (["i32.store8", "i32.store16", "i32.store"] as const)[size];
  b.store("i32", operator, address, below === 0 ? bits : b.i32.shr_u(bits, below));
}

function storeElements(count: number, { suffix, variants }: AddressingForm): Definition {
  return define({
    encoding: `ST${count}_single${suffix}`,
    variants: { part: wordPart, post: variants.post },
    operands: { ...listOperands(count, elementWord), ...addressOperands(suffix) },
    semantics: (b, o, variant) => {
      const { size, below } = partOf(variant.part);
      const address: AddressOperands = o;
      checkEnabled(b);
      const base = structureAddress(b, address);
      listOf<RegisterOperand<"i64">>(o, count).forEach((word, i) => {
        storeElement(b, size, below, elementAddress(b, base, size, i), word);
      });
      postIndex(b, address, base, postIndexOf(variant.post), count << size);
    },
  });
}

/** Arm ARM C4.1.4 "Advanced SIMD load/store single structure". */
export const singleStructures: readonly Definition[] = addressingForms.flatMap((form) =>
  counts.flatMap((count) => [
    count < 3 ? loadElement(count, form) : loadElementOfMany(count, form),
    loadReplicate(count, form),
    storeElements(count, form),
  ]),
);
