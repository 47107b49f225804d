import type { Builder, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import type { Place } from "../../../../engine/ir/node.ts";
import { type Definition, define, vector, xSource } from "../define.ts";
import { everyLane } from "../simd/lanes.ts";
import {
  type Arithmetic,
  asOperand,
  type ScalarArithmetic,
  scalarDouble,
  vectorSingle,
} from "./arithmetic.ts";
import { modeHolds } from "./attempt.ts";
import {
  type Fraction,
  generalFraction,
  type IntegerType,
  powerOfTwo,
  shiftArrangements,
  shiftPrecisions,
  softFraction,
  vectorFraction,
} from "./fixedPoint.ts";
import { arrangements, checkEnabled, inPrecision, precisions } from "./forms.ts";
import { softFloat } from "./softFloat.ts";

/** Significand bits, the hidden one among them: integers up to 2 to that power are exact. */
const significandBits = { 32: 24, 64: 53 } as const;

/** Whether the integer's magnitude is at most 2^limit. */
function isSmall(b: Builder, x: Value<"i64">, signed: boolean, limit: number): Value<"i32"> {
  const largest = 1n << BigInt(limit);
  return signed ? b.i64.le_u(b.i64.add(x, largest), 2n * largest) : b.i64.le_u(x, largest);
}

/** An integer, sign- or zero-extended to 64 bits, as a float; the scale is at least 2^-64, so that scaling loses nothing. */
function convertScalar<T extends "f32" | "f64">(
  k: ScalarArithmetic<T>,
  x: Value<"i64">,
  type: IntegerType,
  fraction: Fraction,
): Value<T> {
  const { b } = k;
  const { bits, signed } = type;
  const converted = k.fromInteger(x, type);
  const value =
    fraction === undefined
      ? converted
      : k.binary("mul", converted, k.withElement(converted, 0, inverseScale(b, k.bits, fraction)));
  const exactLimit = significandBits[k.bits];
  if (bits <= exactLimit) return value;
  const result = b.variable(k.type, asOperand(value));
  b.if(
    b.i32.or(modeHolds(b, "rounding"), isSmall(b, x, signed, exactLimit)),
    () => {},
    () => {
      const name = `f${k.bits}.from-${signed ? "s" : "u"}${bits}`;
      const soft = softFloat(b, name, x, softFraction(b, fraction));
      b.assign(result, asOperand(k.withElement(value, 0, soft)));
    },
  );
  return b.use(result);
}

function inverseScale(b: Builder, precision: 32 | 64, fraction: Value<"i32">): Value<"i64"> {
  return powerOfTwo(b, precision, b.i32.sub(0, fraction));
}

/** Two or four 32-bit integers as singles. */
function convertSingles(
  k: Arithmetic<"v128", "v128">,
  x: Value<"v128">,
  signed: boolean,
  fraction: Fraction,
): Value<"v128"> {
  const { b } = k;
  const converted = signed ? b.f32x4.convert_i32x4_s(x) : b.f32x4.convert_i32x4_u(x);
  const scale = fraction && b.i32x4.splat(b.i32.wrap_i64(inverseScale(b, 32, fraction)));
  const result = b.variable("v128", scale === undefined ? converted : b.f32x4.mul(converted, scale));
  const largest = 1n << 24n;
  const small = signed
    ? b.i32x4.le_u(b.i32x4.add(x, everyLane(b, 2, largest)), everyLane(b, 2, 2n * largest))
    : b.i32x4.le_u(x, everyLane(b, 2, largest));
  b.if(
    b.i32.or(modeHolds(b, "rounding"), k.everywhere(small)),
    () => {},
    () => {
      const name = `f32.from-${signed ? "s" : "u"}32`;
      let all = x;
      for (let i = 0; i < k.elements; i++) {
        all = k.withElement(all, i, softFloat(b, name, k.element(x, i), softFraction(b, fraction)));
      }
      b.assign(result, all);
    },
  );
  return b.use(result);
}

/** Converts each element of a register, into another. */
function convertVector(
  b: Builder,
  arrangement: number,
  registers: { readonly d: RegisterOperand<"v128">; readonly n: RegisterOperand<"v128"> },
  signed: boolean,
  fraction: Fraction,
): void {
  const { d, n } = registers;
  if (arrangement === 3) {
    const scalar = scalarDouble(b);
    const [low, high] = [0, 8].map((offset) =>
      convertScalar(scalar, b.read("i64", n.place, offset), { bits: 64, signed }, fraction),
    );
    if (low === undefined || high === undefined) throw new RangeError("two lanes give two numbers");
    b.set(d, b.f64x2.replace_lane(1, b.f64x2.splat(low), high));
    return;
  }
  const k = vectorSingle(b, arrangement === 1 ? 4 : 2);
  k.write(d, convertSingles(k, k.read(n), signed, fraction));
}

/** The integer of a type in the low bits of a place, extended to 64 bits. */
function readInteger(b: Builder, place: Place, { bits, signed }: IntegerType): Value<"i64"> {
  if (bits === 64) return b.read("i64", place, 0);
  const word = b.read("i32", place, 0);
  return signed ? b.i64.extend_i32_s(word) : b.i64.extend_i32_u(word);
}

const general = { d: vector("Rd"), n: xSource("Rn") };
const registers = { d: vector("Rd"), n: vector("Rn") };
const widthOf = (bit: number): 32 | 64 => (bit === 1 ? 64 : 32);

interface Operands {
  readonly d: RegisterOperand<"v128">;
  readonly n: { readonly place: Place };
}

/** Converts the integer at the bottom of a register of either kind. */
function convertLow(
  b: Builder,
  precision: number,
  { d, n }: Operands,
  type: IntegerType,
  fraction: Fraction,
): void {
  checkEnabled(b);
  inPrecision(b, precision, (k) =>
    k.write(d, convertScalar(k, readInteger(b, n.place, type), type, fraction)),
  );
}

/** SCVTF, UCVTF: integer and fixed point to floating point. Arm ARM J1.3, FixedToFP. */
export const fromInteger: readonly Definition[] = (
  [
    { name: "SCVTF", signed: true },
    { name: "UCVTF", signed: false },
  ] as const
).flatMap(({ name, signed }) => [
  define({
    encoding: `${name}_general`,
    variants: { sf: [0, 1], ftype: precisions("ftype") },
    operands: general,
    hot: ({ ftype }) => name === "SCVTF" && ftype === 1,
    semantics: (b, o, { sf, ftype }) => convertLow(b, ftype, o, { bits: widthOf(sf), signed }, undefined),
  }),
  define({
    encoding: `${name}_general_fixed`,
    variants: { sf: [0, 1], ftype: precisions("ftype") },
    operands: { ...general, fraction: generalFraction },
    semantics: (b, o, { sf, ftype }) => convertLow(b, ftype, o, { bits: widthOf(sf), signed }, o.fraction),
  }),
  define({
    encoding: `${name}_sisd`,
    variants: { sz: precisions("sz") },
    operands: registers,
    semantics: (b, o, { sz }) => convertLow(b, sz, o, { bits: widthOf(sz), signed }, undefined),
  }),
  define({
    encoding: `${name}_fixed_sisd`,
    variants: { sz: shiftPrecisions },
    operands: { ...registers, fraction: vectorFraction },
    semantics: (b, o, { sz }) => convertLow(b, sz, o, { bits: widthOf(sz), signed }, o.fraction),
  }),
  define({
    encoding: `${name}_vector`,
    variants: { arrangement: arrangements },
    operands: registers,
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      convertVector(b, arrangement, o, signed, undefined);
    },
  }),
  define({
    encoding: `${name}_fixed_vector`,
    variants: { arrangement: shiftArrangements },
    operands: { ...registers, fraction: vectorFraction },
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      convertVector(b, arrangement, o, signed, o.fraction);
    },
  }),
]);
