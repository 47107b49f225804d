import type { A64Alias } from "./aliases.ts";

type Row = readonly [
  name: string,
  op1: number,
  CRn: number,
  CRm: number,
  op2: number,
  operand: "Xt" | "none",
];

/** DC, IC, AT and TLBI operations of Armv8.0 and Armv8.1. Arm ARM C5.3 to C5.5. */
// biome-ignore format: one operation per line
const rows: readonly Row[] = [
  ["ic ialluis", 0, 7, 1, 0, "none"],
  ["ic iallu", 0, 7, 5, 0, "none"],
  ["ic ivau", 3, 7, 5, 1, "Xt"],
  ["dc ivac", 0, 7, 6, 1, "Xt"],
  ["dc isw", 0, 7, 6, 2, "Xt"],
  ["dc csw", 0, 7, 10, 2, "Xt"],
  ["dc cisw", 0, 7, 14, 2, "Xt"],
  ["dc zva", 3, 7, 4, 1, "Xt"],
  ["dc cvac", 3, 7, 10, 1, "Xt"],
  ["dc cvau", 3, 7, 11, 1, "Xt"],
  ["dc civac", 3, 7, 14, 1, "Xt"],
  ["at s1e1r", 0, 7, 8, 0, "Xt"],
  ["at s1e1w", 0, 7, 8, 1, "Xt"],
  ["at s1e0r", 0, 7, 8, 2, "Xt"],
  ["at s1e0w", 0, 7, 8, 3, "Xt"],
  ["at s1e2r", 4, 7, 8, 0, "Xt"],
  ["at s1e2w", 4, 7, 8, 1, "Xt"],
  ["at s12e1r", 4, 7, 8, 4, "Xt"],
  ["at s12e1w", 4, 7, 8, 5, "Xt"],
  ["at s12e0r", 4, 7, 8, 6, "Xt"],
  ["at s12e0w", 4, 7, 8, 7, "Xt"],
  ["at s1e3r", 6, 7, 8, 0, "Xt"],
  ["at s1e3w", 6, 7, 8, 1, "Xt"],
  ["tlbi vmalle1is", 0, 8, 3, 0, "none"],
  ["tlbi vae1is", 0, 8, 3, 1, "Xt"],
  ["tlbi aside1is", 0, 8, 3, 2, "Xt"],
  ["tlbi vaae1is", 0, 8, 3, 3, "Xt"],
  ["tlbi vale1is", 0, 8, 3, 5, "Xt"],
  ["tlbi vaale1is", 0, 8, 3, 7, "Xt"],
  ["tlbi vmalle1", 0, 8, 7, 0, "none"],
  ["tlbi vae1", 0, 8, 7, 1, "Xt"],
  ["tlbi aside1", 0, 8, 7, 2, "Xt"],
  ["tlbi vaae1", 0, 8, 7, 3, "Xt"],
  ["tlbi vale1", 0, 8, 7, 5, "Xt"],
  ["tlbi vaale1", 0, 8, 7, 7, "Xt"],
  ["tlbi ipas2e1is", 4, 8, 0, 1, "Xt"],
  ["tlbi ipas2le1is", 4, 8, 0, 5, "Xt"],
  ["tlbi alle2is", 4, 8, 3, 0, "none"],
  ["tlbi vae2is", 4, 8, 3, 1, "Xt"],
  ["tlbi alle1is", 4, 8, 3, 4, "none"],
  ["tlbi vale2is", 4, 8, 3, 5, "Xt"],
  ["tlbi vmalls12e1is", 4, 8, 3, 6, "none"],
  ["tlbi ipas2e1", 4, 8, 4, 1, "Xt"],
  ["tlbi ipas2le1", 4, 8, 4, 5, "Xt"],
  ["tlbi alle2", 4, 8, 7, 0, "none"],
  ["tlbi vae2", 4, 8, 7, 1, "Xt"],
  ["tlbi alle1", 4, 8, 7, 4, "none"],
  ["tlbi vale2", 4, 8, 7, 5, "Xt"],
  ["tlbi vmalls12e1", 4, 8, 7, 6, "none"],
  ["tlbi alle3is", 6, 8, 3, 0, "none"],
  ["tlbi vae3is", 6, 8, 3, 1, "Xt"],
  ["tlbi vale3is", 6, 8, 3, 5, "Xt"],
  ["tlbi alle3", 6, 8, 7, 0, "none"],
  ["tlbi vae3", 6, 8, 7, 1, "Xt"],
  ["tlbi vale3", 6, 8, 7, 5, "Xt"],
];

/** Names of SYS encodings; an operation without a register ignores `Rt` and prints none. */
export const systemInstructionAliases: readonly A64Alias[] = rows.map(
  ([name, op1, CRn, CRm, op2, operand]) => ({
    of: "SYS",
    when: { op1, CRn, CRm, op2 },
    asm: operand === "Xt" ? `${name}, <Xt>` : name,
  }),
);

/** Names of hints by number (CRm:op2); those of later extensions execute as NOP here but are named. */
const hints: Readonly<Record<number, string>> = {
  6: "dgh",
  7: "xpaclri",
  8: "pacia1716",
  10: "pacib1716",
  12: "autia1716",
  14: "autib1716",
  16: "esb",
  17: "psb csync",
  18: "tsb csync",
  20: "csdb",
  24: "paciaz",
  25: "paciasp",
  26: "pacibz",
  27: "pacibsp",
  28: "autiaz",
  29: "autiasp",
  30: "autibz",
  31: "autibsp",
  32: "bti",
  34: "bti c",
  36: "bti j",
  38: "bti jc",
};

/** Hint names, and the barriers that are a DSB with a domain of their own. */
export const hintAliases: readonly A64Alias[] = [
  ...Object.entries(hints).map(([number, asm]) => ({
    of: "HINT",
    when: { CRm: Number(number) >> 3, op2: Number(number) & 7 },
    asm,
  })),
  { of: "DSB", when: { CRm: 0 }, asm: "ssbb" },
  { of: "DSB", when: { CRm: 4 }, asm: "pssbb" },
];
