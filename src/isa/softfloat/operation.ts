import type { FloatContext } from "./context.ts";
import type { Representation } from "./representation.ts";
import { RoundingMode } from "./rounding.ts";
import type { RawBits } from "./unpacked.ts";

/** What an operand or result is. f16, u16, bool and nzcv live zero-extended in 32 bits. */
export type WordKind =
  | "f16"
  | "f32"
  | "f64"
  | "u16"
  | "u32"
  | "u64"
  /** 1 or 0. */
  | "bool"
  /** N in bit 3, Z in 2, C in 1, V in 0. */
  | "nzcv"
  /** A `RoundingMode`, or `ROUNDING_OF_CONTEXT`. */
  | "rounding"
  /** Number of fraction bits of a fixed-point integer, 0 … 64. */
  | "fraction-bits";

/** A value as WebAssembly passes it: i32 as `number`, i64 as `bigint`, each signed or not. */
export type Word = RawBits;

/** One operation, callable with plain words: an entry of the table a host call dispatches on. */
export interface FloatOperation {
  /** Its place in the table: stable, below 256. */
  readonly code: number;
  readonly name: string;
  readonly operands: readonly WordKind[];
  readonly result: WordKind;
  /**
   * Runs it. Operands it does not have are ignored; either word type is accepted for any operand.
   * @returns a `bigint` for 64-bit results, otherwise a `number`; both without sign
   */
  readonly invoke: (context: FloatContext, a: Word, b: Word, c: Word) => Word;
}

/** An operation that has no code yet. */
export type OperationBody = Pick<FloatOperation, "operands" | "result" | "invoke">;

/** The rounding operand that stands for the context's mode (FRINTI, FRINTX). */
export const ROUNDING_OF_CONTEXT = 7;

/** A call with an operand or a code that means nothing: the caller's mistake. */
export class FloatOperationError extends Error {
  override readonly name = "FloatOperationError";
}

const ROUNDING_MODES: readonly RoundingMode[] = Object.values(RoundingMode);

/** Decodes a rounding operand. Throws `FloatOperationError` for a value that is none. */
export function roundingOperand(word: Word, context: FloatContext): RoundingMode {
  const code = Number(word);
  if (code === ROUNDING_OF_CONTEXT) return context.roundingMode;
  const mode = ROUNDING_MODES[code];
  if (mode === undefined) throw new FloatOperationError(`no rounding mode has the number ${code}`);
  return mode;
}

/** A word cut to an unsigned 32-bit number. */
export function word32(word: Word): number {
  return typeof word === "bigint" ? Number(BigInt.asUintN(32, word)) : word >>> 0;
}

/** A word as a 64-bit integer; a number counts as signed when negative. */
export function word64(word: Word): bigint {
  return BigInt.asUintN(64, BigInt(word));
}

type Unary<B extends RawBits, R> = (r: Representation<B>, a: B, context: FloatContext) => R;
type Binary<B extends RawBits, R> = (r: Representation<B>, a: B, b: B, context: FloatContext) => R;
type Ternary<B extends RawBits, R> = (r: Representation<B>, a: B, b: B, c: B, context: FloatContext) => R;

/** An operation on one float of a format. */
export function unary<B extends RawBits>(r: Representation<B>, run: Unary<B, B>): OperationBody {
  const kind = r.format.name;
  return {
    operands: [kind],
    result: kind,
    invoke: (context, a) => run(r, r.fromWord(a), context),
  };
}

/** An operation on two floats of a format. */
export function binary<B extends RawBits>(r: Representation<B>, run: Binary<B, B>): OperationBody {
  const kind = r.format.name;
  return {
    operands: [kind, kind],
    result: kind,
    invoke: (context, a, b) => run(r, r.fromWord(a), r.fromWord(b), context),
  };
}

/** An operation on three floats of a format. */
export function ternary<B extends RawBits>(r: Representation<B>, run: Ternary<B, B>): OperationBody {
  const kind = r.format.name;
  return {
    operands: [kind, kind, kind],
    result: kind,
    invoke: (context, a, b, c) => run(r, r.fromWord(a), r.fromWord(b), r.fromWord(c), context),
  };
}

/** A comparison of two floats. */
export function comparison<B extends RawBits>(
  r: Representation<B>,
  result: "nzcv" | "bool",
  run: Binary<B, number>,
): OperationBody {
  const kind = r.format.name;
  return {
    operands: [kind, kind],
    result,
    invoke: (context, a, b) => run(r, r.fromWord(a), r.fromWord(b), context),
  };
}

/** An operation on one float with a rounding mode of its own. */
export function rounding<B extends RawBits>(
  r: Representation<B>,
  run: (r: Representation<B>, a: B, mode: RoundingMode, context: FloatContext) => B,
): OperationBody {
  const kind = r.format.name;
  return {
    operands: [kind, "rounding"],
    result: kind,
    invoke: (context, a, mode) => run(r, r.fromWord(a), roundingOperand(mode, context), context),
  };
}

/** A conversion between two formats. */
export function conversion<From extends RawBits, To extends RawBits>(
  from: Representation<From>,
  to: Representation<To>,
  run: (from: Representation<From>, to: Representation<To>, a: From, context: FloatContext) => To,
): OperationBody {
  return {
    operands: [from.format.name],
    result: to.format.name,
    invoke: (context, a) => run(from, to, from.fromWord(a), context),
  };
}

/** A conversion of a float to an integer; operands: float, fraction bits, rounding mode. */
export function toInteger<B extends RawBits, R extends Word>(
  r: Representation<B>,
  result: "u16" | "u32" | "u64",
  run: (a: B, fractionBits: number, mode: RoundingMode, context: FloatContext) => R,
): OperationBody {
  return {
    operands: [r.format.name, "fraction-bits", "rounding"],
    result,
    invoke: (context, a, fractionBits, mode) =>
      run(r.fromWord(a), Number(fractionBits), roundingOperand(mode, context), context),
  };
}
