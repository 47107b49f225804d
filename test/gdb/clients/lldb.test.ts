import { describe, expect, it } from "vitest";
import { formatGdbAddress } from "../../../src/gdb/address.ts";
import { counterProgram } from "../support/assembler.ts";
import { LldbPrompt } from "../support/lldb.ts";
import { serve } from "../support/serving.ts";
import { TinyMachine, type TinyOptions } from "../support/tinyMachine.ts";
import { hasTool, runTool } from "../support/tools.ts";

const PRESENT = hasTool("lldb");
if (!PRESENT) process.stderr.write("SKIPPED: lldb is not installed (apt install lldb)\n");

/** Runs LLDB on a tiny machine with these commands; returns its output and the machine. */
async function debug(commands: readonly string[], guest: TinyOptions & { readonly most?: number } = {}) {
  const machine = new TinyMachine(counterProgram(guest.most ?? 2000), guest);
  const server = await serve(machine);
  const script = [`gdb-remote ${formatGdbAddress(server.address)}`, ...commands, "quit"];
  const argv = ["-x", "-b", ...script.flatMap((command) => ["-o", command])];
  const output = await runTool("lldb", argv);
  await server.close();
  return { machine, output };
}

describe.skipIf(!PRESENT)("LLDB", () => {
  it("accepts the description and shows threads and registers", async () => {
    const { output } = await debug(
      [
        "thread list",
        "register read pc sp x29 cpsr v0 fpcr MIDR_EL1",
        "register write x5 0x1234",
        "register read x5",
      ],
      { cpus: 2 },
    );
    expect(output).toMatch(/thread #1: tid = 0x0001, 0x0*40000000, name = 'cpu0'/);
    expect(output).toMatch(/thread #2: tid = 0x0002, 0x0*40000100, name = 'cpu1'/);
    expect(output).toMatch(/pc = 0x0*40000000/);
    expect(output).toMatch(/sp = 0x0*40010000/);
    expect(output).toMatch(/cpsr = 0x000003c5/);
    expect(output).toMatch(/MIDR_EL1 = 0x410fd034/);
    expect(output).toMatch(/x5 = 0x0*1234/);
  });

  it("disassembles, steps and moves memory", async () => {
    const { machine, output } = await debug([
      "disassemble --start-address 0x40000000 --count 2",
      "thread step-inst",
      "thread step-inst",
      "register read pc x0",
      "memory write 0x40003000 1 2 0x7d 4",
      "memory read -c 4 0x40003000",
      "memory region 0x40000000",
    ]);
    expect(output).toMatch(/mov +x1, #0x40000000/);
    expect(output).toMatch(/stop reason = instruction step into/);
    expect(output).toMatch(/pc = 0x0*40000008/);
    expect(output).toContain("01 02 7d 04");
    expect(output).toMatch(/\[0x0*40000000-0x0*40010000\) rwx ram/);
    expect(machine.ram[0x3002]).toBe(0x7d);
  });

  it("stops at breakpoints and gets past watchpoints", async () => {
    const { output } = await debug([
      "breakpoint set -a 0x40000008",
      "continue",
      "continue",
      "register read x0",
      "breakpoint delete -f",
      "watchpoint set expression -s 8 -- 0x40001000",
      "continue",
      "continue",
      "register read x0",
    ]);
    expect(output.match(/stop reason = breakpoint 1\.1/g)).toHaveLength(2);
    expect(output).toMatch(/x0 = 0x0*2\n/);
    expect(output.match(/stop reason = watchpoint 1/g)).toHaveLength(2);
    expect(output).toMatch(/old value: 1\nnew value: 2/);
    expect(output).toMatch(/old value: 2\nnew value: 3/);
  });

  it("is told why a breakpoint cannot be, and of unmapped memory", async () => {
    const { output } = await debug(["breakpoint set -a 0x1000", "memory read 0x1000"]);
    expect(output).toContain("failed to set breakpoint site at 0x1000");
    expect(output).toContain("memory read failed for 0x1000");
  });

  it("interrupts a running guest", async () => {
    const machine = new TinyMachine(counterProgram(0));
    const server = await serve(machine);
    const lldb = LldbPrompt.start([`gdb-remote ${formatGdbAddress(server.address)}`]);
    await lldb.ask("continue");
    expect(await lldb.interrupt()).toMatch(/stop reason = signal SIGINT/);
    expect(machine.status().kind).toBe("stopped");
    expect(await lldb.ask("register read pc")).toMatch(/pc = 0x0*400000[01]/);
    await lldb.askFor("detach", /Process 1 detached/);
    await lldb.quit();
    expect(machine.resumes).toBe(1);
    expect(machine.status().kind).toBe("running");
    machine.interrupt();
    await server.close();
  });

  it("steps one vCPU, and sees the guest power off", async () => {
    const { output } = await debug(
      [
        "thread select 2",
        "thread step-inst",
        "register read pc",
        "thread select 1",
        "register write pc 0x40000018",
        "continue",
      ],
      { cpus: 2 },
    );
    expect(output).toMatch(/pc = 0x0*40000104/);
    expect(output).toContain("exited with status = 7");
  });

  it("detaches and leaves the guest running", async () => {
    const { machine, output } = await debug(["detach"], { most: 0 });
    expect(output).toContain("detached");
    expect(machine.status().kind).toBe("running");
    machine.interrupt();
  });

  it("runs monitor commands", async () => {
    const { output } = await debug(["process plugin packet monitor help"]);
    expect(output).toContain("help     this list");
  });
});
