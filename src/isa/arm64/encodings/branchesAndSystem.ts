import type { A64Entry } from "./feature.ts";

/** Arm ARM C4.1.3 "Branches, Exception Generating and System instructions". */
// biome-ignore format: one form per line
export const branchesAndSystem: readonly A64Entry[] = [
  { name: "B_cond", pattern: "01010100 imm19:19 0 cond:4", asm: "b.<cond> <label19>" },
  { name: "B", pattern: "000101 imm26:26", asm: "b <label26>" },
  { name: "BL", pattern: "100101 imm26:26", asm: "bl <label26>" },
  { name: "CBZ", pattern: "sf 0110100 imm19:19 Rt:5", asm: "cbz <Rt>, <label19>" },
  { name: "CBNZ", pattern: "sf 0110101 imm19:19 Rt:5", asm: "cbnz <Rt>, <label19>" },
  { name: "TBZ", pattern: "b5 0110110 b40:5 imm14:14 Rt:5", asm: "tbz <Rt.b5>, <bit>, <label14>" },
  { name: "TBNZ", pattern: "b5 0110111 b40:5 imm14:14 Rt:5", asm: "tbnz <Rt.b5>, <bit>, <label14>" },

  { name: "BR", pattern: "1101011 0000 11111 000000 Rn:5 00000", asm: "br <Xn>" },
  { name: "BLR", pattern: "1101011 0001 11111 000000 Rn:5 00000", asm: "blr <Xn>" },
  { name: "RET", pattern: "1101011 0010 11111 000000 Rn:5 00000", asm: "ret <Xn>" },
  { name: "ERET", pattern: "1101011 0100 11111 000000 11111 00000", asm: "eret" },
  { name: "DRPS", pattern: "1101011 0101 11111 000000 11111 00000", asm: "drps" },

  { name: "SVC", pattern: "11010100 000 imm16:16 000 01", asm: "svc <imm16x>" },
  { name: "HVC", pattern: "11010100 000 imm16:16 000 10", asm: "hvc <imm16x>" },
  { name: "SMC", pattern: "11010100 000 imm16:16 000 11", asm: "smc <imm16x>" },
  { name: "BRK", pattern: "11010100 001 imm16:16 000 00", asm: "brk <imm16x>" },
  { name: "HLT", pattern: "11010100 010 imm16:16 000 00", asm: "hlt <imm16x>" },
  { name: "DCPS1", pattern: "11010100 101 imm16:16 000 01", asm: "dcps1 <dcps>" },
  { name: "DCPS2", pattern: "11010100 101 imm16:16 000 10", asm: "dcps2 <dcps>" },
  { name: "DCPS3", pattern: "11010100 101 imm16:16 000 11", asm: "dcps3 <dcps>" },

  { name: "NOP", pattern: "11010101000000110010 0000 000 11111", asm: "nop" },
  { name: "YIELD", pattern: "11010101000000110010 0000 001 11111", asm: "yield" },
  { name: "WFE", pattern: "11010101000000110010 0000 010 11111", asm: "wfe" },
  { name: "WFI", pattern: "11010101000000110010 0000 011 11111", asm: "wfi" },
  { name: "SEV", pattern: "11010101000000110010 0000 100 11111", asm: "sev" },
  { name: "SEVL", pattern: "11010101000000110010 0000 101 11111", asm: "sevl" },
  // Every other hint executes as NOP, those of later extensions included. Arm ARM C6.2.92 "HINT".
  { name: "HINT", pattern: "11010101000000110010 CRm:4 op2:3 11111", when: [{ CRm: { not: 0 } }, { CRm: 0, op2: { min: 6 } }], asm: "hint <hint>" },

  { name: "CLREX", pattern: "11010101000000110011 CRm:4 010 11111", asm: "clrex <clrex>" },
  { name: "DSB", pattern: "11010101000000110011 CRm:4 100 11111", asm: "dsb <barrier>" },
  { name: "DMB", pattern: "11010101000000110011 CRm:4 101 11111", asm: "dmb <barrier>" },
  { name: "ISB", pattern: "11010101000000110011 CRm:4 110 11111", asm: "isb <isb>" },

  // SPSel, DAIFSet and DAIFClr; the other PSTATE fields belong to later extensions.
  { name: "MSR_imm", pattern: "1101010100000 op1:3 0100 CRm:4 op2:3 11111", when: [{ op1: 0, op2: 5 }, { op1: 3, op2: [6, 7] }], asm: "msr <pstate>, <pstateImm>" },
  { name: "SYS", pattern: "1101010100001 op1:3 CRn:4 CRm:4 op2:3 Rt:5", asm: "sys <op1>, <CRn>, <CRm>, <op2>, <sysXt>" },
  { name: "SYSL", pattern: "1101010100101 op1:3 CRn:4 CRm:4 op2:3 Rt:5", asm: "sysl <Xt>, <op1>, <CRn>, <CRm>, <op2>" },
  // The register's op0 is 2 + o0.
  { name: "MSR_reg", pattern: "110101010001 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5", asm: "msr <sysregWrite>, <Xt>" },
  { name: "MRS", pattern: "110101010011 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5", asm: "mrs <Xt>, <sysregRead>" },
];
