import { condition } from "../conditional.ts";
import {
  type Definition,
  define,
  type FieldReader,
  imm64,
  vector,
  xDestination,
  xSource,
} from "../define.ts";
import { conditionHolds } from "../flags.ts";
import { zero } from "../simd/lanes.ts";
import { asOperand } from "./arithmetic.ts";
import { checkEnabled, inPrecision, precisions } from "./forms.ts";

/** The number that `imm8` stands for, in the low bits. Arm ARM J1.3 `VFPExpandImm`. */
function expandedImmediate(f: FieldReader): bigint {
  const imm8 = f("imm8");
  const sign = BigInt(imm8 >> 7);
  const negativeExponent = ((imm8 >> 6) & 1) === 1;
  const rest = BigInt(imm8 & 0x3f);
  if (f("ftype") === 1)
    return (sign << 63n) | (negativeExponent ? 0x3fc0n << 48n : 0x4000n << 48n) | (rest << 48n);
  return (sign << 31n) | (negativeExponent ? 0x3e00n << 16n : 0x4000n << 16n) | (rest << 19n);
}

/** What FMOV moves between a general register and a SIMD register: 0 W and S, 1 X and D, 2 X and the upper half. */
const moved = { values: [0, 1, 2], from: (f: FieldReader) => f("ftype") } as const;

/** FCSEL and FMOV of immediates and general registers: bits as they are, no NaN is looked at. */
export const moves: readonly Definition[] = [
  define({
    encoding: "FCSEL",
    variants: { ftype: precisions("ftype"), cond: condition },
    operands: { d: vector("Rd"), n: vector("Rn"), m: vector("Rm") },
    semantics: (b, o, { ftype, cond }) => {
      checkEnabled(b);
      inPrecision(b, ftype, (k) => {
        const [n, m] = [asOperand(k.read(o.n)), asOperand(k.read(o.m))];
        k.write(o.d, b.select(k.type, conditionHolds(b, cond), n, m));
      });
    },
  }),
  define({
    encoding: "FMOV_imm_scalar",
    operands: { d: vector("Rd"), imm: imm64(expandedImmediate) },
    hot: true,
    semantics: (b, o) => {
      checkEnabled(b);
      b.set(o.d, b.i64x2.replace_lane(0, zero(b), o.imm));
    },
  }),
  define({
    encoding: "FMOV_to_general",
    variants: { moved },
    operands: { d: xDestination("Rd"), n: vector("Rn") },
    hot: (variant) => variant.moved === 1,
    semantics: (b, o, variant) => {
      checkEnabled(b);
      if (variant.moved === 0) b.set(o.d, b.i64.extend_i32_u(b.read("i32", o.n.place, 0)));
      else b.set(o.d, b.read("i64", o.n.place, variant.moved === 2 ? 8 : 0));
    },
  }),
  define({
    encoding: "FMOV_from_general",
    variants: { moved },
    operands: { d: vector("Rd"), n: xSource("Rn") },
    hot: (variant) => variant.moved === 1,
    semantics: (b, o, variant) => {
      checkEnabled(b);
      if (variant.moved === 2) b.set(o.d, b.i64x2.replace_lane(1, b.get(o.d), b.get(o.n)));
      else if (variant.moved === 1) b.set(o.d, b.i64x2.replace_lane(0, zero(b), b.get(o.n)));
      else b.set(o.d, b.i32x4.replace_lane(0, zero(b), b.read("i32", o.n.place, 0)));
    },
  }),
];
