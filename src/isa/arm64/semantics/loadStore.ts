import type { AccessOptions, Builder, Value } from "../../../engine/ir/builder.ts";
import {
  baseAddress,
  type Indexing,
  indexed,
  offsetExtension,
  registerOffset,
  signedOffset,
  stackBase,
} from "./addressing.ts";
import {
  type Definition,
  define,
  type FieldReader,
  imm32,
  imm64,
  xDestination,
  xOrSp,
  xSource,
} from "./define.ts";
import type { GeneralRegister } from "./registers.ts";
import { loadSigned, loadUnsigned, signedKind, storeRegister } from "./transfer.ts";

const sizes = [0, 1, 2, 3] as const;
const unsigned12 = (f: FieldReader): bigint => BigInt(f("imm12")) << BigInt(f("size"));

/** The forms with base and immediate: name of the encodings around it, immediate, indexing. */
interface Form {
  readonly store: string;
  readonly load: string;
  readonly loadSigned: string;
  readonly offset: (f: FieldReader) => bigint;
  readonly indexing: Indexing;
  readonly options: AccessOptions;
}

const forms: readonly Form[] = [
  {
    store: "STR_imm_unsigned",
    load: "LDR_imm_unsigned",
    loadSigned: "LDRS_imm_unsigned",
    offset: unsigned12,
    indexing: "offset",
    options: {},
  },
  {
    store: "STUR",
    load: "LDUR",
    loadSigned: "LDURS",
    offset: signedOffset("imm9", 9),
    indexing: "offset",
    options: {},
  },
  {
    store: "STR_imm_post",
    load: "LDR_imm_post",
    loadSigned: "LDRS_imm_post",
    offset: signedOffset("imm9", 9),
    indexing: "post",
    options: {},
  },
  {
    store: "STR_imm_pre",
    load: "LDR_imm_pre",
    loadSigned: "LDRS_imm_pre",
    offset: signedOffset("imm9", 9),
    indexing: "pre",
    options: {},
  },
  {
    store: "STTR",
    load: "LDTR",
    loadSigned: "LDTRS",
    offset: signedOffset("imm9", 9),
    indexing: "offset",
    options: { unprivileged: true },
  },
];

/** Frequent: the scaled form; the others with doublewords, and bytes and words where strings and arrays are walked. */
function isHot(form: Form, size: number, sp: number): boolean {
  switch (form.store) {
    case "STR_imm_unsigned":
      return sp === 0 || size >= 2;
    case "STUR":
      return size === 3 || (size === 2 && sp === 0);
    case "STR_imm_post":
      return sp === 0 && size !== 1;
    case "STR_imm_pre":
      return size === 3;
    default:
      return false;
  }
}

function writeBackTo(b: Builder, base: GeneralRegister, value: Value<"i64"> | undefined): void {
  if (value !== undefined) b.set(base, value);
}

const immediate = forms.flatMap((form) => [
  define({
    encoding: form.store,
    variants: { size: sizes, sp: stackBase },
    operands: { t: xSource("Rt"), n: xOrSp("Rn"), offset: imm64(form.offset) },
    hot: ({ size, sp }) => isHot(form, size, sp),
    semantics: (b, { t, n, offset }, { size, sp }) => {
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, form.indexing);
      storeRegister(b, size, address, t, form.options);
      writeBackTo(b, n, writeBack);
    },
  }),
  define({
    encoding: form.load,
    variants: { size: sizes, sp: stackBase },
    operands: { t: xDestination("Rt"), n: xOrSp("Rn"), offset: imm64(form.offset) },
    hot: ({ size, sp }) => isHot(form, size, sp),
    semantics: (b, { t, n, offset }, { size, sp }) => {
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, form.indexing);
      b.set(t, loadUnsigned(b, size, address, form.options));
      writeBackTo(b, n, writeBack);
    },
  }),
  define({
    encoding: form.loadSigned,
    variants: { kind: signedKind, sp: stackBase },
    operands: { t: xDestination("Rt"), n: xOrSp("Rn"), offset: imm64(form.offset) },
    hot: ({ kind, sp }) => form.load === "LDR_imm_unsigned" && kind === 2 && sp === 0,
    semantics: (b, { t, n, offset }, { kind, sp }) => {
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, form.indexing);
      loadSigned(b, kind, address, form.options)(t);
      writeBackTo(b, n, writeBack);
    },
  }),
]);

const shiftedBySize = imm32((f) => (f("S") === 1 ? f("size") : 0));

const registerOffsets = [
  define({
    encoding: "STR_reg",
    variants: { size: sizes, extension: offsetExtension, sp: stackBase },
    operands: { t: xSource("Rt"), n: xOrSp("Rn"), m: xSource("Rm"), amount: shiftedBySize },
    hot: ({ size, extension, sp }) => extension === 1 && sp === 0 && size !== 1,
    semantics: (b, { t, n, m, amount }, { size, extension, sp }) => {
      const address = b.i64.add(baseAddress(b, n, sp), registerOffset(b, m, extension, amount));
      storeRegister(b, size, address, t);
    },
  }),
  define({
    encoding: "LDR_reg",
    variants: { size: sizes, extension: offsetExtension, sp: stackBase },
    operands: { t: xDestination("Rt"), n: xOrSp("Rn"), m: xSource("Rm"), amount: shiftedBySize },
    hot: ({ size, extension, sp }) => sp === 0 && extension === 1 && size !== 1,
    semantics: (b, { t, n, m, amount }, { size, extension, sp }) => {
      const address = b.i64.add(baseAddress(b, n, sp), registerOffset(b, m, extension, amount));
      b.set(t, loadUnsigned(b, size, address));
    },
  }),
  define({
    encoding: "LDRS_reg",
    variants: { kind: signedKind, extension: offsetExtension, sp: stackBase },
    operands: { t: xDestination("Rt"), n: xOrSp("Rn"), m: xSource("Rm"), amount: shiftedBySize },
    semantics: (b, { t, n, m, amount }, { kind, extension, sp }) => {
      const address = b.i64.add(baseAddress(b, n, sp), registerOffset(b, m, extension, amount));
      loadSigned(b, kind, address)(t);
    },
  }),
];

const literalOffset = imm64(signedOffset("imm19", 19, () => 2));

const literals = [
  define({
    encoding: "LDR_literal",
    variants: { opc: [0, 1] },
    operands: { t: xDestination("Rt"), offset: literalOffset },
    hot: true,
    semantics: (b, { t, offset }, { opc }) => b.set(t, loadUnsigned(b, 2 + opc, b.i64.add(b.pc(), offset))),
  }),
  define({
    encoding: "LDRSW_literal",
    operands: { t: xDestination("Rt"), offset: literalOffset },
    semantics: (b, { t, offset }) => b.set(t, b.load("i64", "i64.load32_s", b.i64.add(b.pc(), offset))),
  }),
];

/** Prefetches have no effect here: they never fault, not even on a misaligned SP. Arm ARM C6.2 "PRFM (immediate)". */
const prefetches = ["PRFM_literal", "PRFM_imm_unsigned", "PRFUM", "PRFM_reg"].map((encoding) =>
  define({ encoding, operands: {}, semantics: () => {} }),
);

/** Loads and stores of one general register, and prefetches. Arm ARM C4.1.4. */
export const loadStore: readonly Definition[] = [
  ...immediate,
  ...registerOffsets,
  ...literals,
  ...prefetches,
];
