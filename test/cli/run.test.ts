import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { parseFdt } from "../../src/machine/fdt/parse.ts";
import { type FdtNode, nodeAt } from "../../src/machine/fdt/tree.ts";
import { expected, guest, Scratch, startVmexit, vmexit } from "./support/cli.ts";
import { clockDump, deviceTreeDump, echo, restarter, spew, spinner, waiter } from "./support/programs.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());
const images = {
  echo: scratch.file("echo.bin", echo),
  spew: scratch.file("spew.bin", spew),
  spin: scratch.file("spin.bin", spinner),
  wait: scratch.file("wait.bin", waiter),
  restart: scratch.file("restart.bin", restarter),
  tree: scratch.file("tree.bin", deviceTreeDump),
  clock: scratch.file("clock.bin", clockDump),
};

describe("vmexit run", () => {
  it.each(["hello", "demo", "timer", "jump-to-nowhere", "selfmodify"])(
    "prints what %s prints, nothing else, and ends with 0 when it powers off",
    (name) => {
      expect(vmexit(["run", guest(name)])).toEqual({
        status: 0,
        stdout: readFileSync(expected(name), "latin1"),
        stderr: "",
      });
    },
  );

  it.each(["2", "3"])("has as many CPUs as it is asked for, with a GICv%s", (gic) => {
    const args = ["--cpus", "4", "--gic", gic];
    expect(vmexit(["run", guest("smp"), ...args])).toMatchObject({
      status: 0,
      stdout: readFileSync(expected("smp"), "latin1"),
    });
  });

  it("ends with 2 at the limit, for a guest that never ends", () => {
    const { status, stdout, stderr } = vmexit(["run", guest("no-vectors"), "--limit", "20_000"]);
    expect(stderr).toMatch(
      /^vmexit: the limit of 20000 instructions is reached \(vCPU 0 at pc 0x[0-9a-f]+\)\n$/,
    );
    expect(stdout).toBe(readFileSync(expected("no-vectors"), "latin1"));
    expect(status).toBe(2);
  });

  it("counts exactly as many instructions as the limit has", () => {
    const { stderr } = vmexit(["run", images.spin, "--limit", "1234567", "--stats", "--engine", "jit"]);
    expect(stderr).toMatch(/^instructions +1,234,567\nvirtual time +0\.001235 s\n/);
    expect(stderr).toMatch(
      /\nspeed +[\d.]+ MIPS\nexits +INTR \d+\n(.*\n)*regions +1 in use.*\n(.*\n)*vmexit: the limit/,
    );
  });

  it("ends with 2 when the guest waits for what can never come", () => {
    const { status, stderr } = vmexit(["run", images.wait]);
    expect(stderr).toMatch(/^vmexit: the guest waits for ever: .*\n$/);
    expect(status).toBe(2);
  });

  it("restarts a guest that asks for it, or ends with --no-reboot", () => {
    expect(vmexit(["run", images.restart, "--no-reboot"])).toEqual({ status: 0, stdout: "r", stderr: "" });
    const again = vmexit(["run", images.restart, "--limit", "60"]);
    expect(again).toMatchObject({ status: 2, stdout: "r".repeat(10) });
  });

  it("gives the guest a piped standard input, every byte of it", () => {
    const input = `${Array.from({ length: 256 }, (_, n) => (n === 0x71 ? "" : String.fromCharCode(n))).join("")}q`;
    expect(vmexit(["run", images.echo], { input })).toEqual({ status: 0, stdout: input, stderr: "" });
  });

  it("gives the guest more than its UART can keep", () => {
    const input = `${"0123456789abcdef".repeat(4500)}q`;
    expect(vmexit(["run", images.echo], { input }).stdout).toBe(input);
  });

  it("goes on with what a pipe brings later", async () => {
    const run = startVmexit(["run", images.echo]);
    run.child.stdin?.write("one ");
    await run.says("one ");
    run.child.stdin?.write("two q");
    expect(await run.ended).toBe(0);
    expect(run.stdout()).toBe("one two q");
  });

  it("is silent when nobody reads its output any more, and ends as by SIGPIPE", async () => {
    const run = startVmexit(["run", images.spew]);
    await run.says("xxx");
    run.child.stdout?.destroy();
    expect(await run.ended).toBe(141);
    expect(run.stderr()).toBe("");
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends at %s with %i", async (signal, status) => {
    const run = startVmexit(["run", images.echo]);
    run.child.stdin?.write("x");
    await run.says("x");
    run.child.kill(signal);
    expect(await run.ended).toBe(status);
    expect(run.stderr()).toBe("");
  });

  it("does the same in every run: console and exits", () => {
    const run = (trace: string) => {
      const ending = vmexit(["run", guest("timer"), "--seed", "7", "--trace", `exits=${trace}`]);
      return { ...ending, exits: readFileSync(trace, "utf8") };
    };
    const first = run(scratch.path("first"));
    expect(first.status).toBe(0);
    const records = first.exits
      .trimEnd()
      .split("\n")
      .map((line): Record<string, unknown> => JSON.parse(line));
    expect(records[0]).toMatchObject({
      number: 1,
      vcpu: 0,
      exit: "MMIO",
      address: expect.stringMatching(/^0x[0-9a-f]+$/),
      owner: "machine",
      rule: "device",
      outcome: "resumed",
    });
    expect(records.at(-1)).toMatchObject({ exit: "SYSTEM_EVENT", type: "SHUTDOWN", outcome: "stopped" });
    expect(records.map(({ number }) => number)).toEqual(records.map((_, n) => n + 1));
    expect(run(scratch.path("second"))).toEqual(first);
  });
});

describe("what the guest is told", () => {
  const treeOf = (...args: string[]): FdtNode => {
    const { status, stdout, stderr } = vmexit(["run", images.tree, ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return parseFdt(Uint8Array.from(stdout, (character) => character.charCodeAt(0))).root;
  };
  const property = (root: FdtNode, path: string, name: string): string | undefined => {
    const value = nodeAt(root, path)?.properties.find((each) => each.name === name)?.value;
    return value === undefined ? undefined : Buffer.from(value).toString("latin1");
  };

  it("is its command line and its memory", () => {
    const root = treeOf("--append", "console=ttyAMA0 quiet", "--memory", "96M");
    expect(property(root, "/chosen", "bootargs")).toBe("console=ttyAMA0 quiet\0");
    expect(property(root, "/memory@40000000", "reg")).toBe("\0\0\0\0\x40\0\0\0\0\0\0\0\x06\0\0\0");
    expect(property(root, "/chosen", "kaslr-seed")).toBeUndefined();
  });

  it("is a seed when one is given, always the same for the same number", () => {
    const seed = (number: string): string | undefined =>
      property(treeOf("--seed", number), "/chosen", "kaslr-seed");
    const first = seed("1");
    expect(first).toHaveLength(8);
    expect(seed("0x1")).toBe(first);
    expect(seed("2")).not.toBe(first);
  });

  it("is where its initrd lies", () => {
    const root = treeOf("--initrd", scratch.file("initrd", "initial"));
    const start = property(root, "/chosen", "linux,initrd-start");
    const end = property(root, "/chosen", "linux,initrd-end");
    expect(start).toHaveLength(8);
    expect((end?.charCodeAt(7) ?? 0) - (start?.charCodeAt(7) ?? 0)).toBe("initial".length);
  });

  it("is a device tree of the user's with memory and command line filled in", () => {
    const { stdout } = vmexit(["run", images.tree]);
    const own = scratch.file(
      "own.dtb",
      Uint8Array.from(stdout, (character) => character.charCodeAt(0)),
    );
    const root = treeOf("--dtb", own, "--append", "mine", "--memory", "32M");
    expect(property(root, "/chosen", "bootargs")).toBe("mine\0");
    expect(property(root, "/memory@40000000", "reg")?.slice(8)).toBe("\0\0\0\0\x02\0\0\0");
  });

  it("is the time it was asked to show", () => {
    const time = (...args: string[]): string => vmexit(["run", images.clock, ...args]).stdout;
    expect(time()).toBe("\0\0\0\0");
    expect(time("--rtc", "1700000000")).toBe("\x00\xf1\x53\x65");
    const now = [...time("--rtc", "now")].reduceRight((sum, byte) => sum * 256 + byte.charCodeAt(0), 0);
    expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(600);
  });
});
