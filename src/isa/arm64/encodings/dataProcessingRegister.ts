import type { A64Entry } from "./feature.ts";

/** A 32-bit operand shifts by at most 31. */
const logicalShift = [{ sf: 1 }, { sf: 0, imm6: { max: 31 } }];
/** As above, and ROR is reserved. */
const arithmeticShift = [
  { sf: 1, shift: { not: 3 } },
  { sf: 0, shift: { not: 3 }, imm6: { max: 31 } },
];
const extendedBy = { imm3: { max: 4 } };
const crcSize = [
  { sf: 0, sz: { max: 2 } },
  { sf: 1, sz: 3 },
];

/** Arm ARM C4.1.5 "Data Processing -- Register". */
// biome-ignore format: one form per line
export const dataProcessingRegister: readonly A64Entry[] = [
  // Two sources
  { name: "UDIV", pattern: "sf 0011010110 Rm:5 000010 Rn:5 Rd:5", asm: "udiv <Rd>, <Rn>, <Rm>" },
  { name: "SDIV", pattern: "sf 0011010110 Rm:5 000011 Rn:5 Rd:5", asm: "sdiv <Rd>, <Rn>, <Rm>" },
  { name: "LSLV", pattern: "sf 0011010110 Rm:5 001000 Rn:5 Rd:5", asm: "lsl <Rd>, <Rn>, <Rm>" },
  { name: "LSRV", pattern: "sf 0011010110 Rm:5 001001 Rn:5 Rd:5", asm: "lsr <Rd>, <Rn>, <Rm>" },
  { name: "ASRV", pattern: "sf 0011010110 Rm:5 001010 Rn:5 Rd:5", asm: "asr <Rd>, <Rn>, <Rm>" },
  { name: "RORV", pattern: "sf 0011010110 Rm:5 001011 Rn:5 Rd:5", asm: "ror <Rd>, <Rn>, <Rm>" },
  { name: "CRC32", pattern: "sf 0011010110 Rm:5 0100 sz:2 Rn:5 Rd:5", when: crcSize, feature: "crc32", asm: "crc32<bhwx> <Wd>, <Wn>, <Rm>" },
  { name: "CRC32C", pattern: "sf 0011010110 Rm:5 0101 sz:2 Rn:5 Rd:5", when: crcSize, feature: "crc32", asm: "crc32c<bhwx> <Wd>, <Wn>, <Rm>" },

  // One source
  { name: "RBIT", pattern: "sf 1011010110 00000 000000 Rn:5 Rd:5", asm: "rbit <Rd>, <Rn>" },
  { name: "REV16", pattern: "sf 1011010110 00000 000001 Rn:5 Rd:5", asm: "rev16 <Rd>, <Rn>" },
  { name: "REV32", pattern: "1 1011010110 00000 000010 Rn:5 Rd:5", asm: "rev32 <Xd>, <Xn>" },
  { name: "REV", pattern: "sf 1011010110 00000 0000 opc:2 Rn:5 Rd:5", when: [{ sf: 0, opc: 2 }, { sf: 1, opc: 3 }], asm: "rev <Rd>, <Rn>" },
  { name: "CLZ", pattern: "sf 1011010110 00000 000100 Rn:5 Rd:5", asm: "clz <Rd>, <Rn>" },
  { name: "CLS", pattern: "sf 1011010110 00000 000101 Rn:5 Rd:5", asm: "cls <Rd>, <Rn>" },

  // Logical (shifted register)
  { name: "AND_shifted", pattern: "sf 00 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", when: logicalShift, asm: "and <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "BIC_shifted", pattern: "sf 00 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", when: logicalShift, asm: "bic <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "ORR_shifted", pattern: "sf 01 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", when: logicalShift, asm: "orr <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "ORN_shifted", pattern: "sf 01 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", when: logicalShift, asm: "orn <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "EOR_shifted", pattern: "sf 10 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", when: logicalShift, asm: "eor <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "EON_shifted", pattern: "sf 10 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", when: logicalShift, asm: "eon <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "ANDS_shifted", pattern: "sf 11 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", when: logicalShift, asm: "ands <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "BICS_shifted", pattern: "sf 11 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", when: logicalShift, asm: "bics <Rd>, <Rn>, <Rm>, <shift>" },

  // Add/subtract (shifted register)
  { name: "ADD_shifted", pattern: "sf 00 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", when: arithmeticShift, asm: "add <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "ADDS_shifted", pattern: "sf 01 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", when: arithmeticShift, asm: "adds <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "SUB_shifted", pattern: "sf 10 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", when: arithmeticShift, asm: "sub <Rd>, <Rn>, <Rm>, <shift>" },
  { name: "SUBS_shifted", pattern: "sf 11 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", when: arithmeticShift, asm: "subs <Rd>, <Rn>, <Rm>, <shift>" },

  // Add/subtract (extended register)
  { name: "ADD_extended", pattern: "sf 00 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5", when: extendedBy, asm: "add <Rd|SP>, <Rn|SP>, <Rm.extended>, <extend>" },
  { name: "ADDS_extended", pattern: "sf 01 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5", when: extendedBy, asm: "adds <Rd>, <Rn|SP>, <Rm.extended>, <extend>" },
  { name: "SUB_extended", pattern: "sf 10 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5", when: extendedBy, asm: "sub <Rd|SP>, <Rn|SP>, <Rm.extended>, <extend>" },
  { name: "SUBS_extended", pattern: "sf 11 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5", when: extendedBy, asm: "subs <Rd>, <Rn|SP>, <Rm.extended>, <extend>" },

  // Add/subtract (with carry)
  { name: "ADC", pattern: "sf 00 11010000 Rm:5 000000 Rn:5 Rd:5", asm: "adc <Rd>, <Rn>, <Rm>" },
  { name: "ADCS", pattern: "sf 01 11010000 Rm:5 000000 Rn:5 Rd:5", asm: "adcs <Rd>, <Rn>, <Rm>" },
  { name: "SBC", pattern: "sf 10 11010000 Rm:5 000000 Rn:5 Rd:5", asm: "sbc <Rd>, <Rn>, <Rm>" },
  { name: "SBCS", pattern: "sf 11 11010000 Rm:5 000000 Rn:5 Rd:5", asm: "sbcs <Rd>, <Rn>, <Rm>" },

  // Conditional compare
  { name: "CCMN_reg", pattern: "sf 01 11010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4", asm: "ccmn <Rn>, <Rm>, <nzcv>, <cond>" },
  { name: "CCMP_reg", pattern: "sf 11 11010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4", asm: "ccmp <Rn>, <Rm>, <nzcv>, <cond>" },
  { name: "CCMN_imm", pattern: "sf 01 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4", asm: "ccmn <Rn>, <imm5>, <nzcv>, <cond>" },
  { name: "CCMP_imm", pattern: "sf 11 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4", asm: "ccmp <Rn>, <imm5>, <nzcv>, <cond>" },

  // Conditional select
  { name: "CSEL", pattern: "sf 00 11010100 Rm:5 cond:4 00 Rn:5 Rd:5", asm: "csel <Rd>, <Rn>, <Rm>, <cond>" },
  { name: "CSINC", pattern: "sf 00 11010100 Rm:5 cond:4 01 Rn:5 Rd:5", asm: "csinc <Rd>, <Rn>, <Rm>, <cond>" },
  { name: "CSINV", pattern: "sf 10 11010100 Rm:5 cond:4 00 Rn:5 Rd:5", asm: "csinv <Rd>, <Rn>, <Rm>, <cond>" },
  { name: "CSNEG", pattern: "sf 10 11010100 Rm:5 cond:4 01 Rn:5 Rd:5", asm: "csneg <Rd>, <Rn>, <Rm>, <cond>" },

  // Three sources
  { name: "MADD", pattern: "sf 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5", asm: "madd <Rd>, <Rn>, <Rm>, <Ra>" },
  { name: "MSUB", pattern: "sf 00 11011 000 Rm:5 1 Ra:5 Rn:5 Rd:5", asm: "msub <Rd>, <Rn>, <Rm>, <Ra>" },
  { name: "SMADDL", pattern: "1 00 11011 001 Rm:5 0 Ra:5 Rn:5 Rd:5", asm: "smaddl <Xd>, <Wn>, <Wm>, <Xa>" },
  { name: "SMSUBL", pattern: "1 00 11011 001 Rm:5 1 Ra:5 Rn:5 Rd:5", asm: "smsubl <Xd>, <Wn>, <Wm>, <Xa>" },
  { name: "SMULH", pattern: "1 00 11011 010 Rm:5 0 ..... Rn:5 Rd:5", asm: "smulh <Xd>, <Xn>, <Xm>" },
  { name: "UMADDL", pattern: "1 00 11011 101 Rm:5 0 Ra:5 Rn:5 Rd:5", asm: "umaddl <Xd>, <Wn>, <Wm>, <Xa>" },
  { name: "UMSUBL", pattern: "1 00 11011 101 Rm:5 1 Ra:5 Rn:5 Rd:5", asm: "umsubl <Xd>, <Wn>, <Wm>, <Xa>" },
  { name: "UMULH", pattern: "1 00 11011 110 Rm:5 0 ..... Rn:5 Rd:5", asm: "umulh <Xd>, <Xn>, <Xm>" },
];
