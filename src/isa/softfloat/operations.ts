import { absoluteDifference, add, div, mul, mulx, nmul, sqrt, sub } from "./arithmetic.ts";
import { F64 } from "./bigintSignificand.ts";
import {
  compareEqual,
  compareGreater,
  compareGreaterEqual,
  compareQuiet,
  compareSignalling,
  max,
  maxnm,
  min,
  minnm,
} from "./compare.ts";
import type { FloatContext } from "./context.ts";
import { convertFormat, convertFormatToOdd } from "./convert.ts";
import {
  recipEstimate,
  recipExponent,
  rsqrtEstimate,
  unsignedRecipEstimate,
  unsignedRsqrtEstimate,
} from "./estimate.ts";
import { fma, fmaHalfToSingle, recipStep, rsqrtStep } from "./fused.ts";
import { fromInteger32, fromInteger64, toInteger32, toInteger32Modular, toInteger64 } from "./integer.ts";
import { roundToIntegralExact, roundToIntegralQuiet, roundToIntegralWithin } from "./integral.ts";
import { F16, F32 } from "./numberSignificand.ts";
import {
  binary,
  comparison,
  conversion,
  type FloatOperation,
  FloatOperationError,
  type OperationBody,
  rounding,
  ternary,
  toInteger,
  unary,
  type Word,
  word32,
  word64,
} from "./operation.ts";
import type { Representation } from "./representation.ts";
import type { RawBits } from "./unpacked.ts";

type Row = readonly [offset: number, name: string, body: OperationBody];

const S16 = { bits: 16, signed: true } as const;
const U16 = { bits: 16, signed: false } as const;
const S32 = { bits: 32, signed: true } as const;
const U32 = { bits: 32, signed: false } as const;

/** One format's operations, by offset from its first code; only f16 meets 16-bit integers, only f32 and f64 have round-within. */
function formatRows<B extends RawBits>(r: Representation<B>): readonly Row[] {
  const kind = r.format.name;
  const from32 = (type: typeof S16 | typeof U16 | typeof S32 | typeof U32): OperationBody => ({
    operands: [type.bits === 16 ? "u16" : "u32", "fraction-bits"],
    result: kind,
    invoke: (context, a, fractionBits) => fromInteger32(r, word32(a), type, Number(fractionBits), context),
  });
  const from64 = (signed: boolean): OperationBody => ({
    operands: ["u64", "fraction-bits"],
    result: kind,
    invoke: (context, a, fractionBits) => fromInteger64(r, word64(a), signed, Number(fractionBits), context),
  });
  const to32 = (type: typeof S16 | typeof U16 | typeof S32 | typeof U32): OperationBody =>
    toInteger(r, type.bits === 16 ? "u16" : "u32", (a, fractionBits, mode, context) =>
      toInteger32(r, a, type, fractionBits, mode, context),
    );
  const to64 = (signed: boolean): OperationBody =>
    toInteger(r, "u64", (a, fractionBits, mode, context) =>
      toInteger64(r, a, signed, fractionBits, mode, context),
    );
  const withinRows: readonly Row[] = [
    [0x19, "round-within-32", rounding(r, (f, a, mode, c) => roundToIntegralWithin(f, a, 32, mode, c))],
    [0x1a, "round-within-64", rounding(r, (f, a, mode, c) => roundToIntegralWithin(f, a, 64, mode, c))],
  ];
  const integer16Rows: readonly Row[] = [
    [0x1b, "to-s16", to32(S16)],
    [0x1c, "to-u16", to32(U16)],
    [0x21, "from-s16", from32(S16)],
    [0x22, "from-u16", from32(U16)],
  ];
  return [
    [0x00, "add", binary(r, add)],
    [0x01, "sub", binary(r, sub)],
    [0x02, "mul", binary(r, mul)],
    [0x03, "mulx", binary(r, mulx)],
    [0x04, "nmul", binary(r, nmul)],
    [0x05, "div", binary(r, div)],
    [0x06, "sqrt", unary(r, sqrt)],
    // Operands: addend, factor, factor.
    [0x07, "fma", ternary(r, fma)],
    [0x08, "min", binary(r, min)],
    [0x09, "max", binary(r, max)],
    [0x0a, "minnm", binary(r, minnm)],
    [0x0b, "maxnm", binary(r, maxnm)],
    [0x0c, "absolute-difference", binary(r, absoluteDifference)],
    [0x0d, "recip-step", binary(r, recipStep)],
    [0x0e, "rsqrt-step", binary(r, rsqrtStep)],
    [0x0f, "recip-estimate", unary(r, recipEstimate)],
    [0x10, "rsqrt-estimate", unary(r, rsqrtEstimate)],
    [0x11, "recip-exponent", unary(r, recipExponent)],
    [0x12, "compare-quiet", comparison(r, "nzcv", compareQuiet)],
    [0x13, "compare-signalling", comparison(r, "nzcv", compareSignalling)],
    [0x14, "compare-equal", comparison(r, "bool", compareEqual)],
    [0x15, "compare-greater-equal", comparison(r, "bool", compareGreaterEqual)],
    [0x16, "compare-greater", comparison(r, "bool", compareGreater)],
    [0x17, "round-quiet", rounding(r, roundToIntegralQuiet)],
    [0x18, "round-exact", rounding(r, roundToIntegralExact)],
    [0x1d, "to-s32", to32(S32)],
    [0x1e, "to-u32", to32(U32)],
    [0x1f, "to-s64", to64(true)],
    [0x20, "to-u64", to64(false)],
    [0x23, "from-s32", from32(S32)],
    [0x24, "from-u32", from32(U32)],
    [0x25, "from-s64", from64(true)],
    [0x26, "from-u64", from64(false)],
    ...(r.format.width === 16 ? integer16Rows : withinRows),
  ];
}

/** What joins formats, or has none. */
const CROSS_ROWS: readonly Row[] = [
  [0x00, "f16.to-f32", conversion(F16, F32, convertFormat)],
  [0x01, "f16.to-f64", conversion(F16, F64, convertFormat)],
  [0x02, "f32.to-f16", conversion(F32, F16, convertFormat)],
  [0x03, "f32.to-f64", conversion(F32, F64, convertFormat)],
  [0x04, "f64.to-f16", conversion(F64, F16, convertFormat)],
  [0x05, "f64.to-f32", conversion(F64, F32, convertFormat)],
  [0x06, "f64.to-f32-odd", conversion(F64, F32, convertFormatToOdd)],
  [
    0x07,
    // Operands: f32 addend, f16 factor, f16 factor.
    "f32.fma-half",
    {
      operands: ["f32", "f16", "f16"],
      result: "f32",
      invoke: (context, a, b, c) =>
        fmaHalfToSingle(F32.fromWord(a), F16.fromWord(b), F16.fromWord(c), context),
    },
  ],
  [
    0x08,
    "u32.recip-estimate",
    { operands: ["u32"], result: "u32", invoke: (_, a) => unsignedRecipEstimate(word32(a)) },
  ],
  [
    0x09,
    "u32.rsqrt-estimate",
    { operands: ["u32"], result: "u32", invoke: (_, a) => unsignedRsqrtEstimate(word32(a)) },
  ],
  [
    0x0a,
    // Bit 32 of the result is PSTATE.Z.
    "f64.to-s32-modular",
    {
      operands: ["f64"],
      result: "u64",
      invoke: (context, a) => {
        const { value, exact } = toInteger32Modular(F64, F64.fromWord(a), context);
        return BigInt(value) + (exact ? 0x1_0000_0000n : 0n);
      },
    },
  ],
];

function place(base: number, prefix: string, rows: readonly Row[]): FloatOperation[] {
  return rows.map(([offset, name, body]) => ({ code: base + offset, name: prefix + name, ...body }));
}

/**
 * Every operation of the library, for dispatch by number. Codes: f16 from 0x00, f32 from 0x40, f64 from 0x80 (the same
 * offset means the same operation), conversions between formats and the rest from 0xc0. Codes never change meaning.
 */
export const FLOAT_OPERATIONS: readonly FloatOperation[] = [
  ...place(0x00, "f16.", formatRows(F16)),
  ...place(0x40, "f32.", formatRows(F32)),
  ...place(0x80, "f64.", formatRows(F64)),
  ...place(0xc0, "", CROSS_ROWS),
];

const BY_CODE: readonly (FloatOperation | undefined)[] = Array.from({ length: 0x100 }, (_, code) =>
  FLOAT_OPERATIONS.find((operation) => operation.code === code),
);

const BY_NAME: ReadonlyMap<string, FloatOperation> = new Map(
  FLOAT_OPERATIONS.map((operation) => [operation.name, operation]),
);

/** The operation of that name, for instance `f32.add`. Throws `FloatOperationError` when there is none. */
export function floatOperation(name: string): FloatOperation {
  const operation = BY_NAME.get(name);
  if (operation === undefined) throw new FloatOperationError(`no float operation is called "${name}"`);
  return operation;
}

/**
 * Runs an operation by code, for a WebAssembly import whose operands are i32 or i64 (missing ones: pass 0).
 * Flags accumulate in the context. Throws `FloatOperationError` for a code that has no operation.
 * @returns a `bigint` for f64 and u64 results, otherwise a `number`
 */
export function invokeFloatOperation(code: number, a: Word, b: Word, c: Word, context: FloatContext): Word {
  const operation = BY_CODE[code];
  if (operation === undefined) throw new FloatOperationError(`no float operation has the code ${code}`);
  return operation.invoke(context, a, b, c);
}

/** As {@link invokeFloatOperation} for an import of type (i32, i64, i64, i64) → i64: every result is a `bigint`. */
export function invokeFloatOperation64(
  code: number,
  a: bigint,
  b: bigint,
  c: bigint,
  context: FloatContext,
): bigint {
  return BigInt(invokeFloatOperation(code, a, b, c, context));
}
