import type { DifferentialSpec } from "./harness.ts";

const forms = (...encodings: readonly string[]): readonly DifferentialSpec[] =>
  encodings.map((encoding) => ({ encoding }));

/** Data processing (immediate and register) and branches. */
export const baseCases: readonly DifferentialSpec[] = [
  ...forms("ADR", "ADRP", "ADD_imm", "ADDS_imm", "SUB_imm", "SUBS_imm"),
  ...forms("AND_imm", "ORR_imm", "EOR_imm", "ANDS_imm", "MOVN", "MOVZ", "MOVK"),
  ...forms("SBFM", "BFM", "UBFM", "EXTR"),
  ...forms("UDIV", "SDIV", "LSLV", "LSRV", "ASRV", "RORV", "CRC32", "CRC32C"),
  ...forms("RBIT", "REV16", "REV32", "REV", "CLZ", "CLS"),
  ...["AND", "BIC", "ORR", "ORN", "EOR", "EON", "ANDS", "BICS", "ADD", "ADDS", "SUB", "SUBS"].map((name) => ({
    encoding: `${name}_shifted`,
  })),
  ...forms("ADD_extended", "ADDS_extended", "SUB_extended", "SUBS_extended"),
  ...forms("ADC", "ADCS", "SBC", "SBCS", "CCMN_reg", "CCMP_reg", "CCMN_imm", "CCMP_imm"),
  ...forms("CSEL", "CSINC", "CSINV", "CSNEG"),
  ...forms("MADD", "MSUB", "SMADDL", "SMSUBL", "SMULH", "UMADDL", "UMSUBL", "UMULH"),
  ...forms("B_cond", "B", "BL", "CBZ", "CBNZ", "TBZ", "TBNZ"),
  ...forms("BR", "BLR", "RET"),
];
