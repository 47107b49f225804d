import { resources } from "./identification.ts";
import { register, type SystemRegisterRow } from "./row.ts";

const numbered = (count: number, make: (n: number) => SystemRegisterRow): readonly SystemRegisterRow[] =>
  Array.from({ length: count }, (_, n) => make(n));

/** MDSCR_EL1 fields: TDCC, KDE, MDE and SS can always be written, the others while the OS lock is on. Arm ARM D17.3.20. */
export const monitorControl = {
  /** SS, TDCC, KDE, MDE. */
  always: 0xb001n,
  /** Also RXfull, TXfull, RXO, TXU, INTdis, TDA, HDE and ERR: saved and restored around a power-down. */
  locked: 0x6ce0_f041n,
} as const;

/** Self-hosted debug. Arm ARM D17.3. */
export const debugRegisters: readonly SystemRegisterRow[] = [
  register("OSDTRRX_EL1", "2 0 0 0 2", { writable: 0xffff_ffffn, group: "debug" }),
  register("MDCCINT_EL1", "2 0 0 2 0", { writable: 0x6000_0000n, group: "debug" }),
  register("MDSCR_EL1", "2 0 0 2 2", { writable: monitorControl.locked, group: "debug" }),
  register("OSDTRTX_EL1", "2 0 0 3 2", { writable: 0xffff_ffffn, group: "debug" }),
  register("OSECCR_EL1", "2 0 0 6 2", { writable: 0xffff_ffffn, group: "debug" }),
  // All bits: bits 1:0 are RES0 of an address only, a context's number has 32 bits (Arm ARM D17.3.2).
  ...numbered(resources.breakpoints, (n) =>
    register(`DBGBVR${n}_EL1`, `2 0 0 ${n} 4`, { writable: 0xffff_ffff_ffff_ffffn, group: "debug" }),
  ),
  ...numbered(resources.breakpoints, (n) =>
    register(`DBGBCR${n}_EL1`, `2 0 0 ${n} 5`, { writable: 0x00ff_e1e7n, group: "debug" }),
  ),
  ...numbered(resources.watchpoints, (n) =>
    register(`DBGWVR${n}_EL1`, `2 0 0 ${n} 6`, { writable: 0xffff_ffff_ffff_fffcn, group: "debug" }),
  ),
  ...numbered(resources.watchpoints, (n) =>
    register(`DBGWCR${n}_EL1`, `2 0 0 ${n} 7`, { writable: 0x1f1f_ffffn, group: "debug" }),
  ),
  register("MDRAR_EL1", "2 0 1 0 0", { access: "ro", group: "debugRom" }),
  register("OSLAR_EL1", "2 0 1 0 4", { access: "wo", group: "osLock" }),
  // OSLM = 0b10: the OS lock is there; it is locked out of reset (Arm ARM D17.3.21).
  register("OSLSR_EL1", "2 0 1 1 4", { access: "ro", reset: 0xan, group: "osLock" }),
  register("OSDLR_EL1", "2 0 1 3 4", { writable: 1n, group: "osLock" }),
  register("DBGPRCR_EL1", "2 0 1 4 4", { writable: 1n, group: "osLock" }),
  register("DBGCLAIMSET_EL1", "2 0 7 8 6", { writable: 0xffn, group: "debug" }),
  register("DBGCLAIMCLR_EL1", "2 0 7 9 6", { writable: 0xffn, group: "debug" }),
  register("DBGAUTHSTATUS_EL1", "2 0 7 14 6", { access: "ro", reset: 0xaan, group: "debug" }),
  register("MDCCSR_EL0", "2 3 0 1 0", { access: "ro", el0: "TDCC", group: "debug" }),
  register("DBGDTR_EL0", "2 3 0 4 0", { el0: "TDCC", group: "debug" }),
  register("DBGDTRRX_EL0", "2 3 0 5 0", { el0: "TDCC", writable: 0xffff_ffffn, group: "debug" }),
];
