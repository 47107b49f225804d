import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backEdges, findLoops, type JumpingBlock, type Loop } from "../../../src/engine/region/loops.ts";

/** `[first, last, inner…]` */
type Shape = readonly [number, number, ...Shape[]];
const shape = ({ first, last, inner }: Loop): Shape => [first, last, ...inner.map(shape)];
const loops = (count: number, ...edges: readonly (readonly [number, number])[]): Shape =>
  shape(
    findLoops(
      count,
      edges.map(([from, to]) => ({ from, to })),
    ),
  );

describe("loops of a region's blocks", () => {
  it("are none without a jump back", () => {
    expect(loops(3)).toEqual([0, 2]);
  });

  it("reach from where jumps go back to, to the last one from where they do", () => {
    expect(loops(6, [3, 1], [2, 1], [5, 5])).toEqual([0, 5, [1, 3], [5, 5]]);
  });

  it("stand in one another", () => {
    expect(loops(6, [5, 0], [4, 1], [3, 2])).toEqual([0, 5, [0, 5, [1, 4, [2, 3]]]]);
  });

  it("take in what they overlap", () => {
    expect(loops(8, [3, 0], [5, 2], [6, 4])).toEqual([0, 7, [0, 6, [2, 6, [4, 6]]]]);
  });

  it("have every jump back inside of the loop that begins at its target", () => {
    const edge = fc
      .tuple(fc.nat(19), fc.nat(19))
      .map(([a, b]) => ({ from: Math.max(a, b), to: Math.min(a, b) }));
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 12 }), (edges) => {
        const check = (loop: Loop): readonly Loop[] => {
          let next = loop.first;
          for (const inner of loop.inner) {
            expect(inner.first).toBeGreaterThanOrEqual(next);
            expect(inner.last).toBeLessThanOrEqual(loop.last);
            next = inner.last + 1;
          }
          return [loop, ...loop.inner.flatMap(check)];
        };
        const all = check(findLoops(20, edges)).slice(1);
        for (const { from, to } of edges)
          expect(all.filter(({ first, last }) => first === to && from <= last)).toHaveLength(1);
      }),
    );
  });
});

describe("jumps back that make loops", () => {
  type Last = "next" | "branch" | "jump" | "call" | "return";
  /** Blocks of one instruction each, which ends as said, jumps going to the block with this number. */
  const edges = (...ends: readonly (readonly [Last, number?])[]): readonly (readonly [number, number])[] => {
    const blocks = ends.map(([last, to], number): JumpingBlock => {
      const distance = to === undefined ? undefined : 4 * (to - number);
      const effects = {
        jumps: last === "next" ? [] : [distance],
        links: last === "call",
        fallsThrough: last === "next" || last === "branch",
      };
      return { offset: 4 * number, effects: [effects] };
    });
    const numbers = new Map(blocks.map(({ offset }, number) => [offset, number]));
    return backEdges(blocks, numbers).map(({ from, to }) => [from, to]);
  };

  it("are those that control takes by itself from where they go", () => {
    expect(edges(["next"], ["branch", 3], ["jump", 0], ["branch", 2], ["return"])).toEqual([
      [2, 0],
      [3, 2],
    ]);
  });

  it("are not calls", () => {
    expect(edges(["branch", 2], ["call", 0], ["return"])).toEqual([]);
  });

  it("are not those round which there is always a call", () => {
    expect(edges(["next"], ["call", 3], ["branch", 0], ["return"])).toEqual([]);
    expect(edges(["branch", 2], ["call", 4], ["branch", 0], ["return"], ["return"])).toEqual([[2, 0]]);
  });
});
