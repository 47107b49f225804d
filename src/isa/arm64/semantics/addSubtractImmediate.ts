import type { Builder, RegisterOperand, Value } from "../../../engine/ir/builder.ts";
import { type Definition, define, type FieldReader, imm64, xDestination, xOrSp } from "./define.ts";

const shifted12 = (f: FieldReader): bigint => BigInt(f("imm12")) << (f("sh") === 1 ? 12n : 0n);

/** Writes a W register: the upper half becomes zero. */
function setW(b: Builder, destination: RegisterOperand<"i64">, value: Value<"i32">): void {
  b.set(destination, b.i64.extend_i32_u(value));
}

/** ADD, ADDS, SUB, SUBS (immediate). Arm ARM C6.2. */
export const addSubtractImmediate: readonly Definition[] = [
  { encoding: "ADD_imm", operator: "add", flags: false },
  { encoding: "SUB_imm", operator: "sub", flags: false },
  { encoding: "ADDS_imm", operator: "add", flags: true },
  { encoding: "SUBS_imm", operator: "sub", flags: true },
].map(({ encoding, operator, flags }) =>
  define({
    encoding,
    variants: { sf: [0, 1] },
    operands: {
      d: flags ? xDestination("Rd") : xOrSp("Rd"),
      n: xOrSp("Rn"),
      imm: imm64(shifted12),
    },
    hot: true,
    semantics: (b, o, { sf }) => {
      const name = operator as "add" | "sub";
      if (sf === 1) {
        const x = b.get(o.n);
        const result = b.i64[name](x, o.imm);
        b.set(o.d, result);
        if (flags) b.flags(`${name}64`, x, o.imm, result);
      } else {
        const x = b.read("i32", o.n.place, 0);
        const y = b.i32.wrap_i64(o.imm);
        const result = b.i32[name](x, y);
        setW(b, o.d, result);
        if (flags) b.flags(`${name}32`, x, y, result);
      }
    },
  }),
);
