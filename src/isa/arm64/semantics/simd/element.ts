import type { Builder, Operand, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import { registerOperand } from "../../../../engine/layout.ts";
import { vectorRegisterAddress } from "../../state.ts";
import { type FieldReader, imm32, type OperandSpec } from "../define.ts";
import { choose, lanesOf, type Size, type Vector } from "./lanes.ts";

/** One element of a register, as found in the fields. */
export interface ElementPlace {
  readonly register: number;
  readonly size: Size;
  readonly index: number;
}

/** A machine word of a register: the 32 bits (64 for the largest size) that hold an element. */
type ElementWord = RegisterOperand<"i64">;

/** The operands that name an element: where its word is, and how many bits below it the word has. */
export interface ElementOperands {
  readonly word: ElementWord;
  readonly below: Value<"i32">;
}

/** Specifications for the operands of one source element. State is in memory, so that any element has an address. */
export function elementOperands(place: (f: FieldReader) => ElementPlace): {
  readonly word: OperandSpec<ElementWord>;
  readonly below: OperandSpec<Value<"i32">>;
} {
  return {
    word: {
      kind: "register",
      encode: (f) => {
        const { register, size, index } = place(f);
        const byte = index << size;
        return vectorRegisterAddress(register) + (size === 3 ? byte : byte & ~3);
      },
      bind: (_b, index) => registerOperand("i64", index),
    },
    below: imm32((f) => {
      const { size, index } = place(f);
      return size < 2 ? ((index << size) & 3) * 8 : 0;
    }),
  };
}

/** An element of at most 32 bits at the bottom of an i32; what stands above it is not meaningful. */
export function readElement32(b: Builder, size: 0 | 1 | 2, element: ElementOperands): Value<"i32"> {
  const word = b.read("i32", element.word.place, 0);
  return size === 2 ? word : b.i32.shr_u(word, element.below);
}

/** An element in every element of a vector. */
export function replicateElement(b: Builder, size: Size, element: ElementOperands): Vector {
  if (size === 3) return b.i64x2.splat(b.read("i64", element.word.place, 0));
  return lanesOf(b, size).splat(readElement32(b, size, element));
}

/** `v` with the element number `index` taken from the same place of `source`. */
export function insertElement(
  b: Builder,
  size: Size,
  v: Vector,
  source: Vector,
  index: Operand<"i32">,
): Vector {
  return choose(b, elementMask(b, size, index), source, v);
}

/** All ones in the element number `index`. */
function elementMask(b: Builder, size: Size, index: Operand<"i32">): Vector {
  const numbers = (half: number): bigint =>
    Array.from({ length: 8 }, (_, byte) => BigInt((byte + 8 * half) >> size) << BigInt(8 * byte)).reduce(
      (all, one) => all | one,
    );
  return b.i8x16.eq(b.constV128(numbers(0), numbers(1)), b.i8x16.splat(index));
}

/** The place of an element by `imm5`: the lowest one is the size, the bits above it the index. */
export function elementByImm5(registerField: string): (f: FieldReader) => ElementPlace {
  return (f) => {
    const size = imm5Size(f);
    return { register: f(registerField), size, index: f("imm5") >> (size + 1) };
  };
}

/** Element size by the lowest one of `imm5`. */
export function imm5Size(f: FieldReader): Size {
  return (31 - Math.clz32(f("imm5") & -f("imm5"))) as Size;
}
