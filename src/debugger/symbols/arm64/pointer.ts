/** Widths of the virtual address space in bits: 64 minus TCR_EL1.T1SZ and T0SZ. */
export interface AddressWidths {
  readonly kernel: number;
  readonly user: number;
}

/** What Linux uses unless built for 52 bits; kernel text lies within it even then. */
export const DEFAULT_WIDTHS: AddressWidths = { kernel: 48, user: 48 };

/** Whether bit 55, which chooses between the two halves (Arm ARM, "Selecting between TTBR0 and TTBR1"), says kernel. */
export function isUpperHalf(address: bigint): boolean {
  return ((address >> 55n) & 1n) === 1n;
}

/**
 * Removes a pointer authentication code (and a tag) from a code address: the bits above the address space become
 * copies of bit 55 (Arm ARM, XPACI).
 */
export function stripPointerAuthentication(address: bigint, widths: AddressWidths): bigint {
  if (isUpperHalf(address)) {
    const low = (1n << BigInt(widths.kernel)) - 1n;
    return BigInt.asUintN(64, address | ~low);
  }
  return address & ((1n << BigInt(widths.user)) - 1n);
}
