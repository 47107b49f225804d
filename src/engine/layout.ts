import type { RegisterOperand, StateField } from "./ir/builder.ts";
import type { ValueType } from "./wasm/types.ts";

/**
 * Where everything lives in the machine's one WebAssembly memory. The running vCPU's state is a window at fixed addresses;
 * other vCPUs' windows are kept aside and swapped in. Byte offsets; guest RAM follows the last area.
 */
export const memoryMap = {
  /** The state window of the running vCPU; all of it is below 64 KiB so that records name registers by 16-bit address. */
  window: 0x400,
  windowEnd: 0x2000,
  /** Kept windows of the vCPUs that do not run, `windowEnd` bytes each. */
  kept: 0x10000,
  /** Translation caches, `translationBytes` for each context. */
  translations: 0x40000,
  translationBytes: 0x10000,
  contexts: 32,
  /** Second-level data TLBs, `secondTlb.bytes` for each context. */
  secondTlb: 0x240000,
  /** Second-level fetch TLBs, `secondFetchTlb.bytes` for each context. */
  secondFetchTlb: 0x640000,
  /** Pages of decoded records. */
  records: 0x680000,
} as const;

/** Entries of the first-level data TLB and of the fetch TLB; both are direct-mapped by bits 12 and up of the address. */
export const tlbEntries = 1024;
export const fetchTlbEntries = 256;

/** One data TLB entry: tags are page addresses, −1 when the access must take the slow path; `strict` is not
 * zero where a misaligned access faults; `watched` is not zero in a second-level entry of a page with watched pieces, which the first level never has. */
export const tlbEntry = {
  bytes: 32,
  readTag: 0,
  writeTag: 8,
  addend: 16,
  asid: 20,
  strict: 24,
  watched: 28,
} as const;

/** The second-level data TLB of a context: entries like the first level's, which also say whose address space they are of. */
export const secondTlb = { entries: 4096, bytes: 4096 * tlbEntry.bytes } as const;

/** One fetch TLB entry: the page's guest-virtual address, where its decoded records begin, whose address space it is of. */
export const fetchEntry = { bytes: 16, tag: 0, records: 8, asid: 12 } as const;

/** The second-level fetch TLB of a context. */
export const secondFetchTlb = { entries: 512, bytes: 512 * fetchEntry.bytes } as const;

/** Offset of the fetch TLB within a context's translation caches. */
export const fetchTlbOffset = tlbEntries * tlbEntry.bytes;

/**
 * A decoded instruction: 16-bit handler number, then operands packed by `packOperands`. `regionEntry` is added to the handler's
 * number where a compiled region begins a block.
 */
export const recordBytes = 16;
export const regionEntry = 0x8000;

/**
 * A page of decoded records: a record for each instruction address, the page-end record, and a 32-bit slot for each instruction
 * address. A slot counts how often control got there by a jump; where a region begins a block it holds, from bit 31: 1, the
 * region's place in the function table (23 bits), the block's number (8 bits). `crossings` counts how often control went from one
 * region of the page to another, `apart` how often a region was left as `regionExit.apart`.
 */
export const recordPage = (() => {
  const records = 0x1000 / 4;
  const slots = (records + 1) * recordBytes;
  const crossings = slots + records * 4;
  return { records, slots, crossings, apart: crossings + 4, bytes: crossings + recordBytes } as const;
})();

/** Words of the engine below the state window, which are the same for every vCPU. */
export const engineWords = {
  /** How often control must get to an instruction by jumps before a region is made of it; signed. */
  heat: 0x100,
  /** How often regions were left, a doubleword for each `regionExit`. */
  exits: 0x110,
  /** Instructions that regions have retired, a doubleword. */
  retired: 0x130,
  /** A doubleword by which TypeScript takes 64-bit integers apart. */
  scratch: 0x138,
} as const;

/** The engine's own words at the start of the state window. */
export const engineState = {
  /** Set by TypeScript during a call: 1 abandons the current instruction. */
  status: field("i32", 0x400),
  /** Instructions that may still be retired in this run. */
  budget: field("i32", 0x404),
  /** Base of the data TLB of the current translation context. */
  tlb: field("i32", 0x408),
  /** Base of the fetch TLB of the current translation context. */
  fetchTlb: field("i32", 0x40c),
  pc: field("i64", 0x410),
  /** Upper half of a 16-byte access on the slow path. */
  wideHigh: field("i64", 0x418),
  /** Base of the data TLB with the unprivileged level's permissions. */
  unprivilegedTlb: field("i32", 0x420),
  /** The address space whose entries of the second-level TLB count, beside the global ones (−1). */
  asid: field("i32", 0x424),
} as const;

/** Sixteen bytes that always read zero: the source address of a hard-wired zero register. */
export const zeroRegisterAddress = 0x430;
/** Sixteen bytes nobody reads: the destination address of a hard-wired zero register. */
export const discardRegisterAddress = 0x440;
/**
 * Pieces of watched pages that accesses must not touch without TypeScript, a word for each: bits 15:0 the offset in a page where
 * it begins, bits 31:16 the one behind its end; 0 where there is none. Offsets count in every watched page. `hull` is a word that
 * has them all in it.
 */
export const watchedPieces = { address: 0x450, count: 4, hull: 0x460 } as const;
/** First free address for an instruction set's own state. */
export const instructionSetState = 0x480;

/** A state field of `type` at a fixed address. */
export function field<T extends ValueType>(
  type: T,
  address: number,
): StateField<T> & { readonly place: { readonly kind: "fixed"; readonly address: number } } {
  return { type, place: { kind: "fixed", address } };
}

/** Register operand number `operand` of an operation. */
export function registerOperand<T extends ValueType>(type: T, operand: number): RegisterOperand<T> {
  return { type, place: { kind: "register", operand } };
}
