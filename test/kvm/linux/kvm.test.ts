import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { guestDebugControl } from "../../../src/kvm/guestDebug.ts";
import { LinuxKvm } from "../../../src/kvm/linux/kvm.ts";
import { faithful } from "../../../src/kvm/linux/x86_64/debug/facts.ts";
import { LinuxX86Vm } from "../../../src/kvm/linux/x86_64/vm.ts";
import { requireTool } from "../../support/tools.ts";
import { fromHex, machine, ramBytes, withMachine } from "./machines.ts";

const kvm = requireTool("/dev/kvm");
const linux = process.platform === "linux";

const hlt = "f4";
const spin = "eb fe"; // jmp $

describe.skipIf(!linux)("opening /dev/kvm where it cannot be", () => {
  it("says in one line that there is none, and what to do", () => {
    expect(() => LinuxKvm.open("/dev/no-such-kvm")).toThrow(
      /^there is no \/dev\/no-such-kvm: .*modprobe.*use the embedded substrate$/,
    );
  });

  it("says that a file is not KVM's device", () => {
    expect(() => LinuxKvm.open("/dev/null")).toThrow("/dev/null is not KVM's device");
  });

  it.skipIf(process.getuid?.() !== 0 || process.seteuid === undefined || !kvm.available)(
    "says which group to join when the user may not open it",
    () => {
      process.seteuid?.(65534);
      try {
        expect(() => LinuxKvm.open()).toThrow(/may not be opened by this user: join the group kvm/);
      } finally {
        process.seteuid?.(0);
      }
    },
  );
});

describe.skipIf(!kvm.available)("a VM on /dev/kvm", () => {
  it("runs a real-mode guest to its HLT and shows its registers and memory", () => {
    // mov ax, 0x1234; mov [0x7000], ax; hlt
    withMachine("real", "b8 34 12  a3 00 70  f4", ({ vm, vcpu }) => {
      const memory = vm.viewMemory(0x7000n, 2);
      expect(vcpu.run().reason).toBe("HLT");
      expect([...memory]).toEqual([0x34, 0x12]);
      expect(vcpu.getRegs()).toMatchObject({ rax: 0x1234n, rip: 0x1007n });
    });
  });

  it("runs a long-mode guest, whose loads see what was written to the view", () => {
    // mov rax, [0x7000]; inc rax; mov [0x7008], rax; hlt
    withMachine("long", "48 8b 04 25 00 70 00 00  48 ff c0  48 89 04 25 08 70 00 00  f4", ({ vm, vcpu }) => {
      const words = new DataView(vm.viewMemory(0x7000n, 16).buffer, vm.viewMemory(0x7000n, 16).byteOffset);
      words.setBigUint64(0, 0xffff_ffff_ffffn, true);
      expect(vcpu.run().reason).toBe("HLT");
      expect(words.getBigUint64(8, true)).toBe(0x1_0000_0000_0000n);
    });
  });

  it("exits for port output and input, and takes what is put into the exit's data", () => {
    // mov al, 0x41; out 0x10, al; in ax, 0x12; hlt
    withMachine("long", "b0 41  e6 10  66 e5 12  f4", ({ vcpu }) => {
      const out = vcpu.run();
      expect(out).toMatchObject({ reason: "IO", isWrite: true, port: 0x10, size: 1, count: 1 });
      if (out.reason === "IO") expect(out.data[0]).toBe(0x41);
      const input = vcpu.run();
      expect(input).toMatchObject({ reason: "IO", isWrite: false, port: 0x12, size: 2, count: 1 });
      if (input.reason === "IO") input.data.set([0xcd, 0xab]);
      expect(vcpu.run().reason).toBe("HLT");
      expect(vcpu.getRegs().rax & 0xffffn).toBe(0xabcdn);
    });
  });

  it("exits for memory that is not there, and takes the answer to a read", () => {
    // mov ebx, 0x300000; mov dword [rbx], 0x11223344; movzx eax, word [rbx + 2]; hlt
    withMachine("long", "bb 00 00 30 00  c7 03 44 33 22 11  0f b7 43 02  f4", ({ vcpu }) => {
      const write = vcpu.run();
      expect(write).toMatchObject({
        reason: "MMIO",
        isWrite: true,
        address: 0x30_0000n,
        length: 4,
        data: 0x1122_3344n,
      });
      expect(vcpu.run()).toMatchObject({ reason: "MMIO", isWrite: false, address: 0x30_0002n, length: 2 });
      vcpu.completeMmio(0xbeefn);
      expect(vcpu.run().reason).toBe("HLT");
      expect(vcpu.getRegs().rax).toBe(0xbeefn);
    });
  });

  it("exits with SHUTDOWN for a triple fault", () => {
    // ud2, and no interrupt table
    withMachine("long", "0f 0b", ({ vcpu }) => {
      expect(vcpu.run().reason).toBe("SHUTDOWN");
    });
  });

  it("lets a spinning guest be interrupted by a time slice, again and again", () => {
    withMachine("long", spin, ({ vm, vcpu }) => {
      vm.interruptEvery(5);
      for (let i = 0; i < 5; i++) expect(vcpu.run().reason).toBe("INTR");
      vm.interruptEvery(0);
      vcpu.interrupt();
      expect(vcpu.run().reason).toBe("INTR");
      expect(vcpu.getRegs().rip).toBe(0x1000n);
    });
  });

  it("does not count an interrupt twice", () => {
    withMachine("long", `90 ${hlt}`, ({ vcpu }) => {
      vcpu.interrupt();
      vcpu.interrupt();
      expect(vcpu.run().reason).toBe("INTR");
      expect(vcpu.run().reason).toBe("HLT");
    });
  });

  it("keeps an interrupt that comes while the step of port output is completed", () => {
    // out 0x10, al; nop; hlt
    withMachine("long", "e6 10  90  f4", ({ vcpu }) => {
      vcpu.setGuestDebug({ control: guestDebugControl.ENABLE | guestDebugControl.SINGLESTEP });
      expect(vcpu.run().reason).toBe("IO");
      vcpu.interrupt();
      expect(vcpu.run()).toMatchObject({ reason: "DEBUG", arch: { pc: 0x1002n } });
      expect(vcpu.run().reason).toBe("INTR");
      expect(vcpu.run()).toMatchObject({ reason: "DEBUG", arch: { pc: 0x1003n } });
    });
  });

  it("lets signals of the program through: run returns, and the program's handler is called", async () => {
    const { vm, vcpu } = machine("long", spin);
    const heard = new Promise((resolve) => {
      process.once("SIGUSR2", resolve);
    });
    spawn("sh", ["-c", `sleep 0.1; kill -USR2 ${process.pid}`]);
    expect(vcpu.run().reason).toBe("INTR");
    expect(await heard).toBe("SIGUSR2");
    vm.close();
  });

  it("refuses slots that overlap, keeps contents when a slot becomes read-only, and reports writes there as MMIO", () => {
    // mov byte [0x100000], 7; hlt
    withMachine("long", "c6 04 25 00 00 10 00 07  f4", ({ vm, vcpu }) => {
      expect(() => vm.setMemoryRegion({ slot: 1, guestPhysicalAddress: 0x8000n, size: 0x1000n })).toThrow(
        "EEXIST",
      );
      const rom = { slot: 1, guestPhysicalAddress: ramBytes, size: 0x1000n };
      vm.setMemoryRegion(rom);
      vm.writeMemory(ramBytes, Uint8Array.of(1, 2, 3));
      vm.setMemoryRegion({ ...rom, readOnly: true });
      expect([...vm.readMemory(ramBytes, 3)]).toEqual([1, 2, 3]);
      expect(vcpu.run()).toMatchObject({ reason: "MMIO", isWrite: true, address: ramBytes, data: 7n });
      expect(vcpu.run().reason).toBe("HLT");
      expect([...vm.readMemory(ramBytes, 1)]).toEqual([1]);
      vm.setMemoryRegion({ ...rom, size: 0n });
      expect(() => vm.readMemory(ramBytes, 1)).toThrow("EFAULT");
      expect(() => vm.setMemoryRegion({ ...rom, size: 1n })).toThrow("EINVAL");
    });
  });

  it("copies memory across slots, and nothing at all when part of it is missing", () => {
    withMachine("long", hlt, ({ vm }) => {
      vm.setMemoryRegion({ slot: 1, guestPhysicalAddress: ramBytes, size: 0x1000n });
      vm.writeMemory(ramBytes - 2n, Uint8Array.of(1, 2, 3, 4));
      expect([...vm.readMemory(ramBytes - 2n, 4)]).toEqual([1, 2, 3, 4]);
      const end = ramBytes + 0x1000n;
      expect(() => vm.writeMemory(end - 1n, Uint8Array.of(9, 9))).toThrow("EFAULT");
      expect([...vm.readMemory(end - 1n, 1)]).toEqual([0]);
    });
  });

  it("has several vCPUs, each with its own registers and CPUID's APIC id", () => {
    // mov eax, 1; cpuid; hlt
    const code = "b8 01 00 00 00  0f a2  f4";
    withMachine(
      "real",
      hlt,
      ({ vm }) => {
        vm.writeMemory(0x2000n, fromHex(`66 ${code}`));
        const first = vm.vcpus[0];
        for (const vcpu of vm.vcpus) {
          if (first !== undefined) vcpu.setSregs(first.getSregs());
          vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x2000n, rflags: 2n });
          expect(vcpu.run().reason).toBe("HLT");
          expect(vcpu.getRegs().rbx >> 24n).toBe(BigInt(vcpu.id));
        }
      },
      { cpus: 3 },
    );
  });
});

describe.skipIf(!kvm.available)("a VM that is closed", () => {
  const openFiles = (): string[] =>
    readdirSync("/proc/self/fd")
      .map((name) => {
        try {
          return readlinkSync(`/proc/self/fd/${name}`);
        } catch {
          return "";
        }
      })
      .filter((target) => target.includes("kvm"));
  const kvmMappings = (): number => readFileSync("/proc/self/maps", "utf8").match(/kvm-vcpu/g)?.length ?? 0;

  it("gives its files and its mappings back, a hundred times", () => {
    const before = openFiles().length;
    for (let i = 0; i < 100; i++) withMachine("long", hlt, ({ vcpu }) => vcpu.run());
    expect(openFiles().length).toBe(before);
    expect(kvmMappings()).toBe(0);
  });

  it("leaves views of its memory harmless: they read as zeros", () => {
    const { vm } = machine("long", hlt);
    const view = vm.viewMemory(0x1000n, 1);
    expect(view[0]).toBe(0xf4);
    vm.close();
    expect(view[0]).toBe(0);
    vm.close();
  });

  it("leaves nothing behind when it could not be made", () => {
    const before = openFiles().length;
    const device = LinuxKvm.open();
    expect(() => new LinuxX86Vm(device, { facts: faithful, pit: true })).toThrow(
      /^KVM_CREATE_PIT2 \(E\w+\)$/,
    );
    device.close();
    expect(openFiles().length).toBe(before);
  });
});
