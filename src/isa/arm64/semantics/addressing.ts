import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { arm64State } from "../state.ts";
import type { FieldReader } from "./define.ts";
import { extended } from "./extend.ts";
import type { GeneralRegister } from "./registers.ts";

/** Variant property of every load and store with a base register: 1 when the base is SP. */
export const stackBase = { values: [0, 1], from: (f: FieldReader) => Number(f("Rn") === 31) } as const;

/**
 * The base address of a load or store. With `sp` 1 a misaligned stack pointer faults when the checks are on.
 * Arm ARM J1.3 `CheckSPAlignment`.
 */
export function baseAddress(b: Builder, base: GeneralRegister, sp: number): Value<"i64"> {
  const address = b.get(base);
  if (sp === 1) {
    b.if(b.i32.and(b.i32.wrap_i64(address), 15), () => {
      b.if(b.get(arm64State.spAlignmentCheck), () => b.raise("stackAlignmentFault"));
    });
  }
  return address;
}

/** How an immediate takes part: at the address, written back before it, or after it. */
export type Indexing = "offset" | "pre" | "post";

/** Address of an access and what the base register becomes, if anything. */
export interface Address {
  readonly address: Value<"i64">;
  readonly writeBack: Value<"i64"> | undefined;
}

/** Base and immediate offset combined as the addressing mode says. */
export function indexed(b: Builder, base: Value<"i64">, offset: Value<"i64">, indexing: Indexing): Address {
  const sum = b.i64.add(base, offset);
  switch (indexing) {
    case "offset":
      return { address: sum, writeBack: undefined };
    case "pre":
      return { address: sum, writeBack: sum };
    case "post":
      return { address: base, writeBack: sum };
  }
}

/** Variant property of register offsets: 0 UXTW, 1 a 64-bit register, 2 SXTW. */
export const offsetExtension = {
  values: [0, 1, 2],
  from: (f: FieldReader) => (f("option") === 2 ? 0 : f("option") === 6 ? 2 : 1),
} as const;

/** The offset register extended and shifted left by `amount`. */
export function registerOffset(
  b: Builder,
  source: GeneralRegister,
  extension: number,
  amount: Value<"i32">,
): Value<"i64"> {
  const option = extension === 0 ? 2 : extension === 1 ? 3 : 6;
  return b.i64.shl(extended(b, source, option), b.i64.extend_i32_u(amount));
}

/** A signed immediate of `width` bits times 2^`scale`, as a 64-bit operand. */
export const signedOffset =
  (name: string, width: number, scale: (f: FieldReader) => number = () => 0) =>
  (f: FieldReader): bigint =>
    BigInt.asIntN(width, BigInt(f(name))) << BigInt(scale(f));
