import { FloatException } from "./exceptions.ts";
import type { FloatingPointRules } from "./rules.ts";

/**
 * The choices of x86 SSE and AVX scalar arithmetic (Intel SDM vol. 1, 4.8.3.5, 4.9.1.5 and 11.5). MXCSR.DE (an unflushed
 * denormal operand) is not raised: what needs it looks at the operands. MIN and MAX of SSE are not `min` and `max` here.
 */
export const X86_RULES: FloatingPointRules = {
  name: "x86",
  tininess: "after-rounding",
  defaultNanSign: 1,
  signallingNanFirst: false,
  fusedNanOrder: "addend-last",
  invalidProductPlusQuietNan: "quiet-nan-without-invalid",
  flushedInputFlags: 0,
  flushedOutputFlags: FloatException.UFC | FloatException.IXC,
  integerOverflow: "indefinite",
};
