import { type Definition, define, type FieldReader, imm64, xDestination, xOrSp } from "./define.ts";
import { inWidth } from "./registers.ts";

const shifted12 = (f: FieldReader): bigint => BigInt(f("imm12")) << (f("sh") === 1 ? 12n : 0n);

/** ADD, ADDS, SUB, SUBS (immediate). Arm ARM C6.2. */
export const addSubtractImmediate: readonly Definition[] = (
  [
    { encoding: "ADD_imm", operator: "add", flags: false },
    { encoding: "SUB_imm", operator: "sub", flags: false },
    { encoding: "ADDS_imm", operator: "add", flags: true },
    { encoding: "SUBS_imm", operator: "sub", flags: true },
  ] as const
).map(({ encoding, operator, flags }) =>
  define({
    encoding,
    variants: { sf: [0, 1] },
    operands: {
      d: flags ? xDestination("Rd") : xOrSp("Rd"),
      n: xOrSp("Rn"),
      imm: imm64(shifted12),
    },
    hot: true,
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) => {
        const x = w.get(o.n);
        const y = w.low(o.imm);
        const result = w.binary(operator, x, y);
        w.set(o.d, result);
        if (flags) b.flags(`${operator}${w.bits}`, x, y);
      }),
  }),
);
