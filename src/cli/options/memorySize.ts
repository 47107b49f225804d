import { MAXIMUM_RAM_BYTES } from "../../machine/board/memoryMap.ts";
import { UserError } from "../userError.ts";

const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const LEAST = 2 ** 20;

/**
 * Guest memory: a whole number with the unit K, M or G (KiB, MiB, GiB), optionally followed by B or iB.
 * @param option as the user wrote it, for the message
 * @throws UserError
 */
export function parseMemorySize(option: string, text: string): number {
  const parts = /^(\d{1,12})(?:([KMG])(?:i?B)?)?$/i.exec(text);
  if (parts === null)
    throw new UserError(`${option} ${text}: not a size; write a whole number and a unit, such as 512M or 1G`);
  const unit = UNITS[parts[2]?.toUpperCase() ?? ""];
  if (unit === undefined) {
    throw new UserError(`${option} ${text}: the unit is missing; write ${text}M for MiB, or 512M, 1G`);
  }
  const bytes = Number(parts[1]) * unit;
  if (bytes < LEAST) throw new UserError(`${option} ${text}: too little; a guest gets at least 1M`);
  if (bytes > MAXIMUM_RAM_BYTES)
    throw new UserError(`${option} ${text}: too much; the board has room for 3G of memory`);
  if (bytes % 4096 !== 0) throw new UserError(`${option} ${text}: memory comes in multiples of 4K`);
  return bytes;
}
