import type { LinuxX86Vcpu } from "../../../src/kvm/linux/x86_64/vcpu.ts";
import type { X86VcpuFile } from "../../../src/kvm/linux/x86_64/vcpuFile.ts";
import type { LinuxX86Vm } from "../../../src/kvm/linux/x86_64/vm.ts";
import type { Subject } from "./subject.ts";

/** A vCPU of the linux substrate, or the bare kernel's, as the suite uses it; its VM ends with it. */
export function linuxSubject(vm: LinuxX86Vm, vcpu: LinuxX86Vcpu | X86VcpuFile): Subject {
  return {
    run: () => vcpu.run(),
    setGuestDebug: (debug) => vcpu.setGuestDebug(debug),
    completeMmio: (data) => vcpu.completeMmio(data),
    getRegs: () => vcpu.getRegs(),
    setRegs: (regs) => vcpu.setRegs(regs),
    getSregs: () => vcpu.getSregs(),
    setSregs: (sregs) => vcpu.setSregs(sregs),
    getDebugRegs: () => vcpu.getDebugRegs(),
    setDebugRegs: (registers) => vcpu.setDebugRegs(registers),
    setMsr: (index, value) => vcpu.setMsr(index, value),
    readMemory: (address, length) => vm.readMemory(address, length),
    writeMemory: (address, bytes) => vm.writeMemory(address, bytes),
    close: () => vm.close(),
  };
}
