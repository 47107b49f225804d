import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import type { Representation } from "./representation.ts";
import type { Sign } from "./rounding.ts";
import type { RawBits } from "./unpacked.ts";

/** ±0. */
export function zero<B extends RawBits>(r: Representation<B>, sign: Sign): B {
  return r.pack(sign, 0, 0);
}

/** ±infinity. */
export function infinity<B extends RawBits>(r: Representation<B>, sign: Sign): B {
  return r.pack(sign, r.format.exponentMask, 0);
}

/** The largest finite number. */
export function largest<B extends RawBits>(r: Representation<B>, sign: Sign): B {
  return r.pack(sign, r.format.exponentMask - 1, r.format.hiddenBit - 1);
}

/** ±2^exponent, a normal number. */
export function signedPowerOfTwo<B extends RawBits>(r: Representation<B>, sign: Sign, exponent: number): B {
  return r.pack(sign, exponent - r.format.minimumExponent + 1, 0);
}

/** The ISA's default NaN. */
export function defaultNan<B extends RawBits>(r: Representation<B>, context: FloatContext): B {
  return r.pack(context.rules.defaultNanSign, r.format.exponentMask, r.format.hiddenBit / 2);
}

/** Raises IOC and gives the default NaN. */
export function invalid<B extends RawBits>(r: Representation<B>, context: FloatContext): B {
  context.flags |= FloatException.IOC;
  return defaultNan(r, context);
}
