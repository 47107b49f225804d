/** `%`, flags, width, precision, length modifier, conversion. */
const DIRECTIVE = /%([-+ #0]*)(\d*)(?:\.(\d*))?(hh|h|ll|l|z|t|j)?([diuoxXcsp%])/g;

/** Widest field that is honoured: a width is no way to fill our memory. */
const MOST_WIDTH = 256;

/** What a backslash and a letter stand for in a C string. */
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\u0007",
  b: "\b",
  f: "\f",
  v: "\v",
  e: "\u001b",
  "\\": "\\",
  '"': '"',
  "'": "'",
  "?": "?",
};

/** Bits of an argument by C's length modifier, on a 64-bit (LP64) guest. */
const WIDTHS: Readonly<Record<string, number>> = { hh: 8, h: 16, l: 64, ll: 64, z: 64, t: 64, j: 64 };

/**
 * C's printf for whole numbers, characters, pointers and strings: what gdb's dprintf sends to the target.
 * `format` may hold backslash escapes, as in source. Missing arguments print as 0.
 * `readString` gives the bytes of a guest string without its final zero.
 */
export function formatPrintf(
  format: string,
  values: readonly bigint[],
  readString: (address: bigint) => Uint8Array,
): string {
  let next = 0;
  const take = (): bigint => values[next++] ?? 0n;
  return expandEscapes(format).replace(
    DIRECTIVE,
    (
      _all,
      flags: string,
      width: string,
      precision: string | undefined,
      size: string | undefined,
      letter: string,
    ) => {
      if (letter === "%") return "%";
      const bits = size === undefined ? 32 : (WIDTHS[size] ?? 64);
      const body = convert(letter, take(), bits, flags, precision, readString);
      return pad(
        body,
        flags,
        Math.min(Number(width || 0), MOST_WIDTH),
        precision === undefined && letter !== "s",
      );
    },
  );
}

/** Replaces `\n`, `\t`, `\033`, `\x1b` and the like. */
function expandEscapes(format: string): string {
  return format.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/g, (_all, code: string) => {
    const named = ESCAPES[code];
    if (named !== undefined) return named;
    if (code.startsWith("x") && code.length > 1)
      return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : code;
  });
}

function convert(
  letter: string,
  value: bigint,
  bits: number,
  flags: string,
  precision: string | undefined,
  readString: (address: bigint) => Uint8Array,
): string {
  switch (letter) {
    case "c":
      return String.fromCharCode(Number(value & 0xffn));
    case "s": {
      const text = new TextDecoder().decode(readString(BigInt.asUintN(64, value)));
      return precision === undefined ? text : text.slice(0, Number(precision || 0));
    }
    case "p":
      return `0x${BigInt.asUintN(64, value).toString(16)}`;
    case "d":
    case "i": {
      const signed = BigInt.asIntN(bits, value);
      const sign = signed < 0n ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
      return sign + digits(signed < 0n ? -signed : signed, 10, precision);
    }
    default: {
      const whole = BigInt.asUintN(bits, value);
      const radix = letter === "u" ? 10 : letter === "o" ? 8 : 16;
      const prefix =
        flags.includes("#") && whole !== 0n ? (radix === 8 ? "0" : radix === 16 ? "0x" : "") : "";
      const text = prefix + digits(whole, radix, precision);
      return letter === "X" ? text.toUpperCase() : text;
    }
  }
}

function digits(value: bigint, radix: number, precision: string | undefined): string {
  return value.toString(radix).padStart(Math.min(Number(precision || 0), MOST_WIDTH), "0");
}

/** Fills up to `width`: on the right with `-`, with zeros behind the sign with `0` (if `zeros` may be), else on the left. */
function pad(body: string, flags: string, width: number, zeros: boolean): string {
  if (body.length >= width) return body;
  if (flags.includes("-")) return body.padEnd(width);
  if (!flags.includes("0") || !zeros) return body.padStart(width);
  const sign = /^(?:[-+ ]|0[xX])?/.exec(body)?.[0] ?? "";
  return sign + body.slice(sign.length).padStart(width - sign.length, "0");
}
