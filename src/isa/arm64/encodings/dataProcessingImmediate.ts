import type { A64Entry } from "./feature.ts";

/**
 * Immediates of AND, ORR, EOR and ANDS that `DecodeBitMasks` accepts: `imms` of all ones in the element size
 * is reserved, and a 32-bit operation has no 64-bit elements. Arm ARM C4.1.2, J1.1.3 (aarch64/functions/bitmasks).
 */
const bitMask = [
  { N: 0, imms: { not: [0x1f, 0x2f, 0x37, 0x3b, 0x3d, 0x3e, 0x3f] } },
  { sf: 1, N: 1, imms: { not: 0x3f } },
];

/** Bit positions of a bitfield move or extract: `N` repeats `sf`, and 32-bit positions stop at 31. */
const bitfield = [
  { sf: 0, N: 0, immr: { max: 31 }, imms: { max: 31 } },
  { sf: 1, N: 1 },
];

/** A 32-bit register has two halfwords to move to. */
const wideImmediate = [{ sf: 1 }, { sf: 0, hw: [0, 1] }];

/** Arm ARM C4.1.2 "Data Processing -- Immediate". */
// biome-ignore format: one form per line
export const dataProcessingImmediate: readonly A64Entry[] = [
  { name: "ADR", pattern: "0 immlo:2 10000 immhi:19 Rd:5", asm: "adr <Xd>, <adr>" },
  { name: "ADRP", pattern: "1 immlo:2 10000 immhi:19 Rd:5", asm: "adrp <Xd>, <adrp>" },

  { name: "ADD_imm", pattern: "sf 00 100010 sh imm12:12 Rn:5 Rd:5", asm: "add <Rd|SP>, <Rn|SP>, <imm12>, <sh>" },
  { name: "ADDS_imm", pattern: "sf 01 100010 sh imm12:12 Rn:5 Rd:5", asm: "adds <Rd>, <Rn|SP>, <imm12>, <sh>" },
  { name: "SUB_imm", pattern: "sf 10 100010 sh imm12:12 Rn:5 Rd:5", asm: "sub <Rd|SP>, <Rn|SP>, <imm12>, <sh>" },
  { name: "SUBS_imm", pattern: "sf 11 100010 sh imm12:12 Rn:5 Rd:5", asm: "subs <Rd>, <Rn|SP>, <imm12>, <sh>" },

  { name: "AND_imm", pattern: "sf 00 100100 N immr:6 imms:6 Rn:5 Rd:5", when: bitMask, asm: "and <Rd|SP>, <Rn>, <bitmask>" },
  { name: "ORR_imm", pattern: "sf 01 100100 N immr:6 imms:6 Rn:5 Rd:5", when: bitMask, asm: "orr <Rd|SP>, <Rn>, <bitmask>" },
  { name: "EOR_imm", pattern: "sf 10 100100 N immr:6 imms:6 Rn:5 Rd:5", when: bitMask, asm: "eor <Rd|SP>, <Rn>, <bitmask>" },
  { name: "ANDS_imm", pattern: "sf 11 100100 N immr:6 imms:6 Rn:5 Rd:5", when: bitMask, asm: "ands <Rd>, <Rn>, <bitmask>" },

  { name: "MOVN", pattern: "sf 00 100101 hw:2 imm16:16 Rd:5", when: wideImmediate, asm: "movn <Rd>, <imm16>, <hw>" },
  { name: "MOVZ", pattern: "sf 10 100101 hw:2 imm16:16 Rd:5", when: wideImmediate, asm: "movz <Rd>, <imm16>, <hw>" },
  { name: "MOVK", pattern: "sf 11 100101 hw:2 imm16:16 Rd:5", when: wideImmediate, asm: "movk <Rd>, <imm16>, <hw>" },

  { name: "SBFM", pattern: "sf 00 100110 N immr:6 imms:6 Rn:5 Rd:5", when: bitfield, asm: "sbfm <Rd>, <Rn>, <immr>, <imms>" },
  { name: "BFM", pattern: "sf 01 100110 N immr:6 imms:6 Rn:5 Rd:5", when: bitfield, asm: "bfm <Rd>, <Rn>, <immr>, <imms>" },
  { name: "UBFM", pattern: "sf 10 100110 N immr:6 imms:6 Rn:5 Rd:5", when: bitfield, asm: "ubfm <Rd>, <Rn>, <immr>, <imms>" },

  { name: "EXTR", pattern: "sf 00 100111 N 0 Rm:5 imms:6 Rn:5 Rd:5", when: [{ sf: 0, N: 0, imms: { max: 31 } }, { sf: 1, N: 1 }], asm: "extr <Rd>, <Rn>, <Rm>, <imms>" },
];
