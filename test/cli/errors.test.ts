import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { node, strings } from "../../src/machine/fdt/tree.ts";
import { writeFdt } from "../../src/machine/fdt/write.ts";
import { guest, main, Scratch, vmexit } from "./support/cli.ts";
import { spinner } from "./support/programs.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const hello = guest("hello");
const elf = readFileSync(hello);
const spin = scratch.file("spin.bin", spinner);

/** A copy of the hello guest with some bytes changed. */
function patched(name: string, changes: (view: DataView) => void): string {
  const bytes = new Uint8Array(elf);
  changes(new DataView(bytes.buffer));
  return scratch.file(name, bytes);
}

/** Runs and expects status 1, nothing on standard output, and exactly this line on standard error. */
function expectRefusal(args: readonly string[], line: RegExp): void {
  const { status, stdout, stderr } = vmexit(args);
  expect(stderr).toMatch(/^vmexit: [^\n]+\n$/);
  expect(stderr).toMatch(line);
  expect(stdout).toBe("");
  expect(status).toBe(1);
}

describe("one line and status 1 for a file that", () => {
  const tree = writeFdt({ root: node("", [strings("compatible", "test")]), reservations: [], bootCpu: 0 });
  it.each<[string, string[], RegExp]>([
    ["is missing", ["run", "/no/such/image"], /image \/no\/such\/image: no such file/],
    [
      "has a name of two lines",
      ["run", "/no/such\n\x1b[31mimage"],
      /image \/no\/such\\n\\x1b\[31mimage: no such file/,
    ],
    ["is a directory", ["run", scratch.folder], /it is a directory/],
    ["is empty", ["run", scratch.file("empty", "")], /image .*empty: the image is empty/],
    [
      "is gzip, cut off",
      ["run", scratch.file("cut.gz", gzipSync(elf).subarray(0, 500))],
      /cut\.gz: the gzip image is damaged or cut off/,
    ],
    [
      "is an ELF of another machine",
      ["run", patched("riscv.elf", (view) => view.setUint16(18, 243, true))],
      /riscv\.elf: the ELF image is for RISC-V; this machine is arm64/,
    ],
    [
      "is an ELF, cut off",
      ["run", scratch.file("cut.elf", elf.subarray(0, 4000))],
      /cut\.elf: the ELF image/,
    ],
    ["never ends", ["run", "/dev/zero", "--memory", "1M"], /\/dev\/zero: it has more than 1048576 bytes/],
    [
      "is an initrd larger than memory",
      ["run", spin, "--memory", "1M", "--initrd", scratch.file("big", new Uint8Array(2 << 20))],
      /--initrd .*big: it has more than 1048576 bytes/,
    ],
    [
      "is an initrd for which no room is left",
      ["run", spin, "--memory", "16M", "--initrd", scratch.file("large", new Uint8Array(12 << 20))],
      /the initrd .*outside the guest's RAM.*give the guest more memory/,
    ],
    ["is a missing initrd", ["run", spin, "--initrd", "/no/such"], /--initrd \/no\/such: no such file/],
    [
      "is a device tree, cut off",
      ["run", spin, "--dtb", scratch.file("cut.dtb", tree.subarray(0, tree.length - 8))],
      /--dtb .*cut\.dtb: .*says it has/,
    ],
    ["is no device tree", ["run", spin, "--dtb", hello], /--dtb .*hello\.elf: not a device tree blob/],
    ["is an ELF given as firmware", ["run", hello, "--firmware"], /the firmware is an ELF file/],
    [
      "is a trace in a missing folder",
      ["run", hello, "--trace", "exits=/no/such/file"],
      /--trace exits=\/no\/such\/file: no such file/,
    ],
    ["has no symbols", ["symbols", spin], /neither an arm64 Linux Image nor an ELF file/],
    ["is to be disassembled where it is not", ["disassemble", hello, "--address", "0x10"], /0x10 is not in/],
    ["has no such symbol", ["disassemble", hello, "--symbol", "nobody"], /--symbol nobody: .*no such symbol/],
  ])("%s", (_, args, line) => expectRefusal(args, line));
});

describe("one line and status 1 for an option that", () => {
  it.each<[string, string[], RegExp]>([
    ["does not exist", ["run", hello, "--frobnicate"], /unknown option '--frobnicate'; see vmexit --help/],
    ["has a name of two lines", ["run", hello, "--a\tb"], /unknown option '--a\\tb'/],
    ["lacks its value", ["run", hello, "--memory"], /--memory/],
    ["has no image with it", ["run"], /missing required argument 'image'/],
    ["stands beside two images", ["run", hello, hello], /too many arguments/],
    ["is no command", ["walk"], /unknown command 'walk'/],
    [
      "is a size without a unit",
      ["run", hello, "--memory", "1"],
      /--memory 1: the unit is missing; write 1M/,
    ],
    ["is too large a size", ["run", hello, "--memory", "5G"], /--memory 5G: too much/],
    ["is a negative size", ["run", hello, "--memory=-1"], /--memory -1: not a size/],
    ["is a size in hexadecimal", ["run", hello, "--memory", "0x10000000"], /--memory 0x10000000: not a size/],
    ["is a size of less than a page", ["run", hello, "--memory", "1K"], /--memory 1K: too little/],
    ["is a size that is no whole page", ["run", hello, "--memory", "1025K"], /multiples of 4K/],
    ["is no CPU at all", ["run", hello, "--cpus", "0"], /--cpus 0: .*between 1 and 8/],
    ["is too many CPUs", ["run", hello, "--cpus", "9"], /--cpus 9: .*between 1 and 8/],
    ["is not a number of CPUs", ["run", hello, "--cpus", "x"], /--cpus x: .*between 1 and 8/],
    ["is an unknown GIC", ["run", hello, "--gic", "4"], /--gic 4: it takes 2 or 3/],
    ["is an unknown engine", ["run", hello, "--engine", "magic"], /--engine magic: it takes interpreter/],
    ["is no limit", ["run", hello, "--limit", "1e9"], /--limit 1e9: .*whole number/],
    ["is no seed", ["run", hello, "--seed", "0x10000000000000000"], /--seed .*at most 64 bits/],
    ["is no time", ["run", hello, "--rtc", "tomorrow"], /--rtc tomorrow/],
    ["is an unknown trace", ["run", hello, "--trace", "pages=f"], /--trace pages=f: it takes exits=FILE/],
    ["is a port too high", ["run", hello, "--gdb=65536"], /gdb: "65536" is not an address/],
    ["is a port with letters", ["run", hello, "--gdb=12ab"], /gdb: "12ab" is not an address/],
    ["waits for no debugger", ["run", hello, "--wait"], /--wait: .*needs --gdb/],
    ["limits a debugged guest", ["run", hello, "--gdb=0", "--limit", "5"], /--limit: .*--gdb/],
    [
      "mixes firmware and initrd",
      ["run", spin, "--firmware", "--initrd", spin],
      /--initrd goes with a kernel, not with --firmware/,
    ],
    ["says where twice", ["disassemble", hello, "--symbol", "main", "--address", "4"], /either --symbol or/],
  ])("%s", (_, args, line) => expectRefusal(args, line));
});

describe("a gdb server's place", () => {
  const server = createServer();
  let port = 0;
  beforeAll(
    () =>
      new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          const address = server.address();
          port = typeof address === "object" ? (address?.port ?? 0) : 0;
          resolve();
        });
      }),
  );
  afterAll(() => server.close());

  it("is refused when it is in use", () => {
    expectRefusal(["run", spin, `--gdb=${port}`], /gdb: 127\.0\.0\.1:\d+ is in use; choose another port/);
  });

  it("is refused when it is no address of this machine", () => {
    expectRefusal(["run", spin, "--gdb=192.0.2.1:1"], /gdb: 192\.0\.2\.1:1 is no address of this machine/);
  });
});

describe.skipIf(!existsSync("/dev/full"))(
  "one line and status 1 when there is no room for the output of",
  () => {
    it.each(["run", "symbols"])("vmexit %s", (command) => {
      const full = openSync("/dev/full", "w");
      const { status, stderr } = spawnSync(process.execPath, [main, command, hello], {
        stdio: ["ignore", full, "pipe"],
        encoding: "utf8",
      });
      closeSync(full);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: "vmexit: standard output: no room left on the disk\n",
      });
    });
  },
);

describe("help and version", () => {
  it("go to standard output with status 0", () => {
    const help = vmexit(["run", "--help"]);
    expect(help).toMatchObject({ status: 0, stderr: "" });
    for (const option of ["--initrd", "--append", "--memory", "--gdb", "--limit"]) {
      expect(help.stdout).toContain(option);
    }
    expect(vmexit(["--version"])).toMatchObject({ status: 0, stderr: "", stdout: "0.1.0\n" });
  });
});
