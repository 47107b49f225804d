import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openImage } from "../../src/machine/boot/open.ts";
import { planBoot } from "../../src/machine/boot/planBoot.ts";
import { writeFdt } from "../../src/machine/fdt/write.ts";
import { requireTool } from "../support/tools.ts";
import { GuestRun } from "./support/guestRun.ts";

const debian = requireTool("debian-arm64");
const folder = new URL("../../.cache/debian-arm64/", import.meta.url).pathname;

async function boot(cpus: number, gicVersion: 2 | 3): Promise<GuestRun> {
  const memoryBytes = 512 << 20;
  const run = new GuestRun({ memoryBytes, cpus, gicVersion });
  const { board } = run.machine;
  const image = await openImage(new Uint8Array(readFileSync(`${folder}vmlinuz`)), memoryBytes);
  const plan = planBoot(
    { ram: board.ram, flash: board.flash },
    {
      image,
      initrd: new Uint8Array(readFileSync(`${folder}initramfs.cpio.gz`)),
      deviceTree: (initrd) =>
        writeFdt(board.deviceTree({ commandLine: "console=ttyAMA0", ...(initrd && { initrd }) })),
    },
  );
  run.machine.boot(plan);
  return run;
}

describe.skipIf(!debian.available)("Debian's kernel", () => {
  it.each([
    [1, 3],
    [4, 3],
    [2, 2],
  ] as const)(
    "boots on %i CPUs with a GICv%i to the end of its init, and powers off",
    async (cpus, gicVersion) => {
      const run = await boot(cpus, gicVersion);
      const stop = run.until(20_000_000_000);
      expect(run.console).toContain("VMEXIT-BOOT-OK");
      expect(run.console).not.toMatch(/WARNING: CPU|Kernel panic|Oops|BUG:|rcu: INFO|check .*: (?!ok)/);
      expect(run.console).toMatch(new RegExp(`smp: Brought up 1 node, ${cpus} CPU`));
      expect(stop).toEqual({ kind: "system", event: "SHUTDOWN" });
    },
    180_000,
  );
});
