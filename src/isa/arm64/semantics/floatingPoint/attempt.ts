import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import { FPCR_FZ, FPCR_RMODE_SHIFT } from "../../../softfloat/arm.ts";
import { arm64State } from "../../state.ts";
import { type Arithmetic, asOperand } from "./arithmetic.ts";

/**
 * What FPCR and FPSR must say for WebAssembly's result to be the architecture's:
 * - `rounding`: to nearest, nothing flushed, and FPSR.IXC set, because the result may be inexact;
 * - `nearest`: to nearest, nothing flushed;
 * - `unflushed`: nothing flushed.
 */
export type FloatMode = "rounding" | "nearest" | "unflushed";

const roundingModeMask = 3 << FPCR_RMODE_SHIFT;

/** 1 when the guest's floating point is in this mode, else 0. */
export function modeHolds(b: Builder, mode: FloatMode): Value<"i32"> {
  switch (mode) {
    case "rounding":
      return b.get(arm64State.fpFast);
    case "nearest":
      return b.i32.eqz(b.i32.and(b.get(arm64State.fpcr), FPCR_FZ | roundingModeMask));
    case "unflushed":
      return b.i32.eqz(b.i32.and(b.get(arm64State.fpcr), FPCR_FZ));
  }
}

/** An instruction's result by WebAssembly's own arithmetic, and when that is right to the last bit. */
export interface Attempt<T extends ValueType, M extends ValueType> {
  readonly value: Value<T>;
  readonly mode: FloatMode;
  /** Where the mode makes the value the architecture's, with no exception but perhaps Inexact (none in the modes but `rounding`). */
  readonly plain: Value<M>;
  /** For the mode `rounding`: where, moreover, the value is exact. It may miss cases. Evaluated when IXC is clear. */
  readonly exact?: () => Value<M>;
}

/** The attempt's value where it is right, otherwise what `soft` computes. */
export function settle<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  attempt: Attempt<T, M>,
  soft: () => Value<T>,
): Value<T> {
  const { b } = k;
  const { value, mode, plain, exact } = attempt;
  const result = b.variable(k.type, asOperand(value));
  const right = b.i32.and(k.everywhere(plain), modeHolds(b, mode));
  b.if(
    right,
    () => {},
    () => {
      const exactly = exact?.();
      if (exactly === undefined) {
        b.assign(result, asOperand(soft()));
        return;
      }
      const rightWithoutFlag = b.i32.and(k.everywhere(k.both(plain, exactly)), modeHolds(b, "nearest"));
      b.if(
        rightWithoutFlag,
        () => {},
        () => b.assign(result, asOperand(soft())),
      );
    },
  );
  return b.use(result);
}
