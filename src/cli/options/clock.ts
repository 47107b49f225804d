import { parseWholeNumber } from "./wholeNumber.ts";

/** PL031: the counter has 32 bits. */
const LATEST = 0xffff_ffff;

/**
 * What the guest's real-time clock shows at its start, in seconds since 1970.
 * @param now milliseconds since 1970, for the word `now`
 * @throws UserError
 */
export function parseClock(option: string, text: string, now: number): bigint {
  if (text === "now") return BigInt(Math.floor(now / 1000));
  return BigInt(parseWholeNumber(option, text, 0, LATEST));
}
