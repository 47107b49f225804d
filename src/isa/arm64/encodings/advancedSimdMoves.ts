import type { A64Entry } from "./feature.ts";

/** Values of `imm5` by the position of their lowest set bit. */
const imm5Values = Array.from({ length: 32 }, (_, value) => value);
const bytes = imm5Values.filter((value) => value % 2 === 1);
const halves = imm5Values.filter((value) => value % 4 === 2);
const words = imm5Values.filter((value) => value % 8 === 4);
const doubles = imm5Values.filter((value) => value % 16 === 8);
const element = { imm5: [...bytes, ...halves, ...words, ...doubles] };
const duplicable = [
  { Q: 0, imm5: [...bytes, ...halves, ...words] },
  { Q: 1, imm5: element.imm5 },
];
/** 64-bit elements come in pairs only. */
const fullDoubles = [{ size: { not: 3 } }, { size: 3, Q: 1 }];

/** Arm ARM C4.1.6 "Advanced SIMD copy", "permute", "extract", "table lookup" and "modified immediate". */
// biome-ignore format: one form per line
export const advancedSimdMoves: readonly A64Entry[] = [
  // Copy: the lowest set bit of imm5 is the element size, the bits above it are the index
  { name: "DUP_element", pattern: "0 Q 0 01110000 imm5:5 0 0000 1 Rn:5 Rd:5", when: duplicable, feature: "simd", asm: "dup <Vd.Tdup>, <Vn[imm5]>" },
  { name: "DUP_general", pattern: "0 Q 0 01110000 imm5:5 0 0001 1 Rn:5 Rd:5", when: duplicable, feature: "simd", asm: "dup <Vd.Tdup>, <Rn.imm5>" },
  { name: "SMOV", pattern: "0 Q 0 01110000 imm5:5 0 0101 1 Rn:5 Rd:5", when: [{ Q: 0, imm5: [...bytes, ...halves] }, { Q: 1, imm5: [...bytes, ...halves, ...words] }], feature: "simd", asm: "smov <Rd.Q>, <Vn[imm5]>" },
  { name: "UMOV", pattern: "0 Q 0 01110000 imm5:5 0 0111 1 Rn:5 Rd:5", when: [{ Q: 0, imm5: [...bytes, ...halves, ...words] }, { Q: 1, imm5: doubles }], feature: "simd", asm: "umov <Rd.Q>, <Vn[imm5]>" },
  { name: "INS_general", pattern: "01 0 01110000 imm5:5 0 0011 1 Rn:5 Rd:5", when: element, feature: "simd", asm: "mov <Vd[imm5]>, <Rn.imm5>" },
  { name: "INS_element", pattern: "01 1 01110000 imm5:5 0 imm4:4 1 Rn:5 Rd:5", when: element, feature: "simd", asm: "mov <Vd[imm5]>, <Vn[imm4]>" },

  // Permute
  { name: "UZP1", pattern: "0 Q 001110 size:2 0 Rm:5 0 001 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "uzp1 <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "TRN1", pattern: "0 Q 001110 size:2 0 Rm:5 0 010 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "trn1 <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "ZIP1", pattern: "0 Q 001110 size:2 0 Rm:5 0 011 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "zip1 <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "UZP2", pattern: "0 Q 001110 size:2 0 Rm:5 0 101 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "uzp2 <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "TRN2", pattern: "0 Q 001110 size:2 0 Rm:5 0 110 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "trn2 <Vd.T>, <Vn.T>, <Vm.T>" },
  { name: "ZIP2", pattern: "0 Q 001110 size:2 0 Rm:5 0 111 10 Rn:5 Rd:5", when: fullDoubles, feature: "simd", asm: "zip2 <Vd.T>, <Vn.T>, <Vm.T>" },

  // Extract and table lookup
  { name: "EXT", pattern: "0 Q 101110 00 0 Rm:5 0 imm4:4 0 Rn:5 Rd:5", when: [{ Q: 1 }, { Q: 0, imm4: { max: 7 } }], feature: "simd", asm: "ext <Vd.B>, <Vn.B>, <Vm.B>, <imm4>" },
  { name: "TBL", pattern: "0 Q 001110 00 0 Rm:5 0 len:2 0 00 Rn:5 Rd:5", feature: "simd", asm: "tbl <Vd.B>, <table>, <Vm.B>" },
  { name: "TBX", pattern: "0 Q 001110 00 0 Rm:5 0 len:2 1 00 Rn:5 Rd:5", feature: "simd", asm: "tbx <Vd.B>, <table>, <Vm.B>" },

  // Modified immediate: imm8 is abc:defgh, expanded by cmode and op. Arm ARM `AdvSIMDExpandImm`
  { name: "MOVI", pattern: "0 Q op 0111100000 abc:3 cmode:4 01 defgh:5 Rd:5", when: [{ op: 0, cmode: [0, 2, 4, 6, 8, 10, 12, 13, 14] }, { op: 1, cmode: 14 }], feature: "simd", asm: "movi <Vd.modimm>, <modimm>" },
  { name: "MVNI", pattern: "0 Q 1 0111100000 abc:3 cmode:4 01 defgh:5 Rd:5", when: { cmode: [0, 2, 4, 6, 8, 10, 12, 13] }, feature: "simd", asm: "mvni <Vd.modimm>, <modimm>" },
  { name: "ORR_imm_vector", pattern: "0 Q 0 0111100000 abc:3 cmode:4 01 defgh:5 Rd:5", when: { cmode: [1, 3, 5, 7, 9, 11] }, feature: "simd", asm: "orr <Vd.modimm>, <modimm>" },
  { name: "BIC_imm_vector", pattern: "0 Q 1 0111100000 abc:3 cmode:4 01 defgh:5 Rd:5", when: { cmode: [1, 3, 5, 7, 9, 11] }, feature: "simd", asm: "bic <Vd.modimm>, <modimm>" },
  { name: "FMOV_imm_vector", pattern: "0 Q op 0111100000 abc:3 1111 01 defgh:5 Rd:5", when: [{ op: 0 }, { op: 1, Q: 1 }], feature: "simd", asm: "fmov <Vd.fpmod>, <fpmodimm>" },
];
