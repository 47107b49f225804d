import { describe, expect, it } from "vitest";
import { EmbeddedArm64Vm } from "../../../../../src/kvm/embedded/arm64/vm.ts";
import { arm64Reg } from "../../../../../src/kvm/oneReg.ts";
import { a64 } from "../../../../cpu/arm64/support/assembler.ts";
import { instructionSet, interpreter, place, stopped } from "../../../../cpu/arm64/support/machine.ts";
import { DebuggedMachine, ENABLE, engines, SINGLESTEP, USE_HW, USE_SW_BP } from "./support.ts";

const code = BigInt(place.code);

describe.each(engines)("S6 on the $name", ({ engine }) => {
  it("S6: KVM_CHECK_EXTENSION tells what guest debugging takes", () => {
    const { vm } = new DebuggedMachine({ engine });
    expect(vm.checkExtension("SET_GUEST_DEBUG")).toBe(1);
    expect(vm.checkExtension("SET_GUEST_DEBUG2")).toBe(ENABLE | SINGLESTEP | USE_SW_BP | USE_HW);
    expect(vm.checkExtension("GUEST_DEBUG_HW_BPS")).toBe(6);
    expect(vm.checkExtension("GUEST_DEBUG_HW_WPS")).toBe(4);
    expect(vm.checkExtension("ONE_REG")).toBe(1);
    expect(vm.checkExtension("MAX_VCPUS")).toBeGreaterThanOrEqual(4);
  });

  it("S6: a VM has the vCPUs that were asked for, and says which numbers are possible", () => {
    const make = (cpus: number): EmbeddedArm64Vm =>
      new EmbeddedArm64Vm({ instructionSet, interpreter, cpus, ramBytes: 0x1000, ...engine });
    expect(make(3).vcpus.map(({ id }) => id)).toEqual([0, 1, 2]);
    for (const cpus of [0, 9, 1.5])
      expect(() => make(cpus)).toThrow(expect.objectContaining({ errno: "EINVAL" }));
  });

  it("S6: memory regions, read-only ones too: a write there is an MMIO exit, and a step over it one instruction", () => {
    const machine = new DebuggedMachine({ engine, ramBytes: 0x40_0000 });
    machine.vm.setMemoryRegion({
      slot: 3,
      guestPhysicalAddress: 0x8000_0000n,
      size: 0x1000n,
      readOnly: true,
    });
    machine.vm.writeMemory(0x8000_0000n, Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0));
    machine.device = () => 0n;
    machine.begin([a64.ldr(2, 1), a64.str(2, 1), a64.nop]);
    machine.setX(1, 0x8000_0000n);
    machine.debug(ENABLE | SINGLESTEP);
    expect(machine.step()).toMatchObject({ pc: place.code + 4, instructions: 1 });
    expect(machine.x(2)).toBe(7n);
    expect(machine.step()).toMatchObject({ pc: place.code + 8, instructions: 1 });
    expect(machine.exits.map(({ reason }) => reason)).toEqual(["DEBUG", "MMIO", "DEBUG"]);
  });

  it("S6: an MMIO exit, a hypercall exit and a system event under debugging are what they are without", () => {
    const exits = (control: number): readonly unknown[] => {
      const machine = new DebuggedMachine({ engine });
      machine.vm.smcccFilter.add({ base: 0xc600_0001, functions: 1, action: "FWD_TO_USER" });
      machine.device = () => 0x99n;
      machine.begin([
        a64.ldr(2, 1, 4),
        ...a64.mov64(0, 0xc600_0001n),
        a64.hvc(0),
        ...a64.mov64(0, 0x8400_0008n),
        a64.hvc(0),
      ]);
      machine.setX(1, BigInt(place.device));
      machine.debug(control);
      while (machine.exits.at(-1)?.reason !== "SYSTEM_EVENT") machine.run();
      return machine.exits.filter(({ reason }) => reason !== "DEBUG");
    };
    const free = exits(0);
    expect(free.map((exit) => (exit as { reason: string }).reason)).toEqual([
      "MMIO",
      "HYPERCALL",
      "SYSTEM_EVENT",
    ]);
    expect(exits(ENABLE | SINGLESTEP)).toEqual(free);
    expect(exits(ENABLE | USE_HW)).toEqual(free);
  });

  it("S6: one-reg reaches every register that the list names, and writing back what was read changes nothing", () => {
    const machine = new DebuggedMachine({ engine });
    machine.begin([a64.addImm(1, 1, 1), a64.nop]);
    const vcpu = machine.vcpu();
    machine.debug(ENABLE | SINGLESTEP);
    machine.step();
    const all = vcpu.regList().map((id): [bigint, bigint] => [id, vcpu.getOneReg(id)]);
    expect(all.length).toBeGreaterThan(150);
    for (const [id, value] of all) vcpu.setOneReg(id, value);
    expect(vcpu.regList().map((id) => vcpu.getOneReg(id))).toEqual(all.map(([, value]) => value));
    expect(machine.step()).toMatchObject({ pc: place.code + 8, instructions: 1 });
    expect(() => vcpu.getOneReg(0x6030_0000_0013_ffffn)).toThrow(
      expect.objectContaining({ errno: "ENOENT" }),
    );
  });

  it("S6: each of several vCPUs is debugged for itself", () => {
    const machine = new DebuggedMachine({ engine, cpus: 3 });
    machine.begin([a64.nop, a64.nop, a64.brk(2)]);
    for (const vcpu of machine.vm.vcpus) vcpu.setOneReg(arm64Reg.pc, code);
    machine.debug(ENABLE | SINGLESTEP, {}, 0);
    machine.debug(ENABLE | USE_HW, { breakpoints: [code + 4n] }, 1);
    const [a, b, c] = [0, 1, 2].map((index) => machine.run(100, index));
    expect([a, b]).toEqual([
      { reason: "DEBUG", arch: { hsr: 0xcb00_0022, hsrHigh: 0, far: 0n } },
      { reason: "DEBUG", arch: { hsr: 0xc200_0022, hsrHigh: 0, far: 0n } },
    ]);
    // The third has no debugger: its BRK is its own.
    expect(c).toEqual(stopped);
    expect(machine.exception(2)).toMatchObject({ ec: 0x3c, iss: 2 });
    expect(machine.vm.vcpus.map((vcpu) => vcpu.debug.owner)).toEqual(["free", "host", "free"]);
  });
});
