import { faultStatus } from "../syndrome.ts";
import type { Regime, RegimeHalf } from "./regime.ts";

/** What a page may be used for, for each Exception level. */
export const rights = {
  read0: 1,
  write0: 2,
  execute0: 4,
  read1: 8,
  write1: 16,
  execute1: 32,
  device: 64,
} as const;

/** A stage 1 translation. */
export interface Translation {
  readonly kind: "translation";
  /** Output address of the 4 KiB page that holds the input address. */
  readonly page: number;
  /** Bits of `rights`. */
  readonly rights: number;
  readonly global: boolean;
  /** log2 of the size of the block or page. */
  readonly blockBits: number;
  readonly level: number;
  /** The memory attributes' byte of MAIR_EL1. */
  readonly attributes: number;
  /** Descriptor bits 9:8. */
  readonly shareability: number;
}

/** A stage 1 fault: `status` is the DFSC or IFSC. */
export interface WalkFault {
  readonly kind: "fault";
  readonly status: number;
  /** On a fault of stage 2 or of the bus while the table was read: its address. */
  readonly table?: number;
}

/** Reads a descriptor of guest memory; undefined when nothing answers at that address. `high` and `low` are 32-bit halves. */
export type ReadDescriptor = (address: number) => { readonly low: number; readonly high: number } | undefined;

const fault = (status: number, level: number): WalkFault => ({ kind: "fault", status: status | level });

/** Everything allowed, as when the MMU is off: data is Device-nGnRnE, instructions are normal (Arm ARM D8.2.10). */
const flatRights =
  rights.read0 |
  rights.write0 |
  rights.execute0 |
  rights.read1 |
  rights.write1 |
  rights.execute1 |
  rights.device;

const powers = Float64Array.from({ length: 53 }, (_, n) => 2 ** n);

/** Two to the power of n, n up to 52, as a number. */
const power = (n: number): number => powers[n] ?? 0;

/**
 * Stage 1 of EL1&0: translates a guest-virtual address (64 bits, unsigned). Arm ARM D8.2–D8.5; the output is a physical address
 * below 2^48 as a number.
 */
export function walk(regime: Regime, va: bigint, read: ReadDescriptor): Translation | WalkFault {
  const isHigh = ((va >> 55n) & 1n) !== 0n;
  const half = isHigh ? regime.high : regime.low;
  const checked = half.topByteIgnored ? BigInt.asUintN(64, BigInt.asIntN(56, va)) : va;
  if (!regime.enabled) return flat(regime, checked);
  const top = checked >> BigInt(half.inputBits);
  const wanted = isHigh ? (1n << BigInt(64 - half.inputBits)) - 1n : 0n;
  if (top !== wanted || half.walkDisabled) return fault(faultStatus.translation, 0);
  const input = Number(BigInt.asUintN(half.inputBits, checked));
  return walkTables(regime, half, half.granule, input, read);
}

function flat(regime: Regime, va: bigint): Translation | WalkFault {
  // Arm ARM D8.2.10: the whole physical address space, whatever TCR_EL1.IPS is; AArch64.S1DisabledOutput.
  if (va >> BigInt(regime.physicalBits) !== 0n) return fault(faultStatus.addressSize, 0);
  const page = Number(va & ~0xfffn);
  return {
    kind: "translation",
    page,
    rights: flatRights,
    global: true,
    blockBits: 12,
    level: 0,
    attributes: 0,
    shareability: 2,
  };
}

function walkTables(
  regime: Regime,
  half: RegimeHalf,
  granule: 12 | 14 | 16,
  input: number,
  read: ReadDescriptor,
): Translation | WalkFault {
  const stride = granule - 3;
  const levels = Math.ceil((half.inputBits - granule) / stride);
  let level = 4 - levels;
  const firstBits = half.inputBits - granule - stride * (levels - 1);
  const tableBytes = power(firstBits + 3);
  let table = half.table - (half.table % Math.max(tableBytes, 64));
  let noWrite = false;
  let noEl0 = false;
  let noExecute0 = false;
  let noExecute1 = false;
  if (table >= power(regime.outputBits)) return fault(faultStatus.addressSize, 0);
  for (; ; level++) {
    const shift = granule + stride * (3 - level);
    const entries = level === 4 - levels ? power(firstBits) : power(stride);
    const address = table + (Math.floor(input / power(shift)) % entries) * 8;
    const descriptor = read(address);
    if (descriptor === undefined)
      return { ...fault(faultStatus.synchronousExternalOnWalk, level), table: address };
    const { low, high } = descriptor;
    const isTable = level < 3 && (low & 3) === 3;
    const isPage = level === 3 ? (low & 3) === 3 : (low & 3) === 1 && blockAllowed(granule, level);
    if (!isTable && !isPage) return fault(faultStatus.translation, level);
    const output = (high & 0xffff) * power(32) + (low >>> 0);
    if (isTable) {
      table = output - (output % power(granule));
      if (table >= power(regime.outputBits)) return fault(faultStatus.addressSize, level);
      noExecute1 ||= (high & (1 << 27)) !== 0;
      noExecute0 ||= (high & (1 << 28)) !== 0;
      noEl0 ||= (high & (1 << 29)) !== 0;
      noWrite ||= (high & (1 << 30)) !== 0;
      continue;
    }
    const base = output - (output % power(shift));
    if (base >= power(regime.outputBits)) return fault(faultStatus.addressSize, level);
    if ((low & 0x400) === 0) return fault(faultStatus.accessFlag, level);
    const offset = input % power(shift);
    const attributes = Number((regime.mair >> BigInt(((low >> 2) & 7) * 8)) & 0xffn);
    const writable = (low & 0x80) === 0 && !noWrite;
    const el0 = (low & 0x40) !== 0 && !noEl0;
    return {
      kind: "translation",
      page: base + offset - (offset % 0x1000),
      rights: leafRights(regime, {
        writable,
        el0,
        uxn: (high & (1 << 22)) !== 0 || noExecute0,
        pxn: (high & (1 << 21)) !== 0 || noExecute1,
        device: attributes >> 4 === 0,
      }),
      global: (low & 0x800) === 0,
      blockBits: shift,
      level,
      attributes,
      shareability: (low >> 8) & 3,
    };
  }
}

function blockAllowed(granule: 12 | 14 | 16, level: number): boolean {
  return granule === 12 ? level === 1 || level === 2 : level === 2;
}

/** Arm ARM D8.4: what the leaf's bits allow; a page writable from EL0 is never executable at EL1. */
function leafRights(
  regime: Regime,
  leaf: {
    readonly writable: boolean;
    readonly el0: boolean;
    readonly uxn: boolean;
    readonly pxn: boolean;
    readonly device: boolean;
  },
): number {
  let result = rights.read1;
  if (leaf.writable) result |= rights.write1;
  if (leaf.el0) result |= rights.read0;
  if (leaf.el0 && leaf.writable) result |= rights.write0;
  const wxn0 = regime.writeImpliesExecuteNever && leaf.el0 && leaf.writable;
  const wxn1 = regime.writeImpliesExecuteNever && leaf.writable;
  if (!leaf.uxn && !wxn0) result |= rights.execute0;
  if (!leaf.pxn && !wxn1 && !(leaf.el0 && leaf.writable)) result |= rights.execute1;
  if (leaf.device) result |= rights.device;
  return result;
}
