import type { A64Entry } from "./feature.ts";

/** `ftype` 0 is single and 1 double; half precision has no arithmetic before Armv8.2. */
const singleDouble = { ftype: [0, 1] };
/** FCVT from `ftype` to `opc`: single 0, double 1, half 3, never to itself. */
const betweenPrecisions = [
  { ftype: 0, opc: [1, 3] },
  { ftype: 1, opc: [0, 3] },
  { ftype: 3, opc: [0, 1] },
];
const moveGeneral = [
  { sf: 0, ftype: 0, rmode: 0 },
  { sf: 1, ftype: 1, rmode: 0 },
  { sf: 1, ftype: 2, rmode: 1 },
];
/** A 32-bit fixed-point number has at most 32 fraction bits. */
const fixedPoint = [
  { ...singleDouble, sf: 1 },
  { ...singleDouble, sf: 0, scale: { min: 32 } },
];

/** Arm ARM C4.1.6 "Data Processing -- Scalar Floating-Point": `_general` forms read or write a general-purpose register. */
// biome-ignore format: one form per line
export const floatingPoint: readonly A64Entry[] = [
  // One source
  { name: "FMOV_scalar", pattern: "00011110 ftype:2 1 000000 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fmov <Vd.ftype>, <Vn.ftype>" },
  { name: "FABS_scalar", pattern: "00011110 ftype:2 1 000001 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fabs <Vd.ftype>, <Vn.ftype>" },
  { name: "FNEG_scalar", pattern: "00011110 ftype:2 1 000010 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fneg <Vd.ftype>, <Vn.ftype>" },
  { name: "FSQRT_scalar", pattern: "00011110 ftype:2 1 000011 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fsqrt <Vd.ftype>, <Vn.ftype>" },
  { name: "FRINTN_scalar", pattern: "00011110 ftype:2 1 001000 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "frintn <Vd.ftype>, <Vn.ftype>" },
  { name: "FRINTP_scalar", pattern: "00011110 ftype:2 1 001001 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "frintp <Vd.ftype>, <Vn.ftype>" },
  { name: "FRINTM_scalar", pattern: "00011110 ftype:2 1 001010 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "frintm <Vd.ftype>, <Vn.ftype>" },
  { name: "FRINTZ_scalar", pattern: "00011110 ftype:2 1 001011 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "frintz <Vd.ftype>, <Vn.ftype>" },
  { name: "FRINTA_scalar", pattern: "00011110 ftype:2 1 001100 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "frinta <Vd.ftype>, <Vn.ftype>" },
  { name: "FRINTX_scalar", pattern: "00011110 ftype:2 1 001110 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "frintx <Vd.ftype>, <Vn.ftype>" },
  { name: "FRINTI_scalar", pattern: "00011110 ftype:2 1 001111 10000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "frinti <Vd.ftype>, <Vn.ftype>" },
  { name: "FCVT", pattern: "00011110 ftype:2 1 0001 opc:2 10000 Rn:5 Rd:5", when: betweenPrecisions, feature: "fp", asm: "fcvt <Vd.opc>, <Vn.ftype>" },

  // Two sources
  { name: "FMUL_scalar", pattern: "00011110 ftype:2 1 Rm:5 0000 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fmul <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },
  { name: "FDIV_scalar", pattern: "00011110 ftype:2 1 Rm:5 0001 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fdiv <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },
  { name: "FADD_scalar", pattern: "00011110 ftype:2 1 Rm:5 0010 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fadd <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },
  { name: "FSUB_scalar", pattern: "00011110 ftype:2 1 Rm:5 0011 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fsub <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },
  { name: "FMAX_scalar", pattern: "00011110 ftype:2 1 Rm:5 0100 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fmax <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },
  { name: "FMIN_scalar", pattern: "00011110 ftype:2 1 Rm:5 0101 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fmin <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },
  { name: "FMAXNM_scalar", pattern: "00011110 ftype:2 1 Rm:5 0110 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fmaxnm <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },
  { name: "FMINNM_scalar", pattern: "00011110 ftype:2 1 Rm:5 0111 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fminnm <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },
  { name: "FNMUL_scalar", pattern: "00011110 ftype:2 1 Rm:5 1000 10 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fnmul <Vd.ftype>, <Vn.ftype>, <Vm.ftype>" },

  // Three sources
  { name: "FMADD", pattern: "00011111 ftype:2 0 Rm:5 0 Ra:5 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fmadd <Vd.ftype>, <Vn.ftype>, <Vm.ftype>, <Va.ftype>" },
  { name: "FMSUB", pattern: "00011111 ftype:2 0 Rm:5 1 Ra:5 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fmsub <Vd.ftype>, <Vn.ftype>, <Vm.ftype>, <Va.ftype>" },
  { name: "FNMADD", pattern: "00011111 ftype:2 1 Rm:5 0 Ra:5 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fnmadd <Vd.ftype>, <Vn.ftype>, <Vm.ftype>, <Va.ftype>" },
  { name: "FNMSUB", pattern: "00011111 ftype:2 1 Rm:5 1 Ra:5 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fnmsub <Vd.ftype>, <Vn.ftype>, <Vm.ftype>, <Va.ftype>" },

  // Compare
  { name: "FCMP", pattern: "00011110 ftype:2 1 Rm:5 00 1000 Rn:5 00 000", when: singleDouble, feature: "fp", asm: "fcmp <Vn.ftype>, <Vm.ftype>" },
  { name: "FCMP_zero", pattern: "00011110 ftype:2 1 ..... 00 1000 Rn:5 01 000", when: singleDouble, feature: "fp", asm: "fcmp <Vn.ftype>, #0.0" },
  { name: "FCMPE", pattern: "00011110 ftype:2 1 Rm:5 00 1000 Rn:5 10 000", when: singleDouble, feature: "fp", asm: "fcmpe <Vn.ftype>, <Vm.ftype>" },
  { name: "FCMPE_zero", pattern: "00011110 ftype:2 1 ..... 00 1000 Rn:5 11 000", when: singleDouble, feature: "fp", asm: "fcmpe <Vn.ftype>, #0.0" },
  { name: "FCCMP", pattern: "00011110 ftype:2 1 Rm:5 cond:4 01 Rn:5 0 nzcv:4", when: singleDouble, feature: "fp", asm: "fccmp <Vn.ftype>, <Vm.ftype>, <nzcv>, <cond>" },
  { name: "FCCMPE", pattern: "00011110 ftype:2 1 Rm:5 cond:4 01 Rn:5 1 nzcv:4", when: singleDouble, feature: "fp", asm: "fccmpe <Vn.ftype>, <Vm.ftype>, <nzcv>, <cond>" },

  // Conditional select and immediate
  { name: "FCSEL", pattern: "00011110 ftype:2 1 Rm:5 cond:4 11 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcsel <Vd.ftype>, <Vn.ftype>, <Vm.ftype>, <cond>" },
  { name: "FMOV_imm_scalar", pattern: "00011110 ftype:2 1 imm8:8 100 00000 Rd:5", when: singleDouble, feature: "fp", asm: "fmov <Vd.ftype>, <fpimm8>" },

  // Conversion between floating point and integer; FMOV with rmode 1 moves the upper half of a 128-bit register
  { name: "FCVTNS_general", pattern: "sf 0011110 ftype:2 1 00 000 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtns <Rd>, <Vn.ftype>" },
  { name: "FCVTNU_general", pattern: "sf 0011110 ftype:2 1 00 001 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtnu <Rd>, <Vn.ftype>" },
  { name: "FCVTPS_general", pattern: "sf 0011110 ftype:2 1 01 000 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtps <Rd>, <Vn.ftype>" },
  { name: "FCVTPU_general", pattern: "sf 0011110 ftype:2 1 01 001 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtpu <Rd>, <Vn.ftype>" },
  { name: "FCVTMS_general", pattern: "sf 0011110 ftype:2 1 10 000 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtms <Rd>, <Vn.ftype>" },
  { name: "FCVTMU_general", pattern: "sf 0011110 ftype:2 1 10 001 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtmu <Rd>, <Vn.ftype>" },
  { name: "FCVTZS_general", pattern: "sf 0011110 ftype:2 1 11 000 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtzs <Rd>, <Vn.ftype>" },
  { name: "FCVTZU_general", pattern: "sf 0011110 ftype:2 1 11 001 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtzu <Rd>, <Vn.ftype>" },
  { name: "FCVTAS_general", pattern: "sf 0011110 ftype:2 1 00 100 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtas <Rd>, <Vn.ftype>" },
  { name: "FCVTAU_general", pattern: "sf 0011110 ftype:2 1 00 101 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "fcvtau <Rd>, <Vn.ftype>" },
  { name: "SCVTF_general", pattern: "sf 0011110 ftype:2 1 00 010 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "scvtf <Vd.ftype>, <Rn>" },
  { name: "UCVTF_general", pattern: "sf 0011110 ftype:2 1 00 011 000000 Rn:5 Rd:5", when: singleDouble, feature: "fp", asm: "ucvtf <Vd.ftype>, <Rn>" },
  { name: "FMOV_to_general", pattern: "sf 0011110 ftype:2 1 rmode:2 110 000000 Rn:5 Rd:5", when: moveGeneral, feature: "fp", asm: "fmov <Rd>, <Vn.fmov>" },
  { name: "FMOV_from_general", pattern: "sf 0011110 ftype:2 1 rmode:2 111 000000 Rn:5 Rd:5", when: moveGeneral, feature: "fp", asm: "fmov <Vd.fmov>, <Rn>" },

  // Conversion between floating point and fixed point; the fraction has 64 - scale bits
  { name: "FCVTZS_general_fixed", pattern: "sf 0011110 ftype:2 0 11 000 scale:6 Rn:5 Rd:5", when: fixedPoint, feature: "fp", asm: "fcvtzs <Rd>, <Vn.ftype>, <fbits>" },
  { name: "FCVTZU_general_fixed", pattern: "sf 0011110 ftype:2 0 11 001 scale:6 Rn:5 Rd:5", when: fixedPoint, feature: "fp", asm: "fcvtzu <Rd>, <Vn.ftype>, <fbits>" },
  { name: "SCVTF_general_fixed", pattern: "sf 0011110 ftype:2 0 00 010 scale:6 Rn:5 Rd:5", when: fixedPoint, feature: "fp", asm: "scvtf <Vd.ftype>, <Rn>, <fbits>" },
  { name: "UCVTF_general_fixed", pattern: "sf 0011110 ftype:2 0 00 011 scale:6 Rn:5 Rd:5", when: fixedPoint, feature: "fp", asm: "ucvtf <Vd.ftype>, <Rn>, <fbits>" },
];
