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

const enabled = (control: number | undefined): boolean => ((control ?? 0) & 1) !== 0;
/** The address part of a value register: bits 48:2 or 48:3, sign-extended. Arm ARM D17.3.2. */
const addressOf = (value: bigint | undefined): bigint =>
  BigInt.asUintN(64, BigInt.asIntN(49, value ?? 0n)) & ~3n;

/** The Exception levels a control register selects, by HMC, SSC and PMC. Arm ARM D2.8.3, Table D2-8 (non-secure EL0 and EL1). */
function levelMatches(control: number, el: 0 | 1): boolean {
  const pmc = (control >> 1) & 3;
  const hmc = (control >> 13) & 1;
  const ssc = (control >> 14) & 3;
  if (ssc === 2) return false;
  if (hmc === 0) return el === 0 ? pmc === 2 || pmc === 3 || pmc === 0 : pmc === 1 || pmc === 3 || pmc === 0;
  return pmc === 1 ? el === 1 : pmc === 3;
}

/** Whether a context breakpoint holds now; `n` is its number. */
function contextMatches(registers: DebugRegisters, n: number, context: DebugContext): boolean {
  const control = registers.bcr[n] ?? 0;
  if (!enabled(control) || n < resources.breakpoints - resources.contextBreakpoints) return false;
  const type = (control >> 20) & 15;
  return (type & 0b1110) === 0b0010 && Number((registers.bvr[n] ?? 0n) & 0xffff_ffffn) === context.contextId;
}

function linked(registers: DebugRegisters, lbn: number, context: DebugContext): boolean {
  const control = registers.bcr[lbn] ?? 0;
  return ((control >> 20) & 15) === 0b0011 && contextMatches(registers, lbn, context);
}

/** Whether a breakpoint matches the instruction at `pc`. Arm ARM D2.8.4–D2.8.6. */
export function breakpointMatches(registers: DebugRegisters, pc: bigint, context: DebugContext): boolean {
  const address = BigInt.asUintN(64, BigInt.asIntN(49, pc)) & ~3n;
  return registers.bcr.some((control, n) => {
    if (!enabled(control) || !levelMatches(control, context.el)) return false;
    const type = (control >> 20) & 15;
    switch (type) {
      case 0b0000:
      case 0b0001:
        if (((control >> 5) & 15) === 0 || addressOf(registers.bvr[n]) !== address) return false;
        return type === 0 || linked(registers, (control >> 16) & 15, context);
      case 0b0010:
        return contextMatches(registers, n, context);
      default:
        return false;
    }
  });
}

/** Whether any breakpoint could match by context alone, whatever the address. */
export function hasContextBreakpoint(registers: DebugRegisters): boolean {
  return registers.bcr.some((control) => enabled(control) && ((control >> 20) & 15) === 0b0010);
}

/** Addresses of instructions at which a breakpoint could match. */
export function breakpointAddresses(registers: DebugRegisters): readonly bigint[] {
  return registers.bcr.flatMap((control, n) =>
    enabled(control) && ((control >> 20) & 14) === 0 ? [addressOf(registers.bvr[n])] : [],
  );
}

/** The stretch of addresses a watchpoint covers. */
function watchedRange(value: bigint, control: number): { readonly first: bigint; readonly last: bigint }[] {
  const mask = (control >> 24) & 31;
  const base = BigInt.asUintN(64, BigInt.asIntN(49, value));
  if (mask >= 3) {
    const size = 1n << BigInt(mask);
    const first = base & ~(size - 1n);
    return [{ first, last: first + size - 1n }];
  }
  const bas = (control >> 5) & 0xff;
  const first = base & ~7n;
  const ranges: { first: bigint; last: bigint }[] = [];
  const shift = (base & 4n) !== 0n ? 4 : 0;
  for (let byte = 0; byte < 8; byte++) {
    if (((bas >> byte) & 1) === 0) continue;
    const at = first + BigInt(byte + shift);
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

/** The watchpoint that an access of `bytes` at `va` hits, if any. Arm ARM D2.9. */
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
    if (!enabled(control) || ((control >> 3) & (write ? 2 : 1)) === 0 || !levelMatches(control, context.el))
      continue;
    if (((control >> 20) & 1) !== 0 && !linked(registers, (control >> 16) & 15, context)) continue;
    const range = watchedRange(registers.wvr[n] ?? 0n, control).find(
      (each) => each.first <= last && each.last >= first,
    );
    if (range !== undefined) return { number: n, address: range.first > first ? range.first : first };
  }
  return undefined;
}

/** Whether any watchpoint covers part of the page at `pageAddress` (4 KiB). */
export function pageIsWatched(registers: DebugRegisters, pageAddress: bigint): boolean {
  const first = BigInt.asUintN(64, BigInt.asIntN(56, pageAddress)) & ~0xfffn;
  const last = first + 0xfffn;
  return registers.wcr.some(
    (control, n) =>
      enabled(control) &&
      watchedRange(registers.wvr[n] ?? 0n, control).some(
        (range) => range.first <= last && range.last >= first,
      ),
  );
}
