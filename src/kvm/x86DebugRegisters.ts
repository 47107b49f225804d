import { guestDebugControl, type X86GuestDebug } from "./guestDebug.ts";

/** One breakpoint register, taken apart. Intel SDM volume 3, 18.2.4. */
export interface ArmedRegister {
  /** 0 to 3. */
  readonly index: number;
  readonly kind: "execute" | "write" | "io" | "access";
  /** Linear; the first byte watched. */
  readonly address: bigint;
  readonly length: 1 | 2 | 4 | 8;
}

const kinds = ["execute", "write", "io", "access"] as const;
const lengths = [1, 2, 8, 4] as const;

/** The registers that the host has enabled, locally or globally. */
export function armedRegisters({ control, arch }: X86GuestDebug): readonly ArmedRegister[] {
  if ((control & guestDebugControl.USE_HW) === 0 || arch === undefined) return [];
  const { addresses, dr7 } = arch;
  const bits = Number(BigInt.asUintN(32, dr7));
  return [0, 1, 2, 3].flatMap((index) => {
    if (((bits >>> (2 * index)) & 3) === 0) return [];
    const field = (bits >>> (16 + 4 * index)) & 0xf;
    const kind = kinds[field & 3] ?? "execute";
    const length = lengths[field >> 2] ?? 1;
    // The processor ignores the address bits below the length (18.2.5).
    const address = BigInt.asUintN(64, addresses[index] ?? 0n) & ~BigInt(length - 1);
    return [{ index, kind, address, length }];
  });
}

/** DR7 without some of its registers. */
export function withoutRegisters(dr7: bigint, registers: readonly ArmedRegister[]): bigint {
  return registers.reduce((left, { index }) => left & ~(3n << BigInt(2 * index)), dr7);
}
