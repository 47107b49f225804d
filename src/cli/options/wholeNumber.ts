import { UserError } from "../userError.ts";

/**
 * A whole number in decimal, within bounds; `_` between digits is allowed for large ones.
 * @param option as the user wrote it, for the message
 * @throws UserError
 */
export function parseWholeNumber(option: string, text: string, least: number, most: number): number {
  const digits = /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : Number.NaN;
  if (!(digits >= least && digits <= most)) {
    const bounds = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `between ${least} and ${most}`;
    throw new UserError(`${option} ${text}: it takes a whole number ${bounds}`);
  }
  return digits;
}

const HIGHEST = 2n ** 64n - 1n;

/** A number of 64 bits, decimal or 0x hexadecimal. @throws UserError */
export function parseUnsigned64(option: string, text: string): bigint {
  const value = /^(\d+|0x[0-9a-f]+)$/i.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > HIGHEST) {
    throw new UserError(`${option} ${text}: it takes a number of at most 64 bits, such as 42 or 0x2a`);
  }
  return value;
}
