import type { A64Entry } from "./feature.ts";

const notDoubles = { size: { not: 3 } };
/** 64-bit elements come in pairs only. */
const fullDoubles = [{ size: { not: 3 } }, { size: 3, Q: 1 }];
/** Single precision, or two doubles. */
const fullFloats = [{ sz: 0 }, { sz: 1, Q: 1 }];
/** At least four elements, none of 64 bits. */
const acrossLanes = [{ size: [0, 1] }, { size: 2, Q: 1 }];

/** Arm ARM C4.1.6 "Advanced SIMD two-register miscellaneous" and "Advanced SIMD across lanes". */
// biome-ignore format: one form per line
export const advancedSimdTwoRegister: readonly A64Entry[] = [
  // Reversal, counting, bits
  { name: "REV64_vector", pattern: "0 Q 001110 size:2 10000 00000 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "rev64 <Vd.T>, <Vn.T>" },
  { name: "REV32_vector", pattern: "0 Q 101110 size:2 10000 00000 10 Rn:5 Rd:5", when: { size: [0, 1] }, feature: "simd", asm: "rev32 <Vd.T>, <Vn.T>" },
  { name: "REV16_vector", pattern: "0 Q 001110 size:2 10000 00001 10 Rn:5 Rd:5", when: { size: 0 }, feature: "simd", asm: "rev16 <Vd.T>, <Vn.T>" },
  { name: "CLS_vector", pattern: "0 Q 001110 size:2 10000 00100 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "cls <Vd.T>, <Vn.T>" },
  { name: "CLZ_vector", pattern: "0 Q 101110 size:2 10000 00100 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "clz <Vd.T>, <Vn.T>" },
  { name: "CNT_vector", pattern: "0 Q 001110 00 10000 00101 10 Rn:5 Rd:5", feature: "simd", asm: "cnt <Vd.B>, <Vn.B>" },
  { name: "NOT_vector", pattern: "0 Q 101110 00 10000 00101 10 Rn:5 Rd:5", feature: "simd", asm: "not <Vd.B>, <Vn.B>" },
  { name: "RBIT_vector", pattern: "0 Q 101110 01 10000 00101 10 Rn:5 Rd:5", feature: "simd", asm: "rbit <Vd.B>, <Vn.B>" },

  // Integer arithmetic
  { name: "SADDLP_vector", pattern: "0 Q 001110 size:2 10000 00010 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "saddlp <Vd.Tp>, <Vn.T>" },
  { name: "UADDLP_vector", pattern: "0 Q 101110 size:2 10000 00010 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uaddlp <Vd.Tp>, <Vn.T>" },
  { name: "SADALP_vector", pattern: "0 Q 001110 size:2 10000 00110 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sadalp <Vd.Tp>, <Vn.T>" },
  { name: "UADALP_vector", pattern: "0 Q 101110 size:2 10000 00110 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uadalp <Vd.Tp>, <Vn.T>" },
  { name: "SUQADD_vector", pattern: "0 Q 001110 size:2 10000 00011 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "suqadd <Vd.T>, <Vn.T>" },
  { name: "USQADD_vector", pattern: "0 Q 101110 size:2 10000 00011 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "usqadd <Vd.T>, <Vn.T>" },
  { name: "SQABS_vector", pattern: "0 Q 001110 size:2 10000 00111 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "sqabs <Vd.T>, <Vn.T>" },
  { name: "SQNEG_vector", pattern: "0 Q 101110 size:2 10000 00111 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "sqneg <Vd.T>, <Vn.T>" },
  { name: "ABS_vector", pattern: "0 Q 001110 size:2 10000 01011 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "abs <Vd.T>, <Vn.T>" },
  { name: "NEG_vector", pattern: "0 Q 101110 size:2 10000 01011 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "neg <Vd.T>, <Vn.T>" },

  // Compare with zero
  { name: "CMGT_zero_vector", pattern: "0 Q 001110 size:2 10000 01000 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmgt <Vd.T>, <Vn.T>, #0" },
  { name: "CMGE_zero_vector", pattern: "0 Q 101110 size:2 10000 01000 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmge <Vd.T>, <Vn.T>, #0" },
  { name: "CMEQ_zero_vector", pattern: "0 Q 001110 size:2 10000 01001 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmeq <Vd.T>, <Vn.T>, #0" },
  { name: "CMLE_zero_vector", pattern: "0 Q 101110 size:2 10000 01001 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmle <Vd.T>, <Vn.T>, #0" },
  { name: "CMLT_zero_vector", pattern: "0 Q 001110 size:2 10000 01010 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "cmlt <Vd.T>, <Vn.T>, #0" },
  { name: "FCMGT_zero_vector", pattern: "0 Q 001110 1 sz 10000 01100 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcmgt <Vd.Tf>, <Vn.Tf>, #0.0" },
  { name: "FCMEQ_zero_vector", pattern: "0 Q 001110 1 sz 10000 01101 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcmeq <Vd.Tf>, <Vn.Tf>, #0.0" },
  { name: "FCMLT_zero_vector", pattern: "0 Q 001110 1 sz 10000 01110 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcmlt <Vd.Tf>, <Vn.Tf>, #0.0" },
  { name: "FCMGE_zero_vector", pattern: "0 Q 101110 1 sz 10000 01100 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcmge <Vd.Tf>, <Vn.Tf>, #0.0" },
  { name: "FCMLE_zero_vector", pattern: "0 Q 101110 1 sz 10000 01101 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcmle <Vd.Tf>, <Vn.Tf>, #0.0" },

  // Narrowing and lengthening; Q picks the upper half of the narrow register
  { name: "XTN_vector", pattern: "0 Q 001110 size:2 10000 10010 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "xtn<2> <Vd.T>, <Vn.Ta>" },
  { name: "SQXTUN_vector", pattern: "0 Q 101110 size:2 10000 10010 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sqxtun<2> <Vd.T>, <Vn.Ta>" },
  { name: "SQXTN_vector", pattern: "0 Q 001110 size:2 10000 10100 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sqxtn<2> <Vd.T>, <Vn.Ta>" },
  { name: "UQXTN_vector", pattern: "0 Q 101110 size:2 10000 10100 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uqxtn<2> <Vd.T>, <Vn.Ta>" },
  { name: "SHLL_vector", pattern: "0 Q 101110 size:2 10000 10011 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "shll<2> <Vd.Ta>, <Vn.T>, <esize>" },
  { name: "FCVTN_vector", pattern: "0 Q 001110 0 sz 10000 10110 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtn<2> <Vd.Tfn>, <Vn.Tfw>" },
  { name: "FCVTL_vector", pattern: "0 Q 001110 0 sz 10000 10111 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtl<2> <Vd.Tfw>, <Vn.Tfn>" },
  { name: "FCVTXN_vector", pattern: "0 Q 101110 01 10000 10110 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtxn<2> <Vd.S>, <Vn.2D>" },

  // Floating-point arithmetic and rounding
  { name: "FABS_vector", pattern: "0 Q 001110 1 sz 10000 01111 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fabs <Vd.Tf>, <Vn.Tf>" },
  { name: "FNEG_vector", pattern: "0 Q 101110 1 sz 10000 01111 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fneg <Vd.Tf>, <Vn.Tf>" },
  { name: "FSQRT_vector", pattern: "0 Q 101110 1 sz 10000 11111 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fsqrt <Vd.Tf>, <Vn.Tf>" },
  { name: "FRINTN_vector", pattern: "0 Q 001110 0 sz 10000 11000 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frintn <Vd.Tf>, <Vn.Tf>" },
  { name: "FRINTM_vector", pattern: "0 Q 001110 0 sz 10000 11001 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frintm <Vd.Tf>, <Vn.Tf>" },
  { name: "FRINTP_vector", pattern: "0 Q 001110 1 sz 10000 11000 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frintp <Vd.Tf>, <Vn.Tf>" },
  { name: "FRINTZ_vector", pattern: "0 Q 001110 1 sz 10000 11001 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frintz <Vd.Tf>, <Vn.Tf>" },
  { name: "FRINTA_vector", pattern: "0 Q 101110 0 sz 10000 11000 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frinta <Vd.Tf>, <Vn.Tf>" },
  { name: "FRINTX_vector", pattern: "0 Q 101110 0 sz 10000 11001 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frintx <Vd.Tf>, <Vn.Tf>" },
  { name: "FRINTI_vector", pattern: "0 Q 101110 1 sz 10000 11001 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frinti <Vd.Tf>, <Vn.Tf>" },
  { name: "FRECPE_vector", pattern: "0 Q 001110 1 sz 10000 11101 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frecpe <Vd.Tf>, <Vn.Tf>" },
  { name: "FRSQRTE_vector", pattern: "0 Q 101110 1 sz 10000 11101 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "frsqrte <Vd.Tf>, <Vn.Tf>" },
  { name: "URECPE_vector", pattern: "0 Q 001110 10 10000 11100 10 Rn:5 Rd:5", feature: "simd", asm: "urecpe <Vd.S>, <Vn.S>" },
  { name: "URSQRTE_vector", pattern: "0 Q 101110 10 10000 11100 10 Rn:5 Rd:5", feature: "simd", asm: "ursqrte <Vd.S>, <Vn.S>" },

  // Conversion between floating point and integer
  { name: "FCVTNS_vector", pattern: "0 Q 001110 0 sz 10000 11010 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtns <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTNU_vector", pattern: "0 Q 101110 0 sz 10000 11010 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtnu <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTMS_vector", pattern: "0 Q 001110 0 sz 10000 11011 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtms <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTMU_vector", pattern: "0 Q 101110 0 sz 10000 11011 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtmu <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTAS_vector", pattern: "0 Q 001110 0 sz 10000 11100 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtas <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTAU_vector", pattern: "0 Q 101110 0 sz 10000 11100 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtau <Vd.Tf>, <Vn.Tf>" },
  { name: "SCVTF_vector", pattern: "0 Q 001110 0 sz 10000 11101 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "scvtf <Vd.Tf>, <Vn.Tf>" },
  { name: "UCVTF_vector", pattern: "0 Q 101110 0 sz 10000 11101 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "ucvtf <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTPS_vector", pattern: "0 Q 001110 1 sz 10000 11010 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtps <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTPU_vector", pattern: "0 Q 101110 1 sz 10000 11010 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtpu <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTZS_vector", pattern: "0 Q 001110 1 sz 10000 11011 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtzs <Vd.Tf>, <Vn.Tf>" },
  { name: "FCVTZU_vector", pattern: "0 Q 101110 1 sz 10000 11011 10 Rn:5 Rd:5", when: fullFloats, feature: "simd", asm: "fcvtzu <Vd.Tf>, <Vn.Tf>" },

  // Across lanes
  { name: "SADDLV_vector", pattern: "0 Q 001110 size:2 11000 00011 10 Rn:5 Rd:5", when: acrossLanes, feature: "simd", asm: "saddlv <Vd.wide>, <Vn.T>" },
  { name: "UADDLV_vector", pattern: "0 Q 101110 size:2 11000 00011 10 Rn:5 Rd:5", when: acrossLanes, feature: "simd", asm: "uaddlv <Vd.wide>, <Vn.T>" },
  { name: "SMAXV_vector", pattern: "0 Q 001110 size:2 11000 01010 10 Rn:5 Rd:5", when: acrossLanes, feature: "simd", asm: "smaxv <Vd.elem>, <Vn.T>" },
  { name: "UMAXV_vector", pattern: "0 Q 101110 size:2 11000 01010 10 Rn:5 Rd:5", when: acrossLanes, feature: "simd", asm: "umaxv <Vd.elem>, <Vn.T>" },
  { name: "SMINV_vector", pattern: "0 Q 001110 size:2 11000 11010 10 Rn:5 Rd:5", when: acrossLanes, feature: "simd", asm: "sminv <Vd.elem>, <Vn.T>" },
  { name: "UMINV_vector", pattern: "0 Q 101110 size:2 11000 11010 10 Rn:5 Rd:5", when: acrossLanes, feature: "simd", asm: "uminv <Vd.elem>, <Vn.T>" },
  { name: "ADDV_vector", pattern: "0 Q 001110 size:2 11000 11011 10 Rn:5 Rd:5", when: acrossLanes, feature: "simd", asm: "addv <Vd.elem>, <Vn.T>" },
  { name: "FMAXNMV_vector", pattern: "01 101110 0 0 11000 01100 10 Rn:5 Rd:5", feature: "simd", asm: "fmaxnmv <Sd>, <Vn.4S>" },
  { name: "FMAXV_vector", pattern: "01 101110 0 0 11000 01111 10 Rn:5 Rd:5", feature: "simd", asm: "fmaxv <Sd>, <Vn.4S>" },
  { name: "FMINNMV_vector", pattern: "01 101110 1 0 11000 01100 10 Rn:5 Rd:5", feature: "simd", asm: "fminnmv <Sd>, <Vn.4S>" },
  { name: "FMINV_vector", pattern: "01 101110 1 0 11000 01111 10 Rn:5 Rd:5", feature: "simd", asm: "fminv <Sd>, <Vn.4S>" },
];
