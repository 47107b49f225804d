import type { A64Entry } from "./feature.ts";

/** Elements of 8, 16 and 32 bits. */
const notDoubles = { size: { not: 3 } };
/** 64-bit elements come in pairs only. */
const fullDoubles = [{ size: { not: 3 } }, { size: 3, Q: 1 }];
const halvesAndWords = { size: [1, 2] };
/** Single precision, or two doubles. */
const fullFloats = [{ sz: 0 }, { sz: 1, Q: 1 }];

/** Arm ARM C4.1.6 "Advanced SIMD three same". */
// biome-ignore format: one form per line
export const advancedSimdThreeSame: readonly A64Entry[] = [
  // Three registers of the same type: integer
  { name: "SHADD_vector", pattern: "0 Q 001110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "shadd <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UHADD_vector", pattern: "0 Q 101110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uhadd <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SQADD_vector", pattern: "0 Q 001110 size:2 1 Rm:5 00001 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "sqadd <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UQADD_vector", pattern: "0 Q 101110 size:2 1 Rm:5 00001 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "uqadd <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SRHADD_vector", pattern: "0 Q 001110 size:2 1 Rm:5 00010 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "srhadd <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "URHADD_vector", pattern: "0 Q 101110 size:2 1 Rm:5 00010 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "urhadd <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SHSUB_vector", pattern: "0 Q 001110 size:2 1 Rm:5 00100 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "shsub <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UHSUB_vector", pattern: "0 Q 101110 size:2 1 Rm:5 00100 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uhsub <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SQSUB_vector", pattern: "0 Q 001110 size:2 1 Rm:5 00101 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "sqsub <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UQSUB_vector", pattern: "0 Q 101110 size:2 1 Rm:5 00101 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "uqsub <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "CMGT_vector", pattern: "0 Q 001110 size:2 1 Rm:5 00110 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmgt <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "CMHI_vector", pattern: "0 Q 101110 size:2 1 Rm:5 00110 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmhi <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "CMGE_vector", pattern: "0 Q 001110 size:2 1 Rm:5 00111 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmge <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "CMHS_vector", pattern: "0 Q 101110 size:2 1 Rm:5 00111 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmhs <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SSHL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 01000 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "sshl <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "USHL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 01000 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "ushl <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SQSHL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 01001 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "sqshl <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UQSHL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 01001 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "uqshl <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SRSHL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 01010 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "srshl <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "URSHL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 01010 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "urshl <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SQRSHL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 01011 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "sqrshl <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UQRSHL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 01011 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "uqrshl <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SMAX_vector", pattern: "0 Q 001110 size:2 1 Rm:5 01100 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "smax <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UMAX_vector", pattern: "0 Q 101110 size:2 1 Rm:5 01100 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "umax <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SMIN_vector", pattern: "0 Q 001110 size:2 1 Rm:5 01101 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "smin <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UMIN_vector", pattern: "0 Q 101110 size:2 1 Rm:5 01101 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "umin <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SABD_vector", pattern: "0 Q 001110 size:2 1 Rm:5 01110 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sabd <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UABD_vector", pattern: "0 Q 101110 size:2 1 Rm:5 01110 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uabd <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SABA_vector", pattern: "0 Q 001110 size:2 1 Rm:5 01111 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "saba <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UABA_vector", pattern: "0 Q 101110 size:2 1 Rm:5 01111 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uaba <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "ADD_vector", pattern: "0 Q 001110 size:2 1 Rm:5 10000 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "add <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SUB_vector", pattern: "0 Q 101110 size:2 1 Rm:5 10000 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "sub <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "CMTST_vector", pattern: "0 Q 001110 size:2 1 Rm:5 10001 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmtst <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "CMEQ_vector", pattern: "0 Q 101110 size:2 1 Rm:5 10001 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmeq <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "MLA_vector", pattern: "0 Q 001110 size:2 1 Rm:5 10010 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "mla <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "MLS_vector", pattern: "0 Q 101110 size:2 1 Rm:5 10010 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "mls <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "MUL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 10011 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "mul <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "PMUL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 10011 1 Rn:5 Rd:5", when: { size: 0 }, feature: "simd", asm: "pmul <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SMAXP_vector", pattern: "0 Q 001110 size:2 1 Rm:5 10100 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "smaxp <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UMAXP_vector", pattern: "0 Q 101110 size:2 1 Rm:5 10100 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "umaxp <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SMINP_vector", pattern: "0 Q 001110 size:2 1 Rm:5 10101 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sminp <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UMINP_vector", pattern: "0 Q 101110 size:2 1 Rm:5 10101 1 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uminp <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SQDMULH_vector", pattern: "0 Q 001110 size:2 1 Rm:5 10110 1 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmulh <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "SQRDMULH_vector", pattern: "0 Q 101110 size:2 1 Rm:5 10110 1 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqrdmulh <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "ADDP_vector", pattern: "0 Q 001110 size:2 1 Rm:5 10111 1 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "addp <Vd.T>, <Vn.T>, <Vm.T>" },

  // Three registers of the same type: bitwise
  { name: "AND_vector", pattern: "0 Q 001110 00 1 Rm:5 00011 1 Rn:5 Rd:5", feature: "simd", asm: "and <Vd.B>, <Vn.B>, <Vm.B>" },
  { name: "BIC_vector", pattern: "0 Q 001110 01 1 Rm:5 00011 1 Rn:5 Rd:5", feature: "simd", asm: "bic <Vd.B>, <Vn.B>, <Vm.B>" },
  { name: "ORR_vector", pattern: "0 Q 001110 10 1 Rm:5 00011 1 Rn:5 Rd:5", feature: "simd", asm: "orr <Vd.B>, <Vn.B>, <Vm.B>" },
  { name: "ORN_vector", pattern: "0 Q 001110 11 1 Rm:5 00011 1 Rn:5 Rd:5", feature: "simd", asm: "orn <Vd.B>, <Vn.B>, <Vm.B>" },
  { name: "EOR_vector", pattern: "0 Q 101110 00 1 Rm:5 00011 1 Rn:5 Rd:5", feature: "simd", asm: "eor <Vd.B>, <Vn.B>, <Vm.B>" },
  { name: "BSL_vector", pattern: "0 Q 101110 01 1 Rm:5 00011 1 Rn:5 Rd:5", feature: "simd", asm: "bsl <Vd.B>, <Vn.B>, <Vm.B>" },
  { name: "BIT_vector", pattern: "0 Q 101110 10 1 Rm:5 00011 1 Rn:5 Rd:5", feature: "simd", asm: "bit <Vd.B>, <Vn.B>, <Vm.B>" },
  { name: "BIF_vector", pattern: "0 Q 101110 11 1 Rm:5 00011 1 Rn:5 Rd:5", feature: "simd", asm: "bif <Vd.B>, <Vn.B>, <Vm.B>" },

  // Three registers of the same type: floating point
  { name: "FMAXNM_vector", pattern: "0 Q 001110 0 sz 1 Rm:5 11000 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmaxnm <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMLA_vector", pattern: "0 Q 001110 0 sz 1 Rm:5 11001 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmla <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FADD_vector", pattern: "0 Q 001110 0 sz 1 Rm:5 11010 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fadd <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMULX_vector", pattern: "0 Q 001110 0 sz 1 Rm:5 11011 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmulx <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FCMEQ_vector", pattern: "0 Q 001110 0 sz 1 Rm:5 11100 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcmeq <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMAX_vector", pattern: "0 Q 001110 0 sz 1 Rm:5 11110 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmax <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FRECPS_vector", pattern: "0 Q 001110 0 sz 1 Rm:5 11111 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frecps <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMINNM_vector", pattern: "0 Q 001110 1 sz 1 Rm:5 11000 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fminnm <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMLS_vector", pattern: "0 Q 001110 1 sz 1 Rm:5 11001 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmls <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FSUB_vector", pattern: "0 Q 001110 1 sz 1 Rm:5 11010 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fsub <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMIN_vector", pattern: "0 Q 001110 1 sz 1 Rm:5 11110 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmin <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FRSQRTS_vector", pattern: "0 Q 001110 1 sz 1 Rm:5 11111 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frsqrts <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMAXNMP_vector", pattern: "0 Q 101110 0 sz 1 Rm:5 11000 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmaxnmp <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FADDP_vector", pattern: "0 Q 101110 0 sz 1 Rm:5 11010 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "faddp <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMUL_vector", pattern: "0 Q 101110 0 sz 1 Rm:5 11011 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmul <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FCMGE_vector", pattern: "0 Q 101110 0 sz 1 Rm:5 11100 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcmge <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FACGE_vector", pattern: "0 Q 101110 0 sz 1 Rm:5 11101 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "facge <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMAXP_vector", pattern: "0 Q 101110 0 sz 1 Rm:5 11110 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fmaxp <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FDIV_vector", pattern: "0 Q 101110 0 sz 1 Rm:5 11111 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fdiv <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMINNMP_vector", pattern: "0 Q 101110 1 sz 1 Rm:5 11000 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fminnmp <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FABD_vector", pattern: "0 Q 101110 1 sz 1 Rm:5 11010 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fabd <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FCMGT_vector", pattern: "0 Q 101110 1 sz 1 Rm:5 11100 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcmgt <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FACGT_vector", pattern: "0 Q 101110 1 sz 1 Rm:5 11101 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "facgt <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
  { name: "FMINP_vector", pattern: "0 Q 101110 1 sz 1 Rm:5 11110 1 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fminp <Vd.Tf>, <Vn.Tf>, <Vm.Tf>" },
];
