import type { Scenario } from "../scenario.ts";

const count = "inc dword ptr [0x7000]";

/** The guest debugs itself, alone and beside the host (S4.2, S4.4). */
export const ownDebugging: readonly Scenario[] = [
  {
    name: "long: the guest's TF traps after each instruction but the POPF that sets it (S4.4)",
    mode: "long",
    text: `
      push 0x102
      popfq
      a: nop
      b: nop
      c: push 2
      d: popfq
      e: nop
      f: hlt
      handler: ${count}
      iretq`,
    handlers: { 1: "handler" },
    // After a, b, c and d: TF that was set before POPF decides.
    acts: [{ debug: "off", sees: ["hlt"] }],
    ends: { memory: { "0x7000": 4n }, dr6: 0xffff_4ff0n },
  },
  {
    name: "real: the guest's TF traps after each instruction but the POPF that sets it (S4.4)",
    mode: "real",
    text: `
      push 0x102
      popf
      a: nop
      b: nop
      c: push 2
      d: popf
      e: nop
      f: hlt
      handler: ${count}
      iret`,
    handlers: { 1: "handler" },
    acts: [{ debug: "off", sees: ["hlt"] }],
    ends: { memory: { "0x7000": 4n }, dr6: 0xffff_4ff0n },
  },
  {
    name: "long: the guest's TF traps once after port output, and once after input (S4.2, S4.3)",
    mode: "long",
    text: `
      push 0x102
      popfq
      out 0x10, al
      in al, 0x11
      push 2
      popfq
      hlt
      handler: ${count}
      iretq`,
    handlers: { 1: "handler" },
    acts: [{ debug: "off", sees: ["out 0x10 00", "in 0x11 × 1", "hlt"] }],
    ends: { memory: { "0x7000": 4n } },
    departures: [
      {
        name: "own-step-is-lost-after-port-output",
        hidden: true,
        sees: [["out 0x10 00", "in 0x11 × 1", "hlt"]],
        ends: { memory: { "0x7000": 3n } },
      },
    ],
  },
  {
    name: "long: the guest's #DB clears bits 0 to 3 of its DR6 and leaves the others (S4.2)",
    mode: "long",
    text: `
      mov eax, 0xffff2ff5
      mov dr6, rax
      push 0x102
      popfq
      a: nop
      b: hlt
      handler: mov rbx, dr6
      hlt`,
    handlers: { 1: "handler" },
    acts: [{ debug: "off", sees: ["hlt"] }],
    ends: { registers: { rbx: 0xffff_6ff0n } },
  },
  {
    name: "long: the guest's execution breakpoint faults before its instruction, and RF in the saved flags lets it pass",
    mode: "long",
    text: `
      nop
      a: inc ecx
      b: hlt
      handler: ${count}
      mov rbx, dr6
      or dword ptr [rsp + 16], 0x10000
      iretq`,
    handlers: { 1: "handler" },
    ownDebug: { addresses: ["a"], dr7: 0x402n },
    acts: [{ debug: "off", sees: ["hlt"] }],
    ends: { memory: { "0x7000": 1n }, registers: { rcx: 1n, rbx: 0xffff_0ff1n } },
  },
  {
    name: "long: the guest's watchpoint traps after the write",
    mode: "long",
    text: `
      mov edi, 0x7000
      mov byte ptr [rdi], 1
      a: hlt
      handler: mov rbx, dr6
      hlt`,
    handlers: { 1: "handler" },
    ownDebug: { addresses: [0x7000], dr7: 0x1_0402n },
    acts: [{ debug: "off", sees: ["hlt"] }],
    ends: { registers: { rbx: 0xffff_0ff1n } },
    departures: [{ name: "own-watchpoints-never-hit", sees: [["hlt"]], ends: { registers: { rbx: 0n } } }],
  },
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: INT1 is a #DB with the next instruction's address saved, and leaves DR6`,
      mode,
      text: "nop\n a: .byte 0xf1\n b: nop\n handler: mov al, 1\n out 0x10, al\n c: hlt",
      handlers: { 1: "handler" },
      acts: [{ debug: "off", sees: ["out 0x10 01"] }],
      ends: {
        dr6: 0xffff_0ff0n,
        ...(mode === "real" ? { memory: { "0x7ffa": 0x0002_0000_1002n } } : { memory: { "0x7fd8": "b" } }),
      },
      departures: [
        {
          name: "int1-is-not-emulated",
          hidden: true,
          sees: [["error at a"]],
          ends: {
            dr6: 0xffff_0ff0n,
            ...(mode === "real" ? { memory: { "0x7ffa": 0n } } : { memory: { "0x7fd8": "0x0" } }),
          },
        },
      ],
    }),
  ),
  {
    name: "long: an access to a debug register with DR7.GD faults, with BD in DR6",
    mode: "long",
    text: "nop\n a: mov rax, dr0\n b: hlt\n handler: mov rbx, dr6\n mov rcx, dr7\n hlt",
    handlers: { 1: "handler" },
    ownDebug: { addresses: [], dr7: 0x2400n },
    acts: [{ debug: "off", sees: ["hlt"] }],
    // GD is clear in the handler, or it could not look.
    ends: { registers: { rbx: 0xffff_2ff0n, rcx: 0x400n }, memory: { "0x7fd8": "a" } },
  },
  {
    name: "long: the guest's TF survives the host's stepping, and its #DBs are not swallowed (S4.2)",
    mode: "long",
    text: `
      push 0x102
      a: popfq
      b: nop
      c: nop
      d: nop
      e: push 2
      f: popfq
      g: hlt
      handler: ${count}
      iretq`,
    handlers: { 1: "handler" },
    acts: [
      { debug: { step: true }, sees: ["step at a", "step at b"] },
      { debug: "off", sees: ["hlt"] },
    ],
    // After b, c, d, e and f.
    ends: { memory: { "0x7000": 5n } },
    departures: [
      {
        name: "own-step-is-lost-while-the-host-steps",
        hidden: true,
        sees: [["step at a", "step at b"], ["hlt"]],
        ends: { memory: { "0x7000": 0n } },
      },
    ],
  },
  ...(["long", "real"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: while the host steps, the guest's #DB comes after each instruction that began with TF, IRET's TF after the next (S4.2)`,
      mode,
      text: `
        push 0x102
        a: popf${mode === "long" ? "q" : ""}
        b: nop
        c: nop
        d: hlt
        handler: nop
        e: ${mode === "long" ? "iretq" : "iret"}`,
      handlers: { 1: "handler" },
      acts: [
        {
          debug: { step: true },
          sees: ["a", "b", "c", "handler", "e", "c", "d", "handler"].map((label) => `step at ${label}`),
        },
      ],
      ends: { dr6: 0xffff_4ff0n },
      departures: [
        {
          name: "own-step-is-lost-while-the-host-steps",
          hidden: true,
          sees: [
            mode === "long"
              ? [
                  ...["a", "b", "c", "d", "handler", "e"].map((label) => `step at ${label}`),
                  "hlt",
                  "shutdown",
                ]
              : ["a", "b", "c", "d", "handler", "e", "0x0", "0x2"].map((label) => `step at ${label}`),
          ],
          ends: { dr6: 0xffff_0ff0n },
        },
      ],
    }),
  ),
  {
    name: "long: an exception while the host steps saves the guest's TF, and its handler begins without",
    mode: "long",
    text: `
      push 0x102
      a: popfq
      b: ud2
      c: hlt
      wrong: hlt
      handler: mov rax, [rsp + 16]
      d: pushfq
      e: pop rbx
      f: nop`,
    handlers: { 1: "wrong", 6: "handler" },
    acts: [
      {
        debug: { step: true },
        sees: ["a", "b", "d", "e", "f"].map((label) => `step at ${label}`),
      },
    ],
    ends: { registers: { rax: 0x1_0102n, rbx: 2n } },
    departures: [
      {
        name: "own-trap-flag-is-not-saved",
        sees: [["a", "b", "d", "e", "f"].map((label) => `step at ${label}`)],
        ends: { registers: { rax: 0x1_0002n, rbx: 2n } },
      },
    ],
  },
  {
    name: "long: PUSHF shows the guest's TF while the host steps",
    mode: "long",
    text: `
      push 0x102
      a: popfq
      b: pushfq
      c: hlt
      handler: mov rax, [rsp + 40]
      d: nop`,
    handlers: { 1: "handler" },
    acts: [
      { debug: { step: true }, sees: ["a", "b", "c", "handler", "d"].map((label) => `step at ${label}`) },
    ],
    ends: { memory: { "0x7ff8": 0x102n } },
    departures: [
      {
        name: "own-step-is-lost-while-the-host-steps",
        hidden: true,
        sees: [["a", "b", "c", "handler", "d"].map((label) => `step at ${label}`)],
        ends: { memory: { "0x7ff8": 2n } },
      },
    ],
  },
  {
    name: "long: the guest's INT3 reaches the guest while the host steps, and is one step",
    mode: "long",
    text: "nop\n a: int3\n b: nop\n handler: nop\n c: nop\n d: nop",
    handlers: { 3: "handler" },
    acts: [{ debug: { step: true }, sees: ["step at a", "step at handler", "step at c", "step at d"] }],
    ends: { registers: { rsp: 0x7fd8n }, memory: { "0x7fd8": "b" } },
    departures: [
      {
        name: "int3-is-not-emulated",
        hidden: true,
        sees: [["step at a", "error at a"]],
        ends: { registers: { rsp: 0x8000n }, memory: { "0x7fd8": "0x0" } },
      },
    ],
  },
  {
    name: "real: the guest's INT3 reaches the guest while the host steps, and is one step",
    mode: "real",
    text: "nop\n a: int3\n b: nop\n handler: nop\n c: nop\n d: nop",
    handlers: { 3: "handler" },
    acts: [{ debug: { step: true }, sees: ["step at a", "step at handler", "step at c", "step at d"] }],
    ends: { registers: { rsp: 0x7ffan } },
  },
];
