import type { PagePiece } from "../../engine/tlb.ts";
import { resources } from "./systemRegisters/identification.ts";

/** The breakpoint and watchpoint registers as the hardware holds them while the guest runs. */
export interface DebugRegisters {
  readonly bvr: readonly bigint[];
  readonly bcr: readonly number[];
  readonly wvr: readonly bigint[];
  readonly wcr: readonly number[];
}

/** What matching needs to know of the vCPU. */
export interface DebugContext {
  readonly el: 0 | 1;
  readonly contextId: number;
}

/** No breakpoint and no watchpoint. */
export const noDebugRegisters: DebugRegisters = {
  bvr: new Array<bigint>(resources.breakpoints).fill(0n),
  bcr: new Array<number>(resources.breakpoints).fill(0),
  wvr: new Array<bigint>(resources.watchpoints).fill(0n),
  wcr: new Array<number>(resources.watchpoints).fill(0),
};

/** DBGBCR.BT values that this CPU has (Arm ARM D17.3.1); the others are of EL2 and later versions. */
export const breakpointType = {
  address: 0b0000,
  linkedAddress: 0b0001,
  context: 0b0010,
  linkedContext: 0b0011,
} as const;

/** Fields of DBGBCR and, where they have them, of DBGWCR. */
export const debugControl = {
  enabled: (control: number): boolean => (control & 1) !== 0,
  /** DBGBCR.BT. */
  type: (control: number): number => (control >> 20) & 15,
  /** LBN: the breakpoint that it is linked to. */
  linkedTo: (control: number): number => (control >> 16) & 15,
  /** DBGWCR.WT: it is linked. */
  isLinkedWatchpoint: (control: number): boolean => ((control >> 20) & 1) !== 0,
} as const;

/** The first breakpoint that can be compared with a context; those from there to the last can (Arm ARM D2.8). */
export const firstContextBreakpoint = resources.breakpoints - resources.contextBreakpoints;

/** The address part of a value register: bits 48:2, sign-extended. Arm ARM D17.3.2. */
const addressOf = (value: bigint | undefined): bigint =>
  BigInt.asUintN(64, BigInt.asIntN(49, value ?? 0n)) & ~3n;

/**
 * The Exception levels a control register selects, by HMC, SSC and PMC or PAC: AArch64.StateMatch and CheckValidStateMatch
 * (Arm ARM J1.1.2) for a CPU with EL2 and without EL3 and AArch32. Reserved combinations disable.
 */
function levelMatches(control: number, el: 0 | 1): boolean {
  const levels = (control >> 1) & 3;
  const hmc = (control >> 13) & 1;
  const ssc = (control >> 14) & 3;
  if (ssc !== 0 || levels === 0 || (hmc === 1 && levels === 2)) return false;
  return (levels & (el === 0 ? 2 : 1)) !== 0;
}

/** Whether a context breakpoint holds now; `n` is its number. */
function contextMatches(registers: DebugRegisters, n: number, type: number, context: DebugContext): boolean {
  const control = registers.bcr[n] ?? 0;
  if (n < firstContextBreakpoint || !debugControl.enabled(control) || debugControl.type(control) !== type)
    return false;
  return Number((registers.bvr[n] ?? 0n) & 0xffff_ffffn) === context.contextId;
}

/** Whether what the register is linked to holds; of the levels its own control says which count (Arm ARM D2.8.4). */
function linkMatches(registers: DebugRegisters, control: number, context: DebugContext): boolean {
  return contextMatches(registers, debugControl.linkedTo(control), breakpointType.linkedContext, context);
}

/**
 * Whether a breakpoint matches the instruction at `pc`. Arm ARM D2.8.4–D2.8.6; BAS is RES1 without AArch32
 * (AArch64.BreakpointMatch), so every instruction at the address counts.
 */
export function breakpointMatches(registers: DebugRegisters, pc: bigint, context: DebugContext): boolean {
  const address = BigInt.asUintN(64, BigInt.asIntN(49, pc)) & ~3n;
  return registers.bcr.some((control, n) => {
    if (!debugControl.enabled(control) || !levelMatches(control, context.el)) return false;
    switch (debugControl.type(control)) {
      case breakpointType.address:
        return addressOf(registers.bvr[n]) === address;
      case breakpointType.linkedAddress:
        return addressOf(registers.bvr[n]) === address && linkMatches(registers, control, context);
      case breakpointType.context:
        return contextMatches(registers, n, breakpointType.context, context);
      default:
        return false;
    }
  });
}

/** Whether any breakpoint could match by context alone, whatever the address. */
export function hasContextBreakpoint(registers: DebugRegisters): boolean {
  return registers.bcr.some(
    (control, n) =>
      n >= firstContextBreakpoint &&
      debugControl.enabled(control) &&
      debugControl.type(control) === breakpointType.context,
  );
}

/** Addresses of instructions at which a breakpoint could match. */
export function breakpointAddresses(registers: DebugRegisters): readonly bigint[] {
  return registers.bcr.flatMap((control, n) =>
    debugControl.enabled(control) && debugControl.type(control) <= breakpointType.linkedAddress
      ? [addressOf(registers.bvr[n])]
      : [],
  );
}

/** A stretch of addresses, both ends included. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** The stretches of addresses a watchpoint covers, lowest first. Arm ARM D2.9.3, D2.9.4. */
function watchedRanges(value: bigint, control: number): readonly Range[] {
  const mask = (control >> 24) & 31;
  const base = BigInt.asUintN(64, BigInt.asIntN(49, value));
  if (mask >= 3) {
    const size = 1n << BigInt(mask);
    const first = base & ~(size - 1n);
    return [{ first, last: first + size - 1n }];
  }
  // With bit 2 of the address set only BAS[3:0] counts.
  const isWord = (base & 4n) !== 0n;
  const bytes = (control >> 5) & (isWord ? 0xf : 0xff);
  const first = base & (isWord ? ~3n : ~7n);
  const ranges: { first: bigint; last: bigint }[] = [];
  for (let byte = 0; byte < 8; byte++) {
    if (((bytes >> byte) & 1) === 0) continue;
    const at = first + BigInt(byte);
    const open = ranges.at(-1);
    if (open !== undefined && open.last === at - 1n) open.last = at;
    else ranges.push({ first: at, last: at });
  }
  return ranges;
}

/** A watchpoint that an access hit. */
export interface WatchpointHit {
  readonly number: number;
  /** The lowest address of the access that the watchpoint covers: what FAR reports. */
  readonly address: bigint;
}

/**
 * The watchpoint that an access of `bytes` at `va` hits, if any. Arm ARM D2.9.
 * @param context its `el` is the level with whose permissions the access is made: EL0 for LDTR and STTR.
 */
export function watchpointHit(
  registers: DebugRegisters,
  va: bigint,
  bytes: number,
  write: boolean,
  context: DebugContext,
): WatchpointHit | undefined {
  const first = BigInt.asUintN(64, BigInt.asIntN(56, va));
  const last = first + BigInt(bytes) - 1n;
  for (const [n, control] of registers.wcr.entries()) {
    if (!debugControl.enabled(control) || ((control >> 3) & (write ? 2 : 1)) === 0) continue;
    if (!levelMatches(control, context.el)) continue;
    if (debugControl.isLinkedWatchpoint(control) && !linkMatches(registers, control, context)) continue;
    const range = watchedRanges(registers.wvr[n] ?? 0n, control).find(
      (each) => each.first <= last && each.last >= first,
    );
    if (range !== undefined) return { number: n, address: range.first > first ? range.first : first };
  }
  return undefined;
}

/** What the watchpoints cover, as offsets in a page of 4 KiB. */
export function watchedPieces(registers: DebugRegisters): readonly PagePiece[] {
  return registers.wcr.flatMap((control, n) => {
    if (!debugControl.enabled(control)) return [];
    return watchedRanges(registers.wvr[n] ?? 0n, control).map(({ first, last }) =>
      first >> 12n === last >> 12n
        ? { begin: Number(first & 0xfffn), end: Number(last & 0xfffn) + 1 }
        : { begin: 0, end: 0x1000 },
    );
  });
}

/** Whether any watchpoint covers part of the page at `pageAddress` (4 KiB). */
export function pageIsWatched(registers: DebugRegisters, pageAddress: bigint): boolean {
  if (registers === noDebugRegisters) return false;
  const first = BigInt.asUintN(64, BigInt.asIntN(56, pageAddress)) & ~0xfffn;
  const last = first + 0xfffn;
  return registers.wcr.some(
    (control, n) =>
      debugControl.enabled(control) &&
      watchedRanges(registers.wvr[n] ?? 0n, control).some(
        (range) => range.first <= last && range.last >= first,
      ),
  );
}
