import { type Definition, define, imm32 } from "./define.ts";

/** Exception-generating instructions, ERET and DRPS. Arm ARM C4.1.3. */
export const exceptions: readonly Definition[] = [
  ...[
    { encoding: "SVC", call: "supervisorCall" },
    { encoding: "HVC", call: "hypervisorCall" },
    { encoding: "SMC", call: "secureMonitorCall" },
    { encoding: "BRK", call: "breakpointInstruction" },
    { encoding: "HLT", call: "haltingBreakpoint" },
  ].map(({ encoding, call }) =>
    define({
      encoding,
      operands: { imm: imm32("imm16") },
      semantics: (b, { imm }) => b.raise(call, imm),
    }),
  ),
  ...[1, 2, 3].map((level) =>
    define({
      encoding: `DCPS${level}`,
      operands: { imm: imm32("imm16") },
      semantics: (b, { imm }) => b.raise("debugChangeState", b.constI32(level), imm),
    }),
  ),
  define({ encoding: "ERET", operands: {}, semantics: (b) => b.raise("exceptionReturn") }),
  define({ encoding: "DRPS", operands: {}, semantics: (b) => b.raise("debugRestoreState") }),
];
