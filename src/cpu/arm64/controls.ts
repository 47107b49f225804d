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

/** MDSCR_EL1 fields (Arm ARM D17.3.20). */
export const mdscr = { SS: 1, KDE: 1 << 13, MDE: 1 << 15 } as const;

/** The registers of EL2 that decide what the guest may do without its hypervisor; the hypervisor writes them. */
export interface HypervisorControls {
  hcr: bigint;
  mdcr: number;
  /** CNTVOFF_EL2: what CNTVCT_EL0 lags behind the physical count. */
  cntvoff: bigint;
}
