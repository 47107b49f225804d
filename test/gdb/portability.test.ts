import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../src/gdb/", import.meta.url).pathname;

describe("src/gdb", () => {
  const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );

  it("runs in a browser, but for the socket server", () => {
    const tied = files.filter((name) =>
      /from "node:|\b(?:Buffer|process|setTimeout|setImmediate)\b[.(]/.test(
        readFileSync(join(ROOT, name), "utf8"),
      ),
    );
    expect(tied).toEqual(["server.ts"]);
  });
});
