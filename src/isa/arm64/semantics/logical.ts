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
import { inWidth } from "./registers.ts";
import { shifted, shiftOrRotateKind } from "./shift.ts";

/**
 * The immediate of a logical instruction: a run of `imms + 1` ones in an element, rotated right by `immr`, repeated.
 * Always 64 bits wide; a W form uses the lower half. Arm ARM J1.1.3 `DecodeBitMasks`.
 */
function bitMask(f: FieldReader): bigint {
  const imms = f("imms");
  const elementBits = 31 - Math.clz32((f("N") << 6) | (~imms & 0x3f));
  const size = 1 << elementBits;
  const ones = BigInt((imms & (size - 1)) + 1);
  const rotation = BigInt(f("immr") & (size - 1));
  const run = (1n << ones) - 1n;
  const element = BigInt.asUintN(size, (run >> rotation) | (run << (BigInt(size) - rotation)));
  let mask = 0n;
  for (let at = 0; at < 64; at += size) mask |= element << BigInt(at);
  return mask;
}

/** AND, ORR, EOR, ANDS (immediate). */
const immediate = (
  [
    { encoding: "AND_imm", operator: "and", flags: false },
    { encoding: "ORR_imm", operator: "or", flags: false },
    { encoding: "EOR_imm", operator: "xor", flags: false },
    { encoding: "ANDS_imm", operator: "and", flags: true },
  ] as const
).map(({ encoding, operator, flags }) =>
  define({
    encoding,
    variants: { sf: [0, 1] },
    operands: { d: flags ? xDestination("Rd") : xOrSp("Rd"), n: xSource("Rn"), imm: imm64(bitMask) },
    hot: operator !== "xor",
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) => {
        const result = w.binary(operator, w.get(o.n), w.low(o.imm));
        w.set(o.d, result);
        if (flags) b.flags(`logic${w.bits}`, result);
      }),
  }),
);

/** AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS (shifted register): MOV, MVN and TST among them. */
const shiftedRegister = (
  [
    { encoding: "AND_shifted", operator: "and", complement: false, flags: false },
    { encoding: "BIC_shifted", operator: "and", complement: true, flags: false },
    { encoding: "ORR_shifted", operator: "or", complement: false, flags: false },
    { encoding: "ORN_shifted", operator: "or", complement: true, flags: false },
    { encoding: "EOR_shifted", operator: "xor", complement: false, flags: false },
    { encoding: "EON_shifted", operator: "xor", complement: true, flags: false },
    { encoding: "ANDS_shifted", operator: "and", complement: false, flags: true },
    { encoding: "BICS_shifted", operator: "and", complement: true, flags: true },
  ] as const
).map(({ encoding, operator, complement, flags }) =>
  define({
    encoding,
    variants: { sf: [0, 1], shift: shiftOrRotateKind },
    operands: { d: xDestination("Rd"), n: xSource("Rn"), m: xSource("Rm"), amount: imm32("imm6") },
    hot: ({ shift }) => !complement && (shift === 0 || (shift === 1 && operator === "or")),
    semantics: (b, o, { sf, shift }) =>
      inWidth(b, sf, (w) => {
        const m = shifted(w, w.get(o.m), shift, o.amount);
        const result = w.binary(operator, w.get(o.n), complement ? w.not(m) : m);
        w.set(o.d, result);
        if (flags) b.flags(`logic${w.bits}`, result);
      }),
  }),
);

/** Logical instructions. Arm ARM C4.1.2 and C4.1.5. */
export const logical: readonly Definition[] = [...immediate, ...shiftedRegister];
