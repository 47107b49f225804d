import { RAM_START } from "./tinyCpu.ts";

/** Encodings of the instructions the tiny machine has. */
export const nop = 0xd503201f;
export const ret = 0xd65f03c0;
export const addImmediate = (rd: number, rn: number, value: number) =>
  (0x91000000 | (value << 10) | (rn << 5) | rd) >>> 0;
export const subImmediate = (rd: number, rn: number, value: number) =>
  (0xd1000000 | (value << 10) | (rn << 5) | rd) >>> 0;
export const compareImmediate = (rn: number, value: number) => (0xf100001f | (value << 10) | (rn << 5)) >>> 0;
export const moveWide = (rd: number, value: number, shift = 0) =>
  (0xd2800000 | ((shift / 16) << 21) | (value << 5) | rd) >>> 0;
export const store = (rt: number, rn: number, offset = 0) =>
  (0xf9000000 | ((offset / 8) << 10) | (rn << 5) | rt) >>> 0;
export const load = (rt: number, rn: number, offset = 0) =>
  (0xf9400000 | ((offset / 8) << 10) | (rn << 5) | rt) >>> 0;
export const branch = (instructions: number) => (0x14000000 | (instructions & 0x3ffffff)) >>> 0;
export const branchLink = (instructions: number) => (0x94000000 | (instructions & 0x3ffffff)) >>> 0;
export const branchNotEqual = (instructions: number) => (0x54000001 | ((instructions & 0x7ffff) << 5)) >>> 0;
export const breakpoint = (value: number) => (0xd4200000 | (value << 5)) >>> 0;
export const powerOff = (status: number) => (0xd4400000 | (status << 5)) >>> 0;

/** Where the counter program keeps its count. */
export const COUNT_ADDRESS = RAM_START + 0x1000n;
/** The counter program's loop head: `add x0, x0, #1`. */
export const LOOP_ADDRESS = RAM_START + 4n;
/** Its store of the count. */
export const STORE_ADDRESS = RAM_START + 8n;
/** Its last instruction, which powers off with status 7. */
export const OFF_ADDRESS = RAM_START + 0x18n;
/** Another loop, for the second vCPU: it never ends. */
export const IDLE_ADDRESS = RAM_START + 0x100n;

/** Counts x0 up to `most` in memory and powers off. At IDLE_ADDRESS x2 counts for ever. */
export function counterProgram(most: number): Uint8Array {
  const bytes = new Uint8Array(0x10c);
  const view = new DataView(bytes.buffer);
  const words = [
    moveWide(1, 0x4000, 16), // 00: x1 = 0x40000000
    addImmediate(0, 0, 1), //   04: loop: x0 += 1
    store(0, 1, 0x1000), //     08: [x1 + 0x1000] = x0
    load(2, 1, 0x1000), //      0c: x2 = [x1 + 0x1000]
    compareImmediate(2, most), // 10
    branchNotEqual(-4), //      14: to loop
    powerOff(7), //             18
  ];
  words.forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  [addImmediate(2, 2, 1), nop, branch(-2)].forEach((word, index) => {
    view.setUint32(0x100 + index * 4, word, true);
  });
  return bytes;
}
