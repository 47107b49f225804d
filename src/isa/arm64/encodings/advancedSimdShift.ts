import type { A64Entry } from "./feature.ts";

/** `immh` 0 belongs to the modified immediates; 64-bit elements come in pairs only. */
const sameWidth = [{ immh: { min: 1, max: 7 } }, { immh: { min: 8 }, Q: 1 }];
const narrow = { immh: { min: 1, max: 7 } };
/** Half precision has no arithmetic before Armv8.2. */
const fixedPoint = [{ immh: { min: 4, max: 7 } }, { immh: { min: 8 }, Q: 1 }];

/** Arm ARM C4.1.6 "Advanced SIMD shift by immediate". */
// biome-ignore format: one form per line
export const advancedSimdShift: readonly A64Entry[] = [
  // Same width: the highest set bit of immh is the element size; right shifts by 2 * esize - immh:immb, left shifts by immh:immb - esize
  { name: "SSHR_vector", pattern: "0 Q 0011110 immh:4 immb:3 00000 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "sshr <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "USHR_vector", pattern: "0 Q 1011110 immh:4 immb:3 00000 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "ushr <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "SSRA_vector", pattern: "0 Q 0011110 immh:4 immb:3 00010 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "ssra <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "USRA_vector", pattern: "0 Q 1011110 immh:4 immb:3 00010 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "usra <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "SRSHR_vector", pattern: "0 Q 0011110 immh:4 immb:3 00100 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "srshr <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "URSHR_vector", pattern: "0 Q 1011110 immh:4 immb:3 00100 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "urshr <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "SRSRA_vector", pattern: "0 Q 0011110 immh:4 immb:3 00110 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "srsra <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "URSRA_vector", pattern: "0 Q 1011110 immh:4 immb:3 00110 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "ursra <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "SRI_vector", pattern: "0 Q 1011110 immh:4 immb:3 01000 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "sri <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "SHL_vector", pattern: "0 Q 0011110 immh:4 immb:3 01010 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "shl <Vd.Tsh>, <Vn.Tsh>, <shl>" },
  { name: "SLI_vector", pattern: "0 Q 1011110 immh:4 immb:3 01010 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "sli <Vd.Tsh>, <Vn.Tsh>, <shl>" },
  { name: "SQSHLU_vector", pattern: "0 Q 1011110 immh:4 immb:3 01100 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "sqshlu <Vd.Tsh>, <Vn.Tsh>, <shl>" },
  { name: "SQSHL_imm_vector", pattern: "0 Q 0011110 immh:4 immb:3 01110 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "sqshl <Vd.Tsh>, <Vn.Tsh>, <shl>" },
  { name: "UQSHL_imm_vector", pattern: "0 Q 1011110 immh:4 immb:3 01110 1 Rn:5 Rd:5", when: sameWidth, feature: "simd", asm: "uqshl <Vd.Tsh>, <Vn.Tsh>, <shl>" },

  // Narrowing and lengthening
  { name: "SHRN_vector", pattern: "0 Q 0011110 immh:4 immb:3 10000 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "shrn<2> <Vd.Tsh>, <Vn.Tshw>, <shr>" },
  { name: "SQSHRUN_vector", pattern: "0 Q 1011110 immh:4 immb:3 10000 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sqshrun<2> <Vd.Tsh>, <Vn.Tshw>, <shr>" },
  { name: "RSHRN_vector", pattern: "0 Q 0011110 immh:4 immb:3 10001 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "rshrn<2> <Vd.Tsh>, <Vn.Tshw>, <shr>" },
  { name: "SQRSHRUN_vector", pattern: "0 Q 1011110 immh:4 immb:3 10001 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sqrshrun<2> <Vd.Tsh>, <Vn.Tshw>, <shr>" },
  { name: "SQSHRN_vector", pattern: "0 Q 0011110 immh:4 immb:3 10010 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sqshrn<2> <Vd.Tsh>, <Vn.Tshw>, <shr>" },
  { name: "UQSHRN_vector", pattern: "0 Q 1011110 immh:4 immb:3 10010 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "uqshrn<2> <Vd.Tsh>, <Vn.Tshw>, <shr>" },
  { name: "SQRSHRN_vector", pattern: "0 Q 0011110 immh:4 immb:3 10011 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sqrshrn<2> <Vd.Tsh>, <Vn.Tshw>, <shr>" },
  { name: "UQRSHRN_vector", pattern: "0 Q 1011110 immh:4 immb:3 10011 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "uqrshrn<2> <Vd.Tsh>, <Vn.Tshw>, <shr>" },
  { name: "SSHLL_vector", pattern: "0 Q 0011110 immh:4 immb:3 10100 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "sshll<2> <Vd.Tshw>, <Vn.Tsh>, <shl>" },
  { name: "USHLL_vector", pattern: "0 Q 1011110 immh:4 immb:3 10100 1 Rn:5 Rd:5", when: narrow, feature: "simd", asm: "ushll<2> <Vd.Tshw>, <Vn.Tsh>, <shl>" },

  // Fixed point: 2 * esize - immh:immb fraction bits
  { name: "SCVTF_fixed_vector", pattern: "0 Q 0011110 immh:4 immb:3 11100 1 Rn:5 Rd:5", when: fixedPoint, feature: "simd", asm: "scvtf <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "UCVTF_fixed_vector", pattern: "0 Q 1011110 immh:4 immb:3 11100 1 Rn:5 Rd:5", when: fixedPoint, feature: "simd", asm: "ucvtf <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "FCVTZS_fixed_vector", pattern: "0 Q 0011110 immh:4 immb:3 11111 1 Rn:5 Rd:5", when: fixedPoint, feature: "simd", asm: "fcvtzs <Vd.Tsh>, <Vn.Tsh>, <shr>" },
  { name: "FCVTZU_fixed_vector", pattern: "0 Q 1011110 immh:4 immb:3 11111 1 Rn:5 Rd:5", when: fixedPoint, feature: "simd", asm: "fcvtzu <Vd.Tsh>, <Vn.Tsh>, <shr>" },
];
