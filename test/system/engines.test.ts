import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { arm64Reg } from "../../src/kvm/oneReg.ts";
import { openImage } from "../../src/machine/boot/open.ts";
import { planBoot } from "../../src/machine/boot/planBoot.ts";
import { writeFdt } from "../../src/machine/fdt/write.ts";
import { requireTool } from "../support/tools.ts";
import { GuestRun, type RunOptions } from "../vmm/support/guestRun.ts";

const debian = requireTool("debian-arm64");
const folder = new URL("../../.cache/debian-arm64/", import.meta.url).pathname;

/** Boots Debian's kernel to its power-off and says everything that must not depend on how it is executed. */
async function boot(slice: number, engine: Pick<RunOptions, "engine" | "heat">) {
  const memoryBytes = 256 << 20;
  const run = new GuestRun({ memoryBytes, cpus: 2, ...engine });
  const { board, vm } = run.machine;
  const image = await openImage(new Uint8Array(readFileSync(`${folder}vmlinuz`)), memoryBytes);
  run.machine.boot(
    planBoot(
      { ram: board.ram, flash: board.flash },
      {
        image,
        initrd: new Uint8Array(readFileSync(`${folder}initramfs.cpio.gz`)),
        deviceTree: (initrd) =>
          writeFdt(board.deviceTree({ commandLine: "console=ttyAMA0", ...(initrd && { initrd }) })),
      },
    ),
  );
  const exits = createHash("sha256");
  let count = 0;
  run.machine.onExit = (vcpu, exit) => {
    // Where the host interrupts is no business of the guest.
    if (exit.reason === "INTR") return;
    count++;
    exits.update(`${vcpu} ${exit.reason} ${run.machine.now}\n`);
  };
  const stop = run.until(20_000_000_000, slice);
  const ids = [...Array.from({ length: 31 }, (_, n) => arm64Reg.x(n)), arm64Reg.pc, arm64Reg.pstate];
  return {
    stop,
    nanoseconds: run.machine.now,
    instructions: run.machine.instructions,
    exits: `${count} ${exits.digest("hex")}`,
    console: run.console,
    memory: createHash("sha256")
      .update(vm.readMemory(board.ram.base, Number(board.ram.size)))
      .digest("hex"),
    registers: vm.vcpus.map((vcpu) => ids.map((id) => vcpu.getOneReg(id))),
  };
}

describe.skipIf(!debian.available)("Debian's kernel on two CPUs", () => {
  it("boots to the same end interpreted and compiled, in slices of any size", async () => {
    const interpreted = await boot(100_000_000, { engine: "interpreter" });
    expect(interpreted.stop).toEqual({ kind: "system", event: "SHUTDOWN" });
    const compiled = await boot(777_777, { engine: "auto" });
    expect(compiled.console).toBe(interpreted.console);
    expect(compiled).toEqual(interpreted);
  }, 300_000);
});
