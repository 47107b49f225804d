import type { FloatContext } from "./context.ts";
import { FloatException } from "./exceptions.ts";
import type { Representation } from "./representation.ts";
import { flushes } from "./round.ts";
import { FloatKind, isNan, type RawBits, type Unpacked } from "./unpacked.ts";
import { defaultNan } from "./values.ts";

/**
 * Takes an operand of an arithmetic instruction apart, flushing a denormal where the context says so (Arm ARM, FPUnpack).
 * Flushing an f16 raises nothing.
 */
export function unpackOperand<B extends RawBits>(
  r: Representation<B>,
  bits: B,
  context: FloatContext,
): Unpacked<B> {
  const x = r.unpack(bits, false);
  if (x.kind !== FloatKind.FINITE || x.significand >= r.format.hiddenBit) return x;
  if (!flushes(r, context, "input")) return x;
  if (r.format.width !== 16) context.flags |= context.rules.flushedInputFlags;
  return { kind: FloatKind.ZERO, sign: x.sign, exponent: 0, significand: 0, bits };
}

/** The result of an operation on a NaN: quiet, or the default NaN; IOC when it was signalling (Arm ARM, FPProcessNaN). */
export function processNan<B extends RawBits>(
  r: Representation<B>,
  nan: Unpacked<B>,
  context: FloatContext,
): B {
  if (nan.kind === FloatKind.SIGNALLING_NAN) context.flags |= FloatException.IOC;
  return context.defaultNan ? defaultNan(r, context) : r.quiet(nan.bits);
}

/** The result of an operation of which at least one operand is a NaN; the first two decide (Arm ARM, FPProcessNaNs). */
export function processNans<B extends RawBits>(
  r: Representation<B>,
  x: Unpacked<B>,
  y: Unpacked<B>,
  context: FloatContext,
): B {
  if (x.kind === FloatKind.SIGNALLING_NAN || y.kind === FloatKind.SIGNALLING_NAN) {
    context.flags |= FloatException.IOC;
  }
  const skipX =
    !isNan(x) ||
    (context.rules.signallingNanFirst &&
      x.kind === FloatKind.QUIET_NAN &&
      y.kind === FloatKind.SIGNALLING_NAN);
  return processNan(r, skipX ? y : x, context);
}

/** As {@link processNans}, for three operands in their order of precedence (Arm ARM, FPProcessNaNs3). */
export function processNans3<B extends RawBits>(
  r: Representation<B>,
  x: Unpacked<B>,
  y: Unpacked<B>,
  z: Unpacked<B>,
  context: FloatContext,
): B {
  const operands = [x, y, z];
  const signalling = operands.find((operand) => operand.kind === FloatKind.SIGNALLING_NAN);
  if (signalling) context.flags |= FloatException.IOC;
  const chosen = signalling && context.rules.signallingNanFirst ? signalling : (operands.find(isNan) ?? x);
  return processNan(r, chosen, context);
}
