import { describe, expect, it } from "vitest";
import { LinuxKvm } from "../../../../../src/kvm/linux/kvm.ts";
import {
  describeHost,
  faithful,
  type HostDebugFacts,
} from "../../../../../src/kvm/linux/x86_64/debug/facts.ts";
import { probeHost } from "../../../../../src/kvm/linux/x86_64/debug/probe.ts";
import { requireTool } from "../../../../support/tools.ts";

const kvm = requireTool("/dev/kvm");

describe.skipIf(!kvm.available)("the probe of the host's KVM", () => {
  const probe = (): HostDebugFacts => {
    const device = LinuxKvm.open();
    try {
      return probeHost(device);
    } finally {
      device.close();
    }
  };

  it("finds the same each time", () => {
    const first = probe();
    for (let i = 0; i < 5; i++) expect(probe()).toEqual(first);
    process.stdout.write(
      `this host's KVM:\n${describeHost(first)
        .map((line) => `  ${line}\n`)
        .join("")}`,
    );
  });

  it("finds that it can step kernel mode and real mode, or nothing here makes sense", () => {
    const { step, control } = probe();
    expect(step).toMatchObject({ real: true, kernel: true });
    expect(control & 3).toBe(3);
  });
});

describe("the description of a host's KVM", () => {
  it("says yes to everything for one that leaves nothing out", () => {
    const lines = describeHost(faithful);
    expect(lines).toContain("single step: yes");
    expect(lines).toContain("hardware breakpoints: yes");
    expect(lines).toContain("watchpoints: yes");
    expect(lines).toContain("INT3 breakpoints: yes");
    expect(lines.join()).not.toContain("not in");
  });

  it("says where something is missing, and what is done about it", () => {
    const lines = describeHost({
      ...faithful,
      step: { real: true, kernel: true, user: false },
      int3: { real: "guest", kernel: "error", user: "guest" },
      watchpoint: { real: false, kernel: false, user: false },
      resumeFlag: false,
      outputStep: false,
      iretStep: false,
      userEntry: false,
    });
    expect(lines).toContain("single step: not in user mode; refused there");
    expect(lines).toContain(
      "INT3 breakpoints: not in real mode, user mode; real mode is stepped to find them; in user mode the guest gets them",
    );
    expect(lines).toContain("INT3 breakpoints by emulation failure: kernel mode");
    expect(lines).toContain(
      "watchpoints: not in real mode, kernel mode, user mode; writes by stepping and comparing, reads not at all",
    );
    expect(lines).toContain(
      "going on from a hardware breakpoint by RFLAGS.RF: by disarming, stepping and arming again",
    );
    expect(lines).toContain("single step over IRETQ: by a breakpoint where it returns to");
    expect(lines).toContain("single step over port output: completed by the substrate");
  });

  it("says which instructions the guest must not use, and which it does not see", () => {
    const missingInstructions = ["POPCNT", "VMCALL"];
    expect(describeHost({ ...faithful, missingInstructions })).toContain(
      "hidden from CPUID, as this KVM cannot emulate them: POPCNT, VMCALL",
    );
    const lines = describeHost({ ...faithful, cpuid: false, missingInstructions });
    expect(lines).toContain(
      "CPUID shows the host's processor, and this KVM cannot emulate POPCNT; Linux guests want clearcpuid=151",
    );
    expect(lines).toContain("hidden from CPUID, as this KVM cannot emulate them: VMCALL");
  });

  it("says what is done about user mode where the guest's handlers can be watched", () => {
    const lines = describeHost({
      ...faithful,
      step: { ...faithful.step, user: false },
      int3: { ...faithful.int3, user: "guest" },
      execution: { ...faithful.execution, user: false },
    });
    expect(lines).toContain(
      "single step: not in user mode; by the guest's own #DB handler, refused where it has none",
    );
    expect(lines).toContain(
      "INT3 breakpoints: not in user mode; in user mode they are caught at the guest's #BP handler, which needs a free debug register, else by stepping the guest",
    );
    expect(lines).toContain(
      "hardware breakpoints: not in user mode; by stepping the guest while there are any in user mode's pages",
    );
  });
});
