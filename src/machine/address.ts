/**
 * Addresses of the guest as branded bigints, so that a virtual address can never be handed to something that wants a
 * physical one. The brand exists only for the type checker.
 */
declare const physicalBrand: unique symbol;
declare const virtualBrand: unique symbol;

/** An address on the guest's physical bus (what KVM calls a gpa, the architecture an IPA). */
export type GuestPhysicalAddress = bigint & { readonly [physicalBrand]: true };

/** An address as the guest's own code sees it, before translation. */
export type GuestVirtualAddress = bigint & { readonly [virtualBrand]: true };

/** Arm ARM D8.1.8: the largest physical address size this project models (LPA, 52 bits). */
const PHYSICAL_BITS = 52;

/** An address outside the range its kind can have. */
export class AddressError extends Error {
  override readonly name = "AddressError";
}

/**
 * Brands `value` as a guest-physical address.
 * @throws AddressError if it is negative or needs more than 52 bits.
 */
export function guestPhysical(value: bigint): GuestPhysicalAddress {
  if (value < 0n || value >> BigInt(PHYSICAL_BITS) !== 0n) {
    throw new AddressError(
      `${value < 0n ? value : hex(value)} is not a guest-physical address of ${PHYSICAL_BITS} bits`,
    );
  }
  return value as GuestPhysicalAddress;
}

/**
 * Brands `value` as a guest-virtual address.
 * @throws AddressError if it is negative or needs more than 64 bits.
 */
export function guestVirtual(value: bigint): GuestVirtualAddress {
  if (value < 0n || value >> 64n !== 0n) {
    throw new AddressError(`${value < 0n ? value : hex(value)} is not a guest-virtual address of 64 bits`);
  }
  return value as GuestVirtualAddress;
}

/** An address or size as users read it: `0x40000000`. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** A stretch of guest-physical addresses. */
export interface AddressRange {
  readonly base: GuestPhysicalAddress;
  /** Bytes. */
  readonly size: bigint;
}
