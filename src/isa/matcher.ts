import type { Encoding } from "./encoding.ts";

/** A decision: a bit to test, or the forms still possible. Branches are `undefined` until a word comes that needs them. */
interface Node<Feature extends string> {
  readonly candidates: readonly Encoding<Feature>[];
  /** The bit whose test is next; undefined when no test tells the candidates apart. */
  readonly bit: number | undefined;
  clear: Node<Feature> | undefined;
  set: Node<Feature> | undefined;
}

/**
 * Builds a matcher for a table: a binary decision tree over the bits that tell the forms apart best. The tree grows as words
 * come, since a program uses a small part of an instruction set.
 *
 * @param encodings forms of which no two match the same word
 * @returns a function from a 32-bit word (signed or unsigned) to its form, or `undefined`
 */
export function buildMatcher<Feature extends string>(
  encodings: readonly Encoding<Feature>[],
): (word: number) => Encoding<Feature> | undefined {
  let root: Node<Feature> | undefined;
  return (word) => {
    root ??= newNode(encodings);
    let node = root;
    while (node.bit !== undefined) {
      if ((word >>> node.bit) & 1) {
        node.set ??= newNode(remaining(node.candidates, node.bit, 1));
        node = node.set;
      } else {
        node.clear ??= newNode(remaining(node.candidates, node.bit, 0));
        node = node.clear;
      }
    }
    for (const encoding of node.candidates) if (encoding.matches(word)) return encoding;
    return undefined;
  };
}

function newNode<Feature extends string>(candidates: readonly Encoding<Feature>[]): Node<Feature> {
  return { candidates, bit: bestBit(candidates), clear: undefined, set: undefined };
}

/** The forms that a word may have whose bit `bit` is `value`. */
function remaining<Feature extends string>(
  candidates: readonly Encoding<Feature>[],
  bit: number,
  value: 0 | 1,
): readonly Encoding<Feature>[] {
  return candidates.filter(
    (encoding) => ((encoding.mask >>> bit) & 1) === 0 || ((encoding.value >>> bit) & 1) === value,
  );
}

/** The bit whose test leaves the fewest forms in the worse of its two branches. */
function bestBit(candidates: readonly Encoding[]): number | undefined {
  const zeros = new Int32Array(32);
  const ones = new Int32Array(32);
  for (const { mask, value } of candidates) {
    for (let bit = 0; bit < 32; bit += 1) {
      if (((mask >>> bit) & 1) === 0) continue;
      const counts = ((value >>> bit) & 1) === 1 ? ones : zeros;
      counts[bit] = (counts[bit] ?? 0) + 1;
    }
  }
  let best: number | undefined;
  let most = 0;
  for (let bit = 31; bit >= 0; bit -= 1) {
    const excluded = Math.min(zeros[bit] ?? 0, ones[bit] ?? 0);
    if (excluded > most) {
      most = excluded;
      best = bit;
    }
  }
  return best;
}
