import type { FieldReader } from "../../assembly.ts";
import type { Condition } from "../../encoding.ts";
import { isMoveWidePreferred } from "./bitMasks.ts";
import { hintAliases, systemInstructionAliases } from "./systemInstructions.ts";

/** A preferred spelling of an instruction form for some values of its fields. */
export interface A64Alias {
  /** Name of the encoding. */
  readonly of: string;
  readonly when?: Condition | readonly Condition[];
  /** What conditions on single fields cannot say. */
  readonly check?: (field: FieldReader) => boolean;
  readonly asm: string;
}

const sameSources = (field: FieldReader) => field("Rn") === field("Rm");
const sameSourcesNotZero = (field: FieldReader) => field("Rn") === field("Rm") && field("Rm") !== 31;
const bitfieldInsert = (field: FieldReader) => field("imms") < field("immr");
const leftShift = (field: FieldReader) => field("imms") + 1 === field("immr");
/** The widest bit is the last: a right shift. */
const rightShift = [
  { sf: 0, imms: 31 },
  { sf: 1, imms: 63 },
];
/** An extended register beside the stack pointer, at the operation's own width, is a plain LSL. */
const plainShift = (...stackPointers: readonly string[]): readonly Condition[] =>
  stackPointers.flatMap((register) => [
    { sf: 0, option: 2, [register]: 31 },
    { sf: 1, option: 3, [register]: 31 },
  ]);
/** MOVZ and MOVN of zero with a shift are not printed as MOV. */
const moveWide = [{ hw: 0 }, { imm16: { not: 0 } }];
const conditional = { cond: { max: 13 } };
const noAcquire = { A: 0, Rt: 31 };

/** The spellings assemblers and disassemblers prefer; the first that fits is printed. Arm ARM C6.2, C7.2. */
// biome-ignore format: one alias per line
export const a64Aliases: readonly A64Alias[] = [
  { of: "ADD_imm", when: [{ sh: 0, imm12: 0, Rd: 31 }, { sh: 0, imm12: 0, Rn: 31 }], asm: "mov <Rd|SP>, <Rn|SP>" },
  { of: "ADDS_imm", when: { Rd: 31 }, asm: "cmn <Rn|SP>, <imm12>, <sh>" },
  { of: "SUBS_imm", when: { Rd: 31 }, asm: "cmp <Rn|SP>, <imm12>, <sh>" },
  { of: "ORR_imm", when: { Rn: 31 }, check: (field) => !isMoveWidePreferred(field("sf"), field("N"), field("imms"), field("immr")), asm: "mov <Rd|SP>, <bitmask>" },
  { of: "ANDS_imm", when: { Rd: 31 }, asm: "tst <Rn>, <bitmask>" },
  { of: "MOVZ", when: moveWide, asm: "mov <Rd>, <movz>" },
  { of: "MOVN", when: [{ sf: 0, hw: 0, imm16: { not: 0xffff } }, { sf: 0, imm16: { not: [0, 0xffff] } }, { sf: 1, hw: 0 }, { sf: 1, imm16: { not: 0 } }], asm: "mov <Rd>, <movn>" },

  { of: "SBFM", when: { immr: 0, imms: 7 }, asm: "sxtb <Rd>, <Wn>" },
  { of: "SBFM", when: { immr: 0, imms: 15 }, asm: "sxth <Rd>, <Wn>" },
  { of: "SBFM", when: { sf: 1, immr: 0, imms: 31 }, asm: "sxtw <Rd>, <Wn>" },
  { of: "SBFM", when: rightShift, asm: "asr <Rd>, <Rn>, <immr>" },
  { of: "SBFM", check: bitfieldInsert, asm: "sbfiz <Rd>, <Rn>, <lsb>, <width>" },
  { of: "SBFM", asm: "sbfx <Rd>, <Rn>, <immr>, <extractWidth>" },
  { of: "BFM", check: bitfieldInsert, asm: "bfi <Rd>, <Rn>, <lsb>, <width>" },
  { of: "BFM", asm: "bfxil <Rd>, <Rn>, <immr>, <extractWidth>" },
  { of: "UBFM", when: { sf: 0, immr: 0, imms: 7 }, asm: "uxtb <Rd>, <Wn>" },
  { of: "UBFM", when: { sf: 0, immr: 0, imms: 15 }, asm: "uxth <Rd>, <Wn>" },
  { of: "UBFM", when: rightShift, asm: "lsr <Rd>, <Rn>, <immr>" },
  { of: "UBFM", check: leftShift, asm: "lsl <Rd>, <Rn>, <leftShift>" },
  { of: "UBFM", check: bitfieldInsert, asm: "ubfiz <Rd>, <Rn>, <lsb>, <width>" },
  { of: "UBFM", asm: "ubfx <Rd>, <Rn>, <immr>, <extractWidth>" },
  { of: "EXTR", check: sameSources, asm: "ror <Rd>, <Rn>, <imms>" },

  { of: "ORR_shifted", when: { Rn: 31, shift: 0, imm6: 0 }, asm: "mov <Rd>, <Rm>" },
  { of: "ORN_shifted", when: { Rn: 31 }, asm: "mvn <Rd>, <Rm>, <shift>" },
  { of: "ANDS_shifted", when: { Rd: 31 }, asm: "tst <Rn>, <Rm>, <shift>" },
  { of: "ADDS_shifted", when: { Rd: 31 }, asm: "cmn <Rn>, <Rm>, <shift>" },
  { of: "SUBS_shifted", when: { Rd: 31 }, asm: "cmp <Rn>, <Rm>, <shift>" },
  { of: "SUB_shifted", when: { Rn: 31 }, asm: "neg <Rd>, <Rm>, <shift>" },
  { of: "SUBS_shifted", when: { Rn: 31 }, asm: "negs <Rd>, <Rm>, <shift>" },
  { of: "ADD_extended", when: plainShift("Rd", "Rn"), asm: "add <Rd|SP>, <Rn|SP>, <Rm.extended>, <extendLsl>" },
  { of: "SUB_extended", when: plainShift("Rd", "Rn"), asm: "sub <Rd|SP>, <Rn|SP>, <Rm.extended>, <extendLsl>" },
  { of: "ADDS_extended", when: plainShift("Rn").map((plain) => ({ ...plain, Rd: 31 })), asm: "cmn <Rn|SP>, <Rm.extended>, <extendLsl>" },
  { of: "SUBS_extended", when: plainShift("Rn").map((plain) => ({ ...plain, Rd: 31 })), asm: "cmp <Rn|SP>, <Rm.extended>, <extendLsl>" },
  { of: "ADDS_extended", when: { Rd: 31 }, asm: "cmn <Rn|SP>, <Rm.extended>, <extend>" },
  { of: "SUBS_extended", when: { Rd: 31 }, asm: "cmp <Rn|SP>, <Rm.extended>, <extend>" },
  { of: "ADDS_extended", when: plainShift("Rn"), asm: "adds <Rd>, <Rn|SP>, <Rm.extended>, <extendLsl>" },
  { of: "SUBS_extended", when: plainShift("Rn"), asm: "subs <Rd>, <Rn|SP>, <Rm.extended>, <extendLsl>" },
  { of: "SBC", when: { Rn: 31 }, asm: "ngc <Rd>, <Rm>" },
  { of: "SBCS", when: { Rn: 31 }, asm: "ngcs <Rd>, <Rm>" },

  { of: "CSINC", when: { ...conditional, Rn: 31, Rm: 31 }, asm: "cset <Rd>, <invcond>" },
  { of: "CSINC", when: conditional, check: sameSourcesNotZero, asm: "cinc <Rd>, <Rn>, <invcond>" },
  { of: "CSINV", when: { ...conditional, Rn: 31, Rm: 31 }, asm: "csetm <Rd>, <invcond>" },
  { of: "CSINV", when: conditional, check: sameSourcesNotZero, asm: "cinv <Rd>, <Rn>, <invcond>" },
  { of: "CSNEG", when: conditional, check: sameSources, asm: "cneg <Rd>, <Rn>, <invcond>" },

  { of: "MADD", when: { Ra: 31 }, asm: "mul <Rd>, <Rn>, <Rm>" },
  { of: "MSUB", when: { Ra: 31 }, asm: "mneg <Rd>, <Rn>, <Rm>" },
  { of: "SMADDL", when: { Ra: 31 }, asm: "smull <Xd>, <Wn>, <Wm>" },
  { of: "SMSUBL", when: { Ra: 31 }, asm: "smnegl <Xd>, <Wn>, <Wm>" },
  { of: "UMADDL", when: { Ra: 31 }, asm: "umull <Xd>, <Wn>, <Wm>" },
  { of: "UMSUBL", when: { Ra: 31 }, asm: "umnegl <Xd>, <Wn>, <Wm>" },

  { of: "RET", when: { Rn: 30 }, asm: "ret" },
  ...hintAliases,
  ...systemInstructionAliases,

  ...["add", "clr", "eor", "set", "smax", "smin", "umax", "umin"].map((operation) => ({
    of: `LD${operation.toUpperCase()}`,
    when: noAcquire,
    asm: `st${operation}<storeOrder><bh> <Rs.size>, [<Xn|SP>]`,
  })),

  { of: "ORR_vector", check: sameSources, asm: "mov <Vd.B>, <Vn.B>" },
  { of: "NOT_vector", asm: "mvn <Vd.B>, <Vn.B>" },
  { of: "UMOV", when: { imm5: [4, 12, 20, 28, 8, 24] }, asm: "mov <Rd.Q>, <Vn[imm5]>" },
  { of: "SSHLL_vector", when: { immh: [1, 2, 4], immb: 0 }, asm: "sxtl<2> <Vd.Tshw>, <Vn.Tsh>" },
  { of: "USHLL_vector", when: { immh: [1, 2, 4], immb: 0 }, asm: "uxtl<2> <Vd.Tshw>, <Vn.Tsh>" },
];
