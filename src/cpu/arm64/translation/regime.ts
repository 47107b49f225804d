/** The stage 1 set-up of EL1&0 as the walker needs it. Arm ARM D8.2. */
export interface Regime {
  /** SCTLR_EL1.M. */
  readonly enabled: boolean;
  /** SCTLR_EL1.A. */
  readonly alignmentChecked: boolean;
  /** SCTLR_EL1.WXN. */
  readonly writeImpliesExecuteNever: boolean;
  readonly low: RegimeHalf;
  readonly high: RegimeHalf;
  /** Output address size in bits. */
  readonly outputBits: number;
  /** Bits of physical address that the CPU implements. */
  readonly physicalBits: number;
  readonly mair: bigint;
}

/** One of the two halves of the address space (TTBR0 and TTBR1). */
export interface RegimeHalf {
  /** Bits of input address translated. */
  readonly inputBits: number;
  /** log2 of the granule. */
  readonly granule: 12 | 14 | 16;
  /** TCR_EL1.EPDn: a walk faults at level 0. */
  readonly walkDisabled: boolean;
  /** TCR_EL1.TBIn. */
  readonly topByteIgnored: boolean;
  /** Physical address of the first table. */
  readonly table: number;
}

/** TG0 and TG1; a reserved value stands for an implemented size, here 4 KiB (Arm ARM D17.2.131). */
const granule0 = [12, 16, 14, 12] as const;
const granule1 = [12, 14, 12, 16] as const;
const outputBits = [32, 36, 40, 42, 44, 48] as const;

/** Reads the registers apart. `physicalBits` is what the CPU implements. */
export function readRegime(registers: {
  readonly sctlr: bigint;
  readonly tcr: bigint;
  readonly ttbr0: bigint;
  readonly ttbr1: bigint;
  readonly mair: bigint;
  readonly physicalBits: number;
}): Regime {
  const { sctlr, tcr } = registers;
  const bits = (from: number, count: number): number =>
    Number((tcr >> BigInt(from)) & ((1n << BigInt(count)) - 1n));
  const configured = outputBits[bits(32, 3)] ?? 48;
  const half = (size: number, granule: 12 | 14 | 16, epd: number, tbi: number, ttbr: bigint): RegimeHalf => ({
    // Arm ARM D8.2.5: TnSZ outside 16…39 behaves as the nearest of them here (CONSTRAINED UNPREDICTABLE).
    inputBits: 64 - Math.min(Math.max(size, 16), 39),
    granule,
    walkDisabled: epd === 1,
    topByteIgnored: tbi === 1,
    table: Number(ttbr & 0xfffffffffffen),
  });
  return {
    enabled: (sctlr & 1n) !== 0n,
    alignmentChecked: (sctlr & 2n) !== 0n,
    writeImpliesExecuteNever: (sctlr & (1n << 19n)) !== 0n,
    low: half(bits(0, 6), granule0[bits(14, 2)] ?? 12, bits(7, 1), bits(37, 1), registers.ttbr0),
    high: half(bits(16, 6), granule1[bits(30, 2)] ?? 12, bits(23, 1), bits(38, 1), registers.ttbr1),
    outputBits: Math.min(configured, registers.physicalBits),
    physicalBits: registers.physicalBits,
    mair: registers.mair,
  };
}

/** The address space identifier in force: TCR_EL1.A1 chooses the register, TCR_EL1.AS the size. */
export function currentAsid(tcr: bigint, ttbr0: bigint, ttbr1: bigint): number {
  const chosen = (tcr & (1n << 22n)) !== 0n ? ttbr1 : ttbr0;
  const asid = Number(chosen >> 48n);
  return (tcr & (1n << 36n)) !== 0n ? asid : asid & 0xff;
}
