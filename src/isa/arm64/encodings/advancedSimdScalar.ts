import type { A64Entry } from "./feature.ts";

const notDoubles = { size: { not: 3 } };
const halvesAndWords = { size: [1, 2] };
const doubleShift = { immh: { min: 8 } };
const anyShift = { immh: { min: 1 } };
const narrow = { immh: { min: 1, max: 7 } };
/** Half precision has no arithmetic before Armv8.2. */
const fixedPoint = { immh: { min: 4 } };

/** Arm ARM C4.1.6 "Advanced SIMD scalar ..." (`_sisd`: one element of a SIMD register); by-element forms are in advancedSimdByElement.ts. */
// biome-ignore format: one form per line
export const advancedSimdScalar: readonly A64Entry[] = [
  // Three registers of the same type
  { name: "SQADD_sisd", pattern: "01 011110 size:2 1 Rm:5 00001 1 Rn:5 Rd:5", feature: "simd", asm: "sqadd <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "UQADD_sisd", pattern: "01 111110 size:2 1 Rm:5 00001 1 Rn:5 Rd:5", feature: "simd", asm: "uqadd <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "SQSUB_sisd", pattern: "01 011110 size:2 1 Rm:5 00101 1 Rn:5 Rd:5", feature: "simd", asm: "sqsub <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "UQSUB_sisd", pattern: "01 111110 size:2 1 Rm:5 00101 1 Rn:5 Rd:5", feature: "simd", asm: "uqsub <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "SQSHL_sisd", pattern: "01 011110 size:2 1 Rm:5 01001 1 Rn:5 Rd:5", feature: "simd", asm: "sqshl <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "UQSHL_sisd", pattern: "01 111110 size:2 1 Rm:5 01001 1 Rn:5 Rd:5", feature: "simd", asm: "uqshl <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "SQRSHL_sisd", pattern: "01 011110 size:2 1 Rm:5 01011 1 Rn:5 Rd:5", feature: "simd", asm: "sqrshl <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "UQRSHL_sisd", pattern: "01 111110 size:2 1 Rm:5 01011 1 Rn:5 Rd:5", feature: "simd", asm: "uqrshl <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "SQDMULH_sisd", pattern: "01 011110 size:2 1 Rm:5 10110 1 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmulh <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "SQRDMULH_sisd", pattern: "01 111110 size:2 1 Rm:5 10110 1 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqrdmulh <Vd.elem>, <Vn.elem>, <Vm.elem>" },
  { name: "CMGT_sisd", pattern: "01 011110 11 1 Rm:5 00110 1 Rn:5 Rd:5", feature: "simd", asm: "cmgt <Dd>, <Dn>, <Dm>" },
  { name: "CMHI_sisd", pattern: "01 111110 11 1 Rm:5 00110 1 Rn:5 Rd:5", feature: "simd", asm: "cmhi <Dd>, <Dn>, <Dm>" },
  { name: "CMGE_sisd", pattern: "01 011110 11 1 Rm:5 00111 1 Rn:5 Rd:5", feature: "simd", asm: "cmge <Dd>, <Dn>, <Dm>" },
  { name: "CMHS_sisd", pattern: "01 111110 11 1 Rm:5 00111 1 Rn:5 Rd:5", feature: "simd", asm: "cmhs <Dd>, <Dn>, <Dm>" },
  { name: "SSHL_sisd", pattern: "01 011110 11 1 Rm:5 01000 1 Rn:5 Rd:5", feature: "simd", asm: "sshl <Dd>, <Dn>, <Dm>" },
  { name: "USHL_sisd", pattern: "01 111110 11 1 Rm:5 01000 1 Rn:5 Rd:5", feature: "simd", asm: "ushl <Dd>, <Dn>, <Dm>" },
  { name: "SRSHL_sisd", pattern: "01 011110 11 1 Rm:5 01010 1 Rn:5 Rd:5", feature: "simd", asm: "srshl <Dd>, <Dn>, <Dm>" },
  { name: "URSHL_sisd", pattern: "01 111110 11 1 Rm:5 01010 1 Rn:5 Rd:5", feature: "simd", asm: "urshl <Dd>, <Dn>, <Dm>" },
  { name: "ADD_sisd", pattern: "01 011110 11 1 Rm:5 10000 1 Rn:5 Rd:5", feature: "simd", asm: "add <Dd>, <Dn>, <Dm>" },
  { name: "SUB_sisd", pattern: "01 111110 11 1 Rm:5 10000 1 Rn:5 Rd:5", feature: "simd", asm: "sub <Dd>, <Dn>, <Dm>" },
  { name: "CMTST_sisd", pattern: "01 011110 11 1 Rm:5 10001 1 Rn:5 Rd:5", feature: "simd", asm: "cmtst <Dd>, <Dn>, <Dm>" },
  { name: "CMEQ_sisd", pattern: "01 111110 11 1 Rm:5 10001 1 Rn:5 Rd:5", feature: "simd", asm: "cmeq <Dd>, <Dn>, <Dm>" },
  { name: "FMULX_sisd", pattern: "01 011110 0 sz 1 Rm:5 11011 1 Rn:5 Rd:5", feature: "simd", asm: "fmulx <Vd.fp>, <Vn.fp>, <Vm.fp>" },
  { name: "FCMEQ_sisd", pattern: "01 011110 0 sz 1 Rm:5 11100 1 Rn:5 Rd:5", feature: "simd", asm: "fcmeq <Vd.fp>, <Vn.fp>, <Vm.fp>" },
  { name: "FRECPS_sisd", pattern: "01 011110 0 sz 1 Rm:5 11111 1 Rn:5 Rd:5", feature: "simd", asm: "frecps <Vd.fp>, <Vn.fp>, <Vm.fp>" },
  { name: "FRSQRTS_sisd", pattern: "01 011110 1 sz 1 Rm:5 11111 1 Rn:5 Rd:5", feature: "simd", asm: "frsqrts <Vd.fp>, <Vn.fp>, <Vm.fp>" },
  { name: "FCMGE_sisd", pattern: "01 111110 0 sz 1 Rm:5 11100 1 Rn:5 Rd:5", feature: "simd", asm: "fcmge <Vd.fp>, <Vn.fp>, <Vm.fp>" },
  { name: "FACGE_sisd", pattern: "01 111110 0 sz 1 Rm:5 11101 1 Rn:5 Rd:5", feature: "simd", asm: "facge <Vd.fp>, <Vn.fp>, <Vm.fp>" },
  { name: "FABD_sisd", pattern: "01 111110 1 sz 1 Rm:5 11010 1 Rn:5 Rd:5", feature: "simd", asm: "fabd <Vd.fp>, <Vn.fp>, <Vm.fp>" },
  { name: "FCMGT_sisd", pattern: "01 111110 1 sz 1 Rm:5 11100 1 Rn:5 Rd:5", feature: "simd", asm: "fcmgt <Vd.fp>, <Vn.fp>, <Vm.fp>" },
  { name: "FACGT_sisd", pattern: "01 111110 1 sz 1 Rm:5 11101 1 Rn:5 Rd:5", feature: "simd", asm: "facgt <Vd.fp>, <Vn.fp>, <Vm.fp>" },

  // Three registers, lengthening
  { name: "SQDMLAL_sisd", pattern: "01 011110 size:2 1 Rm:5 1001 00 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmlal <Vd.wide>, <Vn.elem>, <Vm.elem>" },
  { name: "SQDMLSL_sisd", pattern: "01 011110 size:2 1 Rm:5 1011 00 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmlsl <Vd.wide>, <Vn.elem>, <Vm.elem>" },
  { name: "SQDMULL_sisd", pattern: "01 011110 size:2 1 Rm:5 1101 00 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmull <Vd.wide>, <Vn.elem>, <Vm.elem>" },

  // Two registers: integer
  { name: "SUQADD_sisd", pattern: "01 011110 size:2 10000 00011 10 Rn:5 Rd:5", feature: "simd", asm: "suqadd <Vd.elem>, <Vn.elem>" },
  { name: "USQADD_sisd", pattern: "01 111110 size:2 10000 00011 10 Rn:5 Rd:5", feature: "simd", asm: "usqadd <Vd.elem>, <Vn.elem>" },
  { name: "SQABS_sisd", pattern: "01 011110 size:2 10000 00111 10 Rn:5 Rd:5", feature: "simd", asm: "sqabs <Vd.elem>, <Vn.elem>" },
  { name: "SQNEG_sisd", pattern: "01 111110 size:2 10000 00111 10 Rn:5 Rd:5", feature: "simd", asm: "sqneg <Vd.elem>, <Vn.elem>" },
  { name: "ABS_sisd", pattern: "01 011110 11 10000 01011 10 Rn:5 Rd:5", feature: "simd", asm: "abs <Dd>, <Dn>" },
  { name: "NEG_sisd", pattern: "01 111110 11 10000 01011 10 Rn:5 Rd:5", feature: "simd", asm: "neg <Dd>, <Dn>" },
  { name: "SQXTUN_sisd", pattern: "01 111110 size:2 10000 10010 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sqxtun <Vd.elem>, <Vn.wide>" },
  { name: "SQXTN_sisd", pattern: "01 011110 size:2 10000 10100 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sqxtn <Vd.elem>, <Vn.wide>" },
  { name: "UQXTN_sisd", pattern: "01 111110 size:2 10000 10100 10 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uqxtn <Vd.elem>, <Vn.wide>" },

  // Two registers: compare with zero
  { name: "CMGT_zero_sisd", pattern: "01 011110 11 10000 01000 10 Rn:5 Rd:5", feature: "simd", asm: "cmgt <Dd>, <Dn>, #0" },
  { name: "CMGE_zero_sisd", pattern: "01 111110 11 10000 01000 10 Rn:5 Rd:5", feature: "simd", asm: "cmge <Dd>, <Dn>, #0" },
  { name: "CMEQ_zero_sisd", pattern: "01 011110 11 10000 01001 10 Rn:5 Rd:5", feature: "simd", asm: "cmeq <Dd>, <Dn>, #0" },
  { name: "CMLE_zero_sisd", pattern: "01 111110 11 10000 01001 10 Rn:5 Rd:5", feature: "simd", asm: "cmle <Dd>, <Dn>, #0" },
  { name: "CMLT_zero_sisd", pattern: "01 011110 11 10000 01010 10 Rn:5 Rd:5", feature: "simd", asm: "cmlt <Dd>, <Dn>, #0" },
  { name: "FCMGT_zero_sisd", pattern: "01 011110 1 sz 10000 01100 10 Rn:5 Rd:5", feature: "simd", asm: "fcmgt <Vd.fp>, <Vn.fp>, #0.0" },
  { name: "FCMEQ_zero_sisd", pattern: "01 011110 1 sz 10000 01101 10 Rn:5 Rd:5", feature: "simd", asm: "fcmeq <Vd.fp>, <Vn.fp>, #0.0" },
  { name: "FCMLT_zero_sisd", pattern: "01 011110 1 sz 10000 01110 10 Rn:5 Rd:5", feature: "simd", asm: "fcmlt <Vd.fp>, <Vn.fp>, #0.0" },
  { name: "FCMGE_zero_sisd", pattern: "01 111110 1 sz 10000 01100 10 Rn:5 Rd:5", feature: "simd", asm: "fcmge <Vd.fp>, <Vn.fp>, #0.0" },
  { name: "FCMLE_zero_sisd", pattern: "01 111110 1 sz 10000 01101 10 Rn:5 Rd:5", feature: "simd", asm: "fcmle <Vd.fp>, <Vn.fp>, #0.0" },

  // Two registers: floating point
  { name: "FCVTNS_sisd", pattern: "01 011110 0 sz 10000 11010 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtns <Vd.fp>, <Vn.fp>" },
  { name: "FCVTNU_sisd", pattern: "01 111110 0 sz 10000 11010 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtnu <Vd.fp>, <Vn.fp>" },
  { name: "FCVTMS_sisd", pattern: "01 011110 0 sz 10000 11011 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtms <Vd.fp>, <Vn.fp>" },
  { name: "FCVTMU_sisd", pattern: "01 111110 0 sz 10000 11011 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtmu <Vd.fp>, <Vn.fp>" },
  { name: "FCVTAS_sisd", pattern: "01 011110 0 sz 10000 11100 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtas <Vd.fp>, <Vn.fp>" },
  { name: "FCVTAU_sisd", pattern: "01 111110 0 sz 10000 11100 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtau <Vd.fp>, <Vn.fp>" },
  { name: "SCVTF_sisd", pattern: "01 011110 0 sz 10000 11101 10 Rn:5 Rd:5", feature: "simd", asm: "scvtf <Vd.fp>, <Vn.fp>" },
  { name: "UCVTF_sisd", pattern: "01 111110 0 sz 10000 11101 10 Rn:5 Rd:5", feature: "simd", asm: "ucvtf <Vd.fp>, <Vn.fp>" },
  { name: "FCVTPS_sisd", pattern: "01 011110 1 sz 10000 11010 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtps <Vd.fp>, <Vn.fp>" },
  { name: "FCVTPU_sisd", pattern: "01 111110 1 sz 10000 11010 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtpu <Vd.fp>, <Vn.fp>" },
  { name: "FCVTZS_sisd", pattern: "01 011110 1 sz 10000 11011 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtzs <Vd.fp>, <Vn.fp>" },
  { name: "FCVTZU_sisd", pattern: "01 111110 1 sz 10000 11011 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtzu <Vd.fp>, <Vn.fp>" },
  { name: "FRECPE_sisd", pattern: "01 011110 1 sz 10000 11101 10 Rn:5 Rd:5", feature: "simd", asm: "frecpe <Vd.fp>, <Vn.fp>" },
  { name: "FRECPX_sisd", pattern: "01 011110 1 sz 10000 11111 10 Rn:5 Rd:5", feature: "simd", asm: "frecpx <Vd.fp>, <Vn.fp>" },
  { name: "FRSQRTE_sisd", pattern: "01 111110 1 sz 10000 11101 10 Rn:5 Rd:5", feature: "simd", asm: "frsqrte <Vd.fp>, <Vn.fp>" },
  { name: "FCVTXN_sisd", pattern: "01 111110 01 10000 10110 10 Rn:5 Rd:5", feature: "simd", asm: "fcvtxn <Sd>, <Dn>" },

  // Pairwise
  { name: "ADDP_sisd", pattern: "01 011110 11 11000 11011 10 Rn:5 Rd:5", feature: "simd", asm: "addp <Dd>, <Vn.2D>" },
  { name: "FMAXNMP_sisd", pattern: "01 111110 0 sz 11000 01100 10 Rn:5 Rd:5", feature: "simd", asm: "fmaxnmp <Vd.fp>, <Vn.pairfp>" },
  { name: "FADDP_sisd", pattern: "01 111110 0 sz 11000 01101 10 Rn:5 Rd:5", feature: "simd", asm: "faddp <Vd.fp>, <Vn.pairfp>" },
  { name: "FMAXP_sisd", pattern: "01 111110 0 sz 11000 01111 10 Rn:5 Rd:5", feature: "simd", asm: "fmaxp <Vd.fp>, <Vn.pairfp>" },
  { name: "FMINNMP_sisd", pattern: "01 111110 1 sz 11000 01100 10 Rn:5 Rd:5", feature: "simd", asm: "fminnmp <Vd.fp>, <Vn.pairfp>" },
  { name: "FMINP_sisd", pattern: "01 111110 1 sz 11000 01111 10 Rn:5 Rd:5", feature: "simd", asm: "fminp <Vd.fp>, <Vn.pairfp>" },

  // Copy
  { name: "DUP_element_sisd", pattern: "01 011110000 imm5:5 0 0000 1 Rn:5 Rd:5", when: { imm5: { not: [0, 16] } }, feature: "simd", asm: "mov <Vd.imm5>, <Vn[imm5]>" },

  // Shift by immediate
  { name: "SSHR_sisd", pattern: "01 0111110 immh:4 immb:3 00000 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "sshr <Dd>, <Dn>, <shr>" },
  { name: "USHR_sisd", pattern: "01 1111110 immh:4 immb:3 00000 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "ushr <Dd>, <Dn>, <shr>" },
  { name: "SSRA_sisd", pattern: "01 0111110 immh:4 immb:3 00010 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "ssra <Dd>, <Dn>, <shr>" },
  { name: "USRA_sisd", pattern: "01 1111110 immh:4 immb:3 00010 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "usra <Dd>, <Dn>, <shr>" },
  { name: "SRSHR_sisd", pattern: "01 0111110 immh:4 immb:3 00100 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "srshr <Dd>, <Dn>, <shr>" },
  { name: "URSHR_sisd", pattern: "01 1111110 immh:4 immb:3 00100 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "urshr <Dd>, <Dn>, <shr>" },
  { name: "SRSRA_sisd", pattern: "01 0111110 immh:4 immb:3 00110 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "srsra <Dd>, <Dn>, <shr>" },
  { name: "URSRA_sisd", pattern: "01 1111110 immh:4 immb:3 00110 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "ursra <Dd>, <Dn>, <shr>" },
  { name: "SRI_sisd", pattern: "01 1111110 immh:4 immb:3 01000 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "sri <Dd>, <Dn>, <shr>" },
  { name: "SHL_sisd", pattern: "01 0111110 immh:4 immb:3 01010 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "shl <Dd>, <Dn>, <shl>" },
  { name: "SLI_sisd", pattern: "01 1111110 immh:4 immb:3 01010 1 Rn:5 Rd:5", when: doubleShift, feature: "simd", asm: "sli <Dd>, <Dn>, <shl>" },
  { name: "SQSHLU_sisd", pattern: "01 1111110 immh:4 immb:3 01100 1 Rn:5 Rd:5", when: anyShift, feature: "simd", asm: "sqshlu <Vd.immh>, <Vn.immh>, <shl>" },
  { name: "SQSHL_imm_sisd", pattern: "01 0111110 immh:4 immb:3 01110 1 Rn:5 Rd:5", when: anyShift, feature: "simd", asm: "sqshl <Vd.immh>, <Vn.immh>, <shl>" },
  { name: "UQSHL_imm_sisd", pattern: "01 1111110 immh:4 immb:3 01110 1 Rn:5 Rd:5", when: anyShift, feature: "simd", asm: "uqshl <Vd.immh>, <Vn.immh>, <shl>" },
  { name: "SQSHRUN_sisd", pattern: "01 1111110 immh:4 immb:3 10000 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sqshrun <Vd.immh>, <Vn.immhw>, <shr>" },
  { name: "SQRSHRUN_sisd", pattern: "01 1111110 immh:4 immb:3 10001 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sqrshrun <Vd.immh>, <Vn.immhw>, <shr>" },
  { name: "SQSHRN_sisd", pattern: "01 0111110 immh:4 immb:3 10010 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sqshrn <Vd.immh>, <Vn.immhw>, <shr>" },
  { name: "UQSHRN_sisd", pattern: "01 1111110 immh:4 immb:3 10010 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "uqshrn <Vd.immh>, <Vn.immhw>, <shr>" },
  { name: "SQRSHRN_sisd", pattern: "01 0111110 immh:4 immb:3 10011 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sqrshrn <Vd.immh>, <Vn.immhw>, <shr>" },
  { name: "UQRSHRN_sisd", pattern: "01 1111110 immh:4 immb:3 10011 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "uqrshrn <Vd.immh>, <Vn.immhw>, <shr>" },
  { name: "SCVTF_fixed_sisd", pattern: "01 0111110 immh:4 immb:3 11100 1 Rn:5 Rd:5", when: fixedPoint, feature: "simd", asm: "scvtf <Vd.immh>, <Vn.immh>, <shr>" },
  { name: "UCVTF_fixed_sisd", pattern: "01 1111110 immh:4 immb:3 11100 1 Rn:5 Rd:5", when: fixedPoint, feature: "simd", asm: "ucvtf <Vd.immh>, <Vn.immh>, <shr>" },
  { name: "FCVTZS_fixed_sisd", pattern: "01 0111110 immh:4 immb:3 11111 1 Rn:5 Rd:5", when: fixedPoint, feature: "simd", asm: "fcvtzs <Vd.immh>, <Vn.immh>, <shr>" },
  { name: "FCVTZU_fixed_sisd", pattern: "01 1111110 immh:4 immb:3 11111 1 Rn:5 Rd:5", when: fixedPoint, feature: "simd", asm: "fcvtzu <Vd.immh>, <Vn.immh>, <shr>" },
];
