import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { requireTool } from "../support/tools.ts";
import { guest, Scratch, vmexit } from "./support/cli.ts";

const kernel = new URL("../../.cache/debian-arm64/vmlinuz", import.meta.url).pathname;
const scratch = new Scratch();
afterAll(() => scratch.remove());
const gdb = requireTool("gdb-multiarch");

describe("vmexit symbols", () => {
  it("lists an ELF file's symbols as /proc/kallsyms has them", () => {
    const { status, stdout, stderr } = vmexit(["symbols", guest("demo")]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^0000000040080000 T _start$/m);
    expect(stdout).toMatch(/^0000000040083020 D balance$/m);
    for (const line of stdout.trimEnd().split("\n")) expect(line).toMatch(/^[0-9a-f]{16} [A-Za-z] \S+$/);
  });

  it("does not write an ELF file of an ELF file", () => {
    expect(vmexit(["symbols", guest("demo"), "-o", scratch.path("demo.elf")])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^vmexit: image .*: it is an ELF file, which debuggers read as it is.*\n$/,
      ),
    });
  });

  it.skipIf(!existsSync(kernel) || !gdb.available)("writes those of a stripped kernel for gdb", () => {
    const output = scratch.path("vmlinux.elf");
    const { status, stdout, stderr } = vmexit(["symbols", kernel, "-o", output]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(stderr).toMatch(/^vmexit: \d{5,} symbols written to .*\n$/);
    const commands = ["-ex", "info address start_kernel", "-ex", "x/i start_kernel"];
    const { stdout: said } = spawnSync("gdb-multiarch", ["-nx", "-batch", ...commands, output], {
      encoding: "utf8",
    });
    expect(said).toMatch(
      /Symbol "start_kernel" is at 0xffff[0-9a-f]{12} in a file compiled without debugging/,
    );
    expect(said).toMatch(/<start_kernel>:\t\w+/);
  });

  it("refuses to write where it cannot", () => {
    if (!existsSync(kernel)) return;
    expect(vmexit(["symbols", kernel, "-o", "/no/such/file"])).toMatchObject({
      status: 1,
      stderr: "vmexit: -o /no/such/file: no such file\n",
    });
  });
});

describe("vmexit disassemble", () => {
  it("shows a whole function with its branches' targets", () => {
    const { status, stdout } = vmexit(["disassemble", guest("demo"), "--symbol", "copy_text"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^copy_text:\n {3}0x[0-9a-f]{16} {2}a9bf7bfd {2}stp {5}x29, x30, \[sp, #-16\]!\n/);
    expect(stdout).toMatch(/cbnz +w9, 0x[0-9a-f]+ {2}<copy_text\+0x1c>/);
    expect(stdout).toMatch(/ d65f03c0 {2}ret\n$/);
  });

  it("shows as many instructions as asked for from an address on", () => {
    const { stdout } = vmexit(["disassemble", guest("demo"), "--address", "0x40080004", "--count", "2"]);
    expect(stdout.split("\n")).toHaveLength(4);
    expect(stdout).toMatch(/^_start\+0x4:\n {3}0x0000000040080004 /);
  });
});
