const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Text for the terminal in one line: control characters, which may be in the names of files, are written out as escapes. */
export function oneLine(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => SHORT[character] ?? `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`,
  );
}
