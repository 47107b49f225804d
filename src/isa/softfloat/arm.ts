import { createFloatContext, type FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import { RoundingMode } from "./rounding.ts";
import type { FloatingPointRules } from "./rules.ts";

/** Arm's choices, A64 and A32 alike, with FPCR.AH = 0 (Arm ARM A1.5 and J1.3, functions FPProcessNaNs, FPRoundBase, FPMulAdd). */
export const ARM_RULES: FloatingPointRules = {
  name: "arm",
  tininess: "before-rounding",
  defaultNanSign: 0,
  signallingNanFirst: true,
  fusedNanOrder: "addend-first",
  invalidProductPlusQuietNan: "default-nan",
  flushedInputFlags: FloatException.IDC,
  flushedOutputFlags: FloatException.UFC,
  integerOverflow: "saturate",
};

/** Fields of FPCR this library obeys (Arm ARM, FPCR). The trap enables and FEAT_AFP's AH, FIZ, NEP are not implemented. */
export const FPCR_AHP = 0x0400_0000;
/** FPCR.DN, default NaN. */
export const FPCR_DN = 0x0200_0000;
/** FPCR.FZ, flush f32 and f64 to zero. */
export const FPCR_FZ = 0x0100_0000;
/** FPCR.FZ16, flush f16 to zero. */
export const FPCR_FZ16 = 0x0008_0000;
/** Lowest bit of FPCR.RMode. */
export const FPCR_RMODE_SHIFT = 22;

const RMODE: readonly RoundingMode[] = [RoundingMode.RN, RoundingMode.RP, RoundingMode.RM, RoundingMode.RZ];

/**
 * Makes a context obey FPCR; its flags stay.
 * @param context the context to change
 * @param fpcr the low 32 bits of FPCR
 */
export function setFpcr(context: FloatContext, fpcr: number): void {
  context.rules = ARM_RULES;
  context.roundingMode = RMODE[(fpcr >>> FPCR_RMODE_SHIFT) & 3] ?? RoundingMode.RN;
  context.flushInputs = (fpcr & FPCR_FZ) !== 0;
  context.flushOutputs = context.flushInputs;
  context.flushHalf = (fpcr & FPCR_FZ16) !== 0;
  context.defaultNan = (fpcr & FPCR_DN) !== 0;
  context.alternativeHalf = (fpcr & FPCR_AHP) !== 0;
}

/** A new context that obeys FPCR, no flag set. */
export function armFloatContext(fpcr: number): FloatContext {
  const context = createFloatContext(ARM_RULES);
  setFpcr(context, fpcr);
  return context;
}

/**
 * The value FPCR has for Advanced SIMD instructions of A32 ("standard FPSCR value"): to nearest, flushed, default NaN.
 * @param fpscr the guest's FPSCR, whose AHP and FZ16 bits are kept
 */
export function standardFpscr(fpscr: number): number {
  return (fpscr & (FPCR_AHP | FPCR_FZ16)) | FPCR_DN | FPCR_FZ;
}
