import { describe, expect, it } from "vitest";
import { main, start } from "../cli/support/cli.ts";
import { requireTool } from "../support/tools.ts";

const debian = new URL("../../.cache/debian-arm64/", import.meta.url).pathname;
const kernel = `${debian}vmlinuz`;
const initrd = `${debian}initramfs.cpio.gz`;
const debianKernel = requireTool("debian-arm64");
const uBoot = requireTool("u-boot-qemu");
const edk2 = requireTool("qemu-efi-aarch64");
const minutes = 60_000;

const boot = (...options: readonly string[]) =>
  start(process.execPath, [
    main,
    "run",
    kernel,
    "--initrd",
    initrd,
    "--append",
    "console=ttyAMA0",
    "--stats",
    ...options,
  ]);

describe.skipIf(!debianKernel.available)("Debian's arm64 kernel, unmodified", () => {
  it.each([["2", "2"]])(
    "boots on %s CPUs with a GICv%s to a script that runs programs, and powers off",
    async (cpus, gic) => {
      const run = boot("--cpus", cpus, "--gic", gic);
      expect(await run.ended).toBe(0);
      const console = run.stdout();
      expect(console).toContain(`smp: Brought up 1 node, ${cpus} CPU`);
      expect(console).toContain("check sha256sum: ok");
      expect(console).toContain("check awk-double: ok");
      expect(console).not.toContain("FAILED");
      expect(console).toContain("VMEXIT-BOOT-OK");
      expect(console).toContain("reboot: Power down");
      expect(run.stderr()).toMatch(/instructions\s+[\d,]{11,}/);
    },
    5 * minutes,
  );

  it(
    "moves itself when it is given a seed, and boots all the same",
    async () => {
      const run = boot("--seed", "42");
      expect(await run.ended).toBe(0);
      expect(run.stdout()).toContain("VMEXIT-BOOT-OK");
      expect(run.stdout()).toContain("KASLR enabled");
    },
    5 * minutes,
  );

  it(
    "gets all of its input, which was there before it listened",
    async () => {
      const run = boot("--append", "console=ttyAMA0 rdinit=/bin/sh quiet");
      run.child.stdin?.end(`echo ${"x".repeat(200)} | busybox wc -c\nbusybox poweroff -f\n`);
      expect(await run.ended).toBe(0);
      expect(run.stdout()).toMatch(/\n201\r\n/);
    },
    5 * minutes,
  );

  it(
    "prints the same bytes on every run",
    async () => {
      const first = boot("--limit", "400000000");
      const second = boot("--limit", "400000000");
      expect(await first.ended).toBe(2);
      expect(await second.ended).toBe(2);
      expect(first.stdout().length).toBeGreaterThan(0);
      expect(second.stdout()).toBe(first.stdout());
    },
    5 * minutes,
  );
});

describe.skipIf(!uBoot.available)("Debian's U-Boot for QEMU", () => {
  it(
    "starts as firmware, takes commands at its prompt, and powers the machine off",
    async () => {
      const run = start(process.execPath, [
        main,
        "run",
        "/usr/lib/u-boot/qemu_arm64/u-boot.bin",
        "--firmware",
      ]);
      await run.says("Hit any key to stop autoboot");
      run.child.stdin?.write("\n");
      await run.says("=> ");
      run.child.stdin?.write("version\n");
      await run.says("aarch64-linux-gnu-gcc");
      run.child.stdin?.write("bdinfo\n");
      await run.says("relocaddr");
      run.child.stdin?.write("poweroff\n");
      expect(await run.ended).toBe(0);
    },
    3 * minutes,
  );
});

describe.skipIf(!edk2.available)("Debian's EDK2 for arm64", () => {
  it(
    "starts as firmware, keeps variables in flash, and powers the machine off from its shell",
    async () => {
      const image = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd";
      const run = start(process.execPath, [main, "run", image, "--firmware"]);
      await run.says("to skip");
      run.child.stdin?.write("\x1b");
      await run.says("Shell> ");
      run.child.stdin?.write(
        'setvar answer -guid 12345678-1234-1234-1234-123456789abc -nv -bs ="forty-two"\r',
      );
      await run.says("Shell> ");
      run.child.stdin?.write("dmpstore -guid 12345678-1234-1234-1234-123456789abc\r");
      await run.says("*forty-two*");
      run.child.stdin?.write("reset -s\r");
      expect(await run.ended).toBe(0);
    },
    5 * minutes,
  );
});
