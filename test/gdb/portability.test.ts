import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../src/gdb/", import.meta.url).pathname;

/** What only Node has. */
const NODE_ONLY = /from "node:|(?<![/\w])(?:Buffer|process)\.\w|\b(?:setTimeout|setImmediate)\(/;

describe("src/gdb", () => {
  it("runs in a browser, but for the socket server", () => {
    const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".ts"),
    );
    const tied = files.filter((name) => NODE_ONLY.test(readFileSync(join(ROOT, name), "utf8")));
    expect(tied).toEqual(["server.ts"]);
  });
});
