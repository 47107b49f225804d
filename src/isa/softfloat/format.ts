/** Shape of an IEEE 754 binary interchange format. */
export interface FloatFormat {
  readonly name: "f16" | "f32" | "f64";
  /** Bits in all. */
  readonly width: 16 | 32 | 64;
  /** Bits of the exponent field. */
  readonly exponentBits: number;
  /** Bits of the fraction field. */
  readonly fractionBits: number;
  /** Exponent of the smallest normal number: -14, -126, -1022. */
  readonly minimumExponent: number;
  /** The exponent field of infinities and NaNs. */
  readonly exponentMask: number;
  /** 2 ** fractionBits: the weight of the hidden bit in a significand. */
  readonly hiddenBit: number;
}

/** IEEE 754 binary16. */
export const F16_FORMAT: FloatFormat = {
  name: "f16",
  width: 16,
  exponentBits: 5,
  fractionBits: 10,
  minimumExponent: -14,
  exponentMask: 0x1f,
  hiddenBit: 2 ** 10,
};

/** IEEE 754 binary32. */
export const F32_FORMAT: FloatFormat = {
  name: "f32",
  width: 32,
  exponentBits: 8,
  fractionBits: 23,
  minimumExponent: -126,
  exponentMask: 0xff,
  hiddenBit: 2 ** 23,
};

/** IEEE 754 binary64. */
export const F64_FORMAT: FloatFormat = {
  name: "f64",
  width: 64,
  exponentBits: 11,
  fractionBits: 52,
  minimumExponent: -1022,
  exponentMask: 0x7ff,
  hiddenBit: 2 ** 52,
};
