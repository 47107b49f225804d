import { describe, expect, it } from "vitest";
import { EmbeddedArm64Vm } from "../../../../src/kvm/embedded/arm64/vm.ts";
import { KvmError } from "../../../../src/kvm/errors.ts";
import { a64 } from "../../../cpu/arm64/support/assembler.ts";
import {
  BareMachine,
  instructionSet,
  interpreter,
  place,
  stopped,
} from "../../../cpu/arm64/support/machine.ts";

const vmWith = (ramBytes = 0x10_0000, cpus = 1): EmbeddedArm64Vm =>
  new EmbeddedArm64Vm({ instructionSet, interpreter, cpus, ramBytes });

function errnoOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof KvmError) return error.errno;
    throw error;
  }
}

const region = (slot: number, base: number | bigint, size: number | bigint, readOnly?: boolean) => ({
  slot,
  guestPhysicalAddress: BigInt(base),
  size: BigInt(size),
  ...(readOnly === undefined ? {} : { readOnly }),
});

describe("KVM_CREATE_VM", () => {
  it("takes 1 to 8 vCPUs", () => {
    for (const cpus of [0, 9, 1.5, Number.NaN]) expect(errnoOf(() => vmWith(0x1000, cpus))).toBe("EINVAL");
    expect(vmWith(0x1000, 8).vcpus).toHaveLength(8);
  });

  it("tells its capabilities", () => {
    const vm = vmWith();
    expect(vm.checkExtension("MAX_VCPUS")).toBe(8);
    expect(vm.checkExtension("READONLY_MEM")).toBe(1);
    expect(vm.checkExtension("NR_MEMSLOTS")).toBe(32);
    expect(vm.checkExtension("GUEST_DEBUG_HW_BPS")).toBe(6);
    expect(vm.checkExtension("GUEST_DEBUG_HW_WPS")).toBe(4);
  });
});

describe("KVM_SET_USER_MEMORY_REGION", () => {
  it.each([
    ["an address between pages", region(0, 0x800, 0x1000), "EINVAL"],
    ["a size between pages", region(0, 0, 0x1800), "EINVAL"],
    ["a negative address", region(0, -0x1000n, 0x1000), "EINVAL"],
    ["a negative size", region(0, 0, -0x1000n), "EINVAL"],
    ["a slot that there is not", region(32, 0, 0x1000), "EINVAL"],
    ["a negative slot", region(-1, 0, 0x1000), "EINVAL"],
    ["half a slot", region(0.5, 0, 0x1000), "EINVAL"],
    ["deleting what is not there", region(0, 0, 0), "EINVAL"],
    ["an end beyond the physical address size", region(0, (1n << 44n) - 0x1000n, 0x2000), "EFAULT"],
    ["an address beyond it", region(0, 1n << 60n, 0x1000), "EFAULT"],
    ["more memory than there is", region(0, 0, 0x20_0000), "ENOMEM"],
  ])("refuses %s, and nothing has changed", (_, asked, errno) => {
    const vm = vmWith();
    expect(errnoOf(() => vm.setMemoryRegion(asked))).toBe(errno);
    expect(vm.cluster.physical.slots).toEqual([]);
  });

  it("refuses overlaps with other slots, at either end, inside and around", () => {
    const vm = vmWith();
    vm.setMemoryRegion(region(0, 0x4000, 0x4000));
    for (const [base, size] of [
      [0x3000, 0x2000],
      [0x7000, 0x2000],
      [0x5000, 0x1000],
      [0x0000, 0x10000],
      [0x4000, 0x4000],
    ] as const)
      expect(errnoOf(() => vm.setMemoryRegion(region(1, base, size)))).toBe("EEXIST");
    vm.setMemoryRegion(region(1, 0x3000, 0x1000));
    vm.setMemoryRegion(region(2, 0x8000, 0x1000));
    expect(vm.cluster.physical.slots).toHaveLength(3);
  });

  it("refuses another size or read-only flag for a slot in use", () => {
    const vm = vmWith();
    vm.setMemoryRegion(region(0, 0x4000, 0x4000));
    expect(errnoOf(() => vm.setMemoryRegion(region(0, 0x4000, 0x8000)))).toBe("EINVAL");
    expect(errnoOf(() => vm.setMemoryRegion(region(0, 0x4000, 0x4000, true)))).toBe("EINVAL");
    vm.setMemoryRegion(region(0, 0x4000, 0x4000, false));
  });

  it("moves a slot with what it holds, also over where it was", () => {
    const vm = vmWith();
    vm.setMemoryRegion(region(0, 0x4000, 0x4000));
    vm.writeMemory(0x4000n, Uint8Array.of(1, 2, 3));
    vm.setMemoryRegion(region(0, 0x6000, 0x4000));
    expect([...vm.readMemory(0x6000n, 3)]).toEqual([1, 2, 3]);
    expect(errnoOf(() => vm.readMemory(0x4000n, 1))).toBe("EFAULT");
  });

  it("a deleted slot's memory can be had again, and is zero", () => {
    const vm = vmWith(0x8000);
    vm.setMemoryRegion(region(0, 0, 0x8000));
    vm.writeMemory(0n, new Uint8Array(0x8000).fill(0xee));
    expect(errnoOf(() => vm.setMemoryRegion(region(1, 0x10000, 0x1000)))).toBe("ENOMEM");
    vm.setMemoryRegion(region(0, 0, 0));
    vm.setMemoryRegion(region(1, 0x10000, 0x3000));
    vm.setMemoryRegion(region(2, 0x20000, 0x5000));
    expect(vm.readMemory(0x10000n, 0x3000).every((byte) => byte === 0)).toBe(true);
    expect(vm.readMemory(0x20000n, 0x5000).every((byte) => byte === 0)).toBe(true);
  });

  it("the guest sees the change at once: RAM that goes becomes MMIO, and code there is gone", () => {
    const machine = new BareMachine();
    const extra = 0x1_0000_0000;
    machine.vm.setMemoryRegion(region(5, extra, 0x1000));
    machine.load(extra, [a64.ldr(0, 1), a64.ret]);
    machine.setX(1, BigInt(extra));
    machine.setX(2, BigInt(extra));
    expect(machine.execute([a64.blr(2)])).toEqual(stopped);
    expect(machine.x(0)).not.toBe(0n);
    machine.vm.setMemoryRegion(region(5, extra, 0));
    machine.execute([a64.ldr(0, 1)]);
    expect(machine.exits.at(-2)).toMatchObject({ reason: "MMIO", address: BigInt(extra), length: 8 });
    machine.execute([a64.blr(2)]);
    expect(machine.exception()).toMatchObject({ ec: 0x21, iss: 0x10, elr: extra });
    machine.vm.setMemoryRegion(region(5, extra, 0x1000));
    machine.execute([a64.ldr(0, 1)]);
    expect(machine.x(0)).toBe(0n);
  });
});

describe("guest memory by the host", () => {
  it("spans slots that touch, and refuses what lies outside, changing nothing", () => {
    const vm = vmWith();
    vm.setMemoryRegion(region(0, 0x1000, 0x1000));
    vm.setMemoryRegion(region(1, 0x2000, 0x1000, true));
    vm.writeMemory(0x1ffen, Uint8Array.of(1, 2, 3, 4));
    expect([...vm.readMemory(0x1ffen, 4)]).toEqual([1, 2, 3, 4]);
    expect(errnoOf(() => vm.writeMemory(0x2ffen, Uint8Array.of(9, 9, 9)))).toBe("EFAULT");
    expect([...vm.readMemory(0x2ffen, 2)]).toEqual([0, 0]);
    for (const address of [0xfffn, -1n, 1n << 63n])
      expect(errnoOf(() => vm.readMemory(address, 2))).toBe("EFAULT");
    expect(vm.readMemory(0x5000_0000n, 0)).toHaveLength(0);
  });

  it("the top of 3 GiB works like the bottom", () => {
    const machine = new BareMachine({ ramBytes: 3 * 2 ** 30 });
    const top = place.ram + 3 * 2 ** 30 - 0x2000;
    machine.load(top, [a64.movz(0, 1), a64.ret]);
    machine.setX(2, BigInt(top));
    machine.setX(3, BigInt(a64.movz(0, 2)));
    expect(
      machine.execute([
        ...[a64.blr(2), a64.mov(4, 0), a64.str(3, 2, 4), a64.dcCvau(2), a64.icIvau(2), a64.isb],
        ...[a64.blr(2), a64.ldr(5, 2, 4)],
      ]),
    ).toEqual(stopped);
    expect([machine.x(4), machine.x(0), machine.x(5)]).toEqual([1n, 2n, machine.x(3)]);
  });
});
