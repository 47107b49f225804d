const STAR = 0x2a;
/** A count is sent as the character `count + 29`; 97 further repeats is the last printable one. */
const COUNT_BIAS = 29;
const LONGEST = 97;
/** Below three further repeats nothing is gained (and the character would not be printable). */
const SHORTEST = 3;

/**
 * Shortens runs of a byte in `bytes[start, end)` to `byte * count`, in place (gdb: "Overview", run-length encoding).
 * The bytes must hold no `*`. Returns the new end.
 */
export function compressRuns(bytes: Uint8Array, start: number, end: number): number {
  let out = start;
  let at = start;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    let repeats = 0;
    while (repeats < LONGEST && at + repeats + 1 < end && bytes[at + repeats + 1] === byte) repeats++;
    if (repeats >= SHORTEST) {
      repeats = allowedRepeats(repeats);
      bytes[out++] = byte;
      bytes[out++] = STAR;
      bytes[out++] = repeats + COUNT_BIAS;
      at += repeats + 1;
    } else {
      bytes[out++] = byte;
      at++;
    }
  }
  return out;
}

/** The counts that would read as `#`, `$`, `*`, `+` or `-` are not sent, the next smaller one is. */
function allowedRepeats(repeats: number): number {
  switch (repeats + COUNT_BIAS) {
    case 0x23:
    case 0x24:
      return 0x22 - COUNT_BIAS;
    case 0x2a:
    case 0x2b:
      return 0x29 - COUNT_BIAS;
    case 0x2d:
      return 0x2c - COUNT_BIAS;
    default:
      return repeats;
  }
}
