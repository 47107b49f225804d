import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { requireTool } from "../support/tools.ts";
import { expected, guest, Scratch, startVmexit } from "./support/cli.ts";
import { echo } from "./support/programs.ts";

const gdb = requireTool("gdb-multiarch");
const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Where a started vmexit says that it listens. */
async function addressOf(run: ReturnType<typeof startVmexit>): Promise<string> {
  await run.says("target remote ", "stderr");
  return /target remote (\S+)/.exec(run.stderr())?.[1] ?? "";
}

/** Runs gdb's commands and returns what it printed. */
function debug(...commands: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ["-nx", "-batch", ...commands.flatMap((command) => ["-ex", command])];
    const child = spawn("gdb-multiarch", args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
    }
    child.once("error", reject);
    child.once("close", () => resolve(text));
  });
}

describe.skipIf(!gdb.available)("vmexit run --gdb", () => {
  it("waits for gdb, stops where it wants, and ends with the guest", async () => {
    const image = guest("demo");
    const run = startVmexit(["run", image, "--gdb=0", "--wait"]);
    const place = await addressOf(run);
    expect(run.stderr()).toMatch(
      /^vmexit: gdb: target remote 127\.0\.0\.1:\d+ \(the guest waits for it\)\n$/,
    );
    const said = await debug(
      `file ${image}`,
      `target remote ${place}`,
      "break post_entry if amount < 0",
      "continue",
      "backtrace",
      "print balance",
      "delete",
      "continue",
    );
    expect(said).toMatch(/Breakpoint 1, .*post_entry \(line=[^)]*amount=-30\)/);
    expect(said).toMatch(/#1 .*serve_customer/);
    expect(said).toContain("$1 = 1250");
    expect(said).toContain("exited normally");
    expect(await run.ended).toBe(0);
    expect(run.stdout()).toBe(readFileSync(expected("demo"), "latin1"));
  });

  it("lets the guest run before gdb comes and after it has gone, over a Unix socket too", async () => {
    const socket = scratch.path("gdb.socket");
    const run = startVmexit(["run", scratch.file("echo.bin", echo), "--gdb", `unix:${socket}`]);
    expect(await addressOf(run)).toBe(socket);
    run.child.stdin?.write("before ");
    await run.says("before ");
    expect(await debug(`target remote ${socket}`, "info registers pc", "detach")).toMatch(/pc +0x4008/);
    run.child.stdin?.write("after q");
    expect(await run.ended).toBe(0);
    expect(run.stdout()).toBe("before after q");
    expect(run.stderr()).toContain("vmexit: no symbols: ");
  });

  it("ends when gdb kills the guest", async () => {
    const run = startVmexit(["run", guest("no-vectors"), "--gdb=0"]);
    await debug(`target remote ${await addressOf(run)}`, "kill");
    expect(await run.ended).toBe(0);
  });

  it("ends at a signal while it waits for gdb", async () => {
    const run = startVmexit(["run", guest("hello"), "--gdb=0", "--wait"]);
    await addressOf(run);
    run.child.kill("SIGTERM");
    expect(await run.ended).toBe(143);
    expect(run.stdout()).toBe("");
  });
});
