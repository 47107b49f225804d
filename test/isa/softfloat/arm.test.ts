import { describe, expect, it } from "vitest";
import { add, div, mul, mulx, nmul, sqrt, sub } from "../../../src/isa/softfloat/arithmetic.ts";
import {
  armFloatContext,
  FPCR_AHP,
  FPCR_DN,
  FPCR_FZ,
  FPCR_FZ16,
  FPCR_RMODE_SHIFT,
  setFpcr,
  standardFpscr,
} from "../../../src/isa/softfloat/arm.ts";
import { F64 } from "../../../src/isa/softfloat/bigintSignificand.ts";
import { compareQuiet, compareSignalling, maxnm, min, minnm } from "../../../src/isa/softfloat/compare.ts";
import { convertFormat, convertFormatToOdd } from "../../../src/isa/softfloat/convert.ts";
import { recipEstimate } from "../../../src/isa/softfloat/estimate.ts";
import { FloatException } from "../../../src/isa/softfloat/exceptions.ts";
import { fma, recipStep, rsqrtStep } from "../../../src/isa/softfloat/fused.ts";
import { toInteger32, toInteger32Modular, toInteger64 } from "../../../src/isa/softfloat/integer.ts";
import { roundToIntegralExact, roundToIntegralQuiet } from "../../../src/isa/softfloat/integral.ts";
import { F16, F32 } from "../../../src/isa/softfloat/numberSignificand.ts";
import { RoundingMode } from "../../../src/isa/softfloat/rounding.ts";

const { IOC, DZC, OFC, UFC, IXC, IDC } = FloatException;
const RP = 1 << FPCR_RMODE_SHIFT;
const RM = 2 << FPCR_RMODE_SHIFT;
const RZ = 3 << FPCR_RMODE_SHIFT;

const ZERO = 0;
const MINUS_ZERO = 0x8000_0000;
const ONE = 0x3f80_0000;
const TWO = 0x4000_0000;
const INFINITY = 0x7f80_0000;
const MINUS_INFINITY = 0xff80_0000;
const LARGEST = 0x7f7f_ffff;
const SMALLEST_NORMAL = 0x0080_0000;
const SMALLEST_DENORMAL = 1;
const DEFAULT_NAN = 0x7fc0_0000;
const QUIET_1 = 0xffc0_1111;
const QUIET_2 = 0x7fc0_2222;
const SIGNALLING_1 = 0x7f80_1111;
const SIGNALLING_2 = 0xff80_2222;

/** Runs an operation under FPCR and gives [result, flags]. */
function under<R>(fpcr: number, run: (context: ReturnType<typeof armFloatContext>) => R): [R, number] {
  const context = armFloatContext(fpcr);
  const result = run(context);
  return [result, context.flags];
}

describe("NaN propagation on Arm", () => {
  it("prefers the first signalling NaN, quietened with its payload and sign, over an earlier quiet one", () => {
    expect(under(0, (c) => add(F32, QUIET_1, SIGNALLING_2, c))).toEqual([0xffc0_2222, IOC]);
    expect(under(0, (c) => add(F32, SIGNALLING_1, SIGNALLING_2, c))).toEqual([0x7fc0_1111, IOC]);
  });

  it("takes the first quiet NaN when none signals, without a flag", () => {
    expect(under(0, (c) => sub(F32, QUIET_1, QUIET_2, c))).toEqual([QUIET_1, 0]);
    expect(under(0, (c) => sub(F32, ONE, QUIET_2, c))).toEqual([QUIET_2, 0]);
  });

  it("gives the positive default NaN when FPCR.DN is set", () => {
    expect(under(FPCR_DN, (c) => add(F32, QUIET_1, ONE, c))).toEqual([DEFAULT_NAN, 0]);
    expect(under(FPCR_DN, (c) => add(F64, 0xfff0_0000_0000_0001n, 0n, c))).toEqual([
      0x7ff8_0000_0000_0000n,
      IOC,
    ]);
  });

  it("looks at the addend of a fused multiply-add first", () => {
    expect(under(0, (c) => fma(F32, QUIET_1, QUIET_2, ONE, c))).toEqual([QUIET_1, 0]);
    expect(under(0, (c) => fma(F32, QUIET_1, SIGNALLING_1, SIGNALLING_2, c))).toEqual([0x7fc0_1111, IOC]);
  });

  it("turns infinity × 0 + quiet NaN into the default NaN with IOC, but keeps a signalling addend", () => {
    expect(under(0, (c) => fma(F32, QUIET_1, INFINITY, ZERO, c))).toEqual([DEFAULT_NAN, IOC]);
    expect(under(0, (c) => fma(F32, SIGNALLING_2, ZERO, INFINITY, c))).toEqual([0xffc0_2222, IOC]);
  });

  it("inverts the sign of a NaN product in FNMUL and of the first operand in FRECPS", () => {
    expect(under(0, (c) => nmul(F32, QUIET_2, ONE, c))).toEqual([0xffc0_2222, 0]);
    expect(under(0, (c) => recipStep(F32, QUIET_2, ONE, c))).toEqual([0xffc0_2222, 0]);
  });

  it("keeps the leading payload bits across formats", () => {
    expect(under(0, (c) => convertFormat(F32, F64, SIGNALLING_2, c))).toEqual([0xfff8_0444_4000_0000n, IOC]);
    expect(under(0, (c) => convertFormat(F64, F16, 0x7ffa_abc0_0000_0000n, c))).toEqual([0x7eaa, 0]);
  });
});

describe("invalid operations and division by zero on Arm", () => {
  it("gives the default NaN for infinity - infinity, 0 × infinity, 0 ÷ 0 and √-1", () => {
    expect(under(0, (c) => sub(F32, INFINITY, INFINITY, c))).toEqual([DEFAULT_NAN, IOC]);
    expect(under(0, (c) => mul(F32, MINUS_ZERO, INFINITY, c))).toEqual([DEFAULT_NAN, IOC]);
    expect(under(0, (c) => div(F32, ZERO, MINUS_ZERO, c))).toEqual([DEFAULT_NAN, IOC]);
    expect(under(0, (c) => sqrt(F32, 0xbf80_0000, c))).toEqual([DEFAULT_NAN, IOC]);
  });

  it("raises DZC for a finite number by zero only", () => {
    expect(under(0, (c) => div(F32, ONE, MINUS_ZERO, c))).toEqual([MINUS_INFINITY, DZC]);
    expect(under(0, (c) => div(F32, INFINITY, ZERO, c))).toEqual([INFINITY, 0]);
  });

  it("has FMULX, FRECPS and FRSQRTS answer 2, 2 and 1.5 for 0 × infinity without a flag", () => {
    expect(under(0, (c) => mulx(F32, MINUS_ZERO, INFINITY, c))).toEqual([0xc000_0000, 0]);
    expect(under(0, (c) => recipStep(F32, MINUS_ZERO, INFINITY, c))).toEqual([TWO, 0]);
    expect(under(0, (c) => rsqrtStep(F32, INFINITY, ZERO, c))).toEqual([0x3fc0_0000, 0]);
  });

  it("keeps the sign of √-0", () => {
    expect(under(0, (c) => sqrt(F32, MINUS_ZERO, c))).toEqual([MINUS_ZERO, 0]);
  });
});

describe("rounding on Arm", () => {
  it("makes an exact zero sum negative only when rounding down", () => {
    expect(under(0, (c) => sub(F32, ONE, ONE, c))).toEqual([ZERO, 0]);
    expect(under(RM, (c) => sub(F32, ONE, ONE, c))).toEqual([MINUS_ZERO, 0]);
    expect(under(RM, (c) => add(F32, ZERO, MINUS_ZERO, c))).toEqual([MINUS_ZERO, 0]);
  });

  it.each([
    ["RN", 0, INFINITY, MINUS_INFINITY],
    ["RP", RP, INFINITY, 0xff7f_ffff],
    ["RM", RM, LARGEST, MINUS_INFINITY],
    ["RZ", RZ, LARGEST, 0xff7f_ffff],
  ])("overflows under %s to infinity or the largest number by sign", (_name, fpcr, positive, negative) => {
    expect(under(fpcr, (c) => mul(F32, LARGEST, TWO, c))).toEqual([positive, OFC | IXC]);
    expect(under(fpcr, (c) => mul(F32, 0xff7f_ffff, TWO, c))).toEqual([negative, OFC | IXC]);
  });

  it("detects tininess before rounding: a result that rounds up to the smallest normal still underflows", () => {
    // (1 - 2^-24) × 2^-126 rounds to 2^-126.
    expect(under(0, (c) => mul(F32, 0x3f7f_ffff, SMALLEST_NORMAL, c))).toEqual([SMALLEST_NORMAL, UFC | IXC]);
  });

  it("raises nothing for an exact denormal", () => {
    expect(under(0, (c) => mul(F32, SMALLEST_NORMAL, 0x3f00_0000, c))).toEqual([0x0040_0000, 0]);
  });

  it("rounds a fused multiply-add once", () => {
    // (1 + 2^-12)² - 1 - 2^-11 = 2^-24, which a rounded product would lose.
    expect(under(0, (c) => fma(F32, 0xbf80_1000, 0x3f80_0800, 0x3f80_0800, c))).toEqual([0x3380_0000, 0]);
  });

  it("keeps a far smaller addend as a sticky bit", () => {
    expect(under(RP, (c) => fma(F64, 1n, 0x3ff0_0000_0000_0000n, 0x3ff0_0000_0000_0000n, c))).toEqual([
      0x3ff0_0000_0000_0001n,
      IXC,
    ]);
    expect(under(RZ, (c) => sub(F64, 0x3ff0_0000_0000_0000n, 1n, c))).toEqual([0x3fef_ffff_ffff_ffffn, IXC]);
  });

  it("rounds to odd in FCVTXN, also at overflow", () => {
    expect(under(0, (c) => convertFormatToOdd(F64, F32, 0x3ff0_0000_0000_0001n, c))).toEqual([
      0x3f80_0001,
      IXC,
    ]);
    expect(under(0, (c) => convertFormatToOdd(F64, F32, 0x7fe0_0000_0000_0000n, c))).toEqual([
      LARGEST,
      OFC | IXC,
    ]);
  });
});

describe("flushing to zero on Arm", () => {
  it("takes denormal f32 and f64 inputs as zeros of their sign, with IDC", () => {
    expect(under(FPCR_FZ, (c) => div(F32, ONE, 0x8000_0001, c))).toEqual([MINUS_INFINITY, DZC | IDC]);
    expect(under(FPCR_FZ, (c) => compareQuiet(F64, 1n, 0n, c))).toEqual([0b0110, IDC]);
  });

  it("replaces a tiny result, exact or not, by zero with UFC and without IXC", () => {
    expect(under(FPCR_FZ, (c) => mul(F32, SMALLEST_NORMAL, 0xbf00_0000, c))).toEqual([MINUS_ZERO, UFC]);
    expect(under(FPCR_FZ, (c) => mul(F32, 0x3f7f_ffff, SMALLEST_NORMAL, c))).toEqual([ZERO, UFC]);
  });

  it("flushes f16 by FZ16 alone, input without a flag", () => {
    expect(under(FPCR_FZ, (c) => add(F16, 1, 0, c))).toEqual([1, 0]);
    expect(under(FPCR_FZ16, (c) => add(F16, 1, 0, c))).toEqual([0, 0]);
    expect(under(FPCR_FZ16, (c) => mul(F16, 0x0400, 0x3800, c))).toEqual([0, UFC]);
    expect(under(FPCR_FZ16, (c) => add(F32, SMALLEST_DENORMAL, ZERO, c))).toEqual([SMALLEST_DENORMAL, 0]);
  });

  it("never flushes f16 in conversions between formats", () => {
    expect(under(FPCR_FZ | FPCR_FZ16, (c) => convertFormat(F16, F32, 1, c))).toEqual([0x3380_0000, 0]);
    expect(under(FPCR_FZ | FPCR_FZ16, (c) => convertFormat(F32, F16, 0x3380_0000, c))).toEqual([1, 0]);
  });

  it("flushes a reciprocal estimate that would be denormal", () => {
    expect(under(FPCR_FZ, (c) => recipEstimate(F32, 0xfe80_0000, c))).toEqual([MINUS_ZERO, UFC]);
    expect(under(0, (c) => recipEstimate(F32, 0x7e80_0000, c))).toEqual([0x007f_c000, 0]);
  });
});

describe("comparison and extremes on Arm", () => {
  it("orders numbers and reports unordered as 0011", () => {
    expect(under(0, (c) => compareQuiet(F32, ONE, TWO, c))).toEqual([0b1000, 0]);
    expect(under(0, (c) => compareQuiet(F32, 0xbf80_0000, 0xc000_0000, c))).toEqual([0b0010, 0]);
    expect(under(0, (c) => compareQuiet(F32, ZERO, MINUS_ZERO, c))).toEqual([0b0110, 0]);
    expect(under(0, (c) => compareQuiet(F32, ONE, QUIET_1, c))).toEqual([0b0011, 0]);
  });

  it("raises IOC for a quiet NaN only in signalling comparisons", () => {
    expect(under(0, (c) => compareSignalling(F32, ONE, QUIET_1, c))).toEqual([0b0011, IOC]);
    expect(under(0, (c) => compareQuiet(F32, SIGNALLING_1, ONE, c))).toEqual([0b0011, IOC]);
  });

  it("lets the number win over one quiet NaN in FMAXNM and FMINNM, not over a signalling one", () => {
    expect(under(0, (c) => maxnm(F32, QUIET_1, MINUS_INFINITY, c))).toEqual([MINUS_INFINITY, 0]);
    expect(under(0, (c) => minnm(F32, ONE, QUIET_1, c))).toEqual([ONE, 0]);
    expect(under(0, (c) => minnm(F32, QUIET_1, SIGNALLING_1, c))).toEqual([0x7fc0_1111, IOC]);
  });

  it("takes -0 for less than +0 in FMIN", () => {
    expect(under(0, (c) => min(F32, ZERO, MINUS_ZERO, c))).toEqual([MINUS_ZERO, 0]);
  });
});

describe("conversion to integers on Arm", () => {
  it("saturates with IOC alone and takes NaNs for 0", () => {
    const s32 = { bits: 32, signed: true } as const;
    expect(under(0, (c) => toInteger32(F32, INFINITY, s32, 0, RoundingMode.RZ, c))).toEqual([
      0x7fff_ffff,
      IOC,
    ]);
    expect(under(0, (c) => toInteger32(F32, MINUS_INFINITY, s32, 0, RoundingMode.RZ, c))).toEqual([
      0x8000_0000,
      IOC,
    ]);
    expect(under(0, (c) => toInteger32(F32, QUIET_1, s32, 0, RoundingMode.RZ, c))).toEqual([0, IOC]);
  });

  it("converts a negative fraction to unsigned 0 with IXC when it rounds to zero, else saturates with IOC", () => {
    const u32 = { bits: 32, signed: false } as const;
    expect(under(0, (c) => toInteger32(F32, 0xbf00_0000, u32, 0, RoundingMode.RZ, c))).toEqual([0, IXC]);
    expect(under(0, (c) => toInteger32(F32, 0xbf00_0000, u32, 0, RoundingMode.RM, c))).toEqual([0, IOC]);
  });

  it("takes halves away from zero under TIEAWAY and to even under RN", () => {
    const half = 0x4004_0000_0000_0000n; // 2.5
    expect(under(0, (c) => toInteger64(F64, half, true, 0, RoundingMode.TIEAWAY, c))).toEqual([3n, IXC]);
    expect(under(0, (c) => toInteger64(F64, half, true, 0, RoundingMode.RN, c))).toEqual([2n, IXC]);
    expect(under(0, (c) => toInteger64(F64, half, true, 1, RoundingMode.RN, c))).toEqual([5n, 0]);
  });

  it("has FJCVTZS say inexact (Z = 0) for -0 and for a denormal that FZ flushed", () => {
    expect(under(0, (c) => toInteger32Modular(F64, 0n, c))).toEqual([{ value: 0, exact: true }, 0]);
    expect(under(0, (c) => toInteger32Modular(F64, 1n << 63n, c))).toEqual([{ value: 0, exact: false }, 0]);
    expect(under(FPCR_FZ, (c) => toInteger32Modular(F64, 1n, c))).toEqual([{ value: 0, exact: false }, IDC]);
    // 2^32 + 5
    expect(under(0, (c) => toInteger32Modular(F64, 0x41f0_0000_0050_0000n, c))).toEqual([
      { value: 5, exact: false },
      IOC,
    ]);
  });

  it("raises IXC in FRINTX and not in FRINTI", () => {
    expect(under(0, (c) => roundToIntegralExact(F32, 0xbe80_0000, c.roundingMode, c))).toEqual([
      MINUS_ZERO,
      IXC,
    ]);
    expect(under(0, (c) => roundToIntegralQuiet(F32, 0xbe80_0000, c.roundingMode, c))).toEqual([
      MINUS_ZERO,
      0,
    ]);
  });
});

describe("alternative half precision", () => {
  it("has no infinities and NaNs: what needs one saturates or becomes zero, with IOC", () => {
    expect(under(FPCR_AHP, (c) => convertFormat(F16, F32, 0x7c00, c))).toEqual([0x4780_0000, 0]);
    expect(under(FPCR_AHP, (c) => convertFormat(F32, F16, MINUS_INFINITY, c))).toEqual([0xffff, IOC]);
    expect(under(FPCR_AHP, (c) => convertFormat(F32, F16, LARGEST, c))).toEqual([0x7fff, IOC]);
    expect(under(FPCR_AHP, (c) => convertFormat(F32, F16, QUIET_1, c))).toEqual([0x8000, IOC]);
  });

  it("concerns conversions only", () => {
    expect(under(FPCR_AHP, (c) => add(F16, 0x7c00, 0x3c00, c))).toEqual([0x7c00, 0]);
  });
});

describe("a context made from FPCR", () => {
  it("accumulates flags across operations and keeps them when FPCR changes", () => {
    const context = armFloatContext(0);
    div(F32, ONE, ZERO, context);
    setFpcr(context, RP | FPCR_DN);
    sqrt(F32, 0xbf80_0000, context);
    expect(context.flags).toBe(DZC | IOC);
    expect(context.roundingMode).toBe(RoundingMode.RP);
    expect(context.defaultNan).toBe(true);
  });

  it("gives Advanced SIMD of A32 its standard value", () => {
    expect(standardFpscr(RZ | FPCR_AHP | FPCR_FZ16)).toBe(FPCR_AHP | FPCR_FZ16 | FPCR_DN | FPCR_FZ);
  });
});
