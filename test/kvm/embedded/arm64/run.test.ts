import { describe, expect, it } from "vitest";
import type { InstructionSet } from "../../../../src/engine/operation.ts";
import { a64Encodings } from "../../../../src/isa/arm64/decode.ts";
import { EmbeddedArm64Vm } from "../../../../src/kvm/embedded/arm64/vm.ts";
import { arm64Reg } from "../../../../src/kvm/oneReg.ts";
import { a64 } from "../../../cpu/arm64/support/assembler.ts";
import { BareMachine, instructionSet, place } from "../../../cpu/arm64/support/machine.ts";

describe("KVM_RUN", () => {
  it("ends with INTR when its budget is used up, exactly there", () => {
    const machine = new BareMachine();
    machine.load(place.code, [a64.addImm(0, 0, 1), a64.b(-1)]);
    machine.pc = BigInt(place.code);
    for (const budget of [1, 2, 3, 1000, 12_345]) {
      const begin = machine.vm.cluster.clock.nanoseconds;
      expect(machine.vcpu().run(budget)).toEqual({ reason: "INTR" });
      expect(machine.vm.cluster.clock.nanoseconds - begin).toBe(budget);
    }
  });

  it("an access to a device ends it with everything a device needs to know", () => {
    const machine = new BareMachine();
    machine.setX(1, BigInt(place.device + 4));
    machine.setX(0, 0xaabb_ccddn);
    machine.load(place.code, [a64.str(0, 1, 4), a64.ldr(2, 1, 2)]);
    machine.pc = BigInt(place.code);
    const vcpu = machine.vcpu();
    const address = BigInt(place.device + 4);
    expect(vcpu.run(100)).toEqual({ reason: "MMIO", address, length: 4, isWrite: true, data: 0xaabb_ccddn });
    vcpu.completeMmio(0n);
    expect(vcpu.run(100)).toMatchObject({ reason: "MMIO", address, length: 2, isWrite: false });
    vcpu.completeMmio(0x1234n);
    vcpu.run(1);
    expect(machine.x(2)).toBe(0x1234n);
  });

  it("asked again without an answer it gives the same exit", () => {
    const machine = new BareMachine();
    machine.setX(1, BigInt(place.device));
    machine.load(place.code, [a64.ldr(2, 1)]);
    machine.pc = BigInt(place.code);
    const first = machine.vcpu().run(100);
    expect(machine.vcpu().run(100)).toEqual(first);
    expect(machine.pc).toBe(BigInt(place.code));
  });

  it("the accesses of two vCPUs do not mix", () => {
    const machine = new BareMachine({ cpus: 2 });
    machine.load(place.code, [a64.ldr(2, 1)]);
    for (const vcpu of machine.vm.vcpus) {
      machine.setX(1, BigInt(place.device + 8 * vcpu.id), vcpu.id);
      vcpu.cpu.registers.pc = BigInt(place.code);
      expect(vcpu.run(10)).toMatchObject({ address: BigInt(place.device + 8 * vcpu.id) });
    }
    machine.vcpu(1).completeMmio(0x11n);
    machine.vcpu(0).completeMmio(0x22n);
    machine.vcpu(0).run(1);
    machine.vcpu(1).run(1);
    expect([machine.x(2, 0), machine.x(2, 1)]).toEqual([0x22n, 0x11n]);
  });

  it("an instruction without semantics ends it with an error that names the form, and stays where it is", () => {
    // The instruction set with one more operation: a form that decodes and that nobody has written.
    const form = a64Encodings.findIndex((encoding) => encoding.name === "FMADD");
    const set: InstructionSet = {
      ...instructionSet,
      operations: [
        ...instructionSet.operations,
        {
          name: "unwritten",
          operands: [],
          hot: false,
          meaning: (b) => b.raise("unimplementedInstruction", b.constI32(form)),
        },
      ],
      decode: (word) =>
        word === a64.udf
          ? { operation: instructionSet.operations.length, operands: [] }
          : instructionSet.decode(word),
    };
    const vm = new EmbeddedArm64Vm({ instructionSet: set, cpus: 1, ramBytes: 0x1000 });
    vm.setMemoryRegion({ slot: 0, guestPhysicalAddress: 0n, size: 0x1000n });
    const [vcpu] = vm.vcpus;
    vm.writeMemory(0n, new Uint8Array(Uint32Array.of(a64.nop, a64.udf).buffer));
    for (const _ of [1, 2]) {
      expect(vcpu?.run(10)).toEqual({
        reason: "INTERNAL_ERROR",
        suberror: 1,
        message: "the guest needs the instruction form FMADD, which this CPU does not implement",
      });
      expect(vcpu?.getOneReg(arm64Reg.pc)).toBe(4n);
    }
  });
});

describe("KVM_TRANSLATE", () => {
  it("changes nothing, neither the TLB nor which vCPU runs", () => {
    const machine = new BareMachine({ cpus: 2 });
    const { cluster } = machine.vm;
    const before = cluster.clock.nanoseconds;
    expect(machine.vcpu(1).translate(0x1234n)).toEqual({
      physicalAddress: 0x1234n,
      writeable: true,
      usermode: true,
    });
    expect(machine.vcpu(0).translate(1n << 50n)).toBeUndefined();
    expect(cluster.clock.nanoseconds).toBe(before);
  });
});
