import type { FieldReader, OperandRenderer } from "../../assembly.ts";
import { decodeBitMask } from "./bitMasks.ts";
import { immhSize } from "./vectorRegisters.ts";

const shiftNames = ["lsl", "lsr", "asr", "ror"] as const;
const extendNames = ["uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"] as const;
const conditionNames = [
  ...["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc"],
  ...["hi", "ls", "ge", "lt", "gt", "le", "al", "nv"],
] as const;

const decimal = (value: number | bigint) => `#${value}`;
const hexadecimal = (value: number | bigint) => `#0x${value.toString(16)}`;
const plain =
  (name: string): OperandRenderer =>
  (field) =>
    decimal(field(name));
const datasize = (field: FieldReader) => (field("sf") === 1 ? 64 : 32);
const label = (pc: bigint, offset: number) => `0x${BigInt.asUintN(64, pc + BigInt(offset)).toString(16)}`;

/** Sign-extends the low `bits` bits. */
export function signed(value: number, bits: number): number {
  return (value << (32 - bits)) >> (32 - bits);
}

/** The 8-bit floating-point immediate: Arm ARM `VFPExpandImm`, as a number. */
export function expandFloat(imm8: number): number {
  const sign = imm8 & 0x80 ? -1 : 1;
  const exponent = ((imm8 >> 4) & 7) ^ 4;
  return sign * (1 + (imm8 & 15) / 16) * 2 ** (exponent - 3);
}

/** The byte mask MOVI writes to 64-bit elements: each bit of imm8 fills a byte. */
function expandBytes(imm8: number): string {
  const bytes = Array.from({ length: 8 }, (_, index) => ((imm8 << index) & 0x80 ? "ff" : "00"));
  return `#0x${bytes.join("")}`;
}

function moved(field: FieldReader, value: bigint): string {
  return decimal(field("sf") === 1 ? BigInt.asIntN(64, value) : BigInt.asIntN(32, value));
}

const wide = (field: FieldReader) => BigInt(field("imm16")) << BigInt(16 * field("hw"));
const modified = (field: FieldReader) => field("abc") * 32 + field("defgh");
const immediateShift = (field: FieldReader) => field("immh") * 8 + field("immb");

/** Renderers of constants, shifts, conditions and branch targets. */
export const immediates: Readonly<Record<string, OperandRenderer>> = {
  cond: (field) => conditionNames[field("cond")] ?? "",
  invcond: (field) => conditionNames[field("cond") ^ 1] ?? "",
  nzcv: plain("nzcv"),

  label14: (field, pc) => label(pc, signed(field("imm14"), 14) * 4),
  label19: (field, pc) => label(pc, signed(field("imm19"), 19) * 4),
  label26: (field, pc) => label(pc, signed(field("imm26"), 26) * 4),
  literal: (field, pc) => label(pc, signed(field("imm19"), 19) * 4),
  adr: (field, pc) => label(pc, signed(field("immhi"), 19) * 4 + field("immlo")),
  adrp: (field, pc) => label(pc & ~0xfffn, 0x1000 * (signed(field("immhi"), 19) * 4 + field("immlo"))),

  imm4: plain("imm4"),
  imm5: plain("imm5"),
  imm12: plain("imm12"),
  imm16: plain("imm16"),
  imm16x: (field) => hexadecimal(field("imm16")),
  dcps: (field) => (field("imm16") === 0 ? "" : hexadecimal(field("imm16"))),
  bit: (field) => decimal(field("b5") * 32 + field("b40")),
  sh: (field) => (field("sh") === 1 ? "lsl #12" : ""),
  hw: (field) => (field("hw") === 0 ? "" : `lsl #${16 * field("hw")}`),
  movz: (field) => moved(field, wide(field)),
  movn: (field) => moved(field, ~wide(field)),

  bitmask: (field) =>
    hexadecimal(decodeBitMask(field("N"), field("imms"), field("immr"), field("sf") === 1 ? 64 : 32)),
  immr: plain("immr"),
  imms: plain("imms"),
  leftShift: (field) => decimal(datasize(field) - 1 - field("imms")),
  lsb: (field) => decimal((datasize(field) - field("immr")) % datasize(field)),
  width: (field) => decimal(field("imms") + 1),
  extractWidth: (field) => decimal(field("imms") - field("immr") + 1),

  shift: (field) =>
    field("shift") === 0 && field("imm6") === 0 ? "" : `${shiftNames[field("shift")]} #${field("imm6")}`,
  extend: (field) => {
    const amount = field("imm3");
    return extendNames[field("option")] + (amount === 0 ? "" : ` #${amount}`);
  },
  extendLsl: (field) => (field("imm3") === 0 ? "" : `lsl #${field("imm3")}`),

  fpimm8: (field) => `#${expandFloat(field("imm8")).toFixed(8)}`,
  fpmodimm: (field) => `#${expandFloat(modified(field)).toFixed(8)}`,
  fbits: (field) => decimal(64 - field("scale")),

  modimm: (field) => {
    const cmode = field("cmode");
    const imm8 = modified(field);
    if (cmode === 14) return field("op") === 1 ? expandBytes(imm8) : decimal(imm8);
    if (cmode >= 12) return `${decimal(imm8)}, msl #${cmode === 12 ? 8 : 16}`;
    const amount = 8 * ((cmode >> 1) & (cmode >= 8 ? 1 : 3));
    return amount === 0 ? decimal(imm8) : `${decimal(imm8)}, lsl #${amount}`;
  },
  esize: (field) => decimal(8 << field("size")),
  shl: (field) => decimal(immediateShift(field) - (8 << immhSize(field))),
  shr: (field) => decimal((16 << immhSize(field)) - immediateShift(field)),
};
