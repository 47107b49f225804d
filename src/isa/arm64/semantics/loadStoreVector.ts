import { arm64State } from "../state.ts";
import {
  baseAddress,
  type Indexing,
  indexed,
  offsetExtension,
  registerOffset,
  signedOffset,
  stackBase,
} from "./addressing.ts";
import { type Definition, define, type FieldReader, imm32, imm64, vector, xOrSp, xSource } from "./define.ts";
import { loadVector, storeVector, vectorScale } from "./transfer.ts";

interface Form {
  readonly store: string;
  readonly load: string;
  readonly offset: (f: FieldReader) => bigint;
  readonly indexing: Indexing;
}

const imm9 = signedOffset("imm9", 9);
const forms: readonly Form[] = [
  {
    store: "STR_simd_imm_unsigned",
    load: "LDR_simd_imm_unsigned",
    offset: (f) => BigInt(f("imm12")) << BigInt(vectorScale.from(f)),
    indexing: "offset",
  },
  { store: "STUR_simd", load: "LDUR_simd", offset: imm9, indexing: "offset" },
  { store: "STR_simd_imm_post", load: "LDR_simd_imm_post", offset: imm9, indexing: "post" },
  { store: "STR_simd_imm_pre", load: "LDR_simd_imm_pre", offset: imm9, indexing: "pre" },
];

const immediate = forms.flatMap(({ store, load, offset: offsetOf, indexing }) => [
  define({
    encoding: store,
    variants: { scale: vectorScale, sp: stackBase },
    operands: { t: vector("Rt"), n: xOrSp("Rn"), offset: imm64(offsetOf) },
    hot: ({ scale, sp }) => scale >= 3 && sp === 0 && store === "STR_simd_imm_unsigned",
    semantics: (b, { t, n, offset }, { scale, sp }) => {
      b.guard(arm64State.fpTrap, "floatingPointTrap");
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, indexing);
      storeVector(b, scale, address, t);
      if (writeBack !== undefined) b.set(n, writeBack);
    },
  }),
  define({
    encoding: load,
    variants: { scale: vectorScale, sp: stackBase },
    operands: { t: vector("Rt"), n: xOrSp("Rn"), offset: imm64(offsetOf) },
    hot: ({ scale, sp }) => scale >= 3 && sp === 0 && load === "LDR_simd_imm_unsigned",
    semantics: (b, { t, n, offset }, { scale, sp }) => {
      b.guard(arm64State.fpTrap, "floatingPointTrap");
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, indexing);
      b.set(t, loadVector(b, scale, address));
      if (writeBack !== undefined) b.set(n, writeBack);
    },
  }),
]);

const shiftedByScale = imm32((f) => (f("S") === 1 ? vectorScale.from(f) : 0));
const registerForm = {
  t: vector("Rt"),
  n: xOrSp("Rn"),
  m: xSource("Rm"),
  amount: shiftedByScale,
};
const registerVariants = { scale: vectorScale, extension: offsetExtension, sp: stackBase };

const registerOffsets = [
  define({
    encoding: "STR_simd_reg",
    variants: registerVariants,
    operands: registerForm,
    semantics: (b, { t, n, m, amount }, { scale, extension, sp }) => {
      b.guard(arm64State.fpTrap, "floatingPointTrap");
      const address = b.i64.add(baseAddress(b, n, sp), registerOffset(b, m, extension, amount));
      storeVector(b, scale, address, t);
    },
  }),
  define({
    encoding: "LDR_simd_reg",
    variants: registerVariants,
    operands: registerForm,
    semantics: (b, { t, n, m, amount }, { scale, extension, sp }) => {
      b.guard(arm64State.fpTrap, "floatingPointTrap");
      const address = b.i64.add(baseAddress(b, n, sp), registerOffset(b, m, extension, amount));
      b.set(t, loadVector(b, scale, address));
    },
  }),
];

const literal = define({
  encoding: "LDR_simd_literal",
  variants: { opc: [0, 1, 2] },
  operands: { t: vector("Rt"), offset: imm64(signedOffset("imm19", 19, () => 2)) },
  semantics: (b, { t, offset }, { opc }) => {
    b.guard(arm64State.fpTrap, "floatingPointTrap");
    b.set(t, loadVector(b, 2 + opc, b.i64.add(b.pc(), offset)));
  },
});

/** Loads and stores of one SIMD&FP register. Arm ARM C4.1.4, C7.2. */
export const loadStoreVector: readonly Definition[] = [...immediate, ...registerOffsets, literal];
