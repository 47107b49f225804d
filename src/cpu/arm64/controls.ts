import { resources } from "./systemRegisters/identification.ts";

/** HCR_EL2 bits this CPU acts on (Arm ARM D17.2.48). */
export const hcr = {
  VM: 1n << 0n,
  TWI: 1n << 13n,
  TWE: 1n << 14n,
  TID1: 1n << 16n,
  TID2: 1n << 17n,
  TID3: 1n << 18n,
  TSC: 1n << 19n,
  TACR: 1n << 21n,
  TVM: 1n << 26n,
  TRVM: 1n << 30n,
} as const;

/** MDCR_EL2 fields (Arm ARM D17.3.16). */
export const mdcr = {
  HPMN: 0x1f,
  TPMCR: 1 << 5,
  TPM: 1 << 6,
  HPME: 1 << 7,
  TDE: 1 << 8,
  TDA: 1 << 9,
  TDOSA: 1 << 10,
  TDRA: 1 << 11,
  E2PB: 3 << 12,
  TPMS: 1 << 14,
} as const;

/** MDCR_EL2 fields that are RES0 without the Statistical Profiling Extension, which this CPU does not have. */
const profiling = mdcr.E2PB | mdcr.TPMS;
const mdcrFields = Object.values(mdcr).reduce((all, bits) => all | bits, 0) & ~profiling;

/** MDSCR_EL1 fields (Arm ARM D17.3.20). */
export const mdscr = { SS: 1, TDCC: 1 << 12, KDE: 1 << 13, MDE: 1 << 15 } as const;

/** OSLSR_EL1.OSLK (Arm ARM D17.3.22) and OSDLR_EL1.DLK (D17.3.21): while either is set no debug exception but BRK's is taken. */
export const debugLock = { OSLK: 2, DLK: 1 } as const;

/** The registers of EL2 that decide what the guest may do without its hypervisor; the hypervisor writes them. */
export class HypervisorControls {
  hcr = 0n;
  /** CNTVOFF_EL2: what CNTVCT_EL0 lags behind the physical count. */
  cntvoff = 0n;
  /** Called at every write of MDCR_EL2 with what the register reads as then. */
  onMdcrWrite: ((value: number) => void) | undefined;
  // Out of reset HPMN is the number of counters there are (Arm ARM D17.3.16).
  #mdcr: number = resources.eventCounters;

  /** MDCR_EL2. */
  get mdcr(): number {
    return this.#mdcr;
  }

  /** `MSR MDCR_EL2`: fields that the CPU does not have stay 0. */
  writeMdcr(value: number): void {
    this.#mdcr = value & mdcrFields;
    this.onMdcrWrite?.(this.#mdcr);
  }
}
