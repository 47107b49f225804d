import { arm64State } from "../state.ts";
import { type Definition, define, imm32, xDestination, xOrSp, xSource } from "./define.ts";
import { extended } from "./extend.ts";
import { inWidth } from "./registers.ts";
import { shifted, shiftKind } from "./shift.ts";

const operations = [
  { name: "ADD", operator: "add", flags: false },
  { name: "SUB", operator: "sub", flags: false },
  { name: "ADDS", operator: "add", flags: true },
  { name: "SUBS", operator: "sub", flags: true },
] as const;

/** ADD, ADDS, SUB, SUBS (shifted register): CMP, CMN, NEG and NEGS among them. */
const shiftedRegister = operations.map(({ name, operator, flags }) =>
  define({
    encoding: `${name}_shifted`,
    variants: { sf: [0, 1], shift: shiftKind },
    operands: { d: xDestination("Rd"), n: xSource("Rn"), m: xSource("Rm"), amount: imm32("imm6") },
    hot: ({ sf, shift }) => shift === 0 || (shift <= 2 && sf === 1 && name === "ADD"),
    semantics: (b, o, { sf, shift }) =>
      inWidth(b, sf, (w) => {
        const x = w.get(o.n);
        const y = shifted(w, w.get(o.m), shift, o.amount);
        const result = w.binary(operator, x, y);
        w.set(o.d, result);
        if (flags) b.flags(`${operator}${w.bits}`, x, y);
      }),
  }),
);

/** ADD, ADDS, SUB, SUBS (extended register). */
const extendedRegister = operations.map(({ name, operator, flags }) =>
  define({
    encoding: `${name}_extended`,
    variants: { sf: [0, 1], option: [0, 1, 2, 3, 4, 5, 6, 7] },
    operands: {
      d: flags ? xDestination("Rd") : xOrSp("Rd"),
      n: xOrSp("Rn"),
      m: xSource("Rm"),
      amount: imm32("imm3"),
    },
    hot: ({ sf, option }) => sf === 1 && operator === "add" && !flags && (option === 2 || option === 6),
    semantics: (b, o, { sf, option }) =>
      inWidth(b, sf, (w) => {
        const x = w.get(o.n);
        const y = w.low(b.i64.shl(extended(b, o.m, option), b.i64.extend_i32_u(o.amount)));
        const result = w.binary(operator, x, y);
        w.set(o.d, result);
        if (flags) b.flags(`${operator}${w.bits}`, x, y);
      }),
  }),
);

/** ADC, ADCS, SBC, SBCS: a subtraction adds the complement. Arm ARM J1.3 `AddWithCarry`. */
const withCarry = [
  { encoding: "ADC", complement: false, flags: false },
  { encoding: "ADCS", complement: false, flags: true },
  { encoding: "SBC", complement: true, flags: false },
  { encoding: "SBCS", complement: true, flags: true },
].map(({ encoding, complement, flags }) =>
  define({
    encoding,
    variants: { sf: [0, 1] },
    operands: { d: xDestination("Rd"), n: xSource("Rn"), m: xSource("Rm") },
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) => {
        const x = w.get(o.n);
        const m = w.get(o.m);
        const y = complement ? w.not(m) : m;
        const carry = b.get(arm64State.flagC);
        const result = w.binary("add", w.binary("add", x, y), w.unsigned(carry));
        w.set(o.d, result);
        if (flags) b.flags(`adc${w.bits}`, x, y, result, carry);
      }),
  }),
);

/** Additions and subtractions of registers. Arm ARM C4.1.5. */
export const addSubtractRegister: readonly Definition[] = [
  ...shiftedRegister,
  ...extendedRegister,
  ...withCarry,
];
