import { register, type SystemRegisterRow } from "./row.ts";

/** How many of each debug and performance resource the CPU has; a Cortex-A57's. */
export const resources = {
  breakpoints: 6,
  watchpoints: 4,
  contextBreakpoints: 2,
  eventCounters: 6,
  physicalBits: 44,
} as const;

const id = (
  name: string,
  encoding: string,
  reset: bigint,
  group?: SystemRegisterRow["group"],
): SystemRegisterRow => register(name, encoding, { access: "ro", reset, group });

/** ID_AA64DFR0_EL1: DebugVer 6 (Armv8), PMUVer 1 (PMUv3), and the counts less one. Arm ARM D17.2.59. */
const debugFeatures =
  6n |
  (1n << 8n) |
  (BigInt(resources.breakpoints - 1) << 12n) |
  (BigInt(resources.watchpoints - 1) << 20n) |
  (BigInt(resources.contextBreakpoints - 1) << 28n);

/** The named ID registers by CRm and op2. Field values: Arm ARM D17.2. */
const identified: Readonly<Record<string, readonly [string, bigint]>> = {
  // EL0 and EL1 in AArch64 only; no EL2, no EL3; FP and Advanced SIMD.
  "4 0": ["ID_AA64PFR0_EL1", 0x11n],
  "4 1": ["ID_AA64PFR1_EL1", 0n],
  "5 0": ["ID_AA64DFR0_EL1", debugFeatures],
  "5 1": ["ID_AA64DFR1_EL1", 0n],
  "5 4": ["ID_AA64AFR0_EL1", 0n],
  "5 5": ["ID_AA64AFR1_EL1", 0n],
  // AES with PMULL, SHA1, SHA256, CRC32, atomics.
  "6 0": ["ID_AA64ISAR0_EL1", 0x00211120n],
  "6 1": ["ID_AA64ISAR1_EL1", 0n],
  // 44-bit addresses, 16-bit ASIDs, granules of 4, 16 and 64 KiB; no mixed-endian support.
  "7 0": ["ID_AA64MMFR0_EL1", 0x00101024n],
  "7 1": ["ID_AA64MMFR1_EL1", 0n],
  "7 2": ["ID_AA64MMFR2_EL1", 0n],
};

const identificationSpace = [1, 2, 3, 4, 5, 6, 7].flatMap((crm) =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((op2) => {
    const known = identified[`${crm} ${op2}`];
    return id(known?.[0] ?? `ID_RES0_C${crm}_${op2}`, `3 0 0 ${crm} ${op2}`, known?.[1] ?? 0n, "id3");
  }),
);

/**
 * A Cortex-A57 r1p0 without EL2, EL3 and AArch32, with the Armv8.1 atomics and the 16 KiB granule beside the others. The
 * identification space reads as zero where nothing is named (Arm ARM D17.1.1).
 */
export const identificationRegisters: readonly SystemRegisterRow[] = [
  id("MIDR_EL1", "3 0 0 0 0", 0x411fd070n),
  id("MPIDR_EL1", "3 0 0 0 5", 0x80000000n),
  id("REVIDR_EL1", "3 0 0 0 6", 0n, "id1"),
  ...identificationSpace,
  id("CCSIDR_EL1", "3 1 0 0 0", 0n, "id2"),
  id("CLIDR_EL1", "3 1 0 0 1", 0x0a200023n, "id2"),
  id("AIDR_EL1", "3 1 0 0 7", 0n, "id1"),
  register("CSSELR_EL1", "3 2 0 0 0", { writable: 0xfn, group: "id2" }),
  register("CTR_EL0", "3 3 0 0 1", { access: "ro", reset: 0x8444c004n, el0: "UCT", group: "id2" }),
  register("DCZID_EL0", "3 3 0 0 7", { access: "ro", reset: 4n, el0: "read" }),
];

/** CCSIDR_EL1 by CSSELR_EL1: 32 KiB L1 data, 48 KiB L1 instruction, 2 MiB L2. Cortex-A57 TRM 4.3.23. */
export const cacheSizes: ReadonlyMap<number, bigint> = new Map([
  [0, 0x701fe00an],
  [1, 0x201fe012n],
  [2, 0x70ffe07an],
]);
