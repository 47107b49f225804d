import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { main, Scratch, start } from "./support/cli.ts";
import { echo, spew } from "./support/programs.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());
const echoImage = scratch.file("echo.bin", echo);
const spewImage = scratch.file("spew.bin", spew);

/** util-linux's `script` runs a command on a terminal of its own. */
const hasScript = spawnSync("script", ["--version"]).status === 0;

/** Starts a shell command on a terminal; what is written to its standard input is typed. */
const onTerminal = (command: string) => start("script", ["-qec", command, "/dev/null"]);
const vmexit = (args: string): string => `'${process.execPath}' '${main}' ${args}`;
/** The terminal is raw once the guest answers. */
const untilRaw = async (run: ReturnType<typeof start>): Promise<void> => {
  await run.says("ready");
  run.child.stdin?.write("A");
  await run.says("A");
};

describe.skipIf(!hasScript)("on a terminal (script from util-linux)", () => {
  it("quits at Ctrl-A X with 0, and leaves the terminal as it was", async () => {
    const run = onTerminal(`stty -g; echo ready; ${vmexit(`run ${echoImage}`)}; echo "status $?"; stty -g`);
    await untilRaw(run);
    run.child.stdin?.write("\x01x");
    await run.says("status");
    await run.ended;
    const lines = run.stdout().replaceAll("\r", "").trimEnd().split("\n");
    expect(lines.find((line) => line.includes("status"))).toMatch(/status 0$/);
    expect(lines.at(-1)).toBe(lines[0]);
  });

  it("helps at Ctrl-A H, and gives the guest Ctrl-C and Ctrl-A Ctrl-A", async () => {
    const run = onTerminal(`echo ready; ${vmexit(`run ${echoImage}`)}; echo "status $?"`);
    await untilRaw(run);
    run.child.stdin?.write("\x01h");
    await run.says("Ctrl-A X   quit");
    run.child.stdin?.write("<\x03\x01\x01>q");
    await run.says("status 0");
    await run.ended;
    expect(run.stdout()).toContain("<\x03\x01>q");
  });

  it("leaves the terminal as it was at SIGTERM", async () => {
    const run = onTerminal(
      `stty -g; sh -c 'echo "pid $$"; exec ${vmexit(`run ${spewImage}`).replaceAll("'", "")}'; echo "=$?"; stty -g`,
    );
    await run.says("xxx");
    process.kill(Number(/pid (\d+)/.exec(run.stdout())?.[1]), "SIGTERM");
    await run.ended;
    const lines = run.stdout().replaceAll("\r", "").trimEnd().split("\n");
    expect(lines.at(-2)).toMatch(/=143$/);
    expect(lines.at(-1)).toBe(lines[0]);
  });
});
