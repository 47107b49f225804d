import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameState } from "../../../src/debugger/symbols/arm64/frameState.ts";
import { stripPointerAuthentication } from "../../../src/debugger/symbols/arm64/pointer.ts";
import { unwind } from "../../../src/debugger/symbols/arm64/unwind.ts";
import { SymbolTable } from "../../../src/debugger/symbols/symbolTable.ts";
import { FakeMemory } from "./support/memory.ts";

const TEXT = 0xffff_8000_0801_0000n;
const STACK = 0xffff_8000_0c00_0000n;

const PACIASP = 0xd503233f;
const AUTIASP = 0xd50323bf;
const NOP = 0xd503201f;
const RET = 0xd65f03c0;
const STORE = 0xa9be7bfd; // stp x29, x30, [sp, #-32]!
const FRAME = 0x910003fd; // mov x29, sp
const LOAD = 0xa8c27bfd; // ldp x29, x30, [sp], #32
const BL = 0x94000100;
const b = (words: number): number => (0x14000000 | (words & 0x3ffffff)) >>> 0;
const cbz = (words: number): number => (0xb4000000 | ((words & 0x7ffff) << 5)) >>> 0;
const tbz = (words: number): number => (0x36000000 | ((words & 0x3fff) << 5)) >>> 0;

/** leaf, inner and outer: what compilers make of a function without and with a frame. */
const INNER = [NOP, NOP, PACIASP, STORE, FRAME, BL, cbz(6), BL, LOAD, AUTIASP, RET, NOP, BL, b(-5)];
const code = new FakeMemory()
  .code(TEXT, [NOP, NOP, 0x91000400, RET])
  .code(TEXT + 0x100n, INNER)
  .code(TEXT + 0x200n, [PACIASP, STORE, FRAME, BL, LOAD, AUTIASP, RET])
  .code(TEXT + 0x300n, [STORE, FRAME, BL, BL]);
const symbols = SymbolTable.from(
  [
    { name: "leaf", type: "t", address: TEXT },
    { name: "inner", type: "t", address: TEXT + 0x100n },
    { name: "outer", type: "T", address: TEXT + 0x200n },
    { name: "root", type: "T", address: TEXT + 0x300n },
    { name: "behind", type: "T", address: TEXT + 0x310n },
  ],
  TEXT + 0x1000n,
);
const inOuter = TEXT + 0x210n;
const inRoot = TEXT + 0x310n; // the call is root's last instruction
const names = (trace: ReturnType<typeof unwind>): string[] =>
  trace.frames.map(({ location }) => location?.symbol.name ?? "?");

describe("arm64 backtrace", () => {
  /** inner called by outer called by root: records of inner at STACK, of outer at +0x20, of root at +0x40. */
  const stack =
    (memory = code) =>
    (address: bigint, length: number) =>
      new FakeMemory()
        .stack(STACK, [STACK + 0x20n, inOuter, 0n, 0n, STACK + 0x40n, inRoot, 0n, 0n, 0n, 0n, 0n, 0n])
        .read(address, length) ?? memory.read(address, length);

  it.each([
    ["at the entry", 0, STACK + 0x20n],
    ["before the record is stored", 3, STACK + 0x20n],
    ["before x29 points at the record", 4, STACK + 0x20n],
    ["in the body", 5, STACK],
    ["in a branch behind the end", 12, STACK],
    ["at the end of that branch", 13, STACK],
    ["in the epilogue", 9, STACK + 0x20n],
    ["at the return", 10, STACK + 0x20n],
  ])("is the same %s of a function with a frame", (_, index, fp) => {
    const isBody = fp === STACK;
    const trace = unwind(
      { pc: TEXT + 0x100n + BigInt(index * 4), fp, lr: isBody ? TEXT + 0x100n + 24n : inOuter },
      stack(),
      { symbols },
    );
    expect(names(trace)).toEqual(["inner", "outer", "root"]);
    expect(trace.frames.map(({ pc }) => pc).slice(1)).toEqual([inOuter, inRoot]);
    expect(trace.frames[1]?.source).toBe(isBody ? "frame-record" : "link-register");
    expect(trace.end).toBe("end");
    expect(trace.frames.every(({ isCertain }) => isCertain)).toBe(true);
  });

  it("takes a leaf's caller from x30", () => {
    const trace = unwind({ pc: TEXT + 8n, fp: STACK, lr: TEXT + 0x118n }, stack(), { symbols });
    expect(names(trace)).toEqual(["leaf", "inner", "outer", "root"]);
  });

  it("names the caller by the call, not by what stands behind it", () => {
    const trace = unwind({ pc: TEXT + 0x20cn, fp: STACK + 0x20n, lr: 0n }, stack(), { symbols });
    expect(trace.frames[1]?.location).toMatchObject({ symbol: { name: "root" }, offset: 0x10 });
  });

  it("counts every level of a recursion", () => {
    const again = TEXT + 0x118n;
    const memory = new FakeMemory().stack(STACK, [STACK + 16n, again, STACK + 32n, again, 0n, 0n, 0n, 0n]);
    const read = (address: bigint, length: number) =>
      memory.read(address, length) ?? code.read(address, length);
    expect(names(unwind({ pc: TEXT + 0x100n, fp: STACK, lr: again }, read, { symbols }))).toEqual([
      "inner",
      "inner",
      "inner",
      "inner",
    ]);
  });

  it("removes pointer authentication codes", () => {
    const signed = (address: bigint): bigint => address ^ 0x2a7f_0000_0000_0000n;
    expect(stripPointerAuthentication(signed(inOuter), { kernel: 48, user: 48 })).toBe(inOuter);
    expect(stripPointerAuthentication(0x002a_aaaa_1234_5678n, { kernel: 48, user: 48 })).toBe(
      0xaaaa_1234_5678n,
    );
    const memory = new FakeMemory().stack(STACK, [STACK + 16n, signed(inOuter), 0n, 0n, 0n, 0n]);
    const read = (address: bigint, length: number) =>
      memory.read(address, length) ?? code.read(address, length);
    const trace = unwind({ pc: TEXT + 0x114n, fp: STACK, lr: 0n }, read, { symbols });
    expect(trace.frames[1]?.pc).toBe(inOuter);
  });

  it("says that a frame may be missing when frameless code has made a call", () => {
    const memory = new FakeMemory().code(TEXT, [NOP, BL, NOP, RET]);
    const read = (address: bigint, length: number) =>
      memory.read(address, length) ?? stack()(address, length);
    const trace = unwind({ pc: TEXT + 8n, fp: STACK, lr: TEXT + 8n }, read, { symbols });
    expect(names(trace)).toEqual(["leaf", "outer", "root"]);
    expect(trace.frames.map(({ isCertain }) => isCertain)).toEqual([true, false, true]);
  });

  it("keeps x30 across ftrace's call at the entry", () => {
    const memory = new FakeMemory().code(TEXT, [0xaa1e03e9, BL, NOP, RET]);
    expect(frameState(TEXT + 8n, { start: TEXT, size: 16, isFragment: false }, memory.read)).toBe(
      "link-register",
    );
  });

  it("knows that a cold part runs with the frame of the function it belongs to", () => {
    const cold = SymbolTable.from([{ name: "inner.cold", type: "t", address: TEXT }], TEXT + 0x10n);
    const trace = unwind({ pc: TEXT, fp: STACK, lr: 0x1234n }, stack(), { symbols: cold });
    expect(trace.frames.map(({ pc }) => pc)).toEqual([TEXT, inOuter, inRoot]);
  });

  it("guesses from the instructions before the PC when nothing has a name", () => {
    const at = (index: number, fp: bigint): bigint[] =>
      unwind({ pc: TEXT + 0x100n + BigInt(index * 4), fp, lr: inOuter }, stack())
        .frames.map(({ pc }) => pc)
        .slice(1);
    expect(at(4, STACK + 0x20n)).toEqual([inOuter, inRoot]);
    expect(at(5, STACK)).toEqual([inOuter, inRoot]);
    expect(at(9, STACK + 0x20n)).toEqual([inOuter, inRoot]);
  });

  it.each([
    ["Linux 6.1", 304, false],
    ["another distance", 288, false],
    ["a marked record, Linux 6.13", 296, true],
  ])("goes on through an exception, from its saved registers (%s)", (_, distance, isMarked) => {
    // pt_regs of code interrupted at leaf+8, which had been called by inner.
    const regs = 0xffff_8000_0c10_0000n;
    const words = new Array<bigint>((distance + 64) / 8).fill(0n);
    words[29] = STACK;
    words[30] = TEXT + 0x118n;
    words[31] = STACK - 0x40n;
    words[32] = TEXT + 8n;
    words[33] = 0x6040_0009n & ~0xan;
    words[33] = 0x6040_0005n;
    const record = distance / 8;
    if (isMarked) words[record + 2] = 2n;
    else [words[record], words[record + 1]] = [STACK, TEXT + 8n];
    const memory = new FakeMemory()
      .stack(regs - 0x80n, [...new Array<bigint>(16).fill(0n), ...words])
      .stack(STACK - 0x100n, [regs + BigInt(distance), TEXT + 0x204n]);
    const read = (address: bigint, length: number) =>
      memory.read(address, length) ?? stack()(address, length);
    const trace = unwind({ pc: TEXT + 0x20cn, fp: STACK - 0x100n, lr: 0n }, read, { symbols });
    expect(names(trace)).toEqual(["outer", "outer", "leaf", "inner", "outer", "root"]);
    expect(trace.frames.map(({ source }) => source)).toEqual([
      "pc",
      "frame-record",
      "exception",
      "link-register",
      "frame-record",
      "frame-record",
    ]);
    expect(trace.end).toBe("end");
  });

  it("sees from an exception's first instructions what was interrupted, by ELR_EL1", () => {
    // el1h_64_irq: stp x0, x1, [sp]; mrs x22, elr_el1; stp x29, x22, [sp, #304]; add x29, sp, #0x130; bl
    const entry = [0xa90007e0, 0xd5384036, 0xa9135bfd, 0x9104c3fd, BL];
    const memory = new FakeMemory().code(TEXT + 0x400n, entry);
    const read = (address: bigint, length: number) =>
      memory.read(address, length) ?? stack()(address, length);
    const named = SymbolTable.from(
      [...symbols, { name: "el1h_64_irq", type: "t", address: TEXT + 0x400n }],
      TEXT + 0x500n,
    );
    const at = (index: number, fp: bigint) =>
      unwind({ pc: TEXT + 0x400n + BigInt(index * 4), fp, lr: 0x77n, exceptionLink: TEXT + 0x114n }, read, {
        symbols: named,
      });
    for (const index of [0, 1, 2, 3]) {
      expect(names(at(index, STACK))).toEqual(["el1h_64_irq", "inner", "outer", "root"]);
      expect(at(index, STACK).frames[1]?.source).toBe("exception");
    }
    expect(at(4, STACK).frames[1]?.source).toBe("frame-record");
  });

  it.each<[string, bigint[], string]>([
    ["a record that leads to itself", [STACK, inOuter], "loop"],
    ["two records that lead to each other", [STACK + 16n, inOuter, STACK, inOuter], "loop"],
    ["a record at an odd address", [STACK + 1n, inOuter], "misaligned"],
    ["a return address that is no address of code", [STACK + 16n, 0xffff_8000_0801_0002n], "not-code"],
    ["a return address in the other half", [STACK + 16n, 0x40_0000n], "not-code"],
    ["a frame in the other half", [0x7fff_0000n, inOuter], "other-half"],
    ["a frame that cannot be read", [0xffff_0000_0000_0000n, inOuter], "unreadable"],
  ])("ends at %s", (_, words, end) => {
    const memory = new FakeMemory().stack(STACK, words);
    const read = (address: bigint, length: number) =>
      memory.read(address, length) ?? code.read(address, length);
    expect(unwind({ pc: TEXT + 0x20cn, fp: STACK, lr: 0n }, read, { symbols }).end).toBe(end);
  });

  it("ends at the limit of an endless stack", () => {
    const read = (address: bigint, length: number): Uint8Array | undefined =>
      code.read(address, length) ??
      new FakeMemory()
        .stack(
          address,
          new Array<bigint>(length / 8)
            .fill(0n)
            .map((_, index) => (index % 2 === 0 ? address + 16n : inOuter)),
        )
        .read(address, length);
    const trace = unwind({ pc: TEXT + 0x20cn, fp: STACK, lr: 0n }, read, { symbols, mostFrames: 50 });
    expect(trace).toMatchObject({ end: "limit" });
    expect(trace.frames).toHaveLength(50);
  });

  it("comes to an end for any registers and any memory", () => {
    const word = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 0n, max: 63n }).map((index) => STACK + index * 8n),
      fc.bigInt({ min: 0n, max: 255n }).map((index) => TEXT + index * 4n),
      fc.constant(0n),
    );
    fc.assert(
      fc.property(
        word,
        word,
        word,
        fc.array(word, { minLength: 64, maxLength: 64 }),
        fc.uint8Array({ minLength: 1024, maxLength: 1024 }),
        (pc, fp, lr, words, text) => {
          const memory = new FakeMemory().stack(STACK, words).map(TEXT, text);
          const trace = unwind({ pc, fp, lr }, memory.read, { symbols });
          expect(trace.frames.length).toBeLessThanOrEqual(256);
          expect(trace.frames[0]?.pc).toBe(pc);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("frameState", () => {
  const state = (words: readonly number[], index: number): string =>
    frameState(
      TEXT + BigInt(index * 4),
      { start: TEXT, size: words.length * 4, isFragment: false },
      new FakeMemory().code(TEXT, words).read,
    );

  it("follows branches around a prologue that is not at the beginning", () => {
    const words = [tbz(6), STORE, FRAME, BL, LOAD, RET, NOP, RET];
    expect(words.map((_, index) => state(words, index))).toEqual([
      "link-register",
      "link-register",
      "link-register",
      "frame-record",
      "frame-record",
      "link-register",
      "link-register",
      "link-register",
    ]);
  });

  it("takes code behind a jump table for a part of the function with its frame", () => {
    const words = [STORE, FRAME, 0xd61f0200, NOP, BL, LOAD, RET];
    expect(state(words, 4)).toBe("frame-record");
  });

  it("knows the record when it is not at the bottom of the frame", () => {
    const words = [0xd10103ff, 0xa9027bfd, 0x910083fd, BL, 0xa9427bfd, 0x910103ff, RET];
    expect(words.map((_, index) => state(words, index))).toEqual([
      "link-register",
      "link-register",
      "link-register",
      "frame-record",
      "frame-record",
      "link-register",
      "link-register",
    ]);
  });
});
