import type { Encoding } from "./encoding.ts";

/** One node of the decision tree: a bit to test, or the forms still possible. */
type Node<Feature extends string> =
  | { readonly bit: number; readonly clear: Node<Feature>; readonly set: Node<Feature> }
  | { readonly bit: undefined; readonly candidates: readonly Encoding<Feature>[] };

/**
 * Builds a matcher for a table: a binary decision tree over the bits that tell the forms apart best.
 *
 * @param encodings forms of which no two match the same word
 * @returns a pure function from a 32-bit word (signed or unsigned) to its form, or `undefined`
 */
export function buildMatcher<Feature extends string>(
  encodings: readonly Encoding<Feature>[],
): (word: number) => Encoding<Feature> | undefined {
  const root = grow(encodings);
  return (word) => {
    let node = root;
    while (node.bit !== undefined) node = (word >>> node.bit) & 1 ? node.set : node.clear;
    for (const encoding of node.candidates) if (encoding.matches(word)) return encoding;
    return undefined;
  };
}

function grow<Feature extends string>(candidates: readonly Encoding<Feature>[]): Node<Feature> {
  const bit = bestBit(candidates);
  if (bit === undefined) return { bit, candidates };
  return {
    bit,
    clear: grow(candidates.filter((encoding) => !fixes(encoding, bit, 1))),
    set: grow(candidates.filter((encoding) => !fixes(encoding, bit, 0))),
  };
}

/** The bit whose test leaves the fewest forms in the worse of its two branches. */
function bestBit(candidates: readonly Encoding[]): number | undefined {
  let best: number | undefined;
  let fewest = candidates.length;
  for (let bit = 31; bit >= 0; bit -= 1) {
    const zeros = candidates.filter((encoding) => fixes(encoding, bit, 0)).length;
    const ones = candidates.filter((encoding) => fixes(encoding, bit, 1)).length;
    const left = candidates.length - Math.min(zeros, ones);
    if (left < fewest) {
      fewest = left;
      best = bit;
    }
  }
  return best;
}

function fixes(encoding: Encoding, bit: number, value: 0 | 1): boolean {
  return ((encoding.mask >>> bit) & 1) === 1 && ((encoding.value >>> bit) & 1) === value;
}
