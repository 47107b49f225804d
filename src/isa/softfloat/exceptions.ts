/**
 * Floating-point exception flags, at the bit positions of the cumulative flags in FPSR
 * (Arm ARM, FPSR field descriptions). Other ISAs translate when they read their own status register.
 */
export const FloatException = {
  /** Invalid operation. */
  IOC: 0x01,
  /** Division by zero. */
  DZC: 0x02,
  /** Overflow. */
  OFC: 0x04,
  /** Underflow. */
  UFC: 0x08,
  /** Inexact. */
  IXC: 0x10,
  /** A denormal input was flushed to zero. */
  IDC: 0x80,
} as const;

/** All six flags: the part of FPSR this library may set. */
export const ALL_FLOAT_EXCEPTIONS = 0x9f;
