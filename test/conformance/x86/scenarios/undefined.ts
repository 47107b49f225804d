import type { Scenario } from "../scenario.ts";

const step = { step: true };

/** Instructions that the manual defines as undefined, or as nothing without the feature they belong to. */
export const undefinedInstructions: readonly Scenario[] = [
  {
    name: "real: UD2 is #UD also in a segment that begins elsewhere than at 0",
    mode: "real",
    text: "nop\n a: ud2\n b: nop\n handler: nop\n c: nop\n d: hlt",
    segments: { cs: { base: 0x800n, selector: 0x80 } },
    handlers: { 6: "handler" },
    acts: [{ debug: step, sees: ["step at a", "step at c"] }],
    departures: [{ name: "undefined-is-not-emulated", hidden: true, sees: [["step at a", "error at a"]] }],
  },
  ...[
    ["UD1", "ud1 eax, dword ptr [eax + 8]"],
    ["UD0", ".byte 0x0f, 0xff, 0xc0"],
    ["UD1 with REX", ".byte 0x48, 0x0f, 0xb9, 0xc0"],
  ].map(
    ([name, text]): Scenario => ({
      name: `long: ${name} is #UD, which saves its address`,
      mode: "long",
      text: `nop\n a: ${text}\n b: nop\n handler: nop\n c: nop\n d: hlt`,
      handlers: { 6: "handler" },
      acts: [
        { debug: step, sees: ["step at a", "step at c"] },
        { debug: "off", sees: ["hlt"] },
      ],
      ends: { memory: { "0x7fd8": "a" } },
      departures: [
        { name: "undefined-is-not-emulated", hidden: true, sees: [["step at a", "error at a"], []] },
      ],
    }),
  ),
  {
    name: "long: RDSSP is one step and changes nothing where shadow stacks are off",
    mode: "long",
    text: "nop\n a: .byte 0xf3, 0x48, 0x0f, 0x1e, 0xce\n b: .byte 0xf3, 0x0f, 0x1e, 0xce\n c: nop\n d: hlt",
    registers: { rsi: 0x1234_5678_9abc_def0n },
    acts: [{ debug: step, sees: ["step at a", "step at b", "step at c", "step at d"] }],
    ends: { registers: { rsi: 0x1234_5678_9abc_def0n } },
    departures: [{ name: "rdssp-is-not-emulated", hidden: true, sees: [["step at a", "error at a"]] }],
  },
];
