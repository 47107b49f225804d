/** What the rest of a machine sees of an arm64 interrupt controller, whatever its version. */

/** The two interrupt inputs of a CPU. */
export interface PendingLines {
  readonly irq: boolean;
  readonly fiq: boolean;
}

/** INTIDs below this are a CPU's own: 0–15 SGIs, 16–31 PPIs (GICv3, "INTIDs"). */
export const FIRST_SPI = 32;
/** The lowest PPI. */
export const FIRST_PPI = 16;

/** A GIC: distributor plus a CPU interface for each CPU. */
export interface InterruptController {
  readonly version: 2 | 3;
  /** How many CPUs it serves; they are numbered from 0. */
  readonly cpus: number;
  /** One more than the highest INTID of a shared peripheral interrupt. */
  readonly intids: number;
  /** Drives the input of a shared interrupt; `intid` counts from 32. */
  setSpi(intid: number, level: boolean): void;
  /** Drives the input of a CPU's private interrupt; `intid` is 16–31. */
  setPpi(cpu: number, intid: number, level: boolean): void;
  /** The levels on that CPU's IRQ and FIQ inputs now. */
  pending(cpu: number): PendingLines;
  /** Called after the levels of `pending(cpu)` have changed, from inside the access or line change that changed them. */
  onChange: ((cpu: number) => void) | undefined;
  /** Puts everything back to the state of power-on; input lines keep their levels. */
  reset(): void;
}

/** A system register by the fields of its MRS/MSR encoding, packed as op0:op1:CRn:CRm:op2 (bits 20–5 of the instruction). */
export type SystemRegisterEncoding = number;

/** Packs the five fields of a system register's encoding. */
export function systemRegister(
  op0: number,
  op1: number,
  crn: number,
  crm: number,
  op2: number,
): SystemRegisterEncoding {
  return (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
}

/** A controller whose CPU interface is reached by system registers (GICv3 ICC_*_EL1). */
export interface SystemRegisterInterface {
  /** @returns the value, or undefined if there is no such register or it cannot be read: the access is UNDEFINED. */
  readSystemRegister(cpu: number, encoding: SystemRegisterEncoding): bigint | undefined;
  /** @returns false if there is no such register or it cannot be written: the access is UNDEFINED. */
  writeSystemRegister(cpu: number, encoding: SystemRegisterEncoding, value: bigint): boolean;
}
