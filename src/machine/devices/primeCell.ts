/** Offset of the first identification register of every PrimeCell of 4 KiB: PeriphID0. */
const IDENTIFICATION = 0xfe0;
/** The class every PrimeCell peripheral reads at 0xFF0–0xFFC. */
const CELL_ID = [0x0d, 0xf0, 0x05, 0xb1] as const;

/**
 * An identification register of an Arm PrimeCell.
 * @param periphId PeriphID0–3, lowest offset first.
 * @returns the register's byte, or undefined if `offset` is none of them.
 */
export function primeCellId(
  offset: number,
  periphId: readonly [number, number, number, number],
): number | undefined {
  return offset < IDENTIFICATION ? undefined : [...periphId, ...CELL_ID][(offset - IDENTIFICATION) >> 2];
}
