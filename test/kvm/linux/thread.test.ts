import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { X86Exit } from "../../../src/kvm/exits.ts";
import { guestDebugControl } from "../../../src/kvm/guestDebug.ts";
import type { LinuxX86Vcpu } from "../../../src/kvm/linux/x86_64/vcpu.ts";
import { requireTool } from "../../support/tools.ts";
import { fromHex, machine, type TestMachine } from "./machines.ts";

const kvm = requireTool("/dev/kvm");
/** `npm run build` makes it; `npm test` runs that first. */
const built = new URL("../../../dist/kvm/linux/thread/vcpuThread.js", import.meta.url);

/** Machines whose vCPUs have their threads. */
async function withMachine(
  hex: string,
  cpus: number,
  test: (machine: TestMachine) => Promise<void> | void,
): Promise<void> {
  const made = machine("real", hex, { cpus });
  try {
    made.vm.startThreads();
    while (!made.vm.vcpus.every(({ runsHere }) => !runsHere)) await sleep(1);
    await test(made);
  } finally {
    made.vm.close();
  }
}

/** Runs a vCPU in its thread until it comes back with something. */
function runThere({ vm }: TestMachine, vcpu: LinuxX86Vcpu): X86Exit {
  for (;;) {
    const exit = vcpu.enter();
    if (exit !== undefined) return exit;
    while (!vcpu.hasReturned) vm.waitForReturn(1000);
    const left = vcpu.leave();
    if (left !== undefined) return left;
  }
}

describe.skipIf(!kvm.available)("a vCPU in a thread of its own", () => {
  it("lets the program go on while the guest spins, until it is halted", async () => {
    await withMachine("eb fe", 1, async ({ vcpu }) => {
      expect(vcpu.enter()).toBeUndefined();
      await sleep(20);
      expect([vcpu.isAway, vcpu.hasReturned]).toEqual([true, false]);
      vcpu.halt();
      expect([vcpu.isAway, vcpu.hasReturned]).toEqual([false, true]);
      expect(vcpu.leave()?.reason).toBe("INTR");
      expect(vcpu.getRegs().rip).toBe(0x1000n);
    });
  });

  it("gives every exit, and takes answers", async () => {
    // in al, 0x10; inc ax; out 0x11, al; hlt
    await withMachine("e4 10  40  e6 11  f4", 1, (made) => {
      const { vcpu } = made;
      const input = runThere(made, vcpu);
      if (input.reason !== "IO") throw new Error(input.reason);
      input.data[0] = 0x40;
      const output = runThere(made, vcpu);
      expect(output).toMatchObject({ reason: "IO", isWrite: true, port: 0x11 });
      if (output.reason === "IO") expect(output.data[0]).toBe(0x41);
      expect(runThere(made, vcpu).reason).toBe("HLT");
    });
  });

  it("calls the event loop when one comes back, or says that it has already", async () => {
    // out 0x10, al; out 0x11, al
    await withMachine("e6 10  e6 11  f4", 1, async ({ vm, vcpu }) => {
      for (const port of [0x10, 0x11]) {
        vcpu.enter();
        await new Promise<void>((resolve) => {
          if (!vm.onReturn(resolve)) resolve();
        });
        expect(vcpu.hasReturned).toBe(true);
        expect(vm.onReturn(() => {})).toBe(false);
        expect(vcpu.leave()).toMatchObject({ reason: "IO", port });
      }
    });
  });

  it("runs beside another that waits for it", async () => {
    // The first: mov al, [0x7000]; test al, al; jz -7; hlt. The second: mov byte [0x7000], 1; hlt.
    await withMachine("a0 00 70  84 c0  74 f9  f4", 2, async (made) => {
      const { vm } = made;
      const [first, second] = vm.vcpus;
      if (first === undefined || second === undefined) throw new Error("two vCPUs");
      vm.writeMemory(0x2000n, fromHex("c6 06 00 70 01  f4"));
      second.setSregs(first.getSregs());
      second.setRegs({ ...second.getRegs(), rip: 0x2000n, rflags: 2n });
      first.enter();
      await sleep(5);
      expect(first.isAway).toBe(true);
      expect(runThere(made, second).reason).toBe("HLT");
      while (!first.hasReturned) vm.waitForReturn(1000);
      expect(first.leave()?.reason).toBe("HLT");
    });
  });

  it("steps there as it does here, though the program's thread is the place for it", async () => {
    await withMachine("90 e6 10 90 f4", 1, (made) => {
      const { vcpu } = made;
      vcpu.setGuestDebug({ control: guestDebugControl.ENABLE | guestDebugControl.SINGLESTEP });
      expect(vcpu.runsHere).toBe(true);
      const seen = [1, 2, 3, 4].map(() => {
        const exit = runThere(made, vcpu);
        return exit.reason === "DEBUG" ? `step 0x${exit.arch.pc.toString(16)}` : exit.reason;
      });
      expect(seen).toEqual(["step 0x1001", "IO", "step 0x1003", "step 0x1004"]);
    });
  });

  it("comes out of the guest when it is asked for something, and is in one guest at a time", async () => {
    await withMachine("eb fe", 1, ({ vcpu }) => {
      vcpu.enter();
      expect(() => vcpu.file.enter()).toThrow("EBUSY");
      expect(vcpu.getRegs().rip).toBe(0x1000n);
      expect([vcpu.isAway, vcpu.hasReturned]).toEqual([false, true]);
      vcpu.leave();
      expect(vcpu.hasReturned).toBe(false);
    });
  });

  it("completes an instruction that has been answered, and no other", async () => {
    // in al, 0x10; inc ax; hlt
    await withMachine("e4 10  40  f4", 1, (made) => {
      const { vcpu } = made;
      const input = runThere(made, vcpu);
      if (input.reason !== "IO") throw new Error(input.reason);
      input.data[0] = 0x40;
      vcpu.settle();
      expect(vcpu.getRegs()).toMatchObject({ rip: 0x1002n, rax: 0x40n });
      expect(runThere(made, vcpu).reason).toBe("HLT");
      expect(vcpu.getRegs().rax).toBe(0x41n);
    });
  });

  it("gives an exit again that nobody could look at, unless the vCPU was set elsewhere", async () => {
    await withMachine("f4", 1, (made) => {
      const { vcpu } = made;
      const exit = runThere(made, vcpu);
      vcpu.putBack(exit);
      expect(vcpu.enter()?.reason).toBe("HLT");
      vcpu.putBack(exit);
      vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n });
      expect(vcpu.enter()).toBeUndefined();
    });
  });

  it.skipIf(!existsSync(built))("does not keep a program from ending while its guest spins", () => {
    const program = `
      const { LinuxKvm } = await import(${JSON.stringify(new URL("../kvm.js", built).href)});
      const { LinuxX86Vm } = await import(${JSON.stringify(new URL("../x86_64/vm.js", built).href)});
      const { faithful } = await import(${JSON.stringify(new URL("../x86_64/debug/facts.js", built).href)});
      const { realMode } = await import(${JSON.stringify(new URL("../../x86Modes.js", built).href)});
      const vm = new LinuxX86Vm(LinuxKvm.open(), { facts: faithful });
      const [vcpu] = vm.vcpus;
      vm.setMemoryRegion({ slot: 0, guestPhysicalAddress: 0n, size: 0x10000n });
      vm.writeMemory(0x1000n, Uint8Array.of(0xeb, 0xfe));
      vcpu.setSregs(realMode(vcpu.getSregs()));
      vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n, rflags: 2n });
      vm.startThreads();
      while (vcpu.runsHere) await new Promise((resolve) => setTimeout(resolve, 1));
      vcpu.enter();
      setTimeout(() => { console.log("bye"); process.exit(7); }, 20);
    `;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 7, stdout: "bye\n", stderr: "" });
  });
});
