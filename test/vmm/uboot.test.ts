import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { planFirmware } from "../../src/machine/boot/planFirmware.ts";
import { writeFdt } from "../../src/machine/fdt/write.ts";
import { requireTool } from "../support/tools.ts";
import { GuestRun } from "./support/guestRun.ts";

const uboot = requireTool("u-boot-qemu");
const image = "/usr/lib/u-boot/qemu_arm64/u-boot.bin";

/** Starts U-Boot as `-bios` does, in read-only flash with the device tree at the start of RAM. */
function start(): GuestRun {
  const run = new GuestRun({ memoryBytes: 256 << 20 });
  const { board } = run.machine;
  const deviceTree = writeFdt(board.deviceTree({ commandLine: "" }));
  run.machine.boot(
    planFirmware({ ram: board.ram, flash: board.flash }, new Uint8Array(readFileSync(image)), deviceTree),
  );
  return run;
}

describe.skipIf(!uboot.available)("U-Boot", () => {
  it("comes up to its prompt, answers what is typed, resets and powers off", () => {
    const run = start();
    run.waitFor("Hit any key to stop autoboot");
    run.type("\n");
    run.waitFor("=> ");
    expect(run.console).toContain("DRAM:  256 MiB");
    expect(run.console).toContain("In:    pl011@9000000");

    run.type("version\n");
    run.waitFor("GNU ld");
    run.waitFor("=> ");
    run.type("bdinfo\n");
    run.waitFor("=> ");
    // As on QEMU with the same memory.
    expect(run.console).toContain("-> start    = 0x0000000040000000\r\n-> size     = 0x0000000010000000\r\n");
    expect(run.console).toContain("Build       = 64-bit\r\n");

    run.type("mw.l 48000000 12345678 4; md.l 48000000 4\n");
    run.waitFor("48000000: 12345678 12345678 12345678 12345678");
    run.waitFor("=> ");

    run.type("reset\n");
    expect(run.until(2_000_000_000)).toEqual({ kind: "system", event: "RESET" });
    run.machine.reset();
    run.waitFor("Hit any key to stop autoboot");
    run.type("\n");
    run.waitFor("=> ");
    run.type("poweroff\n");
    expect(run.until(2_000_000_000)).toEqual({ kind: "system", event: "SHUTDOWN" });
  });
});
