import { type AddressRange, hex } from "../address.ts";
import { BootLayoutError } from "./bootError.ts";
import type { BootPiece } from "./bootPlan.ts";

/** Rounds up to a multiple of `alignment`, a power of two. */
export function alignUp(value: bigint, alignment: bigint): bigint {
  return (value + alignment - 1n) & ~(alignment - 1n);
}

/** Whether all of [start, start + size) lies in the range. */
export function isInside(range: AddressRange, start: bigint, size: bigint): boolean {
  return start >= range.base && start + size <= range.base + range.size;
}

/** @throws BootLayoutError if the piece does not lie in RAM. */
export function checkInRam(
  what: string,
  start: bigint,
  size: bigint,
  ram: AddressRange,
  most: bigint = ram.base + 2n ** 64n,
): void {
  if (isInside(ram, start, size)) return;
  if (start < ram.base || start + size > ram.base + most)
    throw new BootLayoutError(
      `the ${what} (${size} bytes) would go to ${hex(start)}–${hex(start + size)}, where this machine can have no RAM: ` +
        `that is at ${hex(ram.base)}–${hex(ram.base + most)} at most`,
    );
  throw new BootLayoutError(
    `the ${what} (${size} bytes) would go to ${hex(start)}–${hex(start + size)}, outside the guest's RAM ` +
      `at ${hex(ram.base)}–${hex(ram.base + ram.size)}: give the guest more memory`,
  );
}

/** @throws BootLayoutError if two pieces would lie on top of each other. */
export function checkApart(pieces: readonly BootPiece[]): void {
  const sorted = [...pieces].sort((a, b) => (a.address < b.address ? -1 : 1));
  for (const [index, piece] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next && piece.address + piece.size > next.address) {
      throw new BootLayoutError(
        `the ${piece.what} (${piece.size} bytes at ${hex(piece.address)}) and the ${next.what} ` +
          `(${next.size} bytes at ${hex(next.address)}) overlap`,
      );
    }
  }
}
