import { type Decoded, extractFields } from "../encoding.ts";
import { buildMatcher } from "../matcher.ts";
import { type A64Feature, a64Encodings } from "./encodings/index.ts";

export { a64Encodings } from "./encodings/index.ts";

const match = buildMatcher(a64Encodings);

/**
 * Decodes one A64 instruction.
 *
 * @param word the 32-bit instruction word, signed or unsigned
 * @returns its form and field values, or `undefined` when the word is UNDEFINED in Armv8.0-A with FP, SIMD,
 *   CRC32, the cryptographic extensions and the Armv8.1 atomics; the form's `feature` says which of these it needs
 */
export function decodeA64(word: number): Decoded<A64Feature> | undefined {
  const encoding = match(word);
  return encoding === undefined ? undefined : { encoding, fields: extractFields(word, encoding.fields) };
}
