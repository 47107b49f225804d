/** Exception classes, ESR_ELx.EC (Arm ARM D17.2.37). */
export const exceptionClass = {
  unknown: 0x00,
  wfx: 0x01,
  floatingPoint: 0x07,
  illegalState: 0x0e,
  svc64: 0x15,
  hvc64: 0x16,
  smc64: 0x17,
  systemRegister: 0x18,
  instructionAbortLower: 0x20,
  instructionAbortCurrent: 0x21,
  pcAlignment: 0x22,
  dataAbortLower: 0x24,
  dataAbortCurrent: 0x25,
  spAlignment: 0x26,
  serror: 0x2f,
  breakpointLower: 0x30,
  breakpointCurrent: 0x31,
  softwareStepLower: 0x32,
  softwareStepCurrent: 0x33,
  watchpointLower: 0x34,
  watchpointCurrent: 0x35,
  bkpt32: 0x38,
  brk64: 0x3c,
} as const;

/** A value of ESR_ELx.EC. */
export type ExceptionClass = (typeof exceptionClass)[keyof typeof exceptionClass];

/** ESR_ELx.IL: the instruction was 32 bits long, or the class says so whatever the instruction. */
const instructionLength = 1 << 25;

/** ESR_ELx from its exception class and instruction-specific syndrome (25 bits). */
export function syndrome(ec: ExceptionClass, iss: number): number {
  return ((ec << 26) | instructionLength | (iss & 0x1ffffff)) >>> 0;
}

/** The exception class of a syndrome. */
export function syndromeClass(esr: number): number {
  return esr >>> 26;
}

/** Fault status codes, ISS.DFSC/IFSC; those with a level have it in bits 1:0 (Arm ARM D17.2.37). */
export const faultStatus = {
  addressSize: 0x00,
  translation: 0x04,
  accessFlag: 0x08,
  permission: 0x0c,
  synchronousExternal: 0x10,
  synchronousExternalOnWalk: 0x14,
  alignment: 0x21,
  debug: 0x22,
} as const;

/** Bits of the ISS of a data abort. */
export const dataAbort = {
  isv: 1 << 24,
  sse: 1 << 21,
  sf: 1 << 15,
  ar: 1 << 14,
  fnv: 1 << 10,
  cm: 1 << 8,
  s1ptw: 1 << 7,
  wnr: 1 << 6,
} as const;

/** Bits of the ISS of a software step exception: EX counts only with ISV. */
export const softwareStep = { isv: 1 << 24, ex: 1 << 6 } as const;
