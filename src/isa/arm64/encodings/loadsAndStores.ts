import type { Condition } from "../../encoding.ts";
import type { A64Entry } from "./feature.ts";

/** LDRSB and LDRSH to X (`opc` 2) or W (3), LDRSW to X. */
const signed: readonly Condition[] = [
  { size: [0, 1], opc: [2, 3] },
  { size: 2, opc: 2 },
];
/** B, H, S and D registers by `size`; Q has `opc` bit 1 set and `size` 0. */
const storeVector: readonly Condition[] = [{ opc: 0 }, { size: 0, opc: 2 }];
const loadVector: readonly Condition[] = [{ opc: 1 }, { size: 0, opc: 3 }];
/** The offset register is a word or a doubleword: `option` bit 1 set. */
const offsetRegister = [2, 3, 6, 7];
const both = (alternatives: readonly Condition[], extra: Condition): readonly Condition[] =>
  alternatives.map((alternative) => ({ ...alternative, ...extra }));
/** Register pairs of CASP begin at an even register. Arm ARM C6.2.43. */
const even = Array.from({ length: 16 }, (_, index) => 2 * index);

/** Arm ARM C4.1.4 "Loads and Stores", general-purpose and SIMD&FP registers; structures are in advancedSimdLoadStore.ts. */
// biome-ignore format: one form per line
export const loadsAndStores: readonly A64Entry[] = [
  // Load register (literal)
  { name: "LDR_literal", pattern: "opc:2 011000 imm19:19 Rt:5", when: { opc: [0, 1] }, asm: "ldr <Rt.opc>, <literal>" },
  { name: "LDRSW_literal", pattern: "10 011000 imm19:19 Rt:5", asm: "ldrsw <Xt>, <literal>" },
  { name: "PRFM_literal", pattern: "11 011000 imm19:19 Rt:5", asm: "prfm <prfop>, <literal>" },
  { name: "LDR_simd_literal", pattern: "opc:2 011100 imm19:19 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "ldr <Vt.pair>, <literal>" },

  // Load/store register (unsigned immediate)
  { name: "STR_imm_unsigned", pattern: "size:2 11100100 imm12:12 Rn:5 Rt:5", asm: "str<bh> <Rt.size>, [<Xn|SP>, <pimm>]" },
  { name: "LDR_imm_unsigned", pattern: "size:2 11100101 imm12:12 Rn:5 Rt:5", asm: "ldr<bh> <Rt.size>, [<Xn|SP>, <pimm>]" },
  { name: "LDRS_imm_unsigned", pattern: "size:2 111001 opc:2 imm12:12 Rn:5 Rt:5", when: signed, asm: "ldrs<bhw> <Rt.signed>, [<Xn|SP>, <pimm>]" },
  { name: "PRFM_imm_unsigned", pattern: "11 11100110 imm12:12 Rn:5 Rt:5", asm: "prfm <prfop>, [<Xn|SP>, <pimm8>]" },
  { name: "STR_simd_imm_unsigned", pattern: "size:2 111101 opc:2 imm12:12 Rn:5 Rt:5", when: storeVector, feature: "fp", asm: "str <Vt.size>, [<Xn|SP>, <pimmV>]" },
  { name: "LDR_simd_imm_unsigned", pattern: "size:2 111101 opc:2 imm12:12 Rn:5 Rt:5", when: loadVector, feature: "fp", asm: "ldr <Vt.size>, [<Xn|SP>, <pimmV>]" },

  // Load/store register (unscaled immediate)
  { name: "STUR", pattern: "size:2 11100000 0 imm9:9 00 Rn:5 Rt:5", asm: "stur<bh> <Rt.size>, [<Xn|SP>, <imm9>]" },
  { name: "LDUR", pattern: "size:2 11100001 0 imm9:9 00 Rn:5 Rt:5", asm: "ldur<bh> <Rt.size>, [<Xn|SP>, <imm9>]" },
  { name: "LDURS", pattern: "size:2 111000 opc:2 0 imm9:9 00 Rn:5 Rt:5", when: signed, asm: "ldurs<bhw> <Rt.signed>, [<Xn|SP>, <imm9>]" },
  { name: "PRFUM", pattern: "11 11100010 0 imm9:9 00 Rn:5 Rt:5", asm: "prfum <prfop>, [<Xn|SP>, <imm9>]" },
  { name: "STUR_simd", pattern: "size:2 111100 opc:2 0 imm9:9 00 Rn:5 Rt:5", when: storeVector, feature: "fp", asm: "stur <Vt.size>, [<Xn|SP>, <imm9>]" },
  { name: "LDUR_simd", pattern: "size:2 111100 opc:2 0 imm9:9 00 Rn:5 Rt:5", when: loadVector, feature: "fp", asm: "ldur <Vt.size>, [<Xn|SP>, <imm9>]" },

  // Load/store register (immediate post-indexed)
  { name: "STR_imm_post", pattern: "size:2 11100000 0 imm9:9 01 Rn:5 Rt:5", asm: "str<bh> <Rt.size>, [<Xn|SP>], <imm9!>" },
  { name: "LDR_imm_post", pattern: "size:2 11100001 0 imm9:9 01 Rn:5 Rt:5", asm: "ldr<bh> <Rt.size>, [<Xn|SP>], <imm9!>" },
  { name: "LDRS_imm_post", pattern: "size:2 111000 opc:2 0 imm9:9 01 Rn:5 Rt:5", when: signed, asm: "ldrs<bhw> <Rt.signed>, [<Xn|SP>], <imm9!>" },
  { name: "STR_simd_imm_post", pattern: "size:2 111100 opc:2 0 imm9:9 01 Rn:5 Rt:5", when: storeVector, feature: "fp", asm: "str <Vt.size>, [<Xn|SP>], <imm9!>" },
  { name: "LDR_simd_imm_post", pattern: "size:2 111100 opc:2 0 imm9:9 01 Rn:5 Rt:5", when: loadVector, feature: "fp", asm: "ldr <Vt.size>, [<Xn|SP>], <imm9!>" },

  // Load/store register (unprivileged)
  { name: "STTR", pattern: "size:2 11100000 0 imm9:9 10 Rn:5 Rt:5", asm: "sttr<bh> <Rt.size>, [<Xn|SP>, <imm9>]" },
  { name: "LDTR", pattern: "size:2 11100001 0 imm9:9 10 Rn:5 Rt:5", asm: "ldtr<bh> <Rt.size>, [<Xn|SP>, <imm9>]" },
  { name: "LDTRS", pattern: "size:2 111000 opc:2 0 imm9:9 10 Rn:5 Rt:5", when: signed, asm: "ldtrs<bhw> <Rt.signed>, [<Xn|SP>, <imm9>]" },

  // Load/store register (immediate pre-indexed)
  { name: "STR_imm_pre", pattern: "size:2 11100000 0 imm9:9 11 Rn:5 Rt:5", asm: "str<bh> <Rt.size>, [<Xn|SP>, <imm9!>]!" },
  { name: "LDR_imm_pre", pattern: "size:2 11100001 0 imm9:9 11 Rn:5 Rt:5", asm: "ldr<bh> <Rt.size>, [<Xn|SP>, <imm9!>]!" },
  { name: "LDRS_imm_pre", pattern: "size:2 111000 opc:2 0 imm9:9 11 Rn:5 Rt:5", when: signed, asm: "ldrs<bhw> <Rt.signed>, [<Xn|SP>, <imm9!>]!" },
  { name: "STR_simd_imm_pre", pattern: "size:2 111100 opc:2 0 imm9:9 11 Rn:5 Rt:5", when: storeVector, feature: "fp", asm: "str <Vt.size>, [<Xn|SP>, <imm9!>]!" },
  { name: "LDR_simd_imm_pre", pattern: "size:2 111100 opc:2 0 imm9:9 11 Rn:5 Rt:5", when: loadVector, feature: "fp", asm: "ldr <Vt.size>, [<Xn|SP>, <imm9!>]!" },

  // Load/store register (register offset)
  { name: "STR_reg", pattern: "size:2 11100000 1 Rm:5 option:3 S 10 Rn:5 Rt:5", when: { option: offsetRegister }, asm: "str<bh> <Rt.size>, [<Xn|SP>, <Rm.option>, <offsetExtend>]" },
  { name: "LDR_reg", pattern: "size:2 11100001 1 Rm:5 option:3 S 10 Rn:5 Rt:5", when: { option: offsetRegister }, asm: "ldr<bh> <Rt.size>, [<Xn|SP>, <Rm.option>, <offsetExtend>]" },
  { name: "LDRS_reg", pattern: "size:2 111000 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5", when: both(signed, { option: offsetRegister }), asm: "ldrs<bhw> <Rt.signed>, [<Xn|SP>, <Rm.option>, <offsetExtend>]" },
  { name: "PRFM_reg", pattern: "11 11100010 1 Rm:5 option:3 S 10 Rn:5 Rt:5", when: { option: offsetRegister }, asm: "prfm <prfop>, [<Xn|SP>, <Rm.option>, <offsetExtend8>]" },
  { name: "STR_simd_reg", pattern: "size:2 111100 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5", when: both(storeVector, { option: offsetRegister }), feature: "fp", asm: "str <Vt.size>, [<Xn|SP>, <Rm.option>, <offsetExtendV>]" },
  { name: "LDR_simd_reg", pattern: "size:2 111100 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5", when: both(loadVector, { option: offsetRegister }), feature: "fp", asm: "ldr <Vt.size>, [<Xn|SP>, <Rm.option>, <offsetExtendV>]" },

  // Load/store pair: `sf` chooses X registers; in SIMD&FP forms `opc` chooses S, D or Q
  { name: "STNP", pattern: "sf 0 101000 0 0 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "stnp <Rt>, <Rt2>, [<Xn|SP>, <imm7>]" },
  { name: "LDNP", pattern: "sf 0 101000 0 1 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "ldnp <Rt>, <Rt2>, [<Xn|SP>, <imm7>]" },
  { name: "STP_post", pattern: "sf 0 101000 1 0 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "stp <Rt>, <Rt2>, [<Xn|SP>], <imm7!>" },
  { name: "LDP_post", pattern: "sf 0 101000 1 1 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "ldp <Rt>, <Rt2>, [<Xn|SP>], <imm7!>" },
  { name: "STP_offset", pattern: "sf 0 101001 0 0 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "stp <Rt>, <Rt2>, [<Xn|SP>, <imm7>]" },
  { name: "LDP_offset", pattern: "sf 0 101001 0 1 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "ldp <Rt>, <Rt2>, [<Xn|SP>, <imm7>]" },
  { name: "STP_pre", pattern: "sf 0 101001 1 0 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "stp <Rt>, <Rt2>, [<Xn|SP>, <imm7!>]!" },
  { name: "LDP_pre", pattern: "sf 0 101001 1 1 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "ldp <Rt>, <Rt2>, [<Xn|SP>, <imm7!>]!" },
  { name: "LDPSW_post", pattern: "01 101000 1 1 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "ldpsw <Xt>, <Xt2>, [<Xn|SP>], <imm7sw!>" },
  { name: "LDPSW_offset", pattern: "01 101001 0 1 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "ldpsw <Xt>, <Xt2>, [<Xn|SP>, <imm7sw>]" },
  { name: "LDPSW_pre", pattern: "01 101001 1 1 imm7:7 Rt2:5 Rn:5 Rt:5", asm: "ldpsw <Xt>, <Xt2>, [<Xn|SP>, <imm7sw!>]!" },
  { name: "STNP_simd", pattern: "opc:2 101100 0 0 imm7:7 Rt2:5 Rn:5 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "stnp <Vt.pair>, <Vt2.pair>, [<Xn|SP>, <imm7V>]" },
  { name: "LDNP_simd", pattern: "opc:2 101100 0 1 imm7:7 Rt2:5 Rn:5 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "ldnp <Vt.pair>, <Vt2.pair>, [<Xn|SP>, <imm7V>]" },
  { name: "STP_simd_post", pattern: "opc:2 101100 1 0 imm7:7 Rt2:5 Rn:5 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "stp <Vt.pair>, <Vt2.pair>, [<Xn|SP>], <imm7V!>" },
  { name: "LDP_simd_post", pattern: "opc:2 101100 1 1 imm7:7 Rt2:5 Rn:5 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "ldp <Vt.pair>, <Vt2.pair>, [<Xn|SP>], <imm7V!>" },
  { name: "STP_simd_offset", pattern: "opc:2 101101 0 0 imm7:7 Rt2:5 Rn:5 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "stp <Vt.pair>, <Vt2.pair>, [<Xn|SP>, <imm7V>]" },
  { name: "LDP_simd_offset", pattern: "opc:2 101101 0 1 imm7:7 Rt2:5 Rn:5 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "ldp <Vt.pair>, <Vt2.pair>, [<Xn|SP>, <imm7V>]" },
  { name: "STP_simd_pre", pattern: "opc:2 101101 1 0 imm7:7 Rt2:5 Rn:5 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "stp <Vt.pair>, <Vt2.pair>, [<Xn|SP>, <imm7V!>]!" },
  { name: "LDP_simd_pre", pattern: "opc:2 101101 1 1 imm7:7 Rt2:5 Rn:5 Rt:5", when: { opc: [0, 1, 2] }, feature: "fp", asm: "ldp <Vt.pair>, <Vt2.pair>, [<Xn|SP>, <imm7V!>]!" },

  // Load/store exclusive; unused register fields should be ones and are ignored
  { name: "STXR", pattern: "size:2 001000 000 Rs:5 0 ..... Rn:5 Rt:5", asm: "stxr<bh> <Ws>, <Rt.size>, [<Xn|SP>]" },
  { name: "STLXR", pattern: "size:2 001000 000 Rs:5 1 ..... Rn:5 Rt:5", asm: "stlxr<bh> <Ws>, <Rt.size>, [<Xn|SP>]" },
  { name: "LDXR", pattern: "size:2 001000 010 ..... 0 ..... Rn:5 Rt:5", asm: "ldxr<bh> <Rt.size>, [<Xn|SP>]" },
  { name: "LDAXR", pattern: "size:2 001000 010 ..... 1 ..... Rn:5 Rt:5", asm: "ldaxr<bh> <Rt.size>, [<Xn|SP>]" },
  { name: "STXP", pattern: "1 sz 001000 001 Rs:5 0 Rt2:5 Rn:5 Rt:5", asm: "stxp <Ws>, <Rt.sz>, <Rt2.sz>, [<Xn|SP>]" },
  { name: "STLXP", pattern: "1 sz 001000 001 Rs:5 1 Rt2:5 Rn:5 Rt:5", asm: "stlxp <Ws>, <Rt.sz>, <Rt2.sz>, [<Xn|SP>]" },
  { name: "LDXP", pattern: "1 sz 001000 011 ..... 0 Rt2:5 Rn:5 Rt:5", asm: "ldxp <Rt.sz>, <Rt2.sz>, [<Xn|SP>]" },
  { name: "LDAXP", pattern: "1 sz 001000 011 ..... 1 Rt2:5 Rn:5 Rt:5", asm: "ldaxp <Rt.sz>, <Rt2.sz>, [<Xn|SP>]" },

  // Load-acquire/store-release
  { name: "STLR", pattern: "size:2 001000 100 ..... 1 ..... Rn:5 Rt:5", asm: "stlr<bh> <Rt.size>, [<Xn|SP>]" },
  { name: "LDAR", pattern: "size:2 001000 110 ..... 1 ..... Rn:5 Rt:5", asm: "ldar<bh> <Rt.size>, [<Xn|SP>]" },

  // Compare and swap: `L` acquires, `o0` releases
  { name: "CAS", pattern: "size:2 001000 1 L 1 Rs:5 o0 11111 Rn:5 Rt:5", feature: "lse", asm: "cas<casOrder><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "CASP", pattern: "0 sz 001000 0 L 1 Rs:5 o0 11111 Rn:5 Rt:5", when: { Rs: even, Rt: even }, feature: "lse", asm: "casp<casOrder> <Rs.sz>, <Rs+1.sz>, <Rt.sz>, <Rt+1.sz>, [<Xn|SP>]" },

  // Atomic memory operations: `A` acquires, `R` releases
  { name: "LDADD", pattern: "size:2 111000 A R 1 Rs:5 0 000 00 Rn:5 Rt:5", feature: "lse", asm: "ldadd<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "LDCLR", pattern: "size:2 111000 A R 1 Rs:5 0 001 00 Rn:5 Rt:5", feature: "lse", asm: "ldclr<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "LDEOR", pattern: "size:2 111000 A R 1 Rs:5 0 010 00 Rn:5 Rt:5", feature: "lse", asm: "ldeor<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "LDSET", pattern: "size:2 111000 A R 1 Rs:5 0 011 00 Rn:5 Rt:5", feature: "lse", asm: "ldset<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "LDSMAX", pattern: "size:2 111000 A R 1 Rs:5 0 100 00 Rn:5 Rt:5", feature: "lse", asm: "ldsmax<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "LDSMIN", pattern: "size:2 111000 A R 1 Rs:5 0 101 00 Rn:5 Rt:5", feature: "lse", asm: "ldsmin<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "LDUMAX", pattern: "size:2 111000 A R 1 Rs:5 0 110 00 Rn:5 Rt:5", feature: "lse", asm: "ldumax<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "LDUMIN", pattern: "size:2 111000 A R 1 Rs:5 0 111 00 Rn:5 Rt:5", feature: "lse", asm: "ldumin<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
  { name: "SWP", pattern: "size:2 111000 A R 1 Rs:5 1 000 00 Rn:5 Rt:5", feature: "lse", asm: "swp<order><bh> <Rs.size>, <Rt.size>, [<Xn|SP>]" },
];
