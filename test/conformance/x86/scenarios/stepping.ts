import type { Scenario } from "../scenario.ts";

const step = { step: true } as const;

/** Host single-step through everything that does not leave the kernel (S4.1, S4.2, S4.4). */
export const stepping: readonly Scenario[] = [
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: each arithmetic instruction, jump and call is one step, a jump to itself too (S4.1, S4.2)`,
      mode,
      text: `
        mov eax, 5
        a: add eax, 3
        b: cmp eax, 8
        c: jne wrong
        d: call f
        e: jmp e
        wrong: hlt
        f: inc eax
        g: ret`,
      acts: [
        {
          debug: step,
          sees: [
            "step at a",
            "step at b",
            "step at c",
            "step at d",
            "step at f",
            "step at g",
            "step at e",
            "step at e",
            "step at e",
          ],
        },
      ],
      ends: { registers: { rax: 9n, rip: "e", rflags: 0x6n }, dr6: 0xffff_0ff0n },
    }),
  ),
  {
    name: "long: FWAIT is one step, and takes #NM when the x87 unit is away (S4.1)",
    mode: "long",
    text: `
      nop
      a: fwait
      b: mov rax, cr0
      c: or rax, 0xa
      d: mov cr0, rax
      e: fwait
      hlt
      handler: nop
      h: hlt`,
    handlers: { 7: "handler" },
    acts: [
      { debug: step, sees: ["a", "b", "c", "d", "e", "handler", "h"].map((label) => `step at ${label}`) },
    ],
    departures: [
      {
        name: "fwait-is-not-emulated",
        hidden: true,
        sees: [["step at a", "error at a"]],
      },
    ],
  },
  {
    name: "real: a step's pc is linear: CS base and IP (S4.2)",
    mode: "real",
    text: "nop\n a: nop\n b: nop",
    segments: { cs: { base: 0x800n, selector: 0x80 } },
    acts: [{ debug: step, sees: ["step at a", "step at b"] }],
    ends: { registers: { rip: 0x802n } },
  },
  {
    name: "real: an access beyond 64 KiB through a large segment is one step (S4.1, big real mode)",
    mode: "real",
    text: "mov ebx, 0x90000\n a: mov byte ptr [ebx], 7\n b: mov al, [ebx]\n c: hlt",
    segments: { ds: { limit: 0xffff_ffff } },
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c"] }],
    ends: { registers: { rax: 7n }, memory: { "0x90000": 7n } },
  },
  {
    name: "long: instructions that a hypervisor intercepts are one step each",
    mode: "long",
    text: `
      xor ecx, ecx
      a: xor eax, eax
      b: cpuid
      c: rdtsc
      d: mov ecx, 0xc0000080
      e: rdmsr
      f: wrmsr
      g: mov rax, cr3
      h: mov cr3, rax
      i: mov rax, cr4
      j: mov cr4, rax
      k: invlpg [0x3000]
      l: sgdt [0x7000]
      m: lgdt [0x7000]
      n: clts
      o: hlt`,
    acts: [
      {
        debug: step,
        sees: [..."abcdefghijklmno"].map((label) => `step at ${label}`),
      },
    ],
  },
  {
    name: "long: HLT is one step, and the CPU does not stay halted (SDM volume 2, HLT)",
    mode: "long",
    text: "nop\n a: hlt\n b: nop\n c: nop",
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c"] }],
  },
  {
    name: "real: HLT is one step, and the CPU does not stay halted",
    mode: "real",
    text: "nop\n a: hlt\n b: nop\n c: nop",
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c"] }],
  },
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: behind a HLT that was stepped the CPU runs on`,
      mode,
      text: "a: hlt\n b: nop\n c: mov al, 7\n d: out 0x10, al\n e: hlt\n f: nop",
      acts: [
        { debug: step, sees: ["step at b"] },
        { debug: "off", sees: ["out 0x10 07", "hlt"] },
      ],
      ends: { registers: { rip: "f" } },
      departures: [
        {
          name: "stepped-halt-comes-late",
          hidden: true,
          sees: [["step at b"], ["hlt", "out 0x10 07"]],
          ends: { registers: { rip: "e" } },
        },
      ],
    }),
  ),
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: HLT halts while something is watched or searched, and is executed once`,
      mode,
      text: "a: hlt\n b: mov al, 7\n c: out 0x10, al\n d: hlt\n e: nop",
      acts: [
        {
          debug: { int3: true, hardware: [{ at: 0x7000, on: "write", length: 4 }] },
          sees: ["hlt", "out 0x10 07", "hlt"],
        },
      ],
      ends: { registers: { rip: "e" } },
    }),
  ),
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: HLT waits for an interrupt while something is watched`,
      mode,
      irqchip: true,
      text: "a: hlt\n b: nop\n c: hlt",
      acts: [
        { debug: { int3: true, hardware: [{ at: 0x7000, on: "write", length: 4 }] }, sees: ["runs on"] },
      ],
      ends: { registers: { rip: "b" } },
    }),
  ),
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: MOV SS holds the step back until the next instruction is executed (S4.4)`,
      mode,
      text: `mov eax, ss\n a: mov ss, eax\n b: nop\n c: nop\n d: nop`,
      acts: [{ debug: step, sees: ["step at a", "step at c", "step at d"] }],
      departures: [
        {
          name: "mov-ss-does-not-hold-back-the-step",
          hidden: true,
          sees: [["step at a", "step at b", "step at c"]],
        },
      ],
    }),
  ),
  {
    name: "real: POP SS holds the step back too (S4.4)",
    mode: "real",
    text: "push ss\n a: pop ss\n b: nop\n c: nop\n d: nop",
    acts: [{ debug: step, sees: ["step at a", "step at c", "step at d"] }],
    departures: [
      {
        name: "mov-ss-does-not-hold-back-the-step",
        hidden: true,
        sees: [["step at a", "step at b", "step at c"]],
      },
    ],
  },
  {
    name: "long: STI does not hold the step back (S4.4)",
    mode: "long",
    text: "cli\n a: sti\n b: nop\n c: nop",
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c"] }],
    ends: { registers: { rflags: 0x202n } },
  },
  ...(["real", "long"] as const).map((mode): Scenario => {
    const [push, pop, ax] = mode === "real" ? ["pushf", "popf", "ax"] : ["pushfq", "popfq", "rax"];
    return {
      name: `${mode}: PUSHF and POPF are steps, and the guest does not see the host's TF (S4.2, S4.4)`,
      mode,
      text: `${push}\n a: pop ${ax}\n b: push ${ax}\n c: ${pop}\n d: nop\n e: nop`,
      acts: [{ debug: step, sees: ["a", "b", "c", "d", "e"].map((label) => `step at ${label}`) }],
      ends: { registers: { rax: 2n, rflags: 2n } },
    };
  }),
  {
    name: "real: INT, and IRET from it, are one step each",
    mode: "real",
    text: "int 0x10\n a: nop\n b: nop\n handler: nop\n back: iret",
    handlers: { 16: "handler" },
    acts: [{ debug: step, sees: ["step at handler", "step at back", "step at a", "step at b"] }],
    ends: { registers: { rsp: 0x8000n } },
  },
  {
    name: "long: INT, and IRET from it, are one step each",
    mode: "long",
    text: "start: int 0x80\n a: nop\n b: nop\n handler: nop\n back: iretq",
    handlers: { 128: "handler" },
    acts: [{ debug: step, sees: ["step at handler", "step at back", "step at a", "step at b"] }],
    ends: { registers: { rsp: 0x8000n } },
    departures: [{ name: "int-is-not-emulated", hidden: true, sees: [["error at start"]] }],
  },
  {
    name: "protected: INT, and IRET from it, are one step each",
    mode: "protected",
    text: "start: int 0x80\n a: nop\n b: nop\n handler: nop\n back: iretd",
    handlers: { 128: "handler" },
    acts: [{ debug: step, sees: ["step at handler", "step at back", "step at a", "step at b"] }],
    ends: { registers: { rsp: 0x8000n, rflags: 2n } },
    departures: [{ name: "int-is-not-emulated", hidden: true, sees: [["error at start"]] }],
  },
  {
    name: "protected: a handler returns to what an exception has interrupted",
    mode: "protected",
    text: `
      ud2
      a: mov al, 7
      out 0x10, al
      hlt
      handler: add dword ptr [esp], 2
      back: iretd`,
    handlers: { 6: "handler" },
    acts: [{ debug: "off", sees: ["out 0x10 07", "hlt"] }],
    ends: { registers: { rsp: 0x8000n, rflags: 2n } },
    departures: [{ name: "iret-is-not-emulated", hidden: true, sees: [["error at back"]] }],
  },
  {
    name: "protected: IRET of 16 bits returns too",
    mode: "protected",
    text: `
      sub esp, 6
      lea eax, [target]
      mov word ptr [esp], ax
      mov word ptr [esp + 2], 0x38
      mov word ptr [esp + 4], 0x203
      back: .byte 0x66, 0xcf
      nop
      target: hlt
      end: nop`,
    acts: [{ debug: "off", sees: ["hlt"] }],
    ends: { registers: { rip: "end", rsp: 0x8000n, rflags: 0x203n } },
    departures: [{ name: "iret-is-not-emulated", hidden: true, sees: [["error at back"]] }],
  },
  {
    name: "protected: IRET to user mode is one step, and takes segments of the kernel's away",
    mode: "protected",
    text: `
      push 0x1b
      push 0x7f00
      push 2
      push 0x43
      lea eax, [user]
      push eax
      a: iretd
      nop
      user: nop
      b: mov ebx, ds
      c: mov ecx, cs
      d: nop`,
    acts: [
      { debug: { hardware: [{ at: "a" }] }, sees: ["hardware 0 at a"] },
      { debug: step, sees: ["step at user", "step at b", "step at c", "step at d"] },
    ],
    ends: { registers: { rbx: 0n, rcx: 0x43n, rsp: 0x7f00n, rflags: 2n } },
    departures: [{ name: "iret-is-not-emulated", hidden: true, sees: [["hardware 0 at a"], ["error at a"]] }],
  },
  {
    name: "protected: INT3 is #BP, and the host's where it wants it",
    mode: "protected",
    text: "a: int3\n back: nop\n b: int3\n own: mov ebx, [esp]\n c: hlt",
    handlers: { 3: "own" },
    acts: [
      { debug: { int3: true }, sees: ["int3 at a"] },
      { debug: "off", sees: ["hlt"] },
      { debug: { int3: true }, jump: "b", sees: ["int3 at b"] },
    ],
    ends: { registers: { rbx: "back" } },
    departures: [{ name: "int3-is-not-emulated", hidden: true, sees: [["error at a"], [], []] }],
  },
  {
    name: "long: IRET to the same level is one step",
    mode: "long",
    text: `
      push 0x10
      a: push 0x7f00
      b: push 2
      c: push 8
      d: lea rax, [rip + target]
      e: push rax
      f: iretq
      nop
      target: nop
      g: nop
      h: nop`,
    acts: [
      {
        debug: step,
        sees: ["a", "b", "c", "d", "e", "f", "target", "g"].map((label) => `step at ${label}`),
      },
    ],
    ends: { registers: { rsp: 0x7f00n } },
    departures: [
      {
        name: "iret-loses-its-step",
        hidden: true,
        sees: [["a", "b", "c", "d", "e", "f", "g", "h"].map((label) => `step at ${label}`)],
      },
    ],
  },
  {
    name: "long: IRET to user mode is one step",
    mode: "long",
    text: `
      push 0x1b
      a: push 0x7f00
      b: push 2
      c: push 0x23
      d: lea rax, [rip + target]
      e: push rax
      f: iretq
      nop
      target: nop
      g: int3
      handler: nop
      h: nop
      i: nop`,
    handlers: { 3: "handler" },
    acts: [
      { debug: step, sees: ["a", "b", "c", "d", "e", "f", "target"].map((label) => `step at ${label}`) },
    ],
    departures: [
      {
        name: "user-mode-runs-undebugged",
        hidden: true,
        sees: [["a", "b", "c", "d", "e", "f", "h"].map((label) => `step at ${label}`)],
      },
    ],
  },
  {
    name: "user: a step needs nothing of the guest's, not even a handler of #DB",
    mode: "user",
    text: "nop\n a: nop\n b: nop",
    acts: [{ debug: step, sees: ["step at a", "step at b"] }],
    departures: [
      { name: "user-mode-runs-undebugged", hidden: true, sees: [["shutdown"]] },
      { name: "user-mode-steps-are-refused", sees: [["refused: EOPNOTSUPP"]] },
    ],
  },
  {
    name: "user: an exception is no step of its own, and saves the guest's flags and not the host's",
    mode: "user",
    text: "nop\n a: ud2\n wrong: hlt\n handler: nop\n b: mov rax, [rsp + 16]\n c: nop",
    handlers: { 1: "wrong", 6: "handler" },
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c"] }],
    // RF is saved by a fault.
    ends: { registers: { rax: 0x1_0002n }, dr6: 0xffff_0ff0n },
    departures: [
      {
        name: "user-mode-runs-undebugged",
        hidden: true,
        sees: [["step at handler", "step at b", "step at c"]],
        ends: { registers: { rax: 0x102n }, dr6: 0xffff_4ff0n },
      },
    ],
  },
  {
    name: "user: PUSHF and POPF do not show the host's steps, and POPF takes the guest's TF",
    mode: "user",
    // With IF, which user mode always has on this KVM.
    registers: { rflags: 0x202n },
    text: `
      pushfq
      a: pop rax
      b: push 0x302
      c: popfq
      d: nop
      e: nop
      handler: mov rbx, [rsp + 16]
      f: mov rcx, dr6
      g: nop`,
    handlers: { 1: "handler" },
    acts: [
      {
        debug: step,
        sees: ["a", "b", "c", "d", "e", "handler", "f", "g"].map((label) => `step at ${label}`),
      },
    ],
    ends: { registers: { rax: 0x202n, rbx: 0x302n, rcx: 0xffff_4ff0n }, memory: { "0x8fd8": "e" } },
    departures: [
      {
        name: "user-mode-runs-undebugged",
        hidden: true,
        sees: [
          ["f", "g", "0x1013", "0x1015", "0x1017", "0x1019", "0x101b", "0x101d"].map((at) => `step at ${at}`),
        ],
      },
    ],
  },
  {
    name: "long: SYSRET to user mode is one step",
    mode: "long",
    text: "lea rcx, [rip + target]\n a: mov r11d, 2\n b: sysretq\n nop\n target: nop\n c: nop\n wrong: hlt\n entry: nop",
    syscall: "entry",
    handlers: { 1: "wrong" },
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at target", "step at c"] }],
    departures: [
      { name: "user-mode-runs-undebugged", hidden: true, sees: [["step at a", "step at b", "shutdown"]] },
    ],
  },
  {
    name: "long: an exception that is stepped saves the guest's flags, not the host's",
    mode: "long",
    text: "nop\n a: ud2\n handler: mov rax, [rsp + 16]\n b: nop",
    handlers: { 6: "handler" },
    acts: [{ debug: step, sees: ["step at a", "step at b"] }],
    ends: { registers: { rax: 0x1_0002n } },
  },
  {
    name: "long: PUSHF does not show the host's steps",
    mode: "long",
    text: "nop\n a: pushfq\n b: pop rax\n c: nop",
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c"] }],
    ends: { registers: { rax: 2n } },
  },
  {
    name: "long: SYSCALL is one step, and clears in RFLAGS what MSR_SFMASK says",
    mode: "long",
    text: "start: syscall\n a: nop\n entry: nop\n b: mov rax, r11\n c: nop",
    syscall: "entry",
    acts: [{ debug: step, sees: ["step at entry", "step at b", "step at c"] }],
    ends: { registers: { rcx: "a", rax: 2n } },
  },
  {
    name: "long: a page fault is no step of its own: the first instruction that is executed is the handler's (SDM volume 3, 18.3.1.4)",
    mode: "long",
    text: `
      mov rax, 0x7f0000000000
      a: mov [rax], ecx
      b: nop
      handler: nop
      c: mov rbx, cr2
      d: pop rcx
      e: hlt`,
    handlers: { 14: "handler" },
    acts: [{ debug: step, sees: ["step at a", "step at c", "step at d", "step at e"] }],
    ends: { registers: { rbx: 0x7f00_0000_0000n, rcx: 2n }, memory: { "0x7fd8": "a" } },
  },
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: an instruction that is not defined is no step of its own`,
      mode,
      text: `nop\n a: ud2\n b: nop\n handler: nop\n c: nop\n d: hlt`,
      handlers: { 6: "handler" },
      acts: [{ debug: step, sees: ["step at a", "step at c", "step at d"] }],
    }),
  ),
  {
    name: "real: an instruction that has just been overwritten is executed as it is now",
    mode: "real",
    text: "mov byte ptr [b], 0x40\n a: nop\n b: nop\n c: nop",
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c"] }],
    ends: { registers: { rax: 1n } },
  },
  {
    name: "long: an instruction that has just been overwritten is executed as it is now",
    mode: "long",
    text: "mov word ptr [b], 0xc0ff\n a: nop\n b: .byte 0x90, 0x90\n c: nop",
    registers: { rax: 41n },
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c"] }],
    ends: { registers: { rax: 42n } },
  },
  {
    name: "steps go on across the switches from real to protected to long mode",
    mode: "real",
    // Page tables: the first 2 MiB, onto themselves.
    memory: { "0x3000": 0x4003n, "0x4000": 0x5003n, "0x5000": 0x83n },
    text: `
      cli
      a: lgdt [table]
      b: mov eax, cr0
      c: or al, 1
      d: mov cr0, eax
      e: .byte 0xea
      .word protected, 8
      .code32
      protected: mov eax, 0x20
      f: mov cr4, eax
      g: mov eax, 0x3000
      h: mov cr3, eax
      i: mov ecx, 0xc0000080
      j: rdmsr
      k: or eax, 0x100
      l: wrmsr
      m: mov eax, cr0
      n: or eax, 0x80000000
      o: mov cr0, eax
      p: .byte 0xea
      .long long
      .word 16
      .code64
      long: mov rax, 0x123456789abcdef0
      q: nop
      r: hlt
      .code16
      .balign 8
      descriptors: .quad 0, 0x00cf9b000000ffff, 0x00af9b000000ffff
      table: .word 23
      .long descriptors`,
    acts: [
      {
        debug: step,
        sees: [
          ...["a", "b", "c", "d", "e", "protected", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"],
          "long",
          "q",
          "r",
        ].map((label) => `step at ${label}`),
      },
    ],
    ends: { registers: { rax: 0x1234_5678_9abc_def0n } },
  },
  {
    name: "user: each instruction is one step, and so is SYSCALL into the kernel",
    mode: "user",
    text: `
      nop
      a: xorps xmm0, xmm0
      b: syscall
      c: nop
      entry: nop
      d: out 0x10, al
      e: nop
      wrong: nop
      f: nop
      g: nop
      h: nop
      i: nop
      j: nop`,
    syscall: "entry",
    // The guest must not see the host's steps as its own.
    handlers: { 1: "wrong" },
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at entry", "step at d", "out 0x10 00"] }],
    departures: [
      {
        name: "user-mode-runs-undebugged",
        hidden: true,
        sees: [["step at f", "step at g", "step at h", "step at i", "step at j"]],
      },
    ],
  },
  {
    name: "long: BLOCKIRQ keeps an interrupt that is due pending while the host steps",
    mode: "long",
    irqchip: true,
    text: `
      mov eax, 0xfee000f0
      a: mov dword ptr [rax], 0x1ff
      b: mov eax, 0xfee00300
      c: mov dword ptr [rax], 0x44040
      d: sti
      e: nop
      f: nop
      g: nop
      h: nop
      handler: nop
      i: iretq`,
    handlers: { 64: "handler" },
    acts: [
      {
        debug: { step: true, blockInterrupts: true },
        sees: ["a", "b", "c", "d", "e", "f", "g"].map((label) => `step at ${label}`),
      },
      { debug: step, sees: ["step at i"] },
    ],
    ends: { memory: { "0x7fd8": "g" } },
  },
  {
    name: "long: an interrupt that is due is taken one instruction after STI (S4.4)",
    mode: "long",
    irqchip: true,
    text: `
      mov eax, 0xfee000f0
      mov dword ptr [rax], 0x1ff
      mov eax, 0xfee00300
      mov dword ptr [rax], 0x44040
      sti
      a: nop
      b: nop
      handler: mov al, 1
      out 0x10, al
      c: nop`,
    handlers: { 64: "handler" },
    acts: [{ debug: "off", sees: ["out 0x10 01"] }],
    ends: { memory: { "0x7fd8": "b" } },
    departures: [
      { name: "interrupts-come-late", sees: [["out 0x10 01"]], ends: { memory: { "0x7fd8": "0x0" } } },
    ],
  },
];
