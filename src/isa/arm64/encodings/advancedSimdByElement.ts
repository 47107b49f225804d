import type { A64Entry } from "./feature.ts";

const halvesAndWords = { size: [1, 2] };
const floatElement = [{ sz: 0 }, { sz: 1, Q: 1, L: 0 }];
const floatElementScalar = [{ sz: 0 }, { sz: 1, L: 0 }];

/** Arm ARM C4.1.6 "Advanced SIMD vector x indexed element" and "Advanced SIMD scalar x indexed element" (`_sisd`). */
// biome-ignore format: one form per line
export const advancedSimdByElement: readonly A64Entry[] = [
  // Integer: a 16-bit element is chosen by H:L:M from V0 to V15, a 32-bit one by H:L from any register
  { name: "MUL_elem", pattern: "0 Q 001111 size:2 L M Rm:4 1000 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "mul <Vd.T>, <Vn.T>, <Vm[index]>" },
  { name: "MLA_elem", pattern: "0 Q 101111 size:2 L M Rm:4 0000 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "mla <Vd.T>, <Vn.T>, <Vm[index]>" },
  { name: "MLS_elem", pattern: "0 Q 101111 size:2 L M Rm:4 0100 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "mls <Vd.T>, <Vn.T>, <Vm[index]>" },
  { name: "SQDMULH_elem", pattern: "0 Q 001111 size:2 L M Rm:4 1100 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmulh <Vd.T>, <Vn.T>, <Vm[index]>" },
  { name: "SQRDMULH_elem", pattern: "0 Q 001111 size:2 L M Rm:4 1101 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqrdmulh <Vd.T>, <Vn.T>, <Vm[index]>" },
  { name: "SMLAL_elem", pattern: "0 Q 001111 size:2 L M Rm:4 0010 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "smlal<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },
  { name: "SMLSL_elem", pattern: "0 Q 001111 size:2 L M Rm:4 0110 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "smlsl<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },
  { name: "SMULL_elem", pattern: "0 Q 001111 size:2 L M Rm:4 1010 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "smull<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },
  { name: "UMLAL_elem", pattern: "0 Q 101111 size:2 L M Rm:4 0010 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "umlal<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },
  { name: "UMLSL_elem", pattern: "0 Q 101111 size:2 L M Rm:4 0110 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "umlsl<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },
  { name: "UMULL_elem", pattern: "0 Q 101111 size:2 L M Rm:4 1010 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "umull<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },
  { name: "SQDMLAL_elem", pattern: "0 Q 001111 size:2 L M Rm:4 0011 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmlal<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },
  { name: "SQDMLSL_elem", pattern: "0 Q 001111 size:2 L M Rm:4 0111 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmlsl<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },
  { name: "SQDMULL_elem", pattern: "0 Q 001111 size:2 L M Rm:4 1011 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmull<2> <Vd.Ta>, <Vn.T>, <Vm[index]>" },

  // Floating point: a single is chosen by H:L, a double by H
  { name: "FMLA_elem", pattern: "0 Q 001111 1 sz L M Rm:4 0001 H 0 Rn:5 Rd:5", when: floatElement, feature: "simd", asm: "fmla <Vd.Tf>, <Vn.Tf>, <Vm[findex]>" },
  { name: "FMLS_elem", pattern: "0 Q 001111 1 sz L M Rm:4 0101 H 0 Rn:5 Rd:5", when: floatElement, feature: "simd", asm: "fmls <Vd.Tf>, <Vn.Tf>, <Vm[findex]>" },
  { name: "FMUL_elem", pattern: "0 Q 001111 1 sz L M Rm:4 1001 H 0 Rn:5 Rd:5", when: floatElement, feature: "simd", asm: "fmul <Vd.Tf>, <Vn.Tf>, <Vm[findex]>" },
  { name: "FMULX_elem", pattern: "0 Q 101111 1 sz L M Rm:4 1001 H 0 Rn:5 Rd:5", when: floatElement, feature: "simd", asm: "fmulx <Vd.Tf>, <Vn.Tf>, <Vm[findex]>" },

  // Scalar
  { name: "SQDMULH_elem_sisd", pattern: "01 011111 size:2 L M Rm:4 1100 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmulh <Vd.elem>, <Vn.elem>, <Vm[index]>" },
  { name: "SQRDMULH_elem_sisd", pattern: "01 011111 size:2 L M Rm:4 1101 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqrdmulh <Vd.elem>, <Vn.elem>, <Vm[index]>" },
  { name: "SQDMLAL_elem_sisd", pattern: "01 011111 size:2 L M Rm:4 0011 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmlal <Vd.wide>, <Vn.elem>, <Vm[index]>" },
  { name: "SQDMLSL_elem_sisd", pattern: "01 011111 size:2 L M Rm:4 0111 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmlsl <Vd.wide>, <Vn.elem>, <Vm[index]>" },
  { name: "SQDMULL_elem_sisd", pattern: "01 011111 size:2 L M Rm:4 1011 H 0 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmull <Vd.wide>, <Vn.elem>, <Vm[index]>" },
  { name: "FMLA_elem_sisd", pattern: "01 011111 1 sz L M Rm:4 0001 H 0 Rn:5 Rd:5", when: floatElementScalar, feature: "simd", asm: "fmla <Vd.fp>, <Vn.fp>, <Vm[findex]>" },
  { name: "FMLS_elem_sisd", pattern: "01 011111 1 sz L M Rm:4 0101 H 0 Rn:5 Rd:5", when: floatElementScalar, feature: "simd", asm: "fmls <Vd.fp>, <Vn.fp>, <Vm[findex]>" },
  { name: "FMUL_elem_sisd", pattern: "01 011111 1 sz L M Rm:4 1001 H 0 Rn:5 Rd:5", when: floatElementScalar, feature: "simd", asm: "fmul <Vd.fp>, <Vn.fp>, <Vm[findex]>" },
  { name: "FMULX_elem_sisd", pattern: "01 111111 1 sz L M Rm:4 1001 H 0 Rn:5 Rd:5", when: floatElementScalar, feature: "simd", asm: "fmulx <Vd.fp>, <Vn.fp>, <Vm[findex]>" },
];
