import type { Arm64Registers } from "./registers.ts";
import { pstate } from "./registers.ts";

/** The four kinds of exception that have a vector each. Arm ARM D1.3.1.5. */
export const vectorKind = { synchronous: 0x000, irq: 0x080, fiq: 0x100, serror: 0x180 } as const;

/** A vector kind's offset. */
export type VectorKind = (typeof vectorKind)[keyof typeof vectorKind];

/** Where exception entry reads and writes system registers. */
export interface ExceptionRegisters {
  readonly vbar: bigint;
  setElr(value: bigint): void;
  setSpsr(value: number): void;
  setEsr(value: number): void;
  setFar(value: bigint): void;
}

/** What an exception to EL1 reports. */
export interface ExceptionReport {
  readonly kind: VectorKind;
  /** Preferred return address. */
  readonly returnAddress: bigint;
  /** ESR_EL1; absent for interrupts, which leave it. */
  readonly syndrome?: number;
  readonly far?: bigint;
  /** PSTATE to save; absent: as it is now. */
  readonly saved?: number;
}

/**
 * Takes an exception to EL1 in AArch64: AArch64.TakeException (Arm ARM J1.1.2, D1.3.1). The vector is chosen by the level and
 * stack pointer in use before.
 */
export function takeException(
  registers: Arm64Registers,
  system: ExceptionRegisters,
  report: ExceptionReport,
): void {
  const fromLower = registers.el === 0;
  const group = fromLower ? 0x400 : registers.spSel === 0 ? 0x000 : 0x200;
  const saved = report.saved ?? registers.pstate;
  system.setSpsr(saved);
  system.setElr(report.returnAddress);
  if (report.syndrome !== undefined) system.setEsr(report.syndrome);
  if (report.far !== undefined) system.setFar(report.far);
  const flags = saved & (pstate.n | pstate.z | pstate.c | pstate.v);
  registers.pstate = (flags | pstate.daif | 5) >>> 0;
  registers.pc = BigInt.asUintN(64, system.vbar + BigInt(group + report.kind));
}

/**
 * Whether SPSR_EL1 describes a state an ERET from EL1 may return to: AArch64 EL0 or EL1 with a valid stack selection.
 * Anything else is an illegal exception return (Arm ARM D1.3.4, IllegalExceptionReturn).
 */
export function legalReturn(spsr: number): boolean {
  if ((spsr & pstate.aarch32) !== 0) return false;
  const mode = spsr & 15;
  return mode === 0 || mode === 4 || mode === 5;
}
