import type { Builder, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import { registerOperand, zeroRegisterAddress } from "../../../../engine/layout.ts";
import { arm64State, vectorRegisterAddress } from "../../state.ts";
import { type FieldReader, type OperandSpec, type VariantSpec, xOrSp, xSource } from "../define.ts";

/** What follows the access: nothing, an immediate that is the number of bytes moved, or a register is added to the base. */
export type PostIndex = "none" | "bytes" | "register";

/** One of the encodings of a form, and how its base register moves on. */
export interface AddressingForm {
  readonly suffix: "" | "_post";
  readonly variants: { readonly post: VariantSpec };
}

const postIndexes = ["none", "bytes", "register"] as const;

/** The two encodings that every structure access has; Rm 31 stands for the number of bytes. */
export const addressingForms: readonly AddressingForm[] = [
  { suffix: "", variants: { post: { values: [0], from: () => 0 } } },
  { suffix: "_post", variants: { post: { values: [1, 2], from: (f) => (f("Rm") === 31 ? 1 : 2) } } },
];

/** What a `post` variant means. */
export function postIndexOf(variant: number): PostIndex {
  return postIndexes[variant] ?? "none";
}

/** Operands of the address: base, index and whether the base must be aligned as a stack pointer. */
export interface AddressOperands {
  readonly n: RegisterOperand<"i64">;
  readonly m: RegisterOperand<"i64">;
  readonly stackCheck: RegisterOperand<"i32">;
}

/**
 * Specifications of the address operands. Records have no room for another integer beside four vector registers, and variants
 * for SP would double the number of operations, so `stackCheck` says where to read whether a check is wanted: at the CPU's
 * own switch when the base is SP, at the zero register when it is not.
 */
export function addressOperands(suffix: AddressingForm["suffix"]): {
  readonly n: OperandSpec<RegisterOperand<"i64">>;
  readonly m: OperandSpec<RegisterOperand<"i64">>;
  readonly stackCheck: OperandSpec<RegisterOperand<"i32">>;
} {
  return {
    n: xOrSp("Rn"),
    m: suffix === "" ? xSource(() => 31) : xSource("Rm"),
    stackCheck: {
      kind: "register",
      encode: (f) => (f("Rn") === 31 ? arm64State.spAlignmentCheck.place.address : zeroRegisterAddress),
      bind: (_b, index) => registerOperand("i32", index),
    },
  };
}

/** The base address. Arm ARM J1.3 `CheckSPAlignment`. */
export function structureAddress(b: Builder, { n, stackCheck }: AddressOperands): Value<"i64"> {
  const address = b.get(n);
  b.if(b.get(stackCheck), () => {
    b.if(b.i32.and(b.i32.wrap_i64(address), 15), () => b.raise("stackAlignmentFault"));
  });
  return address;
}

/** Moves the base register on, after everything that can fault. */
export function postIndex(
  b: Builder,
  { n, m }: AddressOperands,
  address: Value<"i64">,
  post: PostIndex,
  bytes: number,
): void {
  switch (post) {
    case "none":
      return;
    case "bytes":
      b.set(n, b.i64.add(address, BigInt(bytes)));
      return;
    case "register":
      b.set(n, b.i64.add(address, b.get(m)));
  }
}

/** The operand for register Vt+i (modulo 32) of a list. */
export function listRegister(i: number): OperandSpec<RegisterOperand<"v128">> {
  return {
    kind: "register",
    encode: (f: FieldReader) => vectorRegisterAddress((f("Rt") + i) & 31),
    bind: (_b, index) => registerOperand("v128", index),
  };
}
