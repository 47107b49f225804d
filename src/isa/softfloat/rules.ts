import type { Sign } from "./rounding.ts";

/**
 * Where instruction sets differ in what IEEE 754 leaves open. One constant object per ISA; Arm's is `ARM_RULES`.
 */
export interface FloatingPointRules {
  /** Name of the ISA, for messages. */
  readonly name: string;
  /** When a result counts as tiny: judged on the exact value, or on the value rounded with unbounded exponent. */
  readonly tininess: "before-rounding" | "after-rounding";
  /** Sign of the default NaN; its fraction is always the quiet bit alone. */
  readonly defaultNanSign: Sign;
  /** Whether a signalling NaN operand is chosen over a quiet one that stands before it. */
  readonly signallingNanFirst: boolean;
  /** Order in which a fused multiply-add looks for a NaN to propagate. */
  readonly fusedNanOrder: "addend-first" | "addend-last";
  /** Result of infinity × 0 + quiet NaN in a fused multiply-add, and whether it signals invalid operation. */
  readonly invalidProductPlusQuietNan: "default-nan" | "quiet-nan" | "quiet-nan-without-invalid";
  /** Flags raised when a denormal input is replaced by zero. */
  readonly flushedInputFlags: number;
  /** Flags raised when a tiny result is replaced by zero. */
  readonly flushedOutputFlags: number;
  /**
   * What a float-to-integer conversion gives when the value does not fit: the nearest integer of the type and 0 for a
   * NaN, or one fixed value (the smallest signed or the largest unsigned integer) for all of them.
   */
  readonly integerOverflow: "saturate" | "indefinite";
}
