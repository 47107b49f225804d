/**
 * How a region was left.
 * - `side`: the instruction at this offset of the page has not happened; the interpreter must execute it.
 * - `short`: the budget is smaller than the block at this offset, which has not been entered.
 * - `jump`: control is at this offset of the same page, where the region has no code.
 * - `left`: control is where PC says.
 */
export const regionExit = { side: 0, short: 1, jump: 2, left: 3 } as const;

/** Name of a way to leave a region. */
export type RegionExit = keyof typeof regionExit;

/** Where the parts of a packed exit are: the offset in the page in 11:0, instructions not retired in 23:12, the kind from 24. */
export const siteBits = { offset: 0xfff, unretired: 12, unretiredMask: 0xfff, kind: 24 } as const;

/**
 * Packs a way out into an i32.
 * @param offset in the page, 0–4095
 * @param unretired how many instructions of the block, counted when it was entered, have not happened
 */
export function packSite(kind: RegionExit, offset: number, unretired: number): number {
  return (regionExit[kind] << siteBits.kind) | (unretired << siteBits.unretired) | offset;
}
