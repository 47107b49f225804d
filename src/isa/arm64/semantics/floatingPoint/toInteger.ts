import type { Builder, RegisterOperand, Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import { type Definition, define, vector, xDestination } from "../define.ts";
import { type Arithmetic, scalarDouble, scalarSingle, vectorSingle } from "./arithmetic.ts";
import { modeHolds } from "./attempt.ts";
import {
  type Fraction,
  generalFraction,
  type IntegerType,
  pairOf,
  powerOfTwo,
  shiftArrangements,
  shiftPrecisions,
  softFraction,
  vectorFraction,
  writeLow,
} from "./fixedPoint.ts";
import { arrangements, checkEnabled, precisions } from "./forms.ts";
import { type RoundingLetter, roundingNumber, roundToIntegral } from "./roundToIntegral.ts";
import { softFloat } from "./softFloat.ts";

/** How an instruction makes integers of floats. */
interface Conversion {
  readonly letter: RoundingLetter;
  readonly signed: boolean;
}

/** Where the integer-valued float is in the type's range, the lowest signed value perhaps excepted. */
function inRange<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
  { bits, signed }: IntegerType,
): Value<M> {
  if (signed) return k.compare("lt", k.unary("abs", x), k.constant(2 ** (bits - 1)));
  return k.both(k.compare("ge", x, k.constant(0)), k.compare("lt", x, k.constant(2 ** bits)));
}

function truncated(b: Builder, x: Value<"f64">, { bits, signed }: IntegerType): Value<"i64"> {
  if (bits === 64) return signed ? b.i64.trunc_sat_f64_s(x) : b.i64.trunc_sat_f64_u(x);
  return b.i64.extend_i32_u(signed ? b.i32.trunc_sat_f64_s(x) : b.i32.trunc_sat_f64_u(x));
}

function softConversion(
  b: Builder,
  precision: 32 | 64,
  x: Value<"i64">,
  { letter, bits, signed }: Conversion & IntegerType,
  fraction: Fraction,
): Value<"i64"> {
  const name = `f${precision}.to-${signed ? "s" : "u"}${bits}`;
  return softFloat(b, name, x, softFraction(b, fraction), b.constI64(BigInt(roundingNumber[letter])));
}

/**
 * The number at `index` of a register as an integer, without sign in 64 bits. Scaling a double by a power of two above one is
 * exact unless it overflows, and a single's value is a double. Nothing rounded means no exception, in any mode.
 */
function convertScalar(
  b: Builder,
  source: { readonly register: RegisterOperand<"v128">; readonly precision: number; readonly index: number },
  conversion: Conversion & IntegerType,
  fraction: Fraction,
): Value<"i64"> {
  const k = scalarDouble(b);
  const { register, precision, index } = source;
  const x =
    precision === 1 ? k.read(register, index) : b.f64.promote_f32(scalarSingle(b).read(register, index));
  const scaled =
    fraction === undefined ? x : b.f64.mul(x, b.f64.reinterpret_i64(powerOfTwo(b, 64, fraction)));
  const rounded = roundToIntegral(k, scaled, conversion.letter);
  const result = b.variable("i64", truncated(b, rounded, conversion));
  const right = b.i32.or(modeHolds(b, "rounding"), b.f64.eq(rounded, scaled));
  b.if(
    b.i32.and(inRange(k, rounded, conversion), right),
    () => {},
    () => {
      const bits =
        precision === 1
          ? b.read("i64", register.place, 8 * index)
          : b.i64.extend_i32_u(b.read("i32", register.place, 4 * index));
      b.assign(result, softConversion(b, precision === 1 ? 64 : 32, bits, conversion, fraction));
    },
  );
  return b.use(result);
}

/** Two or four singles as 32-bit integers. */
function convertSingles(
  k: Arithmetic<"v128", "v128">,
  x: Value<"v128">,
  conversion: Conversion,
  fraction: Fraction,
): Value<"v128"> {
  const { b } = k;
  const type = { ...conversion, bits: 32 } as const;
  const scale = fraction && b.i32x4.splat(b.i32.wrap_i64(powerOfTwo(b, 32, fraction)));
  const scaled = scale === undefined ? x : b.f32x4.mul(x, scale);
  const rounded = roundToIntegral(k, scaled, type.letter);
  const integers = type.signed ? b.i32x4.trunc_sat_f32x4_s(rounded) : b.i32x4.trunc_sat_f32x4_u(rounded);
  const result = b.variable("v128", integers);
  const right = b.i32.or(modeHolds(b, "rounding"), k.everywhere(k.compare("eq", rounded, scaled)));
  b.if(
    b.i32.and(k.everywhere(inRange(k, rounded, type)), right),
    () => {},
    () => {
      let all = x;
      for (let i = 0; i < k.elements; i++) {
        all = k.withElement(all, i, softConversion(b, 32, k.element(x, i), type, fraction));
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
  conversion: Conversion,
  fraction: Fraction,
): void {
  const { d, n } = registers;
  if (arrangement === 3) {
    const type = { ...conversion, bits: 64 } as const;
    const lane = (index: number): Value<"i64"> =>
      convertScalar(b, { register: n, precision: 1, index }, type, fraction);
    b.set(d, pairOf(b, lane(0), lane(1)));
    return;
  }
  const k = vectorSingle(b, arrangement === 1 ? 4 : 2);
  k.write(d, convertSingles(k, k.read(n), conversion, fraction));
}

const general = { d: xDestination("Rd"), n: vector("Rn") };
const registers = { d: vector("Rd"), n: vector("Rn") };
const widthOf = (bit: number): 32 | 64 => (bit === 1 ? 64 : 32);

const forms = (name: string, conversion: Conversion): readonly Definition[] => [
  define({
    encoding: `${name}_general`,
    variants: { sf: [0, 1], ftype: precisions("ftype") },
    operands: general,
    hot: ({ ftype }) => name === "FCVTZS" && ftype === 1,
    semantics: (b, o, { sf, ftype }) => {
      checkEnabled(b);
      const type = { ...conversion, bits: widthOf(sf) };
      b.set(o.d, convertScalar(b, { register: o.n, precision: ftype, index: 0 }, type, undefined));
    },
  }),
  define({
    encoding: `${name}_sisd`,
    variants: { sz: precisions("sz") },
    operands: registers,
    semantics: (b, o, { sz }) => {
      checkEnabled(b);
      const type = { ...conversion, bits: widthOf(sz) };
      writeLow(b, o.d, convertScalar(b, { register: o.n, precision: sz, index: 0 }, type, undefined));
    },
  }),
  define({
    encoding: `${name}_vector`,
    variants: { arrangement: arrangements },
    operands: registers,
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      convertVector(b, arrangement, o, conversion, undefined);
    },
  }),
];

const fixedForms = (name: string, conversion: Conversion): readonly Definition[] => [
  define({
    encoding: `${name}_general_fixed`,
    variants: { sf: [0, 1], ftype: precisions("ftype") },
    operands: { ...general, fraction: generalFraction },
    semantics: (b, o, { sf, ftype }) => {
      checkEnabled(b);
      const type = { ...conversion, bits: widthOf(sf) };
      b.set(o.d, convertScalar(b, { register: o.n, precision: ftype, index: 0 }, type, o.fraction));
    },
  }),
  define({
    encoding: `${name}_fixed_sisd`,
    variants: { sz: shiftPrecisions },
    operands: { ...registers, fraction: vectorFraction },
    semantics: (b, o, { sz }) => {
      checkEnabled(b);
      const type = { ...conversion, bits: widthOf(sz) };
      writeLow(b, o.d, convertScalar(b, { register: o.n, precision: sz, index: 0 }, type, o.fraction));
    },
  }),
  define({
    encoding: `${name}_fixed_vector`,
    variants: { arrangement: shiftArrangements },
    operands: { ...registers, fraction: vectorFraction },
    semantics: (b, o, { arrangement }) => {
      checkEnabled(b);
      convertVector(b, arrangement, o, conversion, o.fraction);
    },
  }),
];

const letters: readonly RoundingLetter[] = ["N", "P", "M", "Z", "A"];
const signs = [
  { suffix: "S", signed: true },
  { suffix: "U", signed: false },
] as const;

/** FCVT{N,P,M,Z,A}{S,U}: floating point to integer and, towards zero, to fixed point. Arm ARM J1.3, FPToFixed. */
export const toInteger: readonly Definition[] = signs.flatMap(({ suffix, signed }) => [
  ...letters.flatMap((letter) => forms(`FCVT${letter}${suffix}`, { letter, signed })),
  ...fixedForms(`FCVTZ${suffix}`, { letter: "Z", signed }),
]);
