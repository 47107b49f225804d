/** Blocks of a region that control goes round, by number: `first` is where it begins anew, `inner` are loops within, in order. */
export interface Loop {
  readonly first: number;
  readonly last: number;
  readonly inner: readonly Loop[];
}

/** A jump to the same or an earlier block, by the blocks' numbers. */
export interface BackEdge {
  readonly from: number;
  readonly to: number;
}

/**
 * The loops that jumps back make, as a tree whose root is all blocks. A loop has the blocks from where jumps go back to, to the
 * last one from where they do; where two of these overlap, the first one takes in the other.
 * @param count of blocks, at least 1
 */
export function findLoops(count: number, edges: Iterable<BackEdge>): Loop {
  const lasts = new Map<number, number>();
  for (const { from, to } of edges) lasts.set(to, Math.max(from, lasts.get(to) ?? from));
  const firsts = [...lasts.keys()].sort((a, b) => a - b);
  // From the last one on: what a loop takes in has its own extent then.
  for (const first of firsts.toReversed()) {
    let last = lasts.get(first) ?? first;
    for (const other of firsts)
      if (other > first && other <= last) last = Math.max(last, lasts.get(other) ?? other);
    lasts.set(first, last);
  }
  const root = { first: 0, last: count - 1, inner: [] as Loop[] };
  const open = [root];
  for (const first of firsts) {
    const loop = { first, last: lasts.get(first) ?? first, inner: [] as Loop[] };
    while ((open.at(-1)?.last ?? 0) < first) open.pop();
    open.at(-1)?.inner.push(loop);
    open.push(loop);
  }
  return root;
}
