import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeCpio } from "../../scripts/initramfs/cpio.ts";
import { fileOffsetOf } from "../../scripts/initramfs/elf.ts";
import { BOOT_OK_MARKER, fixedFile, initScript } from "../../scripts/initramfs/init.ts";
import { fillKernelModule } from "../../scripts/initramfs/kernelModule.ts";
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

describe("a kernel module for the initramfs", () => {
  const linux = new URL("../../guests/linux-arm64/", import.meta.url).pathname;
  const template = readFileSync(join(linux, "traps/traps.ko"));

  it.skipIf(!debian.available)("takes over what another module of the kernel says of it", () => {
    const reference = readFileSync(join(cache, "modules/failover.ko"));
    const filled = Buffer.from(fillKernelModule(template, reference)).toString("latin1");
    const magic = /vermagic=[^\0]+/.exec(reference.toString("latin1"))?.[0] ?? "";
    expect(magic).toMatch(/aarch64$/);
    expect(filled).toContain(`${magic}\0`);
    expect(filled.length).toBe(template.length);
    const checksum = (module: string): string => /.{8}(?=module_layout\0)/s.exec(module)?.[0] ?? "";
    expect(checksum(filled)).toBe(checksum(reference.toString("latin1")));
  });

  it("is made of modules only", () => {
    expect(() => fillKernelModule(template, new Uint8Array(100))).toThrow("not an ELF file");
    const program = readFileSync(join(linux, "ptrace/ptrace.elf"));
    expect(() => fillKernelModule(template, program)).toThrow("no section .modinfo");
    expect(() => fileOffsetOf(program, "nobody")).toThrow("no symbol nobody");
    const at = fileOffsetOf(program, "probed");
    // ADD X0, X0, #3
    expect(program.readUInt32LE(at).toString(16)).toBe("91000c00");
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
  it("boots the initramfs, passes every check, those of debug hardware too, and powers off", () => {
    const run = spawnSync(
      "qemu-system-aarch64",
      [
        ...["-M", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-no-reboot"],
        ...["-kernel", join(cache, "vmlinuz"), "-initrd", join(cache, "initramfs.cpio.gz")],
        ...["-append", "console=ttyAMA0 quiet vmexit.debug"],
      ],
      { encoding: "utf8", timeout: 100_000, input: "" },
    );
    expect(run.stdout).not.toMatch(/FAILED/);
    expect(run.stdout).toContain("vmexit: debug checks done");
    expect(run.stdout).toContain(BOOT_OK_MARKER);
    expect(run.signal).toBeNull();
    expect(run.status).toBe(0);
  }, 120_000);
});
