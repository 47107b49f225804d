import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findLoops, type Loop } from "../../../src/engine/region/loops.ts";

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
