import { type Decoded, type Encoding, extractFields } from "../encoding.ts";
import { buildMatcher } from "../matcher.ts";
import { type A64Feature, a64Encodings } from "./encodings/index.ts";

export { a64Encodings } from "./encodings/index.ts";

/**
 * The form of an A64 instruction word, signed or unsigned; `undefined` when it is UNDEFINED in Armv8.0-A with FP, SIMD, CRC32, the
 * cryptographic extensions and the Armv8.1 atomics; the form's `feature` says which of these it needs.
 */
export const matchA64: (word: number) => Encoding<A64Feature> | undefined = buildMatcher(a64Encodings);

/**
 * Decodes one A64 instruction.
 *
 * @param word the 32-bit instruction word, signed or unsigned
 * @returns its form and field values, or `undefined` as `matchA64`
 */
export function decodeA64(word: number): Decoded<A64Feature> | undefined {
  const encoding = matchA64(word);
  return encoding === undefined ? undefined : { encoding, fields: extractFields(word, encoding.fields) };
}
