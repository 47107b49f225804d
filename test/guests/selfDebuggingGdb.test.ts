import { describe, expect, it } from "vitest";
import { formatGdbAddress } from "../../src/gdb/address.ts";
import { DebuggerTarget } from "../../src/gdb/debuggerTarget/target.ts";
import { debugOwnGuest } from "../debugger/support/guest.ts";
import { serve } from "../gdb/support/serving.ts";
import { runTool } from "../gdb/support/tools.ts";
import { requireTool } from "../support/tools.ts";
import { manual, selfDebugging } from "./support/selfDebugging.ts";

const gdb = requireTool("gdb-multiarch");

// None of gdb's breakpoints is on a BRK of the guest's: gdb takes those for "permanent" ones, and moves the PC over them itself.

/** Lets gdb-multiarch debug the guest with these commands until the guest has powered off. */
async function debug(commands: readonly string[]) {
  const guest = await debugOwnGuest("debug");
  const server = await serve(new DebuggerTarget(guest.session));
  const script = [
    "set pagination off",
    "set confirm off",
    `file ${selfDebugging.elf}`,
    `target remote ${formatGdbAddress(server.address)}`,
    ...commands,
  ];
  const argv = ["-q", "-nx", "--batch", ...script.flatMap((command) => ["-ex", command])];
  const output = await runTool("gdb-multiarch", argv, {});
  await server.close();
  return { ...guest, output };
}

describe.skipIf(!gdb.available)("S1.7, S1.8: a guest that debugs itself, under gdb-multiarch", () => {
  it("with nothing planted", async () => {
    const { output, printed } = await debug(["continue"]);
    expect(printed().split("\n")).toEqual(manual);
    expect(output).toContain("exited normally");
  });

  it("with breakpoints and a watchpoint on what it debugs, which gdb passes by its ignore counts", async () => {
    const { output, printed } = await debug([
      "break *((char *)el1_brk_twice + 4)",
      "hbreak *el0_nops",
      "break *el0_step_through",
      "hbreak *el1_step_exclusive",
      "watch *(long *)((char *)memory + 0x840)",
      ...[1, 2, 3, 4, 5].map((n) => `ignore ${n} 100000`),
      "continue",
      "info breakpoints",
    ]);
    expect(printed().split("\n")).toEqual(manual);
    expect(output).toContain("exited normally");
    const hits = [...output.matchAll(/breakpoint already hit (\d+) time/g)].map(([, count]) => Number(count));
    expect(hits.length).toBe(5);
    expect(Math.min(...hits)).toBeGreaterThan(0);
  });

  it("stopped, stepped and continued by hand", async () => {
    const { output, printed } = await debug([
      "break *el1_step_through",
      "continue",
      ...Array.from({ length: 12 }, () => "stepi"),
      "hbreak *((char *)el0_brk_twice + 4)",
      "continue",
      "stepi",
      "stepi",
      "p/x $ESR_EL1 >> 26",
      "delete",
      "continue",
    ]);
    expect(printed().split("\n")).toEqual(manual);
    expect(output).toContain("= 0x3c");
    expect(output).toContain("exited normally");
  });
});
