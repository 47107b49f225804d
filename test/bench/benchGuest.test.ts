import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { geometricMean, median } from "../../bench/statistics.ts";
import { fullCounts, withIterations } from "../../bench/support/benchGuest.ts";
import { GuestRun } from "../vmm/support/guestRun.ts";

const folder = mkdtempSync(join(tmpdir(), "vmexit-bench-"));
afterAll(() => rmSync(folder, { recursive: true }));

const image = (name: string): Uint8Array =>
  readFileSync(new URL(`../../guests/arm64/${name}/${name}.elf`, import.meta.url));

/** What the benchmark prints after so many repetitions, and how many instructions it has taken. */
function run(name: string, iterations: number): { readonly console: string; readonly instructions: number } {
  const file = join(folder, `${name}-${iterations}.elf`);
  writeFileSync(file, withIterations(image(name), iterations));
  const guest = GuestRun.fromElf(file, { memoryBytes: 192 << 20 });
  expect(guest.until(1_000_000_000)).toEqual({ kind: "system", event: "SHUTDOWN" });
  return { console: guest.console, instructions: guest.machine.instructions };
}

describe("benchmark guests", () => {
  const names = [...fullCounts.keys(), "debug", "codegen"].map((name) => `bench-${name}`);

  it.each(names)("%s repeats its work as often as its image says", (name) => {
    const [none, two] = [run(name, 0), run(name, 2)];
    expect(none.console).toMatch(new RegExp(`^${name}: 0 (iterations|routines), `));
    expect(two.console).toMatch(new RegExp(`^${name}: 2 (iterations|routines), `));
    expect(two.instructions).toBeGreaterThan(none.instructions + 1_000);
  });

  it("a guest that is no benchmark has no count to change", () => {
    expect(() => withIterations(image("hello"), 1)).toThrow(RangeError);
  });
});

describe("statistics", () => {
  it("the median is the middle value, or the mean of the two middle ones", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(() => median([])).toThrow(RangeError);
  });

  it("the geometric mean of ratios", () => {
    expect(geometricMean([0.5, 2])).toBeCloseTo(1);
    expect(geometricMean([8, 2, 4])).toBeCloseTo(4);
  });
});
