import type { Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import { ROUNDING_OF_CONTEXT } from "../../../softfloat/operation.ts";
import { RoundingMode } from "../../../softfloat/rounding.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { type FloatMode, settle } from "./attempt.ts";
import type { Unary } from "./operations.ts";
import { softEach } from "./softFloat.ts";

/** Letters of FCVT and FRINT: to nearest even, up, down, to zero, to nearest with ties away. */
export type RoundingLetter = "N" | "P" | "M" | "Z" | "A";

/** The soft-float library's number of each. */
export const roundingNumber: Readonly<Record<RoundingLetter, number>> = {
  N: RoundingMode.RN,
  P: RoundingMode.RP,
  M: RoundingMode.RM,
  Z: RoundingMode.RZ,
  A: RoundingMode.TIEAWAY,
};

const wasmRounding = { N: "nearest", P: "ceil", M: "floor", Z: "trunc" } as const;

/** x rounded to an integer, a zero with the sign of x. Exact for every number. */
export function roundToIntegral<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
  letter: RoundingLetter,
): Value<T> {
  if (letter !== "A") return k.unary(wasmRounding[letter], x);
  const truncated = k.unary("trunc", x);
  const lost = k.unary("abs", k.binary("sub", x, truncated));
  const away = k.choose(k.compare("lt", x, k.constant(0)), k.constant(-1), k.constant(1));
  const roundsAway = k.compare("ge", lost, k.constant(0.5));
  return k.choose(roundsAway, k.binary("add", truncated, away), truncated);
}

/** FRINT: `mode` says what FPCR and FPSR must say for WebAssembly's rounding to be the one, with the flags of the instruction. */
const rounding =
  (name: string, number: number, letter: RoundingLetter, mode: FloatMode): Unary =>
  (k, x) => {
    const value = roundToIntegral(k, x, letter);
    const silent = { value, mode, plain: k.compare("eq", x, x) };
    const attempt = mode === "rounding" ? { ...silent, exact: () => k.compare("eq", value, x) } : silent;
    return settle(k, attempt, () => softEach(k, name, [x], { immediates: [BigInt(number)] }));
  };

const fixed = (letter: RoundingLetter): Unary =>
  rounding("round-quiet", roundingNumber[letter], letter, "unflushed");

/** FRINT*: rounding to an integral float. */
export const roundings = {
  FRINTN: fixed("N"),
  FRINTP: fixed("P"),
  FRINTM: fixed("M"),
  FRINTZ: fixed("Z"),
  FRINTA: fixed("A"),
  FRINTI: rounding("round-quiet", ROUNDING_OF_CONTEXT, "N", "nearest"),
  FRINTX: rounding("round-exact", ROUNDING_OF_CONTEXT, "N", "rounding"),
} as const satisfies Record<string, Unary>;
