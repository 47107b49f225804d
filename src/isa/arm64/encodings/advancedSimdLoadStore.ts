import type { A64Entry } from "./feature.ts";

const oneElement = { opcode: [2, 6, 7, 10] };
/** Interleaved 64-bit elements come in pairs only. */
const fullDoubles = [{ size: { not: 3 } }, { size: 3, Q: 1 }];
/** 8, 16, 32 and 64-bit elements. */
const lane = [{ scale: 0 }, { scale: 1, size: [0, 2] }, { scale: 2, size: 0 }, { scale: 2, size: 1, S: 0 }];

/** Arm ARM C4.1.4 "Advanced SIMD load/store multiple structures" and "single structure". */
// biome-ignore format: one form per line
export const advancedSimdLoadStore: readonly A64Entry[] = [
  // Multiple structures: opcode of LD1 and ST1 gives 4 (2), 3 (6), 1 (7) or 2 (10) registers
  { name: "LD1_multiple", pattern: "0 Q 001100 0 1 000000 opcode:4 size:2 Rn:5 Rt:5", when: oneElement, feature: "simd", asm: "ld1 <list.T>, [<Xn|SP>]" },
  { name: "LD2_multiple", pattern: "0 Q 001100 0 1 000000 1000 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "ld2 <list2.T>, [<Xn|SP>]" },
  { name: "LD3_multiple", pattern: "0 Q 001100 0 1 000000 0100 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "ld3 <list3.T>, [<Xn|SP>]" },
  { name: "LD4_multiple", pattern: "0 Q 001100 0 1 000000 0000 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "ld4 <list4.T>, [<Xn|SP>]" },
  { name: "ST1_multiple", pattern: "0 Q 001100 0 0 000000 opcode:4 size:2 Rn:5 Rt:5", when: oneElement, feature: "simd", asm: "st1 <list.T>, [<Xn|SP>]" },
  { name: "ST2_multiple", pattern: "0 Q 001100 0 0 000000 1000 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "st2 <list2.T>, [<Xn|SP>]" },
  { name: "ST3_multiple", pattern: "0 Q 001100 0 0 000000 0100 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "st3 <list3.T>, [<Xn|SP>]" },
  { name: "ST4_multiple", pattern: "0 Q 001100 0 0 000000 0000 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "st4 <list4.T>, [<Xn|SP>]" },

  // Multiple structures, post-indexed: Rm 31 adds the number of bytes moved
  { name: "LD1_multiple_post", pattern: "0 Q 001100 1 1 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5", when: oneElement, feature: "simd", asm: "ld1 <list.T>, [<Xn|SP>], <postMultiple>" },
  { name: "LD2_multiple_post", pattern: "0 Q 001100 1 1 0 Rm:5 1000 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "ld2 <list2.T>, [<Xn|SP>], <postMultiple2>" },
  { name: "LD3_multiple_post", pattern: "0 Q 001100 1 1 0 Rm:5 0100 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "ld3 <list3.T>, [<Xn|SP>], <postMultiple3>" },
  { name: "LD4_multiple_post", pattern: "0 Q 001100 1 1 0 Rm:5 0000 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "ld4 <list4.T>, [<Xn|SP>], <postMultiple4>" },
  { name: "ST1_multiple_post", pattern: "0 Q 001100 1 0 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5", when: oneElement, feature: "simd", asm: "st1 <list.T>, [<Xn|SP>], <postMultiple>" },
  { name: "ST2_multiple_post", pattern: "0 Q 001100 1 0 0 Rm:5 1000 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "st2 <list2.T>, [<Xn|SP>], <postMultiple2>" },
  { name: "ST3_multiple_post", pattern: "0 Q 001100 1 0 0 Rm:5 0100 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "st3 <list3.T>, [<Xn|SP>], <postMultiple3>" },
  { name: "ST4_multiple_post", pattern: "0 Q 001100 1 0 0 Rm:5 0000 size:2 Rn:5 Rt:5", when: fullDoubles, feature: "simd", asm: "st4 <list4.T>, [<Xn|SP>], <postMultiple4>" },

  // Single structure: the index is Q:S:size without the bits below the element size; scale is opcode<2:1>
  { name: "LD1_single", pattern: "0 Q 001101 0 1 0 00000 scale:2 0 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "ld1 <lane1>, [<Xn|SP>]" },
  { name: "LD2_single", pattern: "0 Q 001101 0 1 1 00000 scale:2 0 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "ld2 <lane2>, [<Xn|SP>]" },
  { name: "LD3_single", pattern: "0 Q 001101 0 1 0 00000 scale:2 1 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "ld3 <lane3>, [<Xn|SP>]" },
  { name: "LD4_single", pattern: "0 Q 001101 0 1 1 00000 scale:2 1 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "ld4 <lane4>, [<Xn|SP>]" },
  { name: "ST1_single", pattern: "0 Q 001101 0 0 0 00000 scale:2 0 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "st1 <lane1>, [<Xn|SP>]" },
  { name: "ST2_single", pattern: "0 Q 001101 0 0 1 00000 scale:2 0 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "st2 <lane2>, [<Xn|SP>]" },
  { name: "ST3_single", pattern: "0 Q 001101 0 0 0 00000 scale:2 1 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "st3 <lane3>, [<Xn|SP>]" },
  { name: "ST4_single", pattern: "0 Q 001101 0 0 1 00000 scale:2 1 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "st4 <lane4>, [<Xn|SP>]" },
  { name: "LD1R", pattern: "0 Q 001101 0 1 0 00000 11 0 0 size:2 Rn:5 Rt:5", feature: "simd", asm: "ld1r <list1.T>, [<Xn|SP>]" },
  { name: "LD2R", pattern: "0 Q 001101 0 1 1 00000 11 0 0 size:2 Rn:5 Rt:5", feature: "simd", asm: "ld2r <list2.T>, [<Xn|SP>]" },
  { name: "LD3R", pattern: "0 Q 001101 0 1 0 00000 11 1 0 size:2 Rn:5 Rt:5", feature: "simd", asm: "ld3r <list3.T>, [<Xn|SP>]" },
  { name: "LD4R", pattern: "0 Q 001101 0 1 1 00000 11 1 0 size:2 Rn:5 Rt:5", feature: "simd", asm: "ld4r <list4.T>, [<Xn|SP>]" },

  // Single structure, post-indexed: Rm 31 adds the number of bytes moved
  { name: "LD1_single_post", pattern: "0 Q 001101 1 1 0 Rm:5 scale:2 0 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "ld1 <lane1>, [<Xn|SP>], <postSingle1>" },
  { name: "LD2_single_post", pattern: "0 Q 001101 1 1 1 Rm:5 scale:2 0 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "ld2 <lane2>, [<Xn|SP>], <postSingle2>" },
  { name: "LD3_single_post", pattern: "0 Q 001101 1 1 0 Rm:5 scale:2 1 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "ld3 <lane3>, [<Xn|SP>], <postSingle3>" },
  { name: "LD4_single_post", pattern: "0 Q 001101 1 1 1 Rm:5 scale:2 1 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "ld4 <lane4>, [<Xn|SP>], <postSingle4>" },
  { name: "ST1_single_post", pattern: "0 Q 001101 1 0 0 Rm:5 scale:2 0 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "st1 <lane1>, [<Xn|SP>], <postSingle1>" },
  { name: "ST2_single_post", pattern: "0 Q 001101 1 0 1 Rm:5 scale:2 0 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "st2 <lane2>, [<Xn|SP>], <postSingle2>" },
  { name: "ST3_single_post", pattern: "0 Q 001101 1 0 0 Rm:5 scale:2 1 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "st3 <lane3>, [<Xn|SP>], <postSingle3>" },
  { name: "ST4_single_post", pattern: "0 Q 001101 1 0 1 Rm:5 scale:2 1 S size:2 Rn:5 Rt:5", when: lane, feature: "simd", asm: "st4 <lane4>, [<Xn|SP>], <postSingle4>" },
  { name: "LD1R_post", pattern: "0 Q 001101 1 1 0 Rm:5 11 0 0 size:2 Rn:5 Rt:5", feature: "simd", asm: "ld1r <list1.T>, [<Xn|SP>], <postReplicate1>" },
  { name: "LD2R_post", pattern: "0 Q 001101 1 1 1 Rm:5 11 0 0 size:2 Rn:5 Rt:5", feature: "simd", asm: "ld2r <list2.T>, [<Xn|SP>], <postReplicate2>" },
  { name: "LD3R_post", pattern: "0 Q 001101 1 1 0 Rm:5 11 1 0 size:2 Rn:5 Rt:5", feature: "simd", asm: "ld3r <list3.T>, [<Xn|SP>], <postReplicate3>" },
  { name: "LD4R_post", pattern: "0 Q 001101 1 1 1 Rm:5 11 1 0 size:2 Rn:5 Rt:5", feature: "simd", asm: "ld4r <list4.T>, [<Xn|SP>], <postReplicate4>" },
];
