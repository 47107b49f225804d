import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeCpio } from "../../scripts/initramfs/cpio.ts";
import { BOOT_OK_MARKER, fixedFile, initScript } from "../../scripts/initramfs/init.ts";
import { requireTool } from "../support/tools.ts";

const cpio = requireTool("cpio");
const qemu = requireTool("qemu-system-aarch64");
const debian = requireTool("debian-arm64");
const cache = new URL("../../.cache/debian-arm64/", import.meta.url).pathname;

describe.skipIf(!cpio.available)("the cpio writer", () => {
  it("writes what GNU cpio unpacks to the same tree", () => {
    const archive = writeCpio([
      { kind: "directory", path: "bin" },
      { kind: "file", path: "bin/tool", bytes: fixedFile(), executable: true },
      { kind: "file", path: "five", bytes: new TextEncoder().encode("12345") },
      { kind: "file", path: "empty", bytes: new Uint8Array() },
      { kind: "link", path: "bin/sh", target: "tool" },
    ]);
    const folder = mkdtempSync(join(tmpdir(), "vmexit-cpio-"));
    try {
      const run = spawnSync("cpio", ["-idm", "--quiet"], { cwd: folder, input: archive });
      expect(run.stderr.toString()).toBe("");
      expect(run.status).toBe(0);
      expect(new Uint8Array(readFileSync(join(folder, "bin/sh")))).toEqual(fixedFile());
      expect(readFileSync(join(folder, "five"), "utf8")).toBe("12345");
      expect(readFileSync(join(folder, "empty")).length).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("lists a device node with its numbers", () => {
    const archive = writeCpio([{ kind: "device", path: "console", major: 5, minor: 1 }]);
    const run = spawnSync("cpio", ["-itv", "--quiet"], { input: archive });
    expect(run.stdout.toString()).toMatch(/^crw------- .* 5, +1 .*console$/m);
  });
});

describe("the initramfs's /init", () => {
  it("names no check twice", () => {
    const names = [...initScript().matchAll(/^check ([\w-]+) /gm)].map((match) => match[1]);
    expect(names.length).toBeGreaterThan(5);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe.skipIf(!qemu.available || !debian.available)("Debian's arm64 kernel under QEMU", () => {
  it("boots the initramfs, passes every check and powers off", () => {
    const run = spawnSync(
      "qemu-system-aarch64",
      [
        ...["-M", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-no-reboot"],
        ...["-kernel", join(cache, "vmlinuz"), "-initrd", join(cache, "initramfs.cpio.gz")],
        ...["-append", "console=ttyAMA0 quiet"],
      ],
      { encoding: "utf8", timeout: 100_000, input: "" },
    );
    expect(run.stdout).not.toMatch(/FAILED/);
    expect(run.stdout).toContain(BOOT_OK_MARKER);
    expect(run.signal).toBeNull();
    expect(run.status).toBe(0);
  }, 120_000);
});
