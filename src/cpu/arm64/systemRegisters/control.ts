import { register, type SystemRegisterRow } from "./row.ts";

/** SCTLR_EL1 bits that this CPU has or must have as one (Arm ARM D17.2.118). */
export const sctlr = {
  M: 1n << 0n,
  A: 1n << 1n,
  C: 1n << 2n,
  SA: 1n << 3n,
  SA0: 1n << 4n,
  UMA: 1n << 9n,
  I: 1n << 12n,
  DZE: 1n << 14n,
  UCT: 1n << 15n,
  nTWI: 1n << 16n,
  nTWE: 1n << 18n,
  WXN: 1n << 19n,
  UCI: 1n << 26n,
  /** Among them SED and ITD: EL0 has no AArch32. */
  res1: 0x30d00980n,
} as const;

const sctlrWritable =
  sctlr.M |
  sctlr.A |
  sctlr.C |
  sctlr.SA |
  sctlr.SA0 |
  sctlr.UMA |
  sctlr.I |
  sctlr.DZE |
  sctlr.UCT |
  sctlr.nTWI |
  sctlr.nTWE |
  sctlr.WXN |
  sctlr.UCI;

/** The registers that control EL1&0. Arm ARM D17.2. */
export const controlRegisters: readonly SystemRegisterRow[] = [
  register("SCTLR_EL1", "3 0 1 0 0", {
    reset: sctlr.res1 | sctlr.nTWI | sctlr.nTWE,
    writable: sctlrWritable,
    group: "translation",
  }),
  register("ACTLR_EL1", "3 0 1 0 1", { writable: 0n, group: "actlr" }),
  register("CPACR_EL1", "3 0 1 0 2", { writable: 0x10300000n }),
  register("TTBR0_EL1", "3 0 2 0 0", { group: "translation" }),
  register("TTBR1_EL1", "3 0 2 0 1", { group: "translation" }),
  register("TCR_EL1", "3 0 2 0 2", { writable: 0x77_ffff_ffbfn, group: "translation" }),
  register("SPSR_EL1", "3 0 4 0 0", { writable: 0xf030_03dfn }),
  register("ELR_EL1", "3 0 4 0 1"),
  register("SP_EL0", "3 0 4 1 0"),
  register("SPSel", "3 0 4 2 0", { writable: 1n, reset: 1n }),
  register("CurrentEL", "3 0 4 2 2", { access: "ro" }),
  register("AFSR0_EL1", "3 0 5 1 0", { writable: 0n, group: "translation" }),
  register("AFSR1_EL1", "3 0 5 1 1", { writable: 0n, group: "translation" }),
  register("ESR_EL1", "3 0 5 2 0", { writable: 0xffff_ffffn, group: "translation" }),
  register("FAR_EL1", "3 0 6 0 0", { group: "translation" }),
  register("PAR_EL1", "3 0 7 4 0"),
  register("MAIR_EL1", "3 0 10 2 0", { group: "translation" }),
  register("AMAIR_EL1", "3 0 10 3 0", { writable: 0n, group: "translation" }),
  register("VBAR_EL1", "3 0 12 0 0", { writable: ~0x7ffn & 0xffff_ffff_ffff_ffffn }),
  register("RVBAR_EL1", "3 0 12 0 1", { access: "ro" }),
  register("ISR_EL1", "3 0 12 1 0", { access: "ro" }),
  register("CONTEXTIDR_EL1", "3 0 13 0 1", { writable: 0xffff_ffffn, group: "translation" }),
  register("TPIDR_EL1", "3 0 13 0 4"),
  register("CNTKCTL_EL1", "3 0 14 1 0", { writable: 0x3ffn }),
  register("NZCV", "3 3 4 2 0", { el0: "all", writable: 0xf000_0000n }),
  register("DAIF", "3 3 4 2 1", { el0: "UMA", writable: 0x3c0n }),
  register("FPCR", "3 3 4 4 0", { el0: "all", writable: 0x07c0_0000n }),
  register("FPSR", "3 3 4 4 1", { el0: "all", writable: 0xf800_009fn }),
  register("TPIDR_EL0", "3 3 13 0 2", { el0: "all" }),
  register("TPIDRRO_EL0", "3 3 13 0 3", { el0: "read" }),
];

/** The generic timer as EL1 and EL0 see it. Arm ARM D11. */
export const timerRegisters: readonly SystemRegisterRow[] = [
  register("CNTFRQ_EL0", "3 3 14 0 0", { el0: "anyCounter", reset: 62_500_000n, writable: 0n, access: "ro" }),
  register("CNTPCT_EL0", "3 3 14 0 1", { el0: "EL0PCTEN", access: "ro" }),
  register("CNTVCT_EL0", "3 3 14 0 2", { el0: "EL0VCTEN", access: "ro" }),
  register("CNTP_TVAL_EL0", "3 3 14 2 0", { el0: "EL0PTEN" }),
  register("CNTP_CTL_EL0", "3 3 14 2 1", { el0: "EL0PTEN", writable: 3n }),
  register("CNTP_CVAL_EL0", "3 3 14 2 2", { el0: "EL0PTEN" }),
  register("CNTV_TVAL_EL0", "3 3 14 3 0", { el0: "EL0VTEN" }),
  register("CNTV_CTL_EL0", "3 3 14 3 1", { el0: "EL0VTEN", writable: 3n }),
  register("CNTV_CVAL_EL0", "3 3 14 3 2", { el0: "EL0VTEN" }),
];
