import type { Encoding } from "./encoding.ts";

/** The forms a word may have; where there are many, by some of its bits. Look-ups are made as words come. */
interface Forms<Feature extends string> {
  readonly candidates: readonly Encoding<Feature>[];
  readonly next: (Forms<Feature> | undefined)[] | undefined;
}

/** A piece of the word that is looked at: its lowest bit, and its number of bits. */
interface Piece {
  readonly lsb: number;
  readonly width: number;
}

/** Where instruction sets have most of an opcode, and where much of what is left. */
const pieces: readonly Piece[] = [
  { lsb: 21, width: 11 },
  { lsb: 10, width: 6 },
];

/** So many forms are tried one by one. */
const few = 3;

/**
 * Builds a matcher for a table: look-ups by bits of the word, the last few forms one by one. The tables grow as words come, since a
 * program uses a small part of an instruction set.
 *
 * @param encodings forms of which no two match the same word
 * @returns a function from a 32-bit word (signed or unsigned) to its form, or `undefined`
 */
export function buildMatcher<Feature extends string>(
  encodings: readonly Encoding<Feature>[],
): (word: number) => Encoding<Feature> | undefined {
  const root = formsAt(encodings, 0);
  return (word) => {
    let forms = root;
    for (let level = 0; level < pieces.length; level++) {
      const piece = pieces[level];
      if (piece === undefined || forms.next === undefined) break;
      const index = (word >>> piece.lsb) & ((1 << piece.width) - 1);
      forms = forms.next[index] ??= formsAt(remaining(forms.candidates, piece, word), level + 1);
    }
    for (const encoding of forms.candidates) if (encoding.matches(word)) return encoding;
    return undefined;
  };
}

function formsAt<Feature extends string>(
  candidates: readonly Encoding<Feature>[],
  level: number,
): Forms<Feature> {
  const piece = pieces[level];
  const next = piece === undefined || candidates.length <= few ? undefined : new Array(1 << piece.width);
  return { candidates, next };
}

/** The forms whose fixed bits in this piece are as the word's. */
function remaining<Feature extends string>(
  candidates: readonly Encoding<Feature>[],
  { lsb, width }: Piece,
  word: number,
): readonly Encoding<Feature>[] {
  const bits = ((1 << width) - 1) << lsb;
  return candidates.filter(({ mask, value }) => ((word ^ value) & mask & bits) === 0);
}
