/** What an A64 instruction does to the frame record and to the flow of control, as far as unwinding cares. */
export type InstructionKind =
  | { readonly kind: "other" }
  /** STP x29, xN, [sp…]: the frame record is stored (x30, or in exception entry code the ELR from another register). */
  | { readonly kind: "store-record" }
  /** ADD x29, sp, #n (MOV x29, sp): x29 points at the record. */
  | { readonly kind: "set-frame" }
  /** LDP x29, x30, [sp…]: the caller's x29 and the return address are back in their registers. */
  | { readonly kind: "load-record" }
  /** BL, BLR: x30 is overwritten. */
  | { readonly kind: "call" }
  /** MOV x9, x30: ftrace's patched entry saves x30 around the call that follows. */
  | { readonly kind: "save-link" }
  /** PACIASP, PACIBSP, BTI c: what functions begin with. */
  | { readonly kind: "landing" }
  /** RET, ERET, BR: what follows is reached from elsewhere only. */
  | { readonly kind: "leave" }
  /** B: goes `distance` bytes from itself, always. */
  | { readonly kind: "jump"; readonly distance: number }
  /** B.cond, CBZ, TBZ…: goes `distance` bytes from itself, or on. */
  | { readonly kind: "branch"; readonly distance: number };

/** Rn and Rt of a load or store pair, and their values sp and x29. */
const BASE_AND_FIRST = 0x3ff;
const SP_AND_FP = 0x3fd;

const OTHER: InstructionKind = { kind: "other" };
const STORE_RECORD: InstructionKind = { kind: "store-record" };
const LOAD_RECORD: InstructionKind = { kind: "load-record" };
const SET_FRAME: InstructionKind = { kind: "set-frame" };
const CALL: InstructionKind = { kind: "call" };
const LANDING: InstructionKind = { kind: "landing" };
const SAVE_LINK: InstructionKind = { kind: "save-link" };
const LEAVE: InstructionKind = { kind: "leave" };

/** Classifies one instruction word (Arm ARM, "A64 instruction set encoding"). */
export function instructionKind(word: number): InstructionKind {
  const form = (word & 0xffc00000) >>> 0;
  // STP/LDP of 64-bit registers: signed offset, pre-index, post-index.
  if ((word & BASE_AND_FIRST) === SP_AND_FP) {
    if (form === 0xa9000000 || form === 0xa9800000 || form === 0xa8800000) return STORE_RECORD;
    const isLink = ((word >>> 10) & 31) === 30;
    if (isLink && (form === 0xa9400000 || form === 0xa9c00000 || form === 0xa8c00000)) return LOAD_RECORD;
  }
  if ((word & 0xff8003ff) >>> 0 === 0x910003fd) return SET_FRAME;
  if (word === (0xaa1e03e9 | 0)) return SAVE_LINK;
  switch (word >>> 26) {
    case 0b000101:
      return { kind: "jump", distance: (word << 6) >> 4 };
    case 0b100101:
      return CALL;
    default:
  }
  if (word >>> 24 === 0x54) return { kind: "branch", distance: ((word << 8) >> 13) << 2 };
  if ((word & 0x7e000000) === 0x34000000) return { kind: "branch", distance: ((word << 8) >> 13) << 2 };
  if ((word & 0x7e000000) === 0x36000000) return { kind: "branch", distance: ((word << 13) >> 18) << 2 };
  // Unconditional branch (register): opc in bits 24:21; bit 24 and bits 11:10 choose pointer authentication.
  if (word >>> 25 === 0b1101011) {
    const opcode = (word >>> 21) & 7;
    return opcode === 1 ? CALL : LEAVE;
  }
  // HINT #25, #27 (PACIASP, PACIBSP) and #34, #38 (BTI c, BTI jc).
  if (word === (0xd503233f | 0) || word === (0xd503237f | 0)) return LANDING;
  if (word === (0xd503245f | 0) || word === (0xd50324df | 0)) return LANDING;
  return OTHER;
}
