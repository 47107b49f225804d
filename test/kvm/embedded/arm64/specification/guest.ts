/**
 * The specification of a guest's debug architecture, written from the Arm ARM (D1.3 exceptions, D2 self-hosted debug, the
 * pseudocode of J1.1.2) for the few things that the model test's programs do. It shares nothing with `src`.
 */

/** Bits of PSTATE as SPSR_EL1 has them. */
export const psr = { ss: 1 << 21, il: 1 << 20, d: 1 << 9, i: 1 << 7, daif: 0x3c0, aarch32: 0x10 } as const;

/** MDSCR_EL1. */
export const monitor = { SS: 1, KDE: 0x2000, MDE: 0x8000 } as const;

/** Registers a debugger or guest programs. */
export interface ComparatorSet {
  readonly bvr: bigint[];
  readonly bcr: number[];
  readonly wvr: bigint[];
  readonly wcr: number[];
}

export const noComparators = (): ComparatorSet => ({
  bvr: [0n, 0n, 0n, 0n, 0n, 0n],
  bcr: [0, 0, 0, 0, 0, 0],
  wvr: [0n, 0n, 0n, 0n],
  wcr: [0, 0, 0, 0],
});

/** Everything the programs can see or change. */
export interface GuestState {
  x: bigint[];
  pc: bigint;
  el: 0 | 1;
  spSel: 0 | 1;
  /** PSTATE.DAIF in place. */
  daif: number;
  il: boolean;
  ss: boolean;
  spsr: number;
  elr: bigint;
  esr: number;
  far: bigint;
  mdscr: number;
  osLock: boolean;
  doubleLock: boolean;
  contextId: number;
  comparators: ComparatorSet;
  /** The address that the local monitor holds. */
  exclusive: bigint | undefined;
  /** The WFE event register. */
  event: boolean;
  memory: Map<bigint, bigint>;
  /** The last instruction was an exception return. */
  returned: boolean;
  /** What a step exception would report of the last instruction: ISV and EX. */
  stepped: { readonly isv: boolean; readonly ex: boolean };
}

export const notStepped = { isv: false, ex: false } as const;

/** PSTATE as one-reg and SPSR_EL1 show it. */
export function pstateOf(g: GuestState): number {
  const mode = g.el === 0 ? 0 : g.spSel === 0 ? 4 : 5;
  return (g.ss ? psr.ss : 0) | (g.il ? psr.il : 0) | g.daif | mode;
}

/** D2.4: whether EL1 could take a debug exception (other than BRK's) from this level and mask. */
export function enabledFrom(g: GuestState, el: 0 | 1, d: boolean): boolean {
  if (g.osLock || g.doubleLock) return false;
  return el === 0 || ((g.mdscr & monitor.KDE) !== 0 && !d);
}

export const enabledHere = (g: GuestState): boolean => enabledFrom(g, g.el, (g.daif & psr.d) !== 0);

/** D2.12.3: the guest's software step machine. */
export function stepState(g: GuestState): "inactive" | "active-not-pending" | "active-pending" {
  if ((g.mdscr & monitor.SS) === 0 || !enabledHere(g)) return "inactive";
  return g.ss ? "active-not-pending" : "active-pending";
}

/** D1.3.1: exception entry to EL1. */
export function takeToEl1(
  g: GuestState,
  vbar: bigint,
  report: { readonly offset: number; readonly elr: bigint; readonly esr?: number; readonly far?: bigint },
): void {
  g.spsr = pstateOf(g);
  g.elr = report.elr;
  if (report.esr !== undefined) g.esr = report.esr >>> 0;
  if (report.far !== undefined) g.far = report.far;
  const group = g.el === 0 ? 0x400 : g.spSel === 0 ? 0 : 0x200;
  g.el = 1;
  g.spSel = 1;
  g.daif = psr.daif;
  g.il = false;
  g.ss = false;
  g.pc = vbar + BigInt(group + report.offset);
}

/** ERET from EL1: SetPSTATEFromPSR, IllegalExceptionReturn, DebugExceptionReturnSS. */
export function exceptionReturn(g: GuestState): void {
  const { spsr } = g;
  const wasStepped = stepState(g) === "active-not-pending";
  const enabledAtSource = enabledHere(g);
  const mode = spsr & 15;
  const isLegal = (spsr & psr.aarch32) === 0 && (mode === 0 || mode === 4 || mode === 5);
  const toEl: 0 | 1 = isLegal ? (mode === 0 ? 0 : 1) : g.el;
  const enabledAtDestination = enabledFrom(g, toEl, (spsr & psr.d) !== 0);
  g.ss = (g.mdscr & monitor.SS) !== 0 && !enabledAtSource && enabledAtDestination && (spsr & psr.ss) !== 0;
  g.il = !isLegal || (spsr & psr.il) !== 0;
  if (isLegal) {
    g.el = toEl;
    g.spSel = mode === 5 ? 1 : 0;
  }
  g.daif = spsr & psr.daif;
  g.pc = g.elr;
  g.exclusive = undefined;
  g.event = true;
  g.stepped = { isv: wasStepped, ex: false };
  g.returned = true;
}

const levelSelected = (control: number, el: 0 | 1): boolean => ((control >> 1) & (el === 0 ? 2 : 1)) !== 0;

const linkHolds = (set: ComparatorSet, control: number, g: GuestState): boolean => {
  const link = (control >> 16) & 15;
  const linked = set.bcr[link] ?? 0;
  if (link < 4 || (linked & 1) === 0 || ((linked >> 20) & 15) !== 3) return false;
  return Number((set.bvr[link] ?? 0n) & 0xffff_ffffn) === g.contextId;
};

/** D2.8: whether a breakpoint of the set matches the instruction at PC. */
export function breakpointMatches(set: ComparatorSet, g: GuestState): boolean {
  return set.bcr.some((control, n) => {
    if ((control & 1) === 0 || !levelSelected(control, g.el)) return false;
    if (((set.bvr[n] ?? 0n) & ~3n) !== g.pc) return false;
    const type = (control >> 20) & 15;
    return type === 0 || (type === 1 && linkHolds(set, control, g));
  });
}

/** One access of an instruction. */
export interface Access {
  readonly address: bigint;
  readonly bytes: number;
  readonly write: boolean;
  /** The level with whose permissions it is made. */
  readonly el: 0 | 1;
}

/** D2.9: the addresses FAR may show if a watchpoint of the set stops the access: the lowest watched byte of each. */
export function watchpointHits(set: ComparatorSet, g: GuestState, access: Access): bigint[] {
  const found: bigint[] = [];
  for (const [n, control] of set.wcr.entries()) {
    if ((control & 1) === 0 || !levelSelected(control, access.el)) continue;
    if (((control >> 3) & (access.write ? 2 : 1)) === 0) continue;
    if (((control >> 20) & 1) !== 0 && !linkHolds(set, control, g)) continue;
    for (let byte = 0n; byte < BigInt(access.bytes); byte++) {
      const at = access.address + byte;
      const base = set.wvr[n] ?? 0n;
      if (at >= base && at < base + 8n && ((control >> (5 + Number(at - base))) & 1) !== 0) {
        found.push(at);
        break;
      }
    }
  }
  return found;
}
