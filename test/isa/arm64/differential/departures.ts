/** Where Unicorn 2.0.1 (QEMU 5.0.1) departs from the Arm ARM: not compared, and stated in tests of their own. */
export const unicornDeparture = {
  acquireReleaseAlignment:
    "a misaligned LDAR or STLR faults (Arm ARM B2.5.2, without FEAT_LSE2); the QEMU in Unicorn does not check",
  minMaxExtension:
    "LDSMAX, LDSMIN, LDUMAX, LDUMIN of less than 64 bits compare extended values (Arm ARM J1.1.3 MemAtomic); " +
    "Unicorn before its pull request 1922 compares unextended ones",
} as const;

/** What the manual has each implementation choose, where Unicorn chose otherwise. */
export const implementationDefined = {
  refusedStoreAlignment:
    "IMPLEMENTATION DEFINED: whether a store-exclusive that the monitor refuses also faults (Arm ARM C6.2 STXR); " +
    "here a misaligned one faults, as in the manual's own AArch64.ExclusiveMonitorsPass; Unicorn only refuses",
} as const;

/** What the architecture leaves open: whatever either CPU does is right. */
export const unpredictable = {
  writeBackOverlap:
    "CONSTRAINED UNPREDICTABLE: a transferred register is also the written-back base (Arm ARM K1.2)",
  pairOverlap: "CONSTRAINED UNPREDICTABLE: a pair loads the same register twice (Arm ARM K1.2)",
  statusOverlap: "CONSTRAINED UNPREDICTABLE: the status register is also the base or a source (Arm ARM K1.2)",
} as const;
