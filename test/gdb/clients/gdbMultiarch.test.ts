import { describe, expect, it } from "vitest";
import { formatGdbAddress } from "../../../src/gdb/address.ts";
import { counterProgram } from "../support/assembler.ts";
import { serve } from "../support/serving.ts";
import { TinyMachine, type TinyOptions } from "../support/tinyMachine.ts";
import { hasTool, runTool } from "../support/tools.ts";

const PRESENT = hasTool("gdb-multiarch");
if (!PRESENT) process.stderr.write("SKIPPED: gdb-multiarch is not installed (apt install gdb-multiarch)\n");

interface Guest extends TinyOptions {
  readonly most?: number;
  readonly target?: "remote" | "extended-remote";
  readonly interrupts?: number;
}

/** Runs gdb on a tiny machine with these commands; returns its output and the machine. */
async function debug(commands: readonly string[], guest: Guest = {}) {
  const machine = new TinyMachine(counterProgram(guest.most ?? 2000), guest);
  const server = await serve(machine);
  const script = [
    "set pagination off",
    "set confirm off",
    `target ${guest.target ?? "remote"} ${formatGdbAddress(server.address)}`,
    ...commands,
  ];
  const argv = ["-q", "-nx", "--batch", ...script.flatMap((command) => ["-ex", command])];
  const output = await runTool("gdb-multiarch", argv, {
    interrupts: guest.interrupts ?? 0,
    runs: () => machine.resumes,
  });
  await server.close();
  return { machine, output };
}

describe.skipIf(!PRESENT)("gdb-multiarch", () => {
  it("accepts the description and reads every register of it", async () => {
    const { output } = await debug([
      "show architecture",
      "p/x $x0",
      "p $cpsr",
      "p $v3.d.u",
      "set $v3.q.u[0] = 0x1122334455667788",
      "p/x $v3.d.u[0]",
      "p $fpsr",
      "info registers system",
      "info all-registers",
    ]);
    expect(output).not.toMatch(/warning: .*(xml|description|architecture)/i);
    expect(output).toContain('(currently "aarch64")');
    expect(output).toContain("[ SP EL=1 F I A D");
    expect(output).toContain("= {0, 0}");
    expect(output).toContain("0x1122334455667788");
    expect(output).toMatch(/MIDR_EL1 +0x410fd034/);
    expect(output).toMatch(/fpcr/);
  });

  it("disassembles, steps and moves memory", async () => {
    const { machine, output } = await debug([
      "x/2i $pc",
      "stepi 3",
      "p $x0",
      "p/x $pc",
      "set {long}0x40003000 = 0x7d23242a0b03",
      "p/x {long}0x40003000",
      "p/x {int}0x10",
    ]);
    expect(output).toContain("mov\tx1, #0x40000000");
    expect(output).toContain("0x4000000c");
    expect(output).toContain("0x7d23242a0b03");
    expect(output).toContain("Cannot access memory at address 0x10");
    expect(machine.ram[0x3000]).toBe(0x03);
  });

  it("stops at breakpoints of both kinds, again and again", async () => {
    const { machine, output } = await debug([
      "break *0x40000008",
      "continue",
      "continue",
      "p $x0",
      "delete",
      "hbreak *0x40000010",
      "continue",
      "continue",
      "p $x0",
      "delete",
      "continue",
    ]);
    expect(output.match(/^Breakpoint 1,/gm)).toHaveLength(2);
    expect(output.match(/^Breakpoint 2,/gm)).toHaveLength(2);
    expect(output).toContain("$1 = 2");
    expect(output).toContain("$2 = 3");
    expect(output).toContain("exited with code 07");
    expect(machine.planted.size).toBe(0);
  });

  it("is told that a breakpoint cannot be", async () => {
    const { output } = await debug(["break *0x10", "continue"]);
    expect(output).toContain("Cannot access memory at address 0x10");
  });

  it("gets past watchpoints and sees old and new values", async () => {
    const { output } = await debug([
      "watch *(long*)0x40001000",
      "continue",
      "continue",
      "delete",
      "rwatch *(long*)0x40001000",
      "continue",
      "delete",
      "awatch *(long*)0x40001000",
      "continue",
      "continue",
    ]);
    expect(output).toMatch(/Hardware watchpoint 1.*\n\nOld value = 0\nNew value = 1\n/);
    expect(output).toMatch(/Hardware watchpoint 1.*\n\nOld value = 1\nNew value = 2\n/);
    expect(output).toMatch(/Hardware read watchpoint 2/);
    expect(output).toMatch(/Hardware access \(read\/write\) watchpoint 3[\s\S]*Old value = 2\nNew value = 3/);
  });

  it("has conditions evaluated in the target", async () => {
    const { machine, output } = await debug([
      "break *0x40000008 if $x0 == 1500 && *(long*)0x40001000 == 1499",
      "continue",
      "p $x0",
    ]);
    expect(output).toContain("$1 = 1500");
    expect(machine.log.filter((line) => line.startsWith("hit"))).toHaveLength(1500);
    expect(machine.resumes).toBe(1);
  });

  it("has dprintf done by the target", async () => {
    const { machine, output } = await debug(
      ["set dprintf-style agent", 'dprintf *0x40000008,"x0=%d x1=%#lx\\n",$x0,$x1', "continue"],
      { most: 3 },
    );
    expect(output).toMatch(/x0=1 x1=0x40000000\nx0=2 x1=0x40000000\nx0=3 x1=0x40000000\n/);
    expect(machine.resumes).toBe(1);
  });

  it("interrupts with Ctrl-C and goes on", async () => {
    const { output } = await debug(["continue", "p $x0 > 0", "continue", "p 40 + 2"], {
      most: 0,
      interrupts: 2,
    });
    expect(output.match(/received signal SIGINT/g)).toHaveLength(2);
    expect(output).toContain("$1 = 1");
    expect(output).toContain("$2 = 42");
  });

  it("shows every vCPU and steps the chosen one alone", async () => {
    const { machine, output } = await debug(
      ["info threads", "thread 2", "set scheduler-locking on", "stepi", "p/x $pc", "info threads"],
      { cpus: 2 },
    );
    expect(output).toMatch(/Thread 1\.2 "cpu1" \(at EL1 <tiny>\)/);
    expect(output).toContain("$1 = 0x40000104");
    expect(machine.log).toEqual([
      "resume 1:stop 2:step",
      "detach",
      expect.stringMatching(/^resume 1:continue/),
    ]);
  });

  it("goes back in time", async () => {
    const { output } = await debug(
      [
        "break *0x40000008",
        "continue",
        "continue",
        "continue",
        "p $x0",
        "reverse-continue",
        "p $x0",
        "reverse-stepi",
        "p/x $pc",
        "delete",
        "reverse-continue",
        "p/x $pc",
      ],
      { history: true },
    );
    expect(output).toContain("$1 = 3");
    expect(output).toContain("$2 = 2");
    expect(output).toContain("$3 = 0x40000004");
    expect(output).toContain("No more reverse-execution history");
    expect(output).toContain("$4 = 0x40000000");
  });

  it("runs monitor commands and shows what they print", async () => {
    const { output } = await debug(["monitor help", "monitor slow", "monitor nope"]);
    expect(output).toContain("help     this list\n");
    expect(output).toContain("first\nsécond\n");
    expect(output).toContain('there is no command "nope"');
  });

  it("reads guest-physical memory in QEMU's way", async () => {
    const { output } = await debug([
      "maintenance packet Qqemu.PhyMemMode:1",
      "maintenance packet qqemu.PhyMemMode",
      "x/1i 0x80000000",
    ]);
    expect(output).toContain('received: "1"');
    expect(output).toContain("mov\tx1, #0x40000000");
  });

  it("kills, runs anew and detaches in extended-remote", async () => {
    const { machine, output } = await debug(
      ["stepi 5", "kill", "set remote exec-file guest", "starti", "p $x0", "detach"],
      { target: "extended-remote", most: 0 },
    );
    expect(machine.log).toContain("kill");
    expect(machine.log).toContain("restart guest");
    expect(machine.log.at(-2)).toBe("detach");
    expect(output).toContain("$1 = ");
  });

  it("leaves the guest running when it detaches", async () => {
    const { machine } = await debug(["break *0x40000008", "detach"], { most: 0 });
    expect(machine.status().kind).toBe("running");
    machine.interrupt();
  });
});
