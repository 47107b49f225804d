import type { Arm64Cpu } from "../../../../cpu/arm64/cpu.ts";
import {
  breakpointType,
  type DebugRegisters,
  debugControl,
  firstContextBreakpoint,
  noDebugRegisters,
} from "../../../../cpu/arm64/debugUnit.ts";
import { resources } from "../../../../cpu/arm64/systemRegisters/identification.ts";
import type { Arm64GuestDebugArch } from "../../../guestDebug.ts";

/**
 * The guest's own breakpoint and watchpoint registers, as its vCPU has them. While none is enabled always the same object:
 * loading it again costs nothing.
 */
export function guestRegisters(cpu: Arm64Cpu): DebugRegisters {
  const all = (prefix: string, count: number): readonly bigint[] =>
    Array.from({ length: count }, (_, n) => cpu.system.raw(`${prefix}${n}_EL1`));
  const bcr = all("DBGBCR", resources.breakpoints).map(Number);
  const wcr = all("DBGWCR", resources.watchpoints).map(Number);
  if (![...bcr, ...wcr].some(debugControl.enabled)) return noDebugRegisters;
  return { bvr: all("DBGBVR", resources.breakpoints), bcr, wvr: all("DBGWVR", resources.watchpoints), wcr };
}

/** Userspace's registers; those it does not mention are 0. */
export function hostRegisters(arch: Arm64GuestDebugArch | undefined): DebugRegisters {
  const pad = <T>(values: readonly T[] | undefined, count: number, zero: T): readonly T[] =>
    Array.from({ length: count }, (_, n) => values?.[n] ?? zero);
  return {
    bvr: pad(arch?.bvr, resources.breakpoints, 0n),
    bcr: pad(arch?.bcr, resources.breakpoints, 0),
    wvr: pad(arch?.wvr, resources.watchpoints, 0n),
    wcr: pad(arch?.wcr, resources.watchpoints, 0),
  };
}

/** `next`, or the object that already says the same: loading that costs nothing. */
export function keepSame(known: DebugRegisters, next: DebugRegisters): DebugRegisters {
  const names = ["bvr", "bcr", "wvr", "wcr"] as const;
  const same = names.every(
    (name) =>
      next[name].length === known[name].length && next[name].every((value, n) => value === known[name][n]),
  );
  return same ? known : next;
}

/** `control` linked to another breakpoint: LBN. */
const relinked = (control: number, to: number): number => (control & ~0xf0000) | (to << 16);

/**
 * Where the guest's register `own` goes: its own place if that is free, else the last one from `first` on that is, else one more:
 * the debug unit compares with as many as it is given.
 */
function place(own: number, control: readonly number[], first: number): number {
  if (!debugControl.enabled(control[own] ?? 1)) return own;
  const free = control.findLastIndex((value, n) => n >= first && !debugControl.enabled(value));
  return free < 0 ? control.length : free;
}

/**
 * What the hardware holds when host and guest both use it: the host's registers as they are, the guest's in those that the host
 * leaves free, at the same number where that is possible, and beyond them. All of the guest's are live.
 */
export function mergeRegisters(host: DebugRegisters, guest: DebugRegisters): DebugRegisters {
  const merged = { bvr: [...host.bvr], bcr: [...host.bcr], wvr: [...host.wvr], wcr: [...host.wcr] };
  const placed = new Map<number, number>();
  const isContext = (control: number): boolean => (debugControl.type(control) & breakpointType.context) !== 0;
  const put = (n: number, control: number, first: number): void => {
    const at = place(n, merged.bcr, first);
    merged.bcr[at] = control;
    merged.bvr[at] = guest.bvr[n] ?? 0n;
    placed.set(n, at);
  };
  const enabled = [...guest.bcr.entries()].filter(([, control]) => debugControl.enabled(control));
  // Few registers can hold contexts, so those go first.
  for (const [n, control] of enabled)
    if (isContext(control) && n >= firstContextBreakpoint) put(n, control, firstContextBreakpoint);
  for (const [n, control] of enabled) {
    if (isContext(control)) continue;
    if (debugControl.type(control) !== breakpointType.linkedAddress) put(n, control, 0);
    else {
      const link = placed.get(debugControl.linkedTo(control));
      if (link !== undefined) put(n, relinked(control, link), 0);
    }
  }
  for (const [n, control] of guest.wcr.entries()) {
    if (!debugControl.enabled(control)) continue;
    const isLinked = debugControl.isLinkedWatchpoint(control);
    const link = isLinked ? placed.get(debugControl.linkedTo(control)) : 0;
    if (link === undefined) continue;
    const at = place(n, merged.wcr, 0);
    merged.wcr[at] = isLinked ? relinked(control, link) : control;
    merged.wvr[at] = guest.wvr[n] ?? 0n;
  }
  return merged;
}
