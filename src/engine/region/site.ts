/**
 * How a region was left.
 * - `side`: the instruction at this offset of the page has not happened; the interpreter must execute it.
 * - `short`: the budget is smaller than the block at this offset, which has not been entered.
 * - `jump`: control is at this offset of the same page, where the region has no code.
 * - `left`: control is where PC says.
 * - `apart`: as `side`, as the region takes accesses to be in one page that are in two.
 */
export const regionExit = { side: 0, short: 1, jump: 2, left: 3, apart: 4 } as const;

/** Ways out that are counted; `apart` counts as `side`. */
export type CountedExit = Exclude<RegionExit, "apart">;

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

/**
 * The slot of a record where a region begins a block: bit 31 is set, the region's place in the function table is in bits 30:8, the
 * block's number in 7:0. Counts in slots are never below `least`.
 */
export const slotBits = { region: 8, regionMask: 0x7f_ffff, blockMask: 0xff, least: -0x1000_0000 } as const;

/** What the upper 24 bits of the slots are where the region at this place in the function table has a block. */
export function slotOwner(place: number): number {
  return 0x80_0000 | place;
}

/** Whether a record's slot says that a region begins there. */
export function isRegionSlot(slot: number): boolean {
  return slot < slotBits.least;
}
