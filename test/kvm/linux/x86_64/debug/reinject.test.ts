import { afterEach, describe, expect, it } from "vitest";
import type { X86Exit } from "../../../../../src/kvm/exits.ts";
import { guestDebugControl } from "../../../../../src/kvm/guestDebug.ts";
import { LinuxKvm } from "../../../../../src/kvm/linux/kvm.ts";
import { probeHost } from "../../../../../src/kvm/linux/x86_64/debug/probe.ts";
import { LinuxX86Vm } from "../../../../../src/kvm/linux/x86_64/vm.ts";
import { place } from "../../../../conformance/x86/environment.ts";
import { linuxSubject } from "../../../../conformance/x86/linuxSubject.ts";
import type { Scenario } from "../../../../conformance/x86/scenario.ts";
import { begin } from "../../../../conformance/x86/subject.ts";
import { requireTool } from "../../../../support/tools.ts";

const kvm = requireTool("/dev/kvm");
const { ENABLE, SINGLESTEP, USE_SW_BP, USE_HW } = guestDebugControl;
const always = 0xffff_0ff0n;

let close: (() => void) | undefined;
afterEach(() => {
  close?.();
  close = undefined;
});

/** A guest at 0x1000 and its handler for both #DB and #BP at 0x1100, which reads DR6 and halts. */
function start(mode: "long" | "user", hex: string, ownDebug?: Scenario["ownDebug"]) {
  // mov rbx, dr6; mov rcx, dr7; hlt; iretq
  const code = `${hex.replaceAll(" ", "").padEnd(0x200, "0")}0f21f30f21f9f448cf`;
  const labels = { handler: 0x1100 };
  const device = LinuxKvm.open();
  const vm = new LinuxX86Vm(device, { facts: probeHost(device) });
  device.close();
  close = () => vm.close();
  const [vcpu] = vm.vcpus;
  if (vcpu === undefined) throw new Error("no vCPU");
  vm.setMemoryRegion({ slot: 0, guestPhysicalAddress: 0n, size: place.ramBytes });
  vm.interruptEvery(100);
  const scenario: Scenario = {
    name: "",
    mode,
    text: "",
    acts: [],
    handlers: { 1: "handler", 3: "handler" },
    ...(ownDebug && { ownDebug }),
  };
  begin(linuxSubject(vm, vcpu), scenario, { hex: code, labels });
  /** The words that the processor has pushed, lowest first, as RSP has them now. */
  const pushed = (count: number): bigint[] => {
    const { rsp } = vcpu.getRegs();
    const view = new DataView(vm.readMemory(rsp, 8 * count).buffer);
    return Array.from({ length: count }, (_, i) => view.getBigUint64(8 * i, true));
  };
  const debugExit = (): Extract<X86Exit, { reason: "DEBUG" }>["arch"] => {
    const exit = vcpu.run();
    if (exit.reason !== "DEBUG") throw new Error(exit.reason);
    return {
      ...exit.arch,
      exception: exit.arch.exception,
      pc: exit.arch.pc,
      dr6: exit.arch.dr6,
      dr7: exit.arch.dr7,
    };
  };
  return { vm, vcpu, pushed, debugExit };
}

const selector = { long: [0x08n, 0x10n, 0x8000n], user: [0x23n, 0x1bn, 0x8000n] } as const;

describe.skipIf(!kvm.available).each(["long", "user"] as const)(
  "a debug event given back to a guest (%s)",
  (mode) => {
    const [cs, ss, rsp] = selector[mode];

    it("is #BP behind its INT3, without an error code, with DR6 as it was", () => {
      const { vcpu, pushed, debugExit } = start(mode, "90 cc 90");
      vcpu.setGuestDebug({ control: ENABLE | USE_SW_BP });
      const exit = debugExit();
      expect(exit).toMatchObject({ exception: 3, pc: 0x1001n });
      vcpu.reinject(exit);
      expect(vcpu.run().reason).toBe("HLT");
      expect(vcpu.getRegs()).toMatchObject({ rip: 0x1107n, rbx: always });
      expect(pushed(5)).toEqual([0x1002n, cs, 2n, rsp, ss]);
    });

    it("is the same while the host steps, and ends at the handler's first instruction", () => {
      const { vcpu, pushed, debugExit } = start(mode, "90 cc 90");
      vcpu.setGuestDebug({ control: ENABLE | USE_SW_BP | SINGLESTEP });
      expect(debugExit()).toMatchObject({ exception: 1, pc: 0x1001n });
      const exit = debugExit();
      expect(exit).toMatchObject({ exception: 3, pc: 0x1001n });
      vcpu.reinject(exit);
      expect(debugExit()).toMatchObject({ exception: 1, pc: 0x1100n });
      expect(pushed(5)).toEqual([0x1002n, cs, 2n, rsp, ss]);
    });

    it("comes back as the host's when the guest executes it again", () => {
      const { vcpu, debugExit } = start(mode, "90 cc 90");
      vcpu.setGuestDebug({ control: ENABLE | USE_SW_BP });
      vcpu.reinject(debugExit());
      expect(vcpu.run().reason).toBe("HLT");
      vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1107n });
      // IRETQ behind the INT3: the byte there is NOP, and then zeros; so once more from the start.
      const frame = vcpu.getRegs().rsp;
      expect(frame).toBeLessThan(0x9000n);
      vcpu.setGuestDebug({ control: ENABLE | USE_SW_BP | SINGLESTEP });
      expect(debugExit()).toMatchObject({ exception: 1, pc: 0x1002n });
      vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n });
      vcpu.setGuestDebug({ control: ENABLE | USE_SW_BP });
      expect(debugExit()).toMatchObject({ exception: 3, pc: 0x1001n });
    });

    it("is #DB with what DR6 tells, the bits for hits cleared before, and DR7.GD clear", () => {
      const { vcpu, pushed } = start(mode, "90 90 90", { addresses: [0x7000], dr7: 0x400n });
      vcpu.setDebugRegs({ ...vcpu.getDebugRegs(), dr6: 0xffff_0ff5n, dr7: 0x2400n });
      vcpu.reinject({ exception: 1, pc: 0x1000n, dr6: always | 0x4000n | 2n, dr7: 0x400n });
      expect(vcpu.run().reason).toBe("HLT");
      expect(vcpu.getRegs()).toMatchObject({ rbx: always | 0x4000n | 2n, rcx: 0x400n });
      expect(pushed(5)).toEqual([0x1000n, cs, 2n, rsp, ss]);
    });

    it("saves RF for an instruction breakpoint of the guest's own, and for that only", () => {
      const execution = { addresses: [0x1001], dr7: 0x402n };
      const { vcpu, pushed } = start(mode, "90 90 90", execution);
      vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1001n });
      vcpu.reinject({ exception: 1, pc: 0x1001n, dr6: always | 1n, dr7: 0x400n });
      expect(vcpu.run().reason).toBe("HLT");
      expect(vcpu.getRegs().rbx).toBe(always | 1n);
      expect(pushed(5)).toEqual([0x1001n, cs, 0x1_0002n, rsp, ss]);
    });

    it("saves no RF for a data breakpoint of the guest's own", () => {
      // DR0 at 0x1001, for writes.
      const { vcpu, pushed } = start(mode, "90 90 90", { addresses: [0x1001], dr7: 0x1_0402n });
      vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1001n });
      vcpu.reinject({ exception: 1, pc: 0x1001n, dr6: always | 1n, dr7: 0x400n });
      expect(vcpu.run().reason).toBe("HLT");
      expect(pushed(5)).toEqual([0x1001n, cs, 2n, rsp, ss]);
    });

    it("is #DB behind its INT1, with DR6 as it was", () => {
      const { vcpu, pushed } = start(mode, "90 f1 90");
      vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1001n });
      vcpu.reinject({ exception: 1, pc: 0x1001n, dr6: always, dr7: 0x400n });
      expect(vcpu.run().reason).toBe("HLT");
      expect(vcpu.getRegs().rbx).toBe(always);
      expect(pushed(5)).toEqual([0x1002n, cs, 2n, rsp, ss]);
    });
  },
);

describe.skipIf(!kvm.available)("breakpoints of user mode", () => {
  it("stop at INT3 also while the vCPU runs on", () => {
    const { vcpu, debugExit } = start("user", "90 90 cc 90");
    vcpu.setGuestDebug({ control: ENABLE | USE_SW_BP });
    expect(debugExit()).toMatchObject({ exception: 3, pc: 0x1002n });
    expect(vcpu.getRegs()).toMatchObject({ rip: 0x1002n, rsp: 0x8000n, rflags: 2n });
    expect(vcpu.getSregs()).toMatchObject({ cs: { selector: 0x23, dpl: 3 }, ss: { selector: 0x1b, dpl: 3 } });
  });

  it("stop at INT3 when all debug registers are taken", () => {
    const { vcpu, debugExit } = start("user", "90 90 cc 90");
    const arch = { addresses: [0x4000n, 0x4001n, 0x4002n, 0x4003n], dr7: 0x4aan };
    vcpu.setGuestDebug({ control: ENABLE | USE_SW_BP | USE_HW, arch });
    expect(debugExit()).toMatchObject({ exception: 3, pc: 0x1002n });
  });

  it("stop at a debug register beside INT3 and steps", () => {
    const { vcpu, debugExit } = start("user", "90 90 90 cc 90");
    const arch = { addresses: [0x1002n], dr7: 0x402n };
    vcpu.setGuestDebug({ control: ENABLE | USE_SW_BP | USE_HW, arch });
    expect(debugExit()).toMatchObject({ exception: 1, pc: 0x1002n, dr6: always | 1n });
    vcpu.setRegs({ ...vcpu.getRegs(), rflags: 0x1_0002n });
    expect(debugExit()).toMatchObject({ exception: 3, pc: 0x1003n });
  });
});
