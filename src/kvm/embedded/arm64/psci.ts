/** PSCI function identifiers (Arm DEN 0022, 5.1), 64-bit calls and the 32-bit ones beside them. */
export const psci = {
  VERSION: 0x8400_0000,
  CPU_SUSPEND_32: 0x8400_0001,
  CPU_SUSPEND_64: 0xc400_0001,
  CPU_OFF: 0x8400_0002,
  CPU_ON_32: 0x8400_0003,
  CPU_ON_64: 0xc400_0003,
  AFFINITY_INFO_32: 0x8400_0004,
  AFFINITY_INFO_64: 0xc400_0004,
  MIGRATE_INFO_TYPE: 0x8400_0006,
  SYSTEM_OFF: 0x8400_0008,
  SYSTEM_RESET: 0x8400_0009,
  FEATURES: 0x8400_000a,
  SYSTEM_RESET2_32: 0x8400_0012,
  SYSTEM_RESET2_64: 0xc400_0012,
  SMCCC_VERSION: 0x8000_0000,
  SMCCC_ARCH_FEATURES: 0x8000_0001,
} as const;

const result = {
  success: 0n,
  notSupported: -1n,
  invalidParameters: -2n,
  alreadyOn: -4n,
  internalFailure: -6n,
} as const;
const version1_1 = 0x1_0001n;
const smccc1_1 = 0x1_0001n;
const migrationNotRequired = 2n;
const affinity = { on: 0n, off: 1n } as const;

/** A vCPU as PSCI sees it. */
export interface PsciCpu {
  /** MPIDR_EL1 affinity fields. */
  readonly affinity: bigint;
  readonly on: boolean;
}

/** What a PSCI call makes the hypervisor do beside returning X0. */
export type PsciEffect =
  | { readonly kind: "none" }
  | { readonly kind: "suspend" }
  | { readonly kind: "off" }
  | { readonly kind: "on"; readonly cpu: number; readonly entry: bigint; readonly context: bigint }
  | { readonly kind: "system"; readonly event: "SHUTDOWN" | "RESET" };

/** The answer to a call: X0 and the effect. A call that should not return has failed if it does. */
export interface PsciAnswer {
  readonly x0: bigint;
  readonly effect: PsciEffect;
}

const implemented: readonly number[] = Object.values(psci);
const answer = (x0: bigint, effect: PsciEffect = { kind: "none" }): PsciAnswer => ({
  x0: BigInt.asUintN(64, x0),
  effect,
});
/** The affinity fields of a target that count at each affinity level: Aff3 and those not below the level. */
const affinityMasks = [0xff_00ff_ffffn, 0xff_00ff_ff00n, 0xff_00ff_0000n, 0xff_0000_0000n] as const;
/** SYSTEM_RESET2's types: 0 is architectural, from this one on they are the vendor's (Arm DEN 0022, 5.1.16). */
const vendorResets = 0x8000_0000n;

/** Answers a PSCI 1.1 call by its function identifier and arguments X1–X3. */
export function psciCall(
  id: number,
  args: readonly [bigint, bigint, bigint],
  cpus: readonly PsciCpu[],
): PsciAnswer {
  const narrow = (id & 0x4000_0000) === 0;
  const [a1, a2, a3] = narrow ? args.map((arg) => BigInt.asUintN(32, arg)) : args;
  if (a1 === undefined || a2 === undefined || a3 === undefined)
    throw new RangeError("PSCI takes three arguments");
  switch (id) {
    case psci.VERSION:
      return answer(version1_1);
    case psci.SMCCC_VERSION:
      return answer(smccc1_1);
    case psci.SMCCC_ARCH_FEATURES:
      return answer(
        a1 === BigInt(psci.SMCCC_VERSION) || a1 === BigInt(psci.SMCCC_ARCH_FEATURES)
          ? result.success
          : result.notSupported,
      );
    case psci.FEATURES:
      return answer(implemented.includes(Number(a1)) ? result.success : result.notSupported);
    case psci.MIGRATE_INFO_TYPE:
      return answer(migrationNotRequired);
    case psci.CPU_SUSPEND_32:
    case psci.CPU_SUSPEND_64:
      return answer(result.success, { kind: "suspend" });
    case psci.CPU_OFF:
      return answer(result.internalFailure, { kind: "off" });
    case psci.CPU_ON_32:
    case psci.CPU_ON_64: {
      const cpu = cpus.findIndex((each) => each.affinity === (a1 & 0xff_00ff_ffffn));
      if (cpu < 0) return answer(result.invalidParameters);
      if (cpus[cpu]?.on === true) return answer(result.alreadyOn);
      return answer(result.success, { kind: "on", cpu, entry: a2, context: a3 });
    }
    case psci.AFFINITY_INFO_32:
    case psci.AFFINITY_INFO_64: {
      const mask = affinityMasks[Number(a2 < 4n ? a2 : 4n)];
      if (mask === undefined) return answer(result.invalidParameters);
      const targets = cpus.filter((each) => (each.affinity & mask) === (a1 & mask));
      if (targets.length === 0) return answer(result.invalidParameters);
      return answer(targets.some((target) => target.on) ? affinity.on : affinity.off);
    }
    case psci.SYSTEM_OFF:
      return answer(result.internalFailure, { kind: "system", event: "SHUTDOWN" });
    case psci.SYSTEM_RESET2_32:
    case psci.SYSTEM_RESET2_64:
      if (a1 > 0n && a1 < vendorResets) return answer(result.invalidParameters);
      return answer(result.internalFailure, { kind: "system", event: "RESET" });
    case psci.SYSTEM_RESET:
      return answer(result.internalFailure, { kind: "system", event: "RESET" });
    default:
      return answer(result.notSupported);
  }
}
