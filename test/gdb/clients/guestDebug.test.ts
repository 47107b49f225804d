import { describe, expect, it } from "vitest";
import { formatGdbAddress } from "../../../src/gdb/address.ts";
import { DebuggerTarget } from "../../../src/gdb/debuggerTarget/target.ts";
import { a64, bytesOf, CODE, DATA, debugCode, sysreg } from "../../debugger/support/code.ts";
import { requireTool } from "../../support/tools.ts";
import { serve } from "../support/serving.ts";
import { runTool } from "../support/tools.ts";

const gdb = requireTool("gdb-multiarch");
const VECTORS = CODE + 0x800n;
const off = [a64.movz(0, 0x8400, 1), a64.movk(0, 8), a64.hvc];
/** Counts in X9, and goes on behind the instruction that the exception came from. */
const handler = [
  a64.add(9, 9, 1),
  a64.mrs(2, sysreg.ELR_EL1),
  a64.add(2, 2, 4),
  a64.msr(sysreg.ELR_EL1, 2),
  a64.eret,
];

/** Runs gdb on a few instructions. */
async function debug(words: readonly number[], commands: readonly string[]) {
  const guest = debugCode(words);
  guest.vcpu.setRegister("VBAR_EL1", VECTORS);
  guest.vcpu.setRegister("x1", DATA);
  guest.machine.vm.writeMemory(VECTORS + 0x200n, bytesOf(handler));
  const server = await serve(new DebuggerTarget(guest.session));
  const script = [
    "set pagination off",
    "set confirm off",
    "set architecture aarch64",
    "set language c",
    `target remote ${formatGdbAddress(server.address)}`,
    ...commands,
  ];
  const argv = ["-q", "-nx", "--batch", ...script.flatMap((command) => ["-ex", command])];
  const output = await runTool("gdb-multiarch", argv, {});
  await server.close();
  return { ...guest, output };
}

describe.skipIf(!gdb.available)("gdb-multiarch on a guest that debugs itself", () => {
  it("S1.5: the guest's own BRKs pass unnoticed, or are shown first and delivered on continue", async () => {
    const { output } = await debug(
      [a64.brk(0x800), a64.nop, a64.brk(0x801), a64.brk(0x802), a64.nop, ...off],
      [
        `break *${CODE + 4n}`,
        "continue",
        "p $x9",
        "delete",
        "monitor guest-breaks stop",
        "continue",
        "p/x $pc",
        "p $x9",
        "stepi",
        "p/x $pc",
        "p/x $ESR_EL1",
        "continue",
        "p/x $pc",
        "monitor exits 2",
        "monitor guest-breaks deliver",
        "continue",
      ],
    );
    expect(output).toMatch(/Breakpoint 1, 0x0*40000004/);
    expect(output).toContain("$1 = 1");
    expect(output).toContain(
      "stop at the guest's own debug events; they are delivered when the guest goes on",
    );
    expect(output).toContain("the guest's own: BRK #0x801; it has not seen it yet");
    expect(output).toContain("Program received signal SIGTRAP");
    expect(output).toContain("$2 = 0x40000008");
    expect(output).toContain("$3 = 1");
    expect(output).toContain(`$4 = 0x${(VECTORS + 0x200n).toString(16)}`);
    expect(output).toContain("$5 = 0xf2000801");
    expect(output).toContain("the guest's own: BRK #0x802");
    expect(output).toContain("$6 = 0x4000000c");
    expect(output).toMatch(/DEBUG at 0x4000000c: BRK #0x802; guest: nobody planted .*; stopped, \d+ ns/);
    expect(output).toMatch(/\[Inferior 1 \(process 1\) exited normally\]/);
  }, 60_000);

  it("S1.7: gdb skips a BRK under its own breakpoint by itself; without one the guest's works", async () => {
    for (const kind of ["unseen", "patched"]) {
      const { output } = await debug(
        [a64.brk(1), a64.b(-1)],
        [
          `monitor breakpoints ${kind}`,
          `break *${CODE}`,
          "continue",
          "p/x $pc",
          "x/i $pc",
          "delete",
          `break *${CODE + 4n}`,
          "continue",
          "continue",
          "p $x9",
          "continue",
          "p $x9",
          "kill",
        ],
      );
      expect(output).toContain("$1 = 0x40000000");
      expect(output).toMatch(/=> 0x40000000:\tbrk\t#0x1/);
      const counts = [...output.matchAll(/^\$\d+ = (\d+)$/gm)].map(([, count]) => Number(count));
      expect((counts[1] ?? 0) - (counts[0] ?? 0)).toBe(1);
    }
  }, 60_000);

  it("S5: watchpoints report each store of a loop once; stepi gets past it", async () => {
    const { output } = await debug(
      [a64.str(0, 1), a64.add(0, 0, 1), a64.b(-2)],
      [
        `watch *(long*)${DATA}`,
        "continue",
        "continue",
        "stepi",
        "p/x $pc",
        "continue",
        "p *(long*)$x1",
        "monitor why 1",
        "kill",
      ],
    );
    const values = [...output.matchAll(/Old value = (\d+)\nNew value = (\d+)/g)].map(
      ([, a, b]) => `${a} ${b}`,
    );
    expect(values).toEqual(["0 1", "1 2", "2 3"]);
    expect(output).toContain("$2 = 3");
  }, 60_000);

  it("S5: QEMU's step bits and our settings are one", async () => {
    const { output } = await debug(
      [a64.nop, a64.nop],
      [
        "maintenance packet qqemu.sstepbits",
        "maintenance packet qqemu.sstep",
        "maintenance packet Qqemu.sstep=0x1",
        "monitor step-interrupts",
        "monitor step-interrupts off",
        "maintenance packet qqemu.sstep",
        "monitor step-exclusives",
        "monitor step-exclusives off",
        "monitor step-exclusives maybe",
        "kill",
      ],
    );
    expect(output).toContain('received: "ENABLE=1,NOIRQ=2,NOTIMER=4"');
    expect([...output.matchAll(/received: "(0x\d|OK)"/g)].map(([, reply]) => reply)).toEqual([
      "0x7",
      "OK",
      "0x7",
    ]);
    expect(output).toContain("interrupts are taken while stepping");
    expect(output).toContain("interrupts are held while stepping");
    expect(output).toContain("exclusive sequences are one step");
    expect(output).toContain("exclusive sequences are stepped inside of");
    expect(output).toContain("step-exclusives is on or off, not maybe");
  }, 60_000);

  it("S1.5: why a breakpoint did not hit, by its number here, its address, or as a list", async () => {
    const { output } = await debug(
      [a64.add(0, 0, 1), a64.subs(1, 1, 0), a64.nop, a64.nop, a64.b(0)],
      [
        "set breakpoint condition-evaluation target",
        "break *0x40000008 if $x0 == 7",
        "break *0x41000000",
        "tbreak *0x4000000c",
        "continue",
        "monitor why",
        "monitor why 1",
        "monitor why 0x41000000",
        "monitor why 77",
        "monitor why 0x40000004",
        "kill",
      ],
    );
    expect(output).toMatch(/1: unseen breakpoint at 0x40000008, hit 1 times/);
    expect(output).toContain("its condition was false once of 1, and the guest went on");
    expect(output).toMatch(/unseen breakpoint \d+ at 0x41000000/);
    expect(output).toContain("0x41000000 is mapped to 0x41000000, where no memory is");
    expect(output).toContain("nothing is planted at 0x40000004, and nothing was");
    expect(output).toContain('there is no breakpoint 77; "monitor why" lists them');
  }, 60_000);
});
