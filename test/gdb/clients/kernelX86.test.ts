import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatGdbAddress } from "../../../src/gdb/address.ts";
import { kvm, x86Target } from "../../debugger/support/x86.ts";
import { requireTool } from "../../support/tools.ts";
import { serve } from "../support/serving.ts";
import { runTool } from "../support/tools.ts";

const gdb = requireTool("gdb-multiarch");
const kernel = new URL("../../../.cache/debian-amd64/vmlinux", import.meta.url).pathname;
const present = existsSync(kernel);
if (!present)
  process.stderr.write("SKIPPED: Debian's amd64 kernel is not fetched (run scripts/fetch-debian-amd64.sh)\n");

/** Clearing the kernel's 21 MB of zeros takes a KVM without hardware help half a minute, and more on a loaded machine. */
const patience = 240_000;

describe.skipIf(!kvm.available || !gdb.available || !present)("Debian's amd64 kernel on /dev/kvm", () => {
  it(
    "is entered by PVH, and stops in gdb at start_kernel with its symbols",
    async () => {
      const guest = await x86Target(kernel, {
        memoryMiB: 256,
        // KASLR is the packed kernel's: this one stays where it was linked, and its symbols hold.
        commandLine: "console=ttyS0 earlyprintk=ttyS0,115200",
      });
      const { session } = guest;
      const server = await serve(guest.target);
      try {
        expect(session.current.register("rbx")).toBe(0x9_2000n);
        const address = guest.address("start_kernel");
        const commands = [
          "set pagination off",
          `target remote ${formatGdbAddress(server.address)}`,
          `hbreak *0x${address.toString(16)}`,
          "continue",
          "monitor symbols start_kernel",
          "monitor backtrace",
          "x/i $pc",
          "stepi",
          "monitor cpu",
          "monitor translate $pc",
          "kill",
        ];
        const argv = ["-q", "-nx", "--batch", ...commands.flatMap((command) => ["-ex", command])];
        const output = await runTool("gdb-multiarch", argv);
        expect(output).toContain(`Breakpoint 1, 0x${address.toString(16)} in ?? ()`);
        expect(output).toMatch(/#0 0xffffffff[0-9a-f]+ start_kernel\+0x0/);
        expect(output).toMatch(/cpu0: long mode, 64-bit code, CPL 0/);
      } finally {
        await server.close();
        guest.close();
      }
    },
    patience,
  );

  it("says of the packed kernel what to use instead", async () => {
    const { readProgramSymbols } = await import("../../../src/debugger/programSymbols.ts");
    const packed = readFileSync(kernel.replace("vmlinux", "vmlinuz"));
    await expect(readProgramSymbols(packed)).rejects.toThrow(/a bzImage is packed; unpack the vmlinux/);
  });

  it("has the symbols of its own table", async () => {
    const { readProgramSymbols } = await import("../../../src/debugger/programSymbols.ts");
    const { symbols, kernel: moved } = await readProgramSymbols(readFileSync(kernel));
    expect(symbols.size).toBeGreaterThan(50_000);
    expect(symbols.describe(symbols.addressOf("start_kernel") ?? 0n)).toBe("start_kernel");
    expect(moved).toBeUndefined();
  });
});
