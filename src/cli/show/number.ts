/** `0x` and as many hexadecimal digits as it takes, at least `digits`. */
export function hex(value: bigint | number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}
