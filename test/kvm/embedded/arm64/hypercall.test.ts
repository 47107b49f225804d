import { describe, expect, it } from "vitest";
import { psci } from "../../../../src/kvm/embedded/arm64/psci.ts";
import { a64 } from "../../../cpu/arm64/support/assembler.ts";
import { BareMachine, stopped } from "../../../cpu/arm64/support/machine.ts";

/** A function identifier of the vendor-specific hypervisor range. */
const vendorCall = 0xc600_0001;

describe("S6: hypercalls of the guest", () => {
  it("exit to userspace where the filter forwards them, with PC behind the HVC, and userspace's answer reaches the guest", () => {
    const machine = new BareMachine();
    machine.vm.smcccFilter.add({ base: vendorCall, functions: 1, action: "FWD_TO_USER" });
    machine.setX(0, BigInt(vendorCall));
    machine.setX(1, 0x1234n);
    const exit = machine.execute([a64.hvc(0)]);
    expect(exit).toMatchObject({ reason: "HYPERCALL", number: BigInt(vendorCall) });
    expect(exit.reason === "HYPERCALL" && exit.args[0]).toBe(0x1234n);
  });

  it("are answered with NOT_SUPPORTED where the filter denies them, known to KVM or not", () => {
    const machine = new BareMachine();
    machine.vm.smcccFilter.add({ base: psci.VERSION, functions: 1, action: "DENY" });
    machine.setX(0, BigInt(psci.VERSION));
    expect(machine.execute([a64.hvc(0)])).toEqual(stopped);
    expect(machine.x(0)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it("take a filter only where it is a range of identifiers that no other range has", () => {
    const { smcccFilter } = new BareMachine().vm;
    smcccFilter.add({ base: 0x8000_0000, functions: 16, action: "DENY" });
    expect(() => smcccFilter.add({ base: 0x8000_000f, functions: 2, action: "HANDLE" })).toThrow("EEXIST");
    expect(() => smcccFilter.add({ base: 0xffff_ffff, functions: 2, action: "DENY" })).toThrow("EINVAL");
    expect(() => smcccFilter.add({ base: 1, functions: 0, action: "DENY" })).toThrow("EINVAL");
    expect(smcccFilter.action(0x8000_000f)).toBe("DENY");
    expect(smcccFilter.action(0x8000_0010)).toBe("HANDLE");
  });
});
