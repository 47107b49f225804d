import type { Scenario } from "../scenario.ts";

/** What Linux' own tools/testing/selftests/kvm/x86/debug_regs.c asks of KVM_SET_GUEST_DEBUG, where no other scenario does. */
export const kvmSelftest: readonly Scenario[] = [
  {
    name: "long: BLOCKIRQ holds an interrupt back over STI, CPUID, RDMSR and CLI, each one step",
    mode: "long",
    irqchip: true,
    // The local APIC is on, and vector 64 is sent to itself.
    text: `
      mov eax, 0xfee000f0
      a: mov dword ptr [rax], 0x1ff
      b: mov eax, 0xfee00300
      c: mov dword ptr [rax], 0x44040
      d: sti
      e: xor eax, eax
      f: cpuid
      g: mov ecx, 0x1a0
      h: rdmsr
      i: cli
      j: nop
      k: hlt
      handler: hlt`,
    handlers: { 64: "handler" },
    acts: [
      {
        debug: { step: true, blockInterrupts: true },
        sees: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"].map((label) => `step at ${label}`),
      },
    ],
    ends: { registers: { rip: "k" } },
  },
  ...[
    ["reads", "mov rax, dr0"],
    ["writes", "mov dr0, rax"],
  ].map(
    ([what, access]): Scenario => ({
      name: `long: DR7.GD of the host's registers stops before the guest ${what} a debug register, with BD in DR6`,
      mode: "long",
      text: `nop\n a: ${access}\n b: hlt\n c: nop`,
      acts: [{ debug: { hardware: [], generalDetect: true }, sees: ["access at a"] }],
      ends: { registers: { rip: "a" } },
      departures: [{ name: "general-detect-never-hits", sees: [["hlt"]], ends: { registers: { rip: "c" } } }],
    }),
  ),
  {
    name: "long: an execution breakpoint in the shadow of MOV SS is not lost",
    mode: "long",
    text: "mov eax, 0x10\n a: mov ss, eax\n b: nop\n c: nop\n d: hlt",
    acts: [{ debug: { hardware: [{ at: "c" }] }, sees: ["hardware 0 at c"] }],
  },
];
