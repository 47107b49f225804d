/**
 * Rounding modes. The first four have the encoding of FPCR.RMode (Arm ARM, FPCR field descriptions);
 * the last two exist only as the explicit mode of some instructions (FCVTA*, FRINTA: TIEAWAY; FCVTXN: ODD).
 */
export const RoundingMode = {
  /** To nearest, ties to even. */
  RN: 0,
  /** Towards plus infinity. */
  RP: 1,
  /** Towards minus infinity. */
  RM: 2,
  /** Towards zero. */
  RZ: 3,
  /** To nearest, ties away from zero. */
  TIEAWAY: 4,
  /** Truncate, then set the last bit when something was lost (von Neumann rounding). */
  ODD: 5,
} as const;

/** One of the values of {@link RoundingMode}. */
export type RoundingMode = (typeof RoundingMode)[keyof typeof RoundingMode];

/** How much a truncated magnitude lost, measured in units of its last place. */
export const Lost = { NOTHING: 0, BELOW_HALF: 1, HALF: 2, ABOVE_HALF: 3 } as const;

/** One of the values of {@link Lost}. */
export type Lost = (typeof Lost)[keyof typeof Lost];

/** The sign bit of a float. */
export type Sign = 0 | 1;

/**
 * Whether a truncated magnitude must grow by one unit in the last place.
 * @param mode rounding mode
 * @param sign sign of the value whose magnitude was truncated
 * @param odd whether the last bit of the truncated magnitude is set
 * @param lost what the truncation dropped
 */
export function roundsUp(mode: RoundingMode, sign: Sign, odd: boolean, lost: Lost): boolean {
  switch (mode) {
    case RoundingMode.RN:
      return lost === Lost.ABOVE_HALF || (lost === Lost.HALF && odd);
    case RoundingMode.RP:
      return lost !== Lost.NOTHING && sign === 0;
    case RoundingMode.RM:
      return lost !== Lost.NOTHING && sign === 1;
    case RoundingMode.RZ:
      return false;
    case RoundingMode.TIEAWAY:
      return lost >= Lost.HALF;
    case RoundingMode.ODD:
      return lost !== Lost.NOTHING && !odd;
  }
}

/** Whether a result too large for the format becomes infinity (true) or the largest finite number (false). */
export function overflowsToInfinity(mode: RoundingMode, sign: Sign): boolean {
  switch (mode) {
    case RoundingMode.RN:
    case RoundingMode.TIEAWAY:
      return true;
    case RoundingMode.RP:
      return sign === 0;
    case RoundingMode.RM:
      return sign === 1;
    case RoundingMode.RZ:
    case RoundingMode.ODD:
      return false;
  }
}

/** Sign of an exact zero that is the sum of two non-zero numbers, or of zeros of different sign (IEEE 754 6.3). */
export function exactZeroSign(mode: RoundingMode): Sign {
  return mode === RoundingMode.RM ? 1 : 0;
}
