import type { Scenario } from "../scenario.ts";

const step = { step: true } as const;

/** Host single-step through accesses that user space completes (S4.3). */
export const devices: readonly Scenario[] = [
  ...(["real", "long"] as const).flatMap((mode): readonly Scenario[] => [
    {
      name: `${mode}: port output steps once, after it is complete (S4.3)`,
      mode,
      text: "mov al, 0x41\n a: out 0x10, al\n b: nop\n c: mov dx, 0x1234\n d: out dx, ax\n e: nop\n f: nop\n g: nop\n h: nop",
      acts: [
        {
          debug: step,
          sees: [
            "step at a",
            "out 0x10 41",
            "step at b",
            "step at c",
            "step at d",
            "out 0x1234 4100",
            "step at e",
            "step at f",
          ],
        },
      ],
      departures: [
        {
          name: "port-output-loses-its-step",
          hidden: true,
          sees: [
            [
              "step at a",
              "out 0x10 41",
              "step at c",
              "step at d",
              "out 0x1234 4100",
              "step at f",
              "step at g",
              "step at h",
            ],
          ],
        },
      ],
    },
    {
      name: `${mode}: port input steps once, after it is complete, with what was put in (S4.3)`,
      mode,
      text: "mov dx, 0x1234\n a: in al, dx\n b: nop\n c: in eax, dx\n d: nop\n e: nop",
      answer: 0x77,
      acts: [
        {
          debug: step,
          sees: [
            "step at a",
            "in 0x1234 × 1",
            "step at b",
            "step at c",
            "in 0x1234 × 4",
            "step at d",
            "step at e",
          ],
        },
      ],
      ends: { registers: { rax: 0x7777_7777n } },
    },
    {
      name: `${mode}: REP OUTS steps after each item (S4.3)`,
      mode,
      text: "mov esi, 0x7000\n a: mov ecx, 3\n b: mov dx, 0x20\n r: rep outsb\n c: nop\n d: nop\n e: nop\n f: nop",
      acts: [
        {
          debug: step,
          sees: [
            "step at a",
            "step at b",
            "step at r",
            "out 0x20 00",
            "step at r",
            "out 0x20 00",
            "step at r",
            "out 0x20 00",
            "step at c",
            "step at d",
          ],
        },
      ],
      departures: [
        {
          name: "rep-steps-in-batches",
          hidden: true,
          sees: [
            [
              "step at a",
              "step at b",
              "step at r",
              "out 0x20 00",
              "out 0x20 00",
              "out 0x20 00",
              "step at c",
              "step at d",
              "step at e",
              "step at f",
            ],
          ],
        },
      ],
    },
    {
      name: `${mode}: REP INS steps after each item (S4.3)`,
      mode,
      text: "mov edi, 0x7000\n a: mov ecx, 3\n b: mov dx, 0x20\n r: rep insb\n c: nop\n d: nop\n e: nop",
      answer: 0x5a,
      acts: [
        {
          debug: step,
          sees: ["step at a", "step at b", "step at r", "in 0x20 × 3", "step at r", "step at r", "step at c"],
        },
      ],
      ends: { memory: { "0x7000": 0x5a5a5an } },
      departures: [
        {
          name: "rep-steps-in-batches",
          sees: [
            ["step at a", "step at b", "step at r", "in 0x20 × 3", "step at r", "step at c", "step at d"],
          ],
        },
      ],
    },
  ]),
  {
    name: "long: an MMIO write steps once, after it is complete (S4.3)",
    mode: "long",
    text: "mov ebx, 0x200000\n a: mov dword ptr [rbx], 0x11223344\n b: nop\n c: nop\n d: nop\n e: nop",
    acts: [
      { debug: step, sees: ["step at a", "write 0x200000 11223344", "step at b", "step at c", "step at d"] },
    ],
    departures: [
      {
        name: "mmio-write-loses-its-step",
        hidden: true,
        sees: [["step at a", "write 0x200000 11223344", "step at c", "step at d", "step at e"]],
      },
    ],
  },
  {
    name: "long: an MMIO read steps once, after it is complete (S4.3)",
    mode: "long",
    text: "mov ebx, 0x200000\n a: mov eax, [rbx]\n b: movzx ecx, word ptr [rbx + 6]\n c: nop",
    answer: 0x12,
    acts: [
      {
        debug: step,
        sees: ["step at a", "read 0x200000 × 4", "step at b", "read 0x200006 × 2", "step at c"],
      },
    ],
    ends: { registers: { rax: 0x1212_1212n, rcx: 0x1212n } },
  },
  {
    name: "long: a read-modify-write of MMIO steps once, after its write (S4.3)",
    mode: "long",
    text: "mov ebx, 0x200000\n a: add dword ptr [rbx], 1\n b: nop\n c: nop\n d: nop",
    answer: 0x12,
    acts: [
      {
        debug: step,
        sees: ["step at a", "read 0x200000 × 4", "write 0x200000 12121213", "step at b", "step at c"],
      },
    ],
    departures: [
      {
        name: "mmio-write-loses-its-step",
        hidden: true,
        sees: [["step at a", "read 0x200000 × 4", "write 0x200000 12121213", "step at c", "step at d"]],
      },
    ],
  },
  {
    name: "long: an access that is split over two pages of MMIO steps once (S4.3)",
    mode: "long",
    text: "mov ebx, 0x200ffc\n a: mov [rbx], rbx\n b: mov rax, [rbx]\n c: nop\n d: nop",
    answer: 0x34,
    acts: [
      {
        debug: step,
        sees: [
          "step at a",
          "write 0x200ffc 00200ffc",
          "write 0x201000 00000000",
          "step at b",
          "read 0x200ffc × 4",
          "read 0x201000 × 4",
          "step at c",
        ],
      },
    ],
    ends: { registers: { rax: 0x3434_3434_3434_3434n } },
    departures: [
      {
        name: "mmio-write-loses-its-step",
        hidden: true,
        sees: [
          [
            "step at a",
            "write 0x200ffc 00200ffc",
            "write 0x201000 00000000",
            "read 0x200ffc × 4",
            "read 0x201000 × 4",
            "step at c",
            "step at d",
          ],
        ],
      },
    ],
  },
  {
    name: "long: MOVS from MMIO to MMIO steps once (S4.3)",
    mode: "long",
    text: "mov esi, 0x200000\n a: mov edi, 0x300000\n b: movsd\n c: nop\n d: nop\n e: nop",
    answer: 0x56,
    acts: [
      {
        debug: step,
        sees: [
          "step at a",
          "step at b",
          "read 0x200000 × 4",
          "write 0x300000 56565656",
          "step at c",
          "step at d",
        ],
      },
    ],
    ends: { registers: { rsi: 0x20_0004n, rdi: 0x30_0004n } },
    departures: [
      {
        name: "mmio-write-loses-its-step",
        hidden: true,
        sees: [
          [
            "step at a",
            "step at b",
            "read 0x200000 × 4",
            "write 0x300000 56565656",
            "step at d",
            "step at e",
          ],
        ],
      },
    ],
  },
  ...(["real", "long"] as const).map(
    (mode): Scenario => ({
      name: `${mode}: REP MOVS in memory steps after each iteration (SDM volume 3, 18.3.1.4)`,
      mode,
      text: "mov esi, 0x1000\n a: mov edi, 0x7000\n b: mov ecx, 3\n r: rep movsb\n c: nop\n d: nop\n e: nop",
      acts: [
        {
          debug: step,
          sees: ["step at a", "step at b", "step at r", "step at r", "step at r", "step at c", "step at d"],
        },
      ],
      ends: { registers: { rcx: 0n, rdi: 0x7003n } },
      departures: [
        {
          name: "rep-steps-in-batches",
          sees: [["step at a", "step at b", "step at r", "step at r", "step at c", "step at d", "step at e"]],
        },
      ],
    }),
  ),
  {
    name: "long: a step is reported after an access that the host answers although it does not step the next one",
    mode: "long",
    text: "mov al, 0x41\n a: out 0x10, al\n b: out 0x11, al\n c: hlt\n d: hlt",
    acts: [
      { debug: step, sees: ["step at a", "out 0x10 41", "step at b"] },
      { debug: "off", sees: ["out 0x11 41", "hlt"] },
    ],
    departures: [
      {
        name: "port-output-loses-its-step",
        hidden: true,
        sees: [
          ["step at a", "out 0x10 41", "out 0x11 41"],
          ["hlt", "hlt"],
        ],
      },
    ],
  },
];
