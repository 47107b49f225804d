import type { InterruptBank } from "./interruptBank.ts";

/** The registers that GICv2's GICD, GICv3's GICD and the SGI frame of GICR have in common, by offset (GICv3, the GICD register map). */
export type BankRegister =
  | "IGROUPR"
  | "ISENABLER"
  | "ICENABLER"
  | "ISPENDR"
  | "ICPENDR"
  | "ISACTIVER"
  | "ICACTIVER"
  | "IPRIORITYR"
  | "ICFGR";

interface RegisterRange {
  readonly register: BankRegister;
  readonly first: number;
  /** The offset after the last. */
  readonly end: number;
  /** How many interrupts a word of 32 bits holds. */
  readonly perWord: 4 | 16 | 32;
}

const RANGES: readonly RegisterRange[] = [
  { register: "IGROUPR", first: 0x080, end: 0x100, perWord: 32 },
  { register: "ISENABLER", first: 0x100, end: 0x180, perWord: 32 },
  { register: "ICENABLER", first: 0x180, end: 0x200, perWord: 32 },
  { register: "ISPENDR", first: 0x200, end: 0x280, perWord: 32 },
  { register: "ICPENDR", first: 0x280, end: 0x300, perWord: 32 },
  { register: "ISACTIVER", first: 0x300, end: 0x380, perWord: 32 },
  { register: "ICACTIVER", first: 0x380, end: 0x400, perWord: 32 },
  { register: "IPRIORITYR", first: 0x400, end: 0x800, perWord: 4 },
  { register: "ICFGR", first: 0xc00, end: 0xd00, perWord: 16 },
];

/** A word of a banked register: which, and the INTID its lowest bits are about. */
export interface BankAccess {
  readonly register: BankRegister;
  readonly intid: number;
}

/** Finds the register at a word-aligned offset. */
export function bankRegisterAt(offset: number): BankAccess | undefined {
  const range = RANGES.find((r) => offset >= r.first && offset < r.end);
  return range && { register: range.register, intid: ((offset - range.first) >> 2) * range.perWord };
}

/** Implemented priority bits: 5, as KVM's and most GICs; the others read as zero. */
export const PRIORITY_MASK = 0xf8;
/** 7 − priority bits: the lowest value of BPR0. */
export const MINIMUM_BPR = 2;

/** Spreads the 16 low bits of `bits` to the odd bits of a word: the form of ICFGR. */
function spread(bits: number): number {
  let out = 0;
  for (let i = 0; i < 16; i += 1) if ((bits >>> i) & 1) out |= 2 << (i * 2);
  return out >>> 0;
}

function gather(word: number): number {
  let out = 0;
  for (let i = 0; i < 16; i += 1) if ((word >>> (i * 2 + 1)) & 1) out |= 1 << i;
  return out;
}

/** Reads the word about the interrupts from `index` (counted in the bank); beyond the bank reads zero. */
export function readBank(bank: InterruptBank, register: BankRegister, index: number): number {
  const word = index >> 5;
  switch (register) {
    case "IGROUPR":
      return bank.group[word] ?? 0;
    case "ISENABLER":
    case "ICENABLER":
      return bank.enabled[word] ?? 0;
    case "ISPENDR":
    case "ICPENDR":
      return bank.pending(word);
    case "ISACTIVER":
    case "ICACTIVER":
      return bank.active[word] ?? 0;
    case "IPRIORITYR":
      return priorityWord(bank, index);
    case "ICFGR":
      return spread((bank.edge[word] ?? 0) >>> (index & 31));
    default:
      return register satisfies never;
  }
}

/**
 * Writes the word about the interrupts from `index`.
 * @param written which bits of the word the access covers.
 */
export function writeBank(
  bank: InterruptBank,
  register: BankRegister,
  index: number,
  value: number,
  written: number,
): void {
  const word = index >> 5;
  if (word >= bank.words) return;
  switch (register) {
    case "IGROUPR":
      bank.group[word] = ((bank.group[word] ?? 0) & ~written) | value;
      break;
    case "ISENABLER":
      bank.enabled[word] = (bank.enabled[word] ?? 0) | value;
      break;
    case "ICENABLER":
      bank.enabled[word] = (bank.enabled[word] ?? 0) & ~value;
      break;
    case "ISPENDR":
      bank.latch[word] = (bank.latch[word] ?? 0) | value;
      break;
    case "ICPENDR":
      bank.latch[word] = (bank.latch[word] ?? 0) & ~value;
      break;
    case "ISACTIVER":
      bank.active[word] = (bank.active[word] ?? 0) | value;
      break;
    case "ICACTIVER":
      bank.active[word] = (bank.active[word] ?? 0) & ~value;
      break;
    case "IPRIORITYR":
      for (let i = 0; i < 4; i += 1) {
        if ((written >>> (i * 8)) & 0xff) bank.priority[index + i] = (value >>> (i * 8)) & PRIORITY_MASK;
      }
      break;
    case "ICFGR": {
      const shift = index & 31;
      const mask = gather(written) << shift;
      bank.edge[word] = ((bank.edge[word] ?? 0) & ~mask) | ((gather(value) << shift) & mask);
      break;
    }
    default:
      register satisfies never;
  }
}

function priorityWord(bank: InterruptBank, index: number): number {
  let word = 0;
  for (let i = 0; i < 4; i += 1) word |= (bank.priority[index + i] ?? 0) << (i * 8);
  return word >>> 0;
}
