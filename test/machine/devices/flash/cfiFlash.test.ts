import { beforeEach, describe, expect, it } from "vitest";
import { CfiFlash } from "../../../../src/machine/devices/flash/cfiFlash.ts";

const bankBytes = 64 * 1024 * 1024;
const block = 0x4_0000;
const [ready, programError, sequenceError] = [0x80_0080, 0x90_0090, 0xb0_00b0] as const;

let flash: CfiFlash;

beforeEach(() => {
  flash = new CfiFlash(bankBytes);
});

const get = (offset: number) => Number(flash.read(offset, 4));
const put = (offset: number, value: number) => flash.write(offset, 4, BigInt(value));
/** A command to both chips. */
const tell = (offset: number, command: number) => put(offset, command * 0x1_0001);
const program = (offset: number, value: number) => {
  tell(offset, 0x40);
  put(offset, value);
  tell(offset, 0xff);
};

describe("a bank of flash (28F256J3 data sheet; JESD68.01)", () => {
  it("reads as erased when it is new, with accesses of any size", () => {
    expect(flash.read(0, 1)).toBe(0xffn);
    expect(flash.read(6, 2)).toBe(0xffffn);
    expect(get(bankBytes - 4)).toBe(0xffff_ffff);
    expect(flash.read(0x1000, 8)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it("answers the query in both chips: command set 1, the size of a chip, the blocks of a chip", () => {
    tell(0x55 * 4, 0x98);
    const answer = Array.from({ length: 0x34 }, (_, word) => get(word * 4));
    expect(answer.every((word) => word >>> 16 === (word & 0xffff))).toBe(true);
    const bytes = answer.map((word) => word & 0xff);
    expect(String.fromCharCode(...bytes.slice(0x10, 0x13))).toBe("QRY");
    expect(bytes[0x13]).toBe(1);
    expect(2 ** (bytes[0x27] ?? 0) * 2).toBe(bankBytes);
    const blocks = (bytes[0x2d] ?? 0) + (bytes[0x2e] ?? 0) * 256 + 1;
    const bytesOfChipBlock = ((bytes[0x2f] ?? 0) + (bytes[0x30] ?? 0) * 256) * 256;
    expect(blocks * bytesOfChipBlock * 2).toBe(bankBytes);
    const primary = bytes[0x15] ?? 0;
    expect(String.fromCharCode(...bytes.slice(primary, primary + 3))).toBe("PRI");
  });

  it("identifies itself", () => {
    tell(0, 0x90);
    expect([get(0), get(4)]).toEqual([0x89_0089, 0x18_0018]);
    tell(0, 0xff);
    expect(get(0)).toBe(0xffff_ffff);
  });

  it("shows its status from a program command on, until told to read its array", () => {
    tell(0x100, 0x40);
    put(0x100, 0x1234_5678);
    expect(get(0x100)).toBe(ready);
    tell(0, 0xff);
    expect(get(0x100)).toBe(0x1234_5678);
  });

  it("clears bits by programming and sets them only by erasing the block", () => {
    program(block + 8, 0x0f0f_ffff);
    program(block + 8, 0xffff_00ff);
    program(2 * block, 0);
    expect(get(block + 8)).toBe(0x0f0f_00ff);
    tell(block, 0x20);
    tell(block, 0xd0);
    expect(get(block)).toBe(ready);
    tell(0, 0xff);
    expect([get(block + 8), get(2 * block)]).toEqual([0xffff_ffff, 0]);
  });

  it("keeps the block when the erase is not confirmed, and says so until the status is cleared", () => {
    program(block, 5);
    tell(block, 0x20);
    tell(block, 0x12);
    expect(get(block)).toBe(sequenceError);
    tell(0, 0x50);
    tell(0, 0x70);
    expect(get(block)).toBe(ready);
    tell(0, 0xff);
    expect(get(block)).toBe(5);
  });

  it("writes a buffer of words at its confirmation", () => {
    tell(block, 0xe8);
    expect(get(block)).toBe(ready);
    tell(block, 1);
    put(block + 0x10, 0x1111_1111);
    put(block + 0x14, 0x2222_2222);
    tell(block, 0xd0);
    expect(get(block)).toBe(ready);
    tell(0, 0xff);
    expect([get(block + 0x10), get(block + 0x14)]).toEqual([0x1111_1111, 0x2222_2222]);
  });

  it("refuses a buffer that is too long", () => {
    tell(block, 0xe8);
    tell(block, 0x400);
    expect(get(block)).toBe(sequenceError);
    tell(0, 0xff);
    expect(get(block)).toBe(0xffff_ffff);
  });

  it("writes nothing of a buffer that leaves its block", () => {
    tell(block, 0xe8);
    tell(block, 0);
    put(2 * block, 0);
    tell(block, 0xd0);
    expect(get(block)).toBe(programError);
    tell(0, 0xff);
    expect(get(2 * block)).toBe(0xffff_ffff);
  });

  it("keeps its contents over a reset and carries them into a loaded state, an unfinished command included", () => {
    program(0x40, 0xcafe_f00d);
    flash.reset();
    expect(get(0x40)).toBe(0xcafe_f00d);
    tell(0x80, 0x40);
    const other = new CfiFlash(bankBytes);
    other.load(flash.save());
    other.write(0x80, 4, 7n);
    other.write(0, 4, 0xff_00ffn);
    expect([other.read(0x40, 4), other.read(0x80, 4)]).toEqual([0xcafe_f00dn, 7n]);
  });
});
