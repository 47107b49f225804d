import type { StateField } from "../../engine/ir/builder.ts";
import { discardRegisterAddress, field, zeroRegisterAddress } from "../../engine/layout.ts";
import type { CachedState } from "../../engine/operation.ts";

/** Address of X0; X1–X30 follow, 8 bytes each, then the current stack pointer. */
const generalRegisters = 0x480;
/** Address of V0; V1–V31 follow, 16 bytes each. */
const vectorRegisters = 0x600;

/** The architectural state that A64 instructions touch directly, in the state window. */
export const arm64State = {
  /** The stack pointer of the current Exception level and SPSel. */
  sp: field("i64", generalRegisters + 31 * 8),
  /** PSTATE.N is the sign of this value. */
  flagN: field("i64", 0x580),
  /** PSTATE.Z is set when this value is zero. */
  flagZ: field("i64", 0x588),
  /** PSTATE.C, 0 or 1. */
  flagC: field("i32", 0x590),
  /** PSTATE.V, 0 or 1. */
  flagV: field("i32", 0x594),
  /** PSTATE.EL, 0 or 1. */
  el: field("i32", 0x598),
  /** Zero when FP and SIMD instructions may run here (CPACR_EL1, CPTR_EL2). */
  fpTrap: field("i32", 0x59c),
  /** Bytes the local exclusive monitor holds (1, 2, 4, 8, 16), 0 when open. */
  exclusiveBytes: field("i32", 0x5a0),
  /** PSTATE.{D,A,I,F} in bits 9:6, as in SPSR. */
  daif: field("i32", 0x5a4),
  /** Guest-virtual address the local exclusive monitor holds. */
  exclusiveAddress: field("i64", 0x5a8),
  /**
   * What the system counter shows: this, less the instructions that may still be retired (`engineState.budget`), are nanoseconds,
   * of which 16 are a tick.
   */
  counterBase: field("i64", 0x5b0),
  /** Ticks that the virtual count is behind the physical one (CNTVOFF_EL2). */
  virtualOffset: field("i64", 0x5b8),
  fpcr: field("i32", 0x5c0),
  fpsr: field("i32", 0x5c4),
  /**
   * Not zero when WebAssembly's own arithmetic is exact for a normal result: FPCR has round to nearest, no flush to zero and
   * no trapping, and FPSR.IXC is already set, so that nothing can be missed.
   */
  fpFast: field("i32", 0x5c8),
  /** PSTATE.SPSel, 0 or 1. */
  spSel: field("i32", 0x5cc),
  /** SP_EL0 and SP_EL1 while they are not the current stack pointer. */
  spEl0: field("i64", 0x5d0),
  spEl1: field("i64", 0x5d8),
  /** Scratch for results of a host call wider than 64 bits: bits 127:64. */
  resultHigh: field("i64", 0x5e0),
  /** Not zero when a load or store based on a misaligned SP faults here (SCTLR_EL1.SA, SA0). */
  spAlignmentCheck: field("i32", 0x5e8),
  /** Bit 0: the physical count may be read here without asking; bit 1: the virtual one. */
  counterAccess: field("i32", 0x5ec),
  /** Not zero when translations of fetches were dropped in this run: the code that runs may be mapped elsewhere now. */
  fetchesChanged: field("i32", 0x5f0),
  /** Not zero while no interrupt is asserted, masked or not: then unmasking one changes nothing but the mask. */
  interruptsQuiet: field("i32", 0x5f4),
  /**
   * What may be done here without asking the CPU. Bit 0: reading CTR_EL0; bit 1: cache maintenance by address that needs a
   * readable page; bit 2: DC ZVA, and reading DCZID_EL0 as it is stored.
   */
  cacheAccess: field("i32", 0x828),
  /** Registers at the beginning of `systemRegisterArea`, which instructions reach without a call. */
  tpidrEl0: field("i64", 0xc00),
  tpidrroEl0: field("i64", 0xc08),
  tpidrEl1: field("i64", 0xc10),
  ctrEl0: field("i64", 0xc18),
  dczidEl0: field("i64", 0xc20),
} as const satisfies Record<string, StateField<"i32" | "i64">>;

/** System registers' storage begins here, 8 bytes each; numbered by the CPU's table. */
export const systemRegisterArea = { begin: 0xc00, end: 0x2000 } as const;

/** Address of Xn, n = 0–30. */
export function generalRegisterAddress(n: number): number {
  return generalRegisters + n * 8;
}

/** Address to read register number n from, where 31 is XZR. */
export function generalSource(n: number): number {
  return n === 31 ? zeroRegisterAddress : generalRegisterAddress(n);
}

/** Address to write register number n to, where 31 is XZR. */
export function generalDestination(n: number): number {
  return n === 31 ? discardRegisterAddress : generalRegisterAddress(n);
}

/** Address of register number n, where 31 is SP. */
export function generalOrStackPointer(n: number): number {
  return generalRegisterAddress(n);
}

/** Address of Vn, n = 0–31. */
export function vectorRegisterAddress(n: number): number {
  return vectorRegisters + n * 16;
}

const flagFields = [arm64State.flagN, arm64State.flagZ, arm64State.flagC, arm64State.flagV];

/** What compiled code keeps in locals: X0–X30, SP, NZCV, V0–V31. */
export const cachedState: readonly CachedState[] = [
  ...Array.from({ length: 32 }, (_, n): CachedState => ({ address: generalRegisterAddress(n), type: "i64" })),
  ...flagFields.map(({ type, place }): CachedState => ({ address: place.address, type })),
  ...Array.from({ length: 32 }, (_, n): CachedState => ({ address: vectorRegisterAddress(n), type: "v128" })),
];
