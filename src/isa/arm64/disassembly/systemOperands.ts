import type { FieldReader, OperandRenderer } from "../../assembly.ts";
import { xRegister } from "./generalRegisters.ts";
import { systemRegisterName } from "./systemRegisters.ts";

/** Barrier domains and types by `CRm`; the other values are printed as numbers. Arm ARM C6.2.81 "DMB". */
const barriers: Readonly<Record<number, string>> = {
  1: "oshld",
  2: "oshst",
  3: "osh",
  5: "nshld",
  6: "nshst",
  7: "nsh",
  9: "ishld",
  10: "ishst",
  11: "ish",
  13: "ld",
  14: "st",
  15: "sy",
};

/** PSTATE fields MSR (immediate) writes, by op1:op2. */
const pstateFields: Readonly<Record<number, string>> = { 5: "SPSel", 30: "DAIFSet", 31: "DAIFClr" };

const register = (direction: "read" | "write") => (field: FieldReader) =>
  systemRegisterName(direction, 2 + field("o0"), field("op1"), field("CRn"), field("CRm"), field("op2"));

/** Renderers of system instructions' operands. */
export const systemOperands: Readonly<Record<string, OperandRenderer>> = {
  hint: (field) => `#${field("CRm") * 8 + field("op2")}`,
  clrex: (field) => (field("CRm") === 15 ? "" : `#${field("CRm")}`),
  barrier: (field) => barriers[field("CRm")] ?? `#${field("CRm")}`,
  isb: (field) => (field("CRm") === 15 ? "" : `#${field("CRm")}`),
  pstate: (field) => pstateFields[field("op1") * 8 + field("op2")] ?? "",
  pstateImm: (field) => `#${field("CRm")}`,
  op1: (field) => `#${field("op1")}`,
  op2: (field) => `#${field("op2")}`,
  CRn: (field) => `c${field("CRn")}`,
  CRm: (field) => `c${field("CRm")}`,
  sysXt: (field) => (field("Rt") === 31 ? "" : xRegister(field("Rt"))),
  sysregRead: register("read"),
  sysregWrite: register("write"),
};
