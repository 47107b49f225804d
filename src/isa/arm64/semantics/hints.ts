import { arm64State } from "../state.ts";
import { type Definition, define } from "./define.ts";

/** Hints and barriers. Arm ARM C4.1.3. One vCPU runs at a time and in program order, so DMB and DSB do nothing. */
export const hints: readonly Definition[] = [
  ...["NOP", "HINT", "DMB", "DSB"].map((encoding) =>
    define({ encoding, operands: {}, hot: encoding !== "DMB", semantics: () => {} }),
  ),
  ...["YIELD", "WFE", "WFI", "SEV", "SEVL"].map((encoding, index) =>
    define({
      encoding,
      operands: {},
      semantics: (b) => b.hostVoid("hint", b.constI32(index + 1)),
    }),
  ),
  define({
    encoding: "ISB",
    operands: {},
    semantics: (b) => b.if(b.get(arm64State.fetchesChanged), () => b.hostVoid("contextSynchronization")),
  }),
];
