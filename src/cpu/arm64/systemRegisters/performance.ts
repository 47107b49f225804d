import { resources } from "./identification.ts";
import { register, type SystemRegisterRow } from "./row.ts";

const counters = Array.from({ length: resources.eventCounters }, (_, n) => n);
const counterMask = (1n << BigInt(resources.eventCounters)) - 1n;
/** A bit for each event counter and bit 31 for the cycle counter. */
export const counterBits = counterMask | 0x8000_0000n;

/** Common events counted (PMCEID0_EL0): SW_INCR, INST_RETIRED, CPU_CYCLES, CHAIN. Arm ARM D12.11. */
const commonEvents = (1n << 0n) | (1n << 8n) | (1n << 0x11n) | (1n << 0x1en);

/** PMUv3. Arm ARM D17.5. */
export const performanceRegisters: readonly SystemRegisterRow[] = [
  register("PMINTENSET_EL1", "3 0 9 14 1", { writable: counterBits, group: "pmu" }),
  register("PMINTENCLR_EL1", "3 0 9 14 2", { writable: counterBits, group: "pmu" }),
  register("PMCR_EL0", "3 3 9 12 0", {
    el0: "PMUSERENR",
    reset: 0x41010040n | (BigInt(resources.eventCounters) << 11n),
    // E, P, C, D, X, DP, LC.
    writable: 0x7fn,
    group: "pmcr",
  }),
  register("PMCNTENSET_EL0", "3 3 9 12 1", { el0: "PMUSERENR", writable: counterBits, group: "pmu" }),
  register("PMCNTENCLR_EL0", "3 3 9 12 2", { el0: "PMUSERENR", writable: counterBits, group: "pmu" }),
  register("PMOVSCLR_EL0", "3 3 9 12 3", { el0: "PMUSERENR", writable: counterBits, group: "pmu" }),
  register("PMSWINC_EL0", "3 3 9 12 4", {
    el0: "PMUSERENR",
    access: "wo",
    writable: counterMask,
    group: "pmu",
  }),
  register("PMSELR_EL0", "3 3 9 12 5", { el0: "PMUSERENR", writable: 0x1fn, group: "pmu" }),
  register("PMCEID0_EL0", "3 3 9 12 6", {
    el0: "PMUSERENR",
    access: "ro",
    reset: commonEvents,
    group: "pmu",
  }),
  register("PMCEID1_EL0", "3 3 9 12 7", { el0: "PMUSERENR", access: "ro", group: "pmu" }),
  register("PMCCNTR_EL0", "3 3 9 13 0", { el0: "PMUSERENR", group: "pmu" }),
  register("PMXEVTYPER_EL0", "3 3 9 13 1", { el0: "PMUSERENR", group: "pmu" }),
  register("PMXEVCNTR_EL0", "3 3 9 13 2", { el0: "PMUSERENR", group: "pmu" }),
  register("PMUSERENR_EL0", "3 3 9 14 0", { el0: "read", writable: 0xfn, group: "pmu" }),
  register("PMOVSSET_EL0", "3 3 9 14 3", { el0: "PMUSERENR", writable: counterBits, group: "pmu" }),
  ...counters.map((n) =>
    register(`PMEVCNTR${n}_EL0`, `3 3 14 ${8 + (n >> 3)} ${n & 7}`, {
      el0: "PMUSERENR",
      writable: 0xffff_ffffn,
      group: "pmu",
    }),
  ),
  ...counters.map((n) =>
    register(`PMEVTYPER${n}_EL0`, `3 3 14 ${12 + (n >> 3)} ${n & 7}`, {
      el0: "PMUSERENR",
      // P, U and the event; the other filters are of EL2 and EL3.
      writable: 0xc000_03ffn,
      group: "pmu",
    }),
  ),
  register("PMCCFILTR_EL0", "3 3 14 15 7", { el0: "PMUSERENR", writable: 0xc000_0000n, group: "pmu" }),
];
