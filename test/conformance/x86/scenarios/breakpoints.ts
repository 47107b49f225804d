import type { Scenario } from "../scenario.ts";

const long = "long" as const;

/** A handler that the host sees. */
const handler = "handler: mov al, 1\n out 0x10, al\n z: hlt";

const int3: readonly Scenario[] = [
  {
    name: "real: INT3 with USE_SW_BP is the host's: a debug exit with RIP on it",
    mode: "real",
    text: `nop\n a: int3\n b: nop\n ${handler}`,
    handlers: { 3: "handler" },
    acts: [{ debug: { int3: true }, sees: ["int3 at a", "int3 at a"] }],
    ends: { registers: { rsp: 0x8000n } },
    departures: [
      {
        name: "int3-never-exits",
        hidden: true,
        sees: [["out 0x10 01", "hlt"]],
        ends: { registers: { rsp: 0x7ffan } },
      },
    ],
  },
  {
    name: "long: INT3 with USE_SW_BP is the host's: a debug exit with RIP on it",
    mode: long,
    text: `nop\n a: int3\n b: nop\n ${handler}`,
    handlers: { 3: "handler" },
    acts: [{ debug: { int3: true }, sees: ["int3 at a", "int3 at a"] }],
    ends: { registers: { rip: "a", rsp: 0x8000n } },
    departures: [{ name: "int3-is-not-emulated", hidden: true, sees: [["error at a"]] }],
  },
  {
    name: "user: INT3 with USE_SW_BP is the host's: a debug exit with RIP on it",
    mode: "user",
    text: `nop\n a: int3\n b: nop\n ${handler}`,
    handlers: { 3: "handler" },
    acts: [{ debug: { int3: true }, sees: ["int3 at a", "int3 at a"] }],
    ends: { registers: { rsp: 0x8000n } },
    departures: [
      {
        name: "user-mode-runs-undebugged",
        hidden: true,
        sees: [["out 0x10 01", "hlt"]],
        ends: { registers: { rsp: 0x8fd8n } },
      },
    ],
  },
  {
    name: "real: INT3 without USE_SW_BP is the guest's, with the next instruction's address saved",
    mode: "real",
    text: `nop\n a: int3\n b: nop\n ${handler}`,
    handlers: { 3: "handler" },
    acts: [{ debug: "off", sees: ["out 0x10 01"] }],
    ends: { registers: { rsp: 0x7ffan }, memory: { "0x7ffa": 0x0002_0000_1002n } },
  },
  {
    name: "long: INT3 without USE_SW_BP is the guest's, with the next instruction's address saved",
    mode: long,
    text: `nop\n a: int3\n b: nop\n ${handler}`,
    handlers: { 3: "handler" },
    acts: [{ debug: "off", sees: ["out 0x10 01"] }],
    ends: { registers: { rsp: 0x7fd8n }, memory: { "0x7fd8": "b" } },
    departures: [
      {
        name: "int3-is-not-emulated",
        hidden: true,
        sees: [["error at a"]],
        ends: { registers: { rsp: 0x8000n }, memory: { "0x7fd8": "0x0" } },
      },
    ],
  },
  {
    name: "user: INT3 without USE_SW_BP is the guest's, with the next instruction's address saved",
    mode: "user",
    text: `nop\n a: int3\n b: nop\n ${handler}`,
    handlers: { 3: "handler" },
    acts: [{ debug: "off", sees: ["out 0x10 01"] }],
    ends: { registers: { rsp: 0x8fd8n }, memory: { "0x8fd8": "b" } },
  },
];

const execution: readonly Scenario[] = [
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: an execution breakpoint stops before its instruction, and RF lets that be executed once (S4.4)`,
      mode,
      text: "mov ecx, 2\n a: nop\n b: inc eax\n c: loop a\n d: out 0x10, al\n e: nop",
      acts: [
        { debug: { hardware: [{ at: "b" }] }, sees: ["hardware 0 at b"] },
        { resumeFlag: true, sees: ["hardware 0 at b"] },
        { resumeFlag: true, sees: ["out 0x10 02"] },
      ],
      departures: [
        {
          name: "resume-flag-is-ignored",
          hidden: true,
          sees: [["hardware 0 at b"], ["hardware 0 at b"], ["hardware 0 at b"]],
        },
      ],
    }),
  ),
  {
    name: "user: an execution breakpoint stops before its instruction, and RF lets that be executed once (S4.4)",
    mode: "user",
    text: `mov ecx, 2\n a: nop\n b: inc eax\n c: loop a\n d: ud2\n ${handler}\n y: hlt`,
    // The guest must not see the host's steps as its own.
    handlers: { 1: "y", 6: "handler" },
    acts: [
      { debug: { hardware: [{ at: "b" }] }, sees: ["hardware 0 at b"] },
      { resumeFlag: true, sees: ["hardware 0 at b"] },
      { resumeFlag: true, sees: ["out 0x10 01"] },
    ],
    departures: [
      { name: "user-mode-runs-undebugged", hidden: true, sees: [["out 0x10 01"], ["hlt"], ["hlt"]] },
    ],
  },
];

const watching: readonly Scenario[] = (["real", "long", "user"] as const).flatMap((mode) => {
  const di = mode === "real" ? "di" : "rdi";
  const never = mode === "user" ? ("user-mode-runs-undebugged" as const) : ("watchpoints-never-hit" as const);
  return [
    {
      name: `${mode}: a write watchpoint stops after the instruction that writes, not for one that reads`,
      mode,
      text: `mov edi, 0x7000\n a: mov eax, [${di}]\n b: mov dword ptr [${di}], 5\n c: nop\n d: ud2\n ${handler}`,
      handlers: { 1: "handler", 6: "handler" },
      acts: [
        {
          debug: { hardware: [{ at: 0x7000, on: "write" as const, length: 4 as const }] },
          sees: ["hardware 0 at c", "out 0x10 01"],
        },
      ],
      departures: [{ name: never, hidden: true, sees: [["out 0x10 01", "hlt"]] }],
    },
    {
      name: `${mode}: an access watchpoint stops after the instruction that reads any of its bytes`,
      mode,
      text: `mov edi, 0x7003\n a: mov al, [${di}]\n b: mov al, [${di} + 1]\n c: nop\n d: ud2\n ${handler}`,
      handlers: { 6: "handler" },
      acts: [
        {
          debug: {
            hardware: [
              { at: 0x6000, on: "write" as const },
              { at: 0x7000, on: "access" as const, length: 4 as const },
            ],
          },
          sees: ["hardware 1 at b", "out 0x10 01"],
        },
      ],
      departures: [
        { name: never, hidden: true, sees: [["out 0x10 01", "hlt"]] },
        { name: "access-watchpoints-are-refused" as const, sees: [["refused: EOPNOTSUPP"]] },
      ],
    },
  ];
});

/** The host's breakpoints and watchpoints (S4.4, and KVM's documented rules for INT3). */
export const breakpoints: readonly Scenario[] = [
  ...int3,
  ...execution,
  ...watching,
  {
    name: "long: stepping onto an execution breakpoint reports the step, then the breakpoint",
    mode: long,
    text: "nop\n a: nop\n b: nop\n c: nop",
    acts: [
      { debug: { step: true, hardware: [{ at: "b" }] }, sees: ["step at a", "step at b", "hardware 0 at b"] },
      { resumeFlag: true, sees: ["step at c"] },
    ],
    departures: [
      {
        name: "resume-flag-is-ignored",
        hidden: true,
        sees: [["step at a", "step at b", "hardware 0 at b"], ["hardware 0 at b"]],
      },
    ],
  },
  {
    name: "long: INT3 stops in user mode although the guest has just given itself its interrupt table",
    mode: "long",
    text: `
      mov edi, 0x30030
      lea rax, [rip + own]
      mov word ptr [rdi], ax
      mov dword ptr [rdi + 2], 8
      mov byte ptr [rdi + 5], 0xee
      lidt [rip + descriptor]
      push 0x1b
      push 0x7800
      push 2
      push 0x23
      lea rax, [rip + user]
      push rax
      iretq
      user: nop
      brk: int3
      own: mov al, 1
      out 0x10, al
      descriptor: .word 0xfff
      .quad 0x30000`,
    acts: [{ debug: { int3: true }, sees: ["int3 at brk"] }],
    ends: { registers: { rip: "brk", rsp: 0x7800n, rflags: 2n } },
    departures: [
      {
        name: "user-mode-runs-undebugged",
        hidden: true,
        sees: [["out 0x10 01"]],
        ends: { registers: { rip: "descriptor", rsp: 0x8fd8n, rflags: 2n } },
      },
    ],
  },
  {
    name: "real: INT3 stops where an interrupt begins its handler",
    mode: "real",
    irqchip: true,
    // The local APIC interrupts its own processor.
    segments: { ds: { limit: 0xffff_ffff, g: 1 } },
    text: `
      mov eax, 0xfee000f0
      mov dword ptr [eax], 0x1ff
      mov eax, 0xfee00300
      mov dword ptr [eax], 0x44040
      sti
      a: jmp a
      own: out 0x10, al
      handler: int3
      b: nop`,
    handlers: { 3: "own", 64: "handler" },
    acts: [{ debug: { int3: true }, sees: ["int3 at handler"] }],
    ends: { registers: { rip: "handler", rsp: 0x7ffan, rflags: 2n } },
    departures: [
      {
        name: "int3-never-exits",
        hidden: true,
        sees: [["out 0x10 00"]],
        ends: { registers: { rip: "handler", rsp: 0x7ff4n, rflags: 2n } },
      },
    ],
  },
  {
    name: "long: all four registers stop, each by its number; one that is not enabled does not",
    mode: long,
    text: "a: nop\n b: nop\n c: nop\n d: nop\n e: hlt",
    acts: [
      {
        debug: { hardware: [{ at: "d" }, { at: "c" }, { at: "b" }, { at: "a" }] },
        sees: ["hardware 3 at a"],
      },
      { jump: "b", sees: ["hardware 2 at b"] },
      { jump: "c", sees: ["hardware 1 at c"] },
      { jump: "d", sees: ["hardware 0 at d"] },
      { debug: { hardware: [{ at: "e" }] }, sees: ["hardware 0 at e"] },
      { debug: "off", sees: ["hlt"] },
    ],
  },
  {
    name: "long: an execution breakpoint on port output stops before the output, and it happens once",
    mode: long,
    text: "mov al, 7\n a: out 0x10, al\n b: hlt",
    acts: [
      { debug: { hardware: [{ at: "a" }] }, sees: ["hardware 0 at a"] },
      { debug: "off", sees: ["out 0x10 07", "hlt"] },
    ],
  },
  {
    name: "long: an execution breakpoint on MMIO stops before the access (S4.4)",
    mode: long,
    text: "mov ebx, 0x200000\n a: mov [rbx], al\n b: hlt",
    acts: [
      { debug: { hardware: [{ at: "a" }] }, sees: ["hardware 0 at a"] },
      { debug: "off", sees: ["write 0x200000 00", "hlt"] },
    ],
  },
  {
    name: "long: an execution breakpoint on INT3 comes first",
    mode: long,
    text: "nop\n a: int3\n b: hlt",
    acts: [{ debug: { hardware: [{ at: "a" }], int3: true }, sees: ["hardware 0 at a"] }],
    ends: { registers: { rip: "a" } },
  },
  {
    name: "long: a watchpoint and a step are reported together",
    mode: long,
    text: "mov edi, 0x7000\n a: mov byte ptr [rdi], 5\n b: nop\n c: nop",
    acts: [
      {
        debug: { step: true, hardware: [{ at: 0x7000, on: "write" }] },
        sees: ["step at a", "hardware 0 and step at b", "step at c"],
      },
    ],
    departures: [
      { name: "watchpoints-never-hit", hidden: true, sees: [["step at a", "step at b", "step at c"]] },
    ],
  },
  {
    name: "long: INJECT_BP gives the guest its INT3 back, with the next instruction's address saved",
    mode: long,
    text: "nop\n a: int3\n b: nop\n handler: mov al, 1\n out 0x10, al\n c: iretq",
    handlers: { 3: "handler" },
    acts: [
      { debug: { int3: true }, sees: ["int3 at a"] },
      { debug: { int3: true, inject: "BP" }, sees: ["out 0x10 01"] },
    ],
    ends: { registers: { rsp: 0x7fd8n }, memory: { "0x7fd8": "b" } },
    departures: [
      {
        name: "int3-is-not-emulated",
        hidden: true,
        sees: [["error at a"], []],
        ends: { registers: { rsp: 0x8000n }, memory: { "0x7fd8": "0x0" } },
      },
    ],
  },
  {
    name: "long: INJECT_DB gives the guest a #DB at the present instruction",
    mode: long,
    text: "nop\n a: nop\n handler: mov al, 1\n out 0x10, al\n c: iretq",
    handlers: { 1: "handler" },
    acts: [
      { debug: { step: true }, sees: ["step at a"] },
      { debug: { inject: "DB" }, sees: ["out 0x10 01"] },
    ],
    ends: { registers: { rsp: 0x7fd8n }, memory: { "0x7fd8": "a" } },
  },
];
