import type { FrameConvention, FrameRow } from "../dwarf/debugFrame.ts";
import { type InstructionKind, instructionKind } from "./instructionKind.ts";

/** DWARF numbers of A64's registers (Arm IHI 0057, 4.1). */
const fp = 29;
const lr = 30;
const sp = 31;

/** Arm's calling convention for `.debug_frame`. */
export const arm64FrameConvention: FrameConvention = {
  codeAlignment: 4,
  returnAddress: lr,
  stackPointer: sp,
};

/** Where the caller's things are before an instruction. */
interface State {
  /** CFA minus SP, as far as it is known. */
  readonly sp: number | undefined;
  /** CFA minus x29, while x29 points into the frame. */
  readonly fp: number | undefined;
  /** Caller's registers in memory, by their distance from the CFA. */
  readonly saved: ReadonlyMap<number, number>;
  /** x30 has been overwritten by a call before it was saved. */
  readonly isLost: boolean;
}

const entry: State = { sp: 0, fp: undefined, saved: new Map(), isLost: false };

/** Registers a function has to give back: x19 to x30. */
const isKept = (register: number): boolean => register >= 19 && register <= lr;

const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

/** A store or load of one or two registers at SP. */
interface StackAccess {
  readonly isLoad: boolean;
  /** Undefined for vector registers. */
  readonly registers: readonly number[];
  /** Added to SP before the access. */
  readonly before: number;
  /** Of the first register from SP then. */
  readonly offset: number;
  /** Added to SP afterwards. */
  readonly after: number;
}

/** STP, LDP, STR, LDR of 64-bit registers with SP as the base. Arm ARM C4.1.66. */
function stackAccess(word: number): StackAccess | undefined {
  if (((word >>> 5) & 31) !== sp) return undefined;
  const isLoad = (word & 0x0040_0000) !== 0;
  const first = word & 31;
  const pair = word >>> 25 === 0b1010100 || word >>> 25 === 0b0110110;
  if (pair) {
    const second = (word >>> 10) & 31;
    const registers = word >>> 31 === 1 ? [first, second] : [];
    return indexed((word >>> 23) & 3, signed((word >>> 15) & 0x7f, 7) * 8, { isLoad, registers });
  }
  if ((word & 0xffc0_0000) >>> 0 === 0xf900_0000 || (word & 0xffc0_0000) >>> 0 === 0xf940_0000)
    return { isLoad, registers: [first], before: 0, offset: ((word >>> 10) & 0xfff) * 8, after: 0 };
  if ((word & 0xffa0_0000) >>> 0 !== 0xf800_0000) return undefined;
  const offset = signed((word >>> 12) & 0x1ff, 9);
  switch ((word >>> 10) & 3) {
    case 1:
      return indexed(1, offset, { isLoad, registers: [first] });
    case 3:
      return indexed(3, offset, { isLoad, registers: [first] });
    default:
      return undefined;
  }
}

/** Bits 24:23 of pairs: 01 post-index, 10 offset, 11 pre-index. */
function indexed(
  mode: number,
  offset: number,
  what: { readonly isLoad: boolean; readonly registers: readonly number[] },
): StackAccess | undefined {
  switch (mode) {
    case 1:
      return { ...what, before: 0, offset: 0, after: offset };
    case 2:
      return { ...what, before: 0, offset, after: 0 };
    case 3:
      return { ...what, before: offset, offset: 0, after: 0 };
    default:
      return undefined;
  }
}

function access(state: State, { isLoad, registers, before, offset, after }: StackAccess): State {
  if (state.sp === undefined) return isLoad ? restored(state, registers) : state;
  const at = state.sp - before;
  const sp = at - after;
  const moved = sp === state.sp ? state : { ...state, sp };
  if (isLoad) return restored(moved, registers);
  // A record of x29 and another register than x30 is exception entry code's: the other one holds the ELR.
  const isExceptionRecord = registers[0] === fp && registers[1] !== lr && registers.length === 2;
  let saved: Map<number, number> | undefined;
  registers.forEach((register, n) => {
    const kept = isExceptionRecord && n === 1 ? lr : register;
    if (!isKept(kept) || state.saved.has(kept)) return;
    saved ??= new Map(state.saved);
    saved.set(kept, offset + n * 8 - at);
  });
  return saved === undefined ? moved : { ...moved, saved };
}

function restored(state: State, registers: readonly number[]): State {
  if (!registers.some((register) => state.saved.has(register))) return state;
  const saved = new Map([...state.saved].filter(([register]) => !registers.includes(register)));
  return { ...state, saved, fp: registers.includes(fp) ? undefined : state.fp };
}

/** ADD and SUB with SP or x29: immediate, or with a register as far as that matters. Arm ARM C4.1.65, C4.1.67. */
function arithmetic(state: State, word: number): State {
  const to = word & 31;
  const from = (word >>> 5) & 31;
  const isImmediate = (word & 0xbf80_0000) >>> 0 === 0x9100_0000;
  const isRegister = (word & 0xbfe0_0000) >>> 0 === 0x8b20_0000;
  if (isRegister) return to === sp ? { ...state, sp: undefined } : state;
  if (!isImmediate || (to !== sp && to !== fp)) return state;
  const size = ((word >>> 10) & 0xfff) << ((word & 0x0040_0000) !== 0 ? 12 : 0);
  const added = (word & 0x4000_0000) !== 0 ? -size : size;
  const base = from === sp ? state.sp : from === fp ? state.fp : undefined;
  const distance = base === undefined ? undefined : base - added;
  if (to === sp) return { ...state, sp: distance };
  return state.saved.has(fp) ? { ...state, fp: distance } : state;
}

function step(state: State, word: number, kind: InstructionKind["kind"]): State {
  if (kind === "call") return state.saved.has(lr) || state.isLost ? state : { ...state, isLost: true };
  const at = stackAccess(word);
  return at === undefined ? arithmetic(state, word) : access(state, at);
}

/** Follows all paths from the first instruction; what is known before each instruction that is reached. */
function states(words: Int32Array, kinds: readonly InstructionKind[], begin: State): (State | undefined)[] {
  const known = new Array<State | undefined>(words.length);
  const pending: { index: number; state: State }[] = [{ index: 0, state: begin }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    let { index, state } = next;
    while (index >= 0 && index < words.length && known[index] === undefined) {
      known[index] = state;
      const instruction = kinds[index];
      if (instruction === undefined || instruction.kind === "leave") break;
      if (instruction.kind === "jump") {
        index += instruction.distance / 4;
        continue;
      }
      // Linux Documentation/trace/ftrace-design.rst: "mov x9, x30" and a call that returns with x30 as it was.
      const isTraced = instruction.kind === "call" && kinds[index - 1]?.kind === "save-link";
      state = step(state, words[index] ?? 0, isTraced ? "other" : instruction.kind);
      if (instruction.kind === "branch") pending.push({ index: index + instruction.distance / 4, state });
      index++;
    }
  }
  return known;
}

function rowOf(at: number, state: State): FrameRow | undefined {
  const { saved, isLost } = state;
  if (state.fp !== undefined) return { at, cfa: { register: fp, offset: state.fp }, saved, isLost };
  return state.sp === undefined ? undefined : { at, cfa: { register: sp, offset: state.sp }, saved, isLost };
}

const isSame = (a: FrameRow, b: FrameRow): boolean =>
  a.cfa.register === b.cfa.register &&
  a.cfa.offset === b.cfa.offset &&
  a.isLost === b.isLost &&
  a.saved.size === b.saved.size &&
  [...a.saved].every(([register, offset]) => b.saved.get(register) === offset);

/**
 * Where a function's caller is found at each of its instructions, by following them: where x29, x30 and the other registers it
 * has to keep are put, how SP moves, from when on x29 points at the frame record. What no direct branch reaches (a jump
 * table's target) counts as the body of the function, with the frame set up.
 * @param code the function's instructions, little-endian
 * @param within for a fragment that is entered by a jump from a function: that function's rows
 * @returns rows in order; none when nothing can be said
 */
export function arm64FrameRows(code: Uint8Array, within?: readonly FrameRow[]): readonly FrameRow[] {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const words = Int32Array.from({ length: code.length >> 2 }, (_, n) => view.getInt32(n * 4, true));
  const kinds = Array.from(words, instructionKind);
  const known = states(words, kinds, within === undefined ? entry : bodyOf(within));
  const body = known.find((state) => state?.fp !== undefined);
  const rows: FrameRow[] = [];
  let last: State | undefined;
  for (let n = 0; n < known.length; n++) {
    const state: State | undefined = known[n] ?? body ?? last;
    if (state === last) continue;
    last = state;
    const row = state === undefined ? undefined : rowOf(n * 4, state);
    if (row === undefined) continue;
    const before = rows.at(-1);
    if (before === undefined || !isSame(before, row)) rows.push(row);
  }
  return rows[0]?.at === 0 ? rows : [];
}

/** The state in the body of a function: with its frame, if it has one. */
function bodyOf(rows: readonly FrameRow[]): State {
  const row = rows.find(({ cfa }) => cfa.register === fp);
  return row === undefined ? entry : { sp: undefined, fp: row.cfa.offset, saved: row.saved, isLost: false };
}
