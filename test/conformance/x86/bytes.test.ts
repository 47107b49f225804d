import { describe, expect, it } from "vitest";
import { requireTool } from "../../support/tools.ts";
import { assemble } from "./guest.ts";
import { scenarios } from "./scenarios/all.ts";

const clang = requireTool("clang");

describe("the guests of the conformance suite", () => {
  it("have a name each", () => {
    const names = scenarios.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  // `npx vitest run test/conformance -u` writes the file anew after a guest has changed.
  it.skipIf(!clang.available)("are the bytes that clang assembles their text to", async () => {
    const assembled = Object.fromEntries(scenarios.map((scenario) => [scenario.name, assemble(scenario)]));
    await expect(`${JSON.stringify(assembled, null, 2)}\n`).toMatchFileSnapshot("guests.json");
  });
});
