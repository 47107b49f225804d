import { describe, expect, it } from "vitest";
import { arm64FrameConvention, arm64FrameRows } from "../../../src/debugger/symbols/arm64/frameRows.ts";
import { writeDebugFrame } from "../../../src/debugger/symbols/dwarf/debugFrame.ts";
import { bytesOf } from "../support/code.ts";

const nop = 0xd503201f;
const ret = 0xd65f03c0;
const bl = 0x94000010;
/** STP Xt, Xu, [SP, #-bytes]! */
const push = (t: number, u: number, bytes: number): number =>
  0xa9800000 | (((-bytes / 8) & 0x7f) << 15) | (u << 10) | (31 << 5) | t;
/** LDP Xt, Xu, [SP], #bytes */
const pop = (t: number, u: number, bytes: number): number =>
  0xa8c00000 | ((bytes / 8) << 15) | (u << 10) | (31 << 5) | t;
const stp = (t: number, u: number, offset: number): number =>
  0xa9000000 | ((offset / 8) << 15) | (u << 10) | (31 << 5) | t;
const ldp = (t: number, u: number, offset: number): number =>
  0xa9400000 | ((offset / 8) << 15) | (u << 10) | (31 << 5) | t;
const addFp = (offset: number): number => 0x910003fd | (offset << 10);
const subSp = (bytes: number): number => 0xd10003ff | (bytes << 10);
const addSp = (bytes: number): number => 0x910003ff | (bytes << 10);

/** Rows as `at: register+offset, saved registers`. */
function rows(words: readonly number[]): readonly string[] {
  return arm64FrameRows(bytesOf(words)).map(({ at, cfa, saved, isLost }) => {
    const places = [...saved].map(([register, offset]) => ` x${register}@${offset}`).join("");
    return `${at}: ${cfa.register === 31 ? "sp" : `x${cfa.register}`}+${cfa.offset}${places}${isLost ? " lost" : ""}`;
  });
}

describe("frames of arm64 functions, by what their instructions do", () => {
  it("a leaf has none", () => {
    expect(rows([nop, nop, ret])).toEqual(["0: sp+0"]);
  });

  it("a frame record and registers that are kept", () => {
    expect(
      rows([push(29, 30, 48), addFp(0), stp(19, 20, 16), bl, ldp(19, 20, 16), pop(29, 30, 48), ret]),
    ).toEqual([
      "0: sp+0",
      "4: sp+48 x29@-48 x30@-40",
      "8: x29+48 x29@-48 x30@-40",
      "12: x29+48 x29@-48 x30@-40 x19@-32 x20@-24",
      "20: x29+48 x29@-48 x30@-40",
      "24: sp+0",
    ]);
  });

  it("a frame record in the midst of a larger frame", () => {
    expect(rows([subSp(96), stp(29, 30, 64), addFp(64), bl, ldp(29, 30, 64), addSp(96), ret])).toEqual([
      "0: sp+0",
      "4: sp+96",
      "8: sp+96 x29@-32 x30@-24",
      "12: x29+32 x29@-32 x30@-24",
      "20: sp+96",
      "24: sp+0",
    ]);
  });

  it("x30 alone, stored and loaded back", () => {
    // STR X30, [SP, #-16]!; LDR X30, [SP], #16
    expect(rows([0xf81f0ffe, bl, 0xf84107fe, ret])).toEqual(["0: sp+0", "4: sp+16 x30@-16", "12: sp+0"]);
  });

  it("behind an early return the frame is there again", () => {
    // CBZ X0, +12: the early return is skipped.
    const words = [push(29, 30, 16), addFp(0), 0xb4000060, pop(29, 30, 16), ret, bl, pop(29, 30, 16), ret];
    expect(rows(words)).toEqual([
      "0: sp+0",
      "4: sp+16 x29@-16 x30@-8",
      "8: x29+16 x29@-16 x30@-8",
      "16: sp+0",
      "20: x29+16 x29@-16 x30@-8",
      "28: sp+0",
    ]);
  });

  it("what only a jump table reaches has the function's frame", () => {
    // BR X0 between them.
    const words = [push(29, 30, 16), addFp(0), 0xd61f0000, bl, pop(29, 30, 16), ret];
    expect(rows(words).slice(0, 3)).toEqual([
      "0: sp+0",
      "4: sp+16 x29@-16 x30@-8",
      "8: x29+16 x29@-16 x30@-8",
    ]);
    expect(rows(words)).toHaveLength(3);
  });

  it("a stack of unknown size is found by x29", () => {
    // SUB SP, SP, X0; then MOV SP, X29.
    const words = [push(29, 30, 16), addFp(0), 0xcb2063ff, bl, 0x910003bf, pop(29, 30, 16), ret];
    expect(rows(words)).toEqual([
      "0: sp+0",
      "4: sp+16 x29@-16 x30@-8",
      "8: x29+16 x29@-16 x30@-8",
      "24: sp+0",
    ]);
  });

  it("a call without x30 saved loses the caller; ftrace's does not", () => {
    expect(rows([bl, nop])).toEqual(["0: sp+0", "4: sp+0 lost"]);
    // MOV X9, X30; BL
    expect(rows([0xaa1e03e9, bl, nop, ret])).toEqual(["0: sp+0"]);
  });

  it("an exception's entry code has the ELR in its record", () => {
    // STP X29, X22, [SP, #304]; ADD X29, SP, #304
    expect(rows([stp(29, 22, 304), addFp(304), bl, nop])).toEqual([
      "0: sp+0",
      "4: sp+0 x29@304 x30@312",
      "8: x29+-304 x29@304 x30@312",
    ]);
  });

  it("a fragment has the frame of its function", () => {
    const parent = arm64FrameRows(bytesOf([push(29, 30, 32), addFp(0), bl, pop(29, 30, 32), ret]));
    expect(arm64FrameRows(bytesOf([bl, nop]), parent)).toMatchObject([
      { at: 0, cfa: { register: 29, offset: 32 }, isLost: false },
    ]);
  });
});

describe(".debug_frame", () => {
  it("has a common entry and one for each function, each a whole number of words", () => {
    const words = [push(29, 30, 16), addFp(0), bl, pop(29, 30, 16), ret];
    const section = writeDebugFrame(
      [
        { start: 0xffff_8000_0801_0000n, size: 20, rows: arm64FrameRows(bytesOf(words)) },
        { start: 0xffff_8000_0801_0020n, size: 8, rows: arm64FrameRows(bytesOf([nop, ret])) },
      ],
      arm64FrameConvention,
    );
    const view = new DataView(section.buffer);
    const lengths: number[] = [];
    for (let at = 0; at < section.length; at += 4 + view.getUint32(at, true))
      lengths.push(view.getUint32(at, true));
    expect(lengths).toHaveLength(3);
    expect(lengths.every((length) => (length + 4) % 8 === 0)).toBe(true);
    expect(view.getUint32(4, true)).toBe(0xffff_ffff);
    const first = 4 + (lengths[0] ?? 0);
    expect(view.getBigUint64(first + 8, true)).toBe(0xffff_8000_0801_0000n);
    expect(view.getBigUint64(first + 16, true)).toBe(20n);
    // Advance 1, CFA SP+16, x29 two slots below it and x30 one, advance 1, CFA x29+16.
    expect([...section.slice(first + 24, first + 24 + 12)]).toEqual([
      0x41, 0x0c, 31, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0c, 29, 16,
    ]);
  });
});
