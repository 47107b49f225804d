import type { FieldReader, OperandRenderer } from "../../assembly.ts";

/** Which field a role letter of a register token stands for; `s+1` and `t+1` are the second of a pair. */
const roles: Readonly<Record<string, { readonly field: string; readonly plus: number }>> = {
  d: { field: "Rd", plus: 0 },
  n: { field: "Rn", plus: 0 },
  m: { field: "Rm", plus: 0 },
  a: { field: "Ra", plus: 0 },
  t: { field: "Rt", plus: 0 },
  t2: { field: "Rt2", plus: 0 },
  s: { field: "Rs", plus: 0 },
  "s+1": { field: "Rs", plus: 1 },
  "t+1": { field: "Rt", plus: 1 },
};

/** Whether `<Rd.suffix>` is an X register. */
const isX: Readonly<Record<string, (field: FieldReader) => boolean>> = {
  sf: (field) => field("sf") === 1,
  sz: (field) => field("sz") === 1,
  b5: (field) => field("b5") === 1,
  Q: (field) => field("Q") === 1,
  size: (field) => field("size") === 3,
  opc: (field) => field("opc") === 1,
  signed: (field) => field("opc") === 2,
  option: (field) => (field("option") & 1) === 1,
  extended: (field) => field("sf") === 1 && (field("option") & 3) === 3,
  imm5: (field) => (field("imm5") & 15) === 8,
};

const token = /^([WXR])(d|n|m|a|t2|t\+1|t|s\+1|s)(\|SP)?(?:\.(\w+))?$/;

/**
 * Renders general-purpose registers: `<Xn>`, `<Wn>`, or `<Rn>` whose width a field decides (`sf`, unless a
 * suffix such as `.size` names another). `|SP` makes register 31 the stack pointer instead of zero.
 */
export function generalRegister(text: string): OperandRenderer | undefined {
  const [, letter, roleName = "", stackPointer, suffix = "sf"] = token.exec(text) ?? [];
  const role = roles[roleName];
  if (letter === undefined || role === undefined) return undefined;
  const wide = letter === "R" ? isX[suffix] : () => letter === "X";
  if (wide === undefined) return undefined;
  return (field) => {
    const number = (field(role.field) + role.plus) & 31;
    const isWide = wide(field);
    if (number < 31) return `${isWide ? "x" : "w"}${number}`;
    if (stackPointer !== undefined) return isWide ? "sp" : "wsp";
    return isWide ? "xzr" : "wzr";
  };
}

/** The name of an X register, 31 being XZR. */
export function xRegister(number: number): string {
  return number === 31 ? "xzr" : `x${number}`;
}
