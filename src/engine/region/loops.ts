import type { Effects } from "./effects.ts";

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

/** What is to be known of a block to find out where control goes from it. */
export interface JumpingBlock {
  readonly offset: number;
  /** Of each instruction. */
  readonly effects: readonly Pick<Effects, "jumps" | "links" | "fallsThrough">[];
}

/**
 * The jumps back among a region's blocks by which control goes round without leaving its function's structure: a call goes away, and
 * where it returns to is found out then. A loop that calls something in each round is none.
 * @param numbers of the blocks by their offsets
 */
export function backEdges(
  blocks: readonly JumpingBlock[],
  numbers: ReadonlyMap<number, number>,
): readonly BackEdge[] {
  const next = blocks.map((block) => successors(block, numbers));
  const edges = next.flatMap((targets, from) =>
    targets.filter((to) => to <= from).map((to) => ({ from, to })),
  );
  const reached = new Map<number, ReadonlySet<number>>();
  return edges.filter(({ from, to }) => {
    let known = reached.get(to);
    if (known === undefined) {
      known = reachable(to, next);
      reached.set(to, known);
    }
    return known.has(from);
  });
}

/** Numbers of the blocks that a block goes on with, but for what it calls. */
function successors({ offset, effects }: JumpingBlock, numbers: ReadonlyMap<number, number>): number[] {
  const found = new Set<number>();
  const add = (at: number): void => {
    const number = numbers.get(at);
    if (number !== undefined) found.add(number);
  };
  for (const [index, { jumps, links }] of effects.entries())
    if (!links) for (const distance of jumps) if (distance !== undefined) add(offset + 4 * index + distance);
  const last = effects.at(-1);
  if (last?.fallsThrough === true) add(offset + 4 * effects.length);
  return [...found];
}

function reachable(from: number, next: readonly (readonly number[])[]): ReadonlySet<number> {
  const found = new Set([from]);
  for (const block of found) for (const to of next[block] ?? []) found.add(to);
  return found;
}
