/**
 * How symbol code looks at the guest: `length` bytes at `address` (virtual or physical, as the caller of the
 * function that takes it says), or undefined when any of them cannot be read. Must not change the guest.
 */
export type ReadMemory = (address: bigint, length: number) => Uint8Array | undefined;
