const DIGITS = "0123456789abcdef";

/** Value of each ASCII hex digit, -1 for other bytes. */
const VALUES: Int8Array = (() => {
  const values = new Int8Array(256).fill(-1);
  for (let value = 0; value < 16; value++) {
    const digit = DIGITS.charCodeAt(value);
    values[digit] = value;
    if (value >= 10) values[digit - 0x20] = value;
  }
  return values;
})();

/** The two ASCII hex digits of each byte, the high one in the low half: as they lie in little-endian memory. */
const PAIRS: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  return DIGITS.charCodeAt(byte >> 4) | (DIGITS.charCodeAt(byte & 15) << 8);
});

/** The hex digits of a byte: the first one in bits 0–7, the second in bits 8–15. `byte` is 0–255. */
export function hexPair(byte: number): number {
  return PAIRS[byte] ?? 0;
}

/** Value 0–15 of an ASCII hex digit of either case, or -1. `byte` is 0–255. */
export function hexValue(byte: number): number {
  return VALUES[byte] ?? -1;
}

/** ASCII code of the lower-case hex digit for the low 4 bits of `value`. */
export function hexDigit(value: number): number {
  const nibble = value & 15;
  return nibble < 10 ? 0x30 + nibble : 0x57 + nibble;
}

/** The bytes as lower-case hex text, two digits each. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(hexDigit(byte >> 4), hexDigit(byte));
  return text;
}
