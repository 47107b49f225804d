import type { Builder, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import { type Definition, define, type OperandSpec, type VariantSpec } from "../define.ts";
import { arrangement, arrangements, checkEnabled } from "./forms.ts";
import { lowest, type Size, type Vector, zero } from "./lanes.ts";
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

type Registers = readonly RegisterOperand<"v128">[];

/** How the bytes of registers and of memory correspond. */
interface Layout {
  /** Registers in the list. */
  readonly count: number;
  /** Elements of one structure: 1 when the registers follow each other in memory. */
  readonly interleave: number;
  readonly size: Size;
  /** Bytes of each register. */
  readonly bytes: 8 | 16;
}

/** Offset in memory of a byte of a register. */
function memoryOffset({ interleave, size, bytes }: Layout, register: number, byte: number): number {
  if (interleave === 1) return register * bytes + byte;
  const element = byte >> size;
  return ((element * interleave + register) << size) + (byte & ((1 << size) - 1));
}

/**
 * Sixteen bytes from `sources` laid end to end, each 16 bytes: byte i is number `wanted[i]`; where that is undefined, the
 * byte is not meaningful.
 */
function gather(b: Builder, sources: readonly Vector[], wanted: readonly (number | undefined)[]): Vector {
  let result: Vector | undefined;
  sources.forEach((source, number) => {
    if (!wanted.some((byte) => byte !== undefined && byte >> 4 === number)) return;
    if (result === undefined) {
      const inPlace = wanted.every((byte, i) => byte === undefined || byte === number * 16 + i);
      const lanes = wanted.map((byte) => (byte === undefined ? 0 : byte & 15));
      result = inPlace ? source : b.shuffle(source, source, lanes);
      return;
    }
    const lanes = wanted.map((byte, i) =>
      byte !== undefined && byte >> 4 === number ? 16 + (byte & 15) : i,
    );
    result = b.shuffle(result, source, lanes);
  });
  return result ?? zero(b);
}

/** Memory in pieces of 16 bytes, the last one perhaps of 8. */
function pieces({ count, bytes }: Layout): readonly { readonly offset: number; readonly bytes: 8 | 16 }[] {
  const total = count * bytes;
  return Array.from({ length: Math.ceil(total / 16) }, (_, i) => ({
    offset: i * 16,
    bytes: total - i * 16 >= 16 ? 16 : 8,
  }));
}

function loadPieces(b: Builder, address: Value<"i64">, layout: Layout): readonly Vector[] {
  const element = 1 << layout.size;
  return pieces(layout).map(({ offset, bytes }) => {
    const at = offset === 0 ? address : b.i64.add(address, BigInt(offset));
    if (bytes === 16) return b.load("v128", "v128.load", at, { element });
    return b.i64x2.splat(b.load("i64", "i64.load", at, { element }));
  });
}

function loadStructures(b: Builder, registers: Registers, address: Value<"i64">, layout: Layout): void {
  const memory = loadPieces(b, address, layout);
  const values = registers.map((_, register) => {
    const wanted = Array.from({ length: 16 }, (_, byte) =>
      byte < layout.bytes ? memoryOffset(layout, register, byte) : undefined,
    );
    return lowest(b, gather(b, memory, wanted), layout.bytes);
  });
  registers.forEach((register, i) => {
    b.set(register, values[i] ?? zero(b));
  });
}

function storeStructures(b: Builder, registers: Registers, address: Value<"i64">, layout: Layout): void {
  const values = registers.map((register) => b.get(register));
  const source: (number | undefined)[] = [];
  registers.forEach((_, register) => {
    for (let byte = 0; byte < layout.bytes; byte++) {
      source[memoryOffset(layout, register, byte)] = register * 16 + byte;
    }
  });
  const element = 1 << layout.size;
  for (const { offset, bytes } of pieces(layout)) {
    const at = offset === 0 ? address : b.i64.add(address, BigInt(offset));
    const wanted = Array.from({ length: 16 }, (_, i) => source[offset + i]);
    const value = gather(b, values, wanted);
    if (bytes === 16) b.store("v128", "v128.store", at, value, { element });
    else b.store("i64", "i64.store", at, b.i64x2.extract_lane(0, value), { element });
  }
}

/** Structures of 64-bit elements in 8-byte registers exist only where nothing is interleaved. */
const plainArrangements: VariantSpec = {
  values: [0, 1, 2, 3, 4, 5, 6, 7],
  from: (f) => 2 * f("size") + f("Q"),
};

/** Registers in the list of LD1 and ST1 by `opcode`. */
const plainCount: VariantSpec = {
  values: [1, 2, 3, 4],
  from: (f) => ({ 7: 1, 10: 2, 6: 3, 2: 4 })[f("opcode")] ?? 0,
};

type ListOperands = Readonly<Record<string, OperandSpec<RegisterOperand<"v128">>>>;

/** Operands for Vt, Vt+1…; a list shorter than `count` must not look at the rest. */
function listOperands(count: number): ListOperands {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, listRegister(i)]));
}

function listOf(operands: Readonly<Record<string, unknown>>, count: number): Registers {
  return Array.from({ length: count }, (_, i) => operands[`t${i}`] as RegisterOperand<"v128">);
}

const transfers = [
  { prefix: "LD", transfer: loadStructures },
  { prefix: "ST", transfer: storeStructures },
] as const;

function plain({ suffix, variants }: AddressingForm): readonly Definition[] {
  return transfers.map(({ prefix, transfer }) =>
    define({
      encoding: `${prefix}1_multiple${suffix}`,
      variants: { count: plainCount, arrangement: plainArrangements, post: variants.post },
      operands: { ...listOperands(4), ...addressOperands(suffix) },
      semantics: (b, o, variant) => {
        const { size, bytes } = arrangement(variant.arrangement);
        const layout = { count: variant.count, interleave: 1, size, bytes };
        const address: AddressOperands = o;
        checkEnabled(b);
        const base = structureAddress(b, address);
        transfer(b, listOf(o, layout.count), base, layout);
        postIndex(b, address, base, postIndexOf(variant.post), layout.count * bytes);
      },
    }),
  );
}

function interleaved({ suffix, variants }: AddressingForm): readonly Definition[] {
  return transfers.flatMap(({ prefix, transfer }) =>
    [2, 3, 4].map((count) =>
      define({
        encoding: `${prefix}${count}_multiple${suffix}`,
        variants: { arrangement: arrangements([0, 1, 2, 3]), post: variants.post },
        operands: { ...listOperands(count), ...addressOperands(suffix) },
        semantics: (b, o, variant) => {
          const { size, bytes } = arrangement(variant.arrangement);
          const layout = { count, interleave: count, size, bytes };
          const address: AddressOperands = o;
          checkEnabled(b);
          const base = structureAddress(b, address);
          transfer(b, listOf(o, count), base, layout);
          postIndex(b, address, base, postIndexOf(variant.post), count * bytes);
        },
      }),
    ),
  );
}

/** Arm ARM C4.1.4 "Advanced SIMD load/store multiple structures". */
export const multipleStructures: readonly Definition[] = addressingForms.flatMap((form) => [
  ...plain(form),
  ...interleaved(form),
]);
