import type { A64Entry } from "./feature.ts";

const notDoubles = { size: { not: 3 } };
const halvesAndWords = { size: [1, 2] };

/** Arm ARM C4.1.6 "Advanced SIMD three different"; PMULL of 64-bit elements is in cryptography.ts. */
// biome-ignore format: one form per line
export const advancedSimdThreeDifferent: readonly A64Entry[] = [
  // Lengthening: the result's elements are twice as wide; Q picks the upper half of the narrow sources
  { name: "SADDL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 0000 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "saddl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "UADDL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 0000 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uaddl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SSUBL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 0010 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "ssubl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "USUBL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 0010 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "usubl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SABAL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 0101 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sabal<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "UABAL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 0101 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uabal<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SABDL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 0111 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "sabdl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "UABDL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 0111 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uabdl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SMLAL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 1000 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "smlal<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "UMLAL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 1000 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "umlal<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SMLSL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 1010 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "smlsl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "UMLSL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 1010 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "umlsl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SMULL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 1100 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "smull<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "UMULL_vector", pattern: "0 Q 101110 size:2 1 Rm:5 1100 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "umull<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SQDMLAL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 1001 00 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmlal<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SQDMLSL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 1011 00 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmlsl<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "SQDMULL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 1101 00 Rn:5 Rd:5", when: halvesAndWords, feature: "simd", asm: "sqdmull<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },
  { name: "PMULL_vector", pattern: "0 Q 001110 size:2 1 Rm:5 1110 00 Rn:5 Rd:5", when: { size: 0 }, feature: "simd", asm: "pmull<2> <Vd.Ta>, <Vn.T>, <Vm.T>" },

  // Widening and narrowing
  { name: "SADDW_vector", pattern: "0 Q 001110 size:2 1 Rm:5 0001 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "saddw<2> <Vd.Ta>, <Vn.Ta>, <Vm.T>" },
  { name: "UADDW_vector", pattern: "0 Q 101110 size:2 1 Rm:5 0001 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "uaddw<2> <Vd.Ta>, <Vn.Ta>, <Vm.T>" },
  { name: "SSUBW_vector", pattern: "0 Q 001110 size:2 1 Rm:5 0011 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "ssubw<2> <Vd.Ta>, <Vn.Ta>, <Vm.T>" },
  { name: "USUBW_vector", pattern: "0 Q 101110 size:2 1 Rm:5 0011 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "usubw<2> <Vd.Ta>, <Vn.Ta>, <Vm.T>" },
  { name: "ADDHN_vector", pattern: "0 Q 001110 size:2 1 Rm:5 0100 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "addhn<2> <Vd.T>, <Vn.Ta>, <Vm.Ta>" },
  { name: "RADDHN_vector", pattern: "0 Q 101110 size:2 1 Rm:5 0100 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "raddhn<2> <Vd.T>, <Vn.Ta>, <Vm.Ta>" },
  { name: "SUBHN_vector", pattern: "0 Q 001110 size:2 1 Rm:5 0110 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "subhn<2> <Vd.T>, <Vn.Ta>, <Vm.Ta>" },
  { name: "RSUBHN_vector", pattern: "0 Q 101110 size:2 1 Rm:5 0110 00 Rn:5 Rd:5", when: notDoubles, feature: "simd", asm: "rsubhn<2> <Vd.T>, <Vn.Ta>, <Vm.Ta>" },
];
