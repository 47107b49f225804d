import type { Arm64DebugExit, DebugExit } from "../../kvm/exits.ts";
import type { NumberedBreakpoints } from "../architecture.ts";

/** BRK #immediate. Arm ARM C6.2.40. */
const brk = 0xd4200000;
const immediateMask = 0x001fffe0;
/** ESR_ELx.EC of a BRK in AArch64. Arm ARM D17.2.37. */
const brkClass = 0x3c;

/**
 * Immediates of the debugger's own BRKs: kernels, compilers and debuggers have theirs below 0x9fff (Linux: arch/arm64 asm/brk-imm.h)
 * and from 0xc000 on.
 */
const firstImmediate = 0xa000;
const count = 0x2000;

function encode(immediate: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, brk | (immediate << 5), true);
  return bytes;
}

const numberOfImmediate = (immediate: number): number | undefined =>
  immediate >= firstImmediate && immediate < firstImmediate + count ? immediate - firstImmediate : undefined;

/** The immediate of the BRK in bytes at an offset; undefined when it is another instruction. */
export function brkImmediate(bytes: Uint8Array, at: number): number | undefined {
  const word =
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  return (word & ~immediateMask) >>> 0 === brk ? (word & immediateMask) >>> 5 : undefined;
}

/** What is patched into guest memory when no number is wanted: BRK #0, as QEMU plants it. */
export const arm64BreakpointInstruction = encode(0);

/** BRKs whose immediate is a number. */
export const arm64NumberedBreakpoints: NumberedBreakpoints = {
  count,
  encode: (number) => encode(firstImmediate + number),
  numberIn: (bytes, at) => {
    const immediate = brkImmediate(bytes, at);
    return immediate === undefined ? undefined : numberOfImmediate(immediate);
  },
  numberOf: ({ arch }: DebugExit & { readonly arch: Arm64DebugExit }) =>
    arch.hsr >>> 26 === brkClass ? numberOfImmediate(arch.hsr & 0xffff) : undefined,
};
