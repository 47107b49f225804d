import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { requireTool } from "../support/tools.ts";
import { resultOfPage } from "./support/chromium.ts";
import { type GuestResult, runGuest } from "./support/runGuest.ts";

const chromium = requireTool("chromium");
const folder = new URL("../../guests/arm64/bench-int/", import.meta.url);
const elf = readFileSync(new URL("bench-int.elf", folder));
const expected = readFileSync(new URL("expected.txt", folder), "utf8");

/** No cross-origin isolation: the server sends no headers for it. */
const page =
  '<!doctype html><title>vmexit</title><script>new Worker("worker.js", { type: "module" })</script>';

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [new URL("support/worker.ts", import.meta.url).pathname],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "chrome108",
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

describe.skipIf(!chromium.available)("headless Chromium", () => {
  it("runs the int benchmark with the same engine to the same memory, registers and count of instructions as Node", async () => {
    const files = {
      "/": { type: "text/html", body: page },
      "/worker.js": { type: "text/javascript", body: await bundle() },
      "/guest.elf": { type: "application/octet-stream", body: elf },
    };
    const inBrowser = (await resultOfPage(files, 100_000)) as GuestResult;
    expect(inBrowser).not.toHaveProperty("error");
    const here = await runGuest(elf);
    const { mips, ...state } = here;
    expect(state.console).toBe(expected);
    expect(inBrowser).toMatchObject(state);
    const megahertz = (result: GuestResult): string => `${result.mips.toFixed(0)} MIPS`;
    process.stdout.write(`bench-int: Chromium ${megahertz(inBrowser)}, Node ${megahertz(here)}\n`);
    expect(mips).toBeGreaterThan(0);
  }, 120_000);
});
