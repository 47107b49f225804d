import type { FeatureDescription, GenericRole, RegisterDescription, TypeField } from "../architecture.ts";

/** Protocol numbers of the core registers that are not x0–x30 (those are 0–30). gdb: "AArch64 Features". */
export const ARM64_REGNUM = {
  x0: 0,
  x29: 29,
  x30: 30,
  sp: 31,
  pc: 32,
  cpsr: 33,
  v0: 34,
  fpsr: 66,
  fpcr: 67,
} as const;

/** First protocol number free for system registers. */
export const ARM64_FIRST_SYSTEM_REGNUM = 68;

function bit(name: string, at: number): TypeField {
  return { name, start: at, end: at };
}

/** PSTATE as SPSR_ELx shows it. Arm ARM C5.2.18 (SPSR_EL1). */
const PSTATE_FIELDS: readonly TypeField[] = [
  bit("SP", 0),
  { name: "EL", start: 2, end: 3 },
  bit("nRW", 4),
  bit("F", 6),
  bit("I", 7),
  bit("A", 8),
  bit("D", 9),
  { name: "BTYPE", start: 10, end: 11 },
  bit("SSBS", 12),
  bit("ALLINT", 13),
  bit("IL", 20),
  bit("SS", 21),
  bit("PAN", 22),
  bit("UAO", 23),
  bit("DIT", 24),
  bit("TCO", 25),
  bit("V", 28),
  bit("C", 29),
  bit("Z", 30),
  bit("N", 31),
];

/** AAPCS64 6.1.1: x0–x7 carry arguments, x29 is the frame pointer, x30 the link register. */
const ROLES: Readonly<Record<number, GenericRole>> = {
  0: "arg1",
  1: "arg2",
  2: "arg3",
  3: "arg4",
  4: "arg5",
  5: "arg6",
  6: "arg7",
  7: "arg8",
  29: "fp",
  30: "ra",
};

const ALTERNATIVE_NAMES: Readonly<Record<number, string>> = { 29: "fp", 30: "lr" };

function generalRegister(index: number): RegisterDescription {
  return {
    name: `x${index}`,
    regnum: ARM64_REGNUM.x0 + index,
    bits: 64,
    type: "int",
    group: "general",
    generic: ROLES[index],
    alternativeName: ALTERNATIVE_NAMES[index],
    dwarf: index,
  };
}

/** x0–x30, sp, pc and cpsr. DWARF numbers: AADWARF64 4.1. */
export const ARM64_CORE: FeatureDescription = {
  name: "org.gnu.gdb.aarch64.core",
  annex: "aarch64-core.xml",
  title: "General Purpose Registers",
  general: true,
  types: [{ kind: "flags", id: "cpsr_flags", bytes: 4, fields: PSTATE_FIELDS }],
  registers: [
    ...Array.from({ length: 31 }, (_, index) => generalRegister(index)),
    {
      name: "sp",
      regnum: ARM64_REGNUM.sp,
      bits: 64,
      type: "data_ptr",
      group: "general",
      generic: "sp",
      dwarf: 31,
    },
    {
      name: "pc",
      regnum: ARM64_REGNUM.pc,
      bits: 64,
      type: "code_ptr",
      group: "general",
      generic: "pc",
      dwarf: 32,
    },
    {
      name: "cpsr",
      regnum: ARM64_REGNUM.cpsr,
      bits: 32,
      type: "cpsr_flags",
      group: "general",
      generic: "flags",
    },
  ],
};
