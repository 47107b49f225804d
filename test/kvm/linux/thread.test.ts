import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { guestDebugControl } from "../../../src/kvm/guestDebug.ts";
import { requireTool } from "../../support/tools.ts";
import { fromHex, machine, type TestMachine } from "./machines.ts";

const kvm = requireTool("/dev/kvm");
/** `npm run build` makes it; `npm test` runs that first. */
const built = new URL("../../../dist/kvm/linux/thread/vcpuThread.js", import.meta.url);

async function withMachine(
  hex: string,
  cpus: number,
  test: (machine: TestMachine) => Promise<void>,
): Promise<void> {
  const made = machine("real", hex, { cpus });
  try {
    await test(made);
  } finally {
    made.vm.close();
  }
}

describe.skipIf(!kvm.available)("a vCPU in a thread of its own", () => {
  it("lets the program go on while the guest spins, until it is interrupted", async () => {
    await withMachine("eb fe", 1, async ({ vm, vcpu }) => {
      const thread = await vm.startThread();
      const exit = vcpu.runIn(thread);
      await sleep(20);
      vcpu.interrupt();
      expect((await exit).reason).toBe("INTR");
      expect(vcpu.getRegs().rip).toBe(0x1000n);
      await thread.close();
    });
  });

  it("gives every exit, and takes answers", async () => {
    // in al, 0x10; inc ax; out 0x11, al; hlt
    await withMachine("e4 10  40  e6 11  f4", 1, async ({ vm, vcpu }) => {
      const thread = await vm.startThread();
      const input = await vcpu.runIn(thread);
      if (input.reason !== "IO") throw new Error(input.reason);
      input.data[0] = 0x40;
      const output = await vcpu.runIn(thread);
      expect(output).toMatchObject({ reason: "IO", isWrite: true, port: 0x11 });
      if (output.reason === "IO") expect(output.data[0]).toBe(0x41);
      expect((await vcpu.runIn(thread)).reason).toBe("HLT");
      await thread.close();
    });
  });

  it("runs beside another that waits for it", async () => {
    // The first: mov al, [0x7000]; test al, al; jz -7; hlt. The second: mov byte [0x7000], 1; hlt.
    await withMachine("a0 00 70  84 c0  74 f9  f4", 2, async ({ vm }) => {
      const [first, second] = vm.vcpus;
      if (first === undefined || second === undefined) throw new Error("two vCPUs");
      vm.writeMemory(0x2000n, fromHex("c6 06 00 70 01  f4"));
      second.setSregs(first.getSregs());
      second.setRegs({ ...second.getRegs(), rip: 0x2000n, rflags: 2n });
      const [one, two] = [await vm.startThread(), await vm.startThread()];
      const waiting = first.runIn(one);
      await sleep(5);
      expect((await second.runIn(two)).reason).toBe("HLT");
      expect((await waiting).reason).toBe("HLT");
      await Promise.all([one.close(), two.close()]);
    });
  });

  it("steps there as it does here", async () => {
    await withMachine("90 e6 10 90 f4", 1, async ({ vm, vcpu }) => {
      const thread = await vm.startThread();
      vcpu.setGuestDebug({ control: guestDebugControl.ENABLE | guestDebugControl.SINGLESTEP });
      const seen: string[] = [];
      for (let i = 0; i < 4; i++) {
        const exit = await vcpu.runIn(thread);
        seen.push(exit.reason === "DEBUG" ? `step 0x${exit.arch.pc.toString(16)}` : exit.reason);
      }
      expect(seen).toEqual(["step 0x1001", "IO", "step 0x1003", "step 0x1004"]);
      await thread.close();
    });
  });

  it("is in one guest at a time, and can be closed in the midst of it", async () => {
    await withMachine("eb fe", 1, async ({ vm, vcpu }) => {
      const thread = await vm.startThread();
      const exit = vcpu.runIn(thread);
      await expect(vcpu.file.runIn(thread)).rejects.toThrow("EBUSY");
      const closed = expect(exit).rejects.toThrow("closed");
      await thread.close();
      await closed;
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
      const thread = await vm.startThread();
      vcpu.runIn(thread).catch(() => {});
      setTimeout(() => { console.log("bye"); process.exit(7); }, 20);
    `;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 7, stdout: "bye\n", stderr: "" });
  });
});
