import { LinuxKvm } from "../../../src/kvm/linux/kvm.ts";
import { faithful } from "../../../src/kvm/linux/x86_64/debug/facts.ts";
import type { LinuxX86Vcpu } from "../../../src/kvm/linux/x86_64/vcpu.ts";
import { LinuxX86Vm, type LinuxX86VmOptions } from "../../../src/kvm/linux/x86_64/vm.ts";
import { longMode, realMode } from "../../../src/kvm/x86Modes.ts";
import { identityMap } from "../../../src/machine/boot/x86/pageTables.ts";

/** Where code goes, and where its page tables are; RAM is 1 MiB from 0. */
export const codeAt = 0x1000n;
const pageTables = 0x10000n;
export const ramBytes = 0x10_0000n;

/** A VM with one vCPU that is at the first byte of the code. */
export interface TestMachine {
  readonly vm: LinuxX86Vm;
  readonly vcpu: LinuxX86Vcpu;
}

/** Bytes from hexadecimal; white space is for the reader. */
export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (digits) => Number.parseInt(digits, 16));

/** What a machine may have beside the usual. */
export type MachineOptions = Partial<LinuxX86VmOptions>;

/** A machine with the code in it. */
export function machine(mode: "real" | "long", hex: string, options: MachineOptions = {}): TestMachine {
  const kvm = LinuxKvm.open();
  const vm = new LinuxX86Vm(kvm, { facts: faithful, ...options });
  kvm.close();
  const [vcpu] = vm.vcpus;
  if (vcpu === undefined) throw new Error("no vCPU");
  vm.setMemoryRegion({ slot: 0, guestPhysicalAddress: 0n, size: ramBytes });
  vm.writeMemory(codeAt, fromHex(hex));
  if (mode === "long") {
    vm.writeMemory(pageTables, identityMap(pageTables, 1n << 30n));
    vcpu.setSregs(longMode(vcpu.getSregs(), pageTables));
  } else {
    vcpu.setSregs(realMode(vcpu.getSregs()));
  }
  vcpu.setRegs({ ...vcpu.getRegs(), rip: codeAt, rsp: 0x8000n, rflags: 2n });
  return { vm, vcpu };
}

/** Runs a test with a machine, and takes the machine down whatever happens. */
export function withMachine<T>(
  mode: "real" | "long",
  hex: string,
  test: (machine: TestMachine) => T,
  options: MachineOptions = {},
): T {
  const made = machine(mode, hex, options);
  try {
    return test(made);
  } finally {
    made.vm.close();
  }
}
