import { systemRegister } from "../interruptController.ts";

/** Encodings of the CPU interface's system registers (GICv3, "AArch64 System register descriptions"). */
export const ICC = {
  PMR_EL1: systemRegister(3, 0, 4, 6, 0),
  IAR0_EL1: systemRegister(3, 0, 12, 8, 0),
  EOIR0_EL1: systemRegister(3, 0, 12, 8, 1),
  HPPIR0_EL1: systemRegister(3, 0, 12, 8, 2),
  BPR0_EL1: systemRegister(3, 0, 12, 8, 3),
  AP0R0_EL1: systemRegister(3, 0, 12, 8, 4),
  AP1R0_EL1: systemRegister(3, 0, 12, 9, 0),
  DIR_EL1: systemRegister(3, 0, 12, 11, 1),
  RPR_EL1: systemRegister(3, 0, 12, 11, 3),
  SGI1R_EL1: systemRegister(3, 0, 12, 11, 5),
  ASGI1R_EL1: systemRegister(3, 0, 12, 11, 6),
  SGI0R_EL1: systemRegister(3, 0, 12, 11, 7),
  IAR1_EL1: systemRegister(3, 0, 12, 12, 0),
  EOIR1_EL1: systemRegister(3, 0, 12, 12, 1),
  HPPIR1_EL1: systemRegister(3, 0, 12, 12, 2),
  BPR1_EL1: systemRegister(3, 0, 12, 12, 3),
  CTLR_EL1: systemRegister(3, 0, 12, 12, 4),
  SRE_EL1: systemRegister(3, 0, 12, 12, 5),
  IGRPEN0_EL1: systemRegister(3, 0, 12, 12, 6),
  IGRPEN1_EL1: systemRegister(3, 0, 12, 12, 7),
} as const;
