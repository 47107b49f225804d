import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BOOT_OK_MARKER } from "../../../scripts/initramfs/init.ts";
import { requireTool } from "../../support/tools.ts";
import { runTool } from "../support/tools.ts";
import { kernel, kernelSymbols, printedSoon, serveKernel } from "./support/debian.ts";

const lldb = requireTool("lldb");

describe.skipIf(!lldb.available || !kernel.available)("LLDB on a Linux kernel", () => {
  let symbols: Awaited<ReturnType<typeof kernelSymbols>>;
  beforeAll(async () => {
    symbols = await kernelSymbols();
  });
  afterAll(() => symbols.remove());

  const hex = (name: string): string => (symbols.table.addressOf(name) ?? 0n).toString(16);

  /** Runs LLDB on a kernel that has not executed anything yet; returns what it prints. */
  async function debug(commands: readonly string[], cpus = 1) {
    const guest = await serveKernel({ cpus });
    const script = [`target create ${symbols.file}`, `gdb-remote ${guest.place}`, ...commands, "quit"];
    const argv = ["-x", "-b", ...script.flatMap((command) => ["-o", command])];
    const output = await runTool("lldb", argv, { runs: guest.runs });
    return { guest, output };
  }

  it("stops at breakpoints set before the MMU is on, steps and shows the stack", async () => {
    const { guest, output } = await debug([
      "register read pc SCTLR_EL1",
      "breakpoint set -H -n start_kernel",
      "breakpoint set -n rest_init",
      "continue",
      "register read pc VBAR_EL1",
      "thread step-inst",
      "thread step-inst",
      "register read pc",
      "continue",
      "thread backtrace",
      "process plugin packet monitor stats",
      "process kill",
    ]);
    expect(output).toMatch(/pc = 0x0*40200000/);
    expect(output).toMatch(new RegExp(`pc = 0x0*${hex("start_kernel")}`));
    expect(output).toMatch(new RegExp(`VBAR_EL1 = 0x0*${hex("vectors")}`));
    expect(output).toMatch(/stop reason = breakpoint 1\.1/);
    expect(output).toMatch(/stop reason = breakpoint 2\.1/);
    expect(output).toMatch(/frame #0: 0x\S+ \S*`rest_init/);
    expect(output).toMatch(/frame #2: 0x\S+ \S*`start_kernel/);
    expect(guest.session.status.kind).toBe("ended");
    await guest.server.close();
  }, 60_000);

  it("watches memory, sees four vCPUs and lets the boot complete", async () => {
    const { guest, output } = await debug(
      [
        "breakpoint set -n start_kernel -o true",
        "continue",
        "thread list",
        "watchpoint set expression -w write -s 8 -- $sp - 16",
        "continue",
        "continue",
        "watchpoint delete -f",
        "process detach",
      ],
      4,
    );
    expect(output).toMatch(/thread #4: tid = 0x0004.*name = 'cpu3'/);
    expect(output.match(/stop reason = watchpoint 1/g)?.length).toBeGreaterThanOrEqual(2);
    expect(guest.session.status.kind).toBe("running");
    expect(await printedSoon(guest, BOOT_OK_MARKER, 50_000)).toBe(true);
    guest.session.stop();
    await guest.server.close();
  }, 90_000);
});
