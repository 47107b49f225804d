import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import { type Definition, define, type FieldReader, vector } from "../define.ts";
import { everyLane, pick, zero } from "../simd/lanes.ts";
import { type Half, placeNarrow, widen } from "../simd/width.ts";
import { scalarDouble, scalarSingle, vectorDouble, vectorSingle } from "./arithmetic.ts";
import { modeHolds, settle } from "./attempt.ts";
import { writeLow } from "./fixedPoint.ts";
import { checkEnabled } from "./forms.ts";
import { becomesSingle } from "./fused.ts";
import { softFloat } from "./softFloat.ts";

type Vector = Value<"v128">;

/** A single as a double. */
function singleToDouble(b: Builder, x: Value<"f32">): Value<"f64"> {
  const k = scalarDouble(b);
  const bits = scalarSingle(b).element(x, 0);
  return settle(k, { value: b.f64.promote_f32(x), mode: "unflushed", plain: b.f32.eq(x, x) }, () =>
    b.f64.reinterpret_i64(softFloat(b, "f32.to-f64", bits)),
  );
}

/** A double as a single. */
function doubleToSingle(b: Builder, x: Value<"f64">): Value<"f32"> {
  const double = scalarDouble(b);
  const value = b.f32.demote_f64(x);
  const exact = () => b.f64.eq(b.f64.promote_f32(value), x);
  const single = scalarSingle(b);
  return settle(single, { value, mode: "rounding", plain: becomesSingle(double, x), exact }, () =>
    single.withElement(value, 0, softFloat(b, "f64.to-f32", double.element(x, 0))),
  );
}

/** Distance of the exponent biases of single and half precision, and of their significands' ends. */
const rebias = (127 - 15) << 23;
const lostBits = 13;
const halfExponent = 0x7c00;
const halfMagnitude = 0x7fff;

/** A half-precision number, in 16 bits, as a single; the exponents in between are the same in both formats of halves and any mode. */
function halfToSingle(b: Builder, half: Value<"i32">): Value<"f32"> {
  const k = scalarSingle(b);
  const magnitude = b.i32.and(half, halfMagnitude);
  const sign = b.i32.shl(b.i32.xor(half, magnitude), 16);
  const normal = b.i32.or(sign, b.i32.add(b.i32.shl(magnitude, lostBits), rebias));
  const isZero = b.i32.eqz(magnitude);
  const value = b.f32.reinterpret_i32(b.select("i32", isZero, sign, normal));
  // One more than the largest or the smallest exponent has only zeros left in its upper four bits.
  const between = b.i32.and(b.i32.add(magnitude, 0x400), halfExponent - 0x400);
  const result = b.variable("f32", value);
  b.if(
    b.i32.or(isZero, between),
    () => {},
    () => b.assign(result, k.withElement(value, 0, softFloat(b, "f16.to-f32", b.i64.extend_i32_u(half)))),
  );
  return b.use(result);
}

/** Magnitudes that become normal halves and neither round to infinity nor are tiny: 2^-14 up to 65520. */
const normalHalf = { from: 0x3880_0000, below: 0x477f_f000 } as const;

/** A single as a half in 16 bits. */
function singleToHalf(b: Builder, x: Value<"i32">): Value<"i32"> {
  const magnitude = b.i32.and(x, 0x7fff_ffff);
  const sign = b.i32.shr_u(b.i32.xor(x, magnitude), 16);
  const lastKept = b.i32.and(b.i32.shr_u(magnitude, lostBits), 1);
  const nearest = b.i32.add(magnitude, b.i32.add(lastKept, (1 << (lostBits - 1)) - 1));
  const rounded = b.i32.shr_u(b.i32.sub(nearest, rebias), lostBits);
  const isZero = b.i32.eqz(magnitude);
  const result = b.variable("i32", b.i32.or(sign, b.select("i32", isZero, 0, rounded)));
  const normal = b.i32.lt_u(b.i32.sub(magnitude, normalHalf.from), normalHalf.below - normalHalf.from);
  const exact = b.i32.eqz(b.i32.and(x, (1 << lostBits) - 1));
  const right = b.i32.and(normal, b.i32.or(exact, modeHolds(b, "rounding")));
  b.if(
    b.i32.or(isZero, right),
    () => {},
    () => b.assign(result, b.i32.wrap_i64(softFloat(b, "f32.to-f16", b.i64.extend_i32_u(x)))),
  );
  return b.use(result);
}

/** FCVT's formats as `ftype` · 4 + `opc`: single 0, double 1, half 3. */
const formats = {
  singleToDouble: 1,
  singleToHalf: 3,
  doubleToSingle: 4,
  doubleToHalf: 7,
  halfToSingle: 12,
  halfToDouble: 13,
} as const;

const scalarConversion: Definition = define({
  encoding: "FCVT",
  variants: {
    formats: { values: Object.values(formats), from: (f: FieldReader) => 4 * f("ftype") + f("opc") },
  },
  operands: { d: vector("Rd"), n: vector("Rn") },
  hot: (variant) => variant.formats === formats.singleToDouble || variant.formats === formats.doubleToSingle,
  semantics: (b, o, variant) => {
    checkEnabled(b);
    const [single, double] = [scalarSingle(b), scalarDouble(b)];
    const half = (): Value<"i32"> => b.i32.and(b.read("i32", o.n.place, 0), 0xffff);
    switch (variant.formats) {
      case formats.singleToDouble:
        double.write(o.d, singleToDouble(b, single.read(o.n)));
        break;
      case formats.doubleToSingle:
        single.write(o.d, doubleToSingle(b, double.read(o.n)));
        break;
      case formats.halfToSingle:
        single.write(o.d, halfToSingle(b, half()));
        break;
      case formats.singleToHalf:
        writeLow(b, o.d, b.i64.extend_i32_u(singleToHalf(b, b.read("i32", o.n.place, 0))));
        break;
      case formats.halfToDouble:
        writeLow(b, o.d, softFloat(b, "f16.to-f64", b.i64.extend_i32_u(half())));
        break;
      case formats.doubleToHalf:
        writeLow(b, o.d, softFloat(b, "f64.to-f16", b.read("i64", o.n.place, 0)));
        break;
    }
  },
});

/** The two singles in one half of a register as doubles. */
function lengthenSingles(b: Builder, n: Vector, half: Half): Vector {
  const singles = half === 1 ? pick(b, 3, n, n, [1, 1]) : pick(b, 3, n, n, [0, 0]);
  const k = vectorDouble(b);
  const value = b.f64x2.promote_low_f32x4(singles);
  const plain = b.f64x2.eq(value, value);
  return settle(k, { value, mode: "unflushed", plain }, () => {
    const source = vectorSingle(b, 2);
    let all = value;
    for (let i = 0; i < 2; i++) {
      all = k.withElement(all, i, softFloat(b, "f32.to-f64", source.element(singles, i)));
    }
    return all;
  });
}

/** The four halves in one half of a register as singles. */
function lengthenHalves(b: Builder, n: Vector, half: Half): Vector {
  const k = vectorSingle(b, 4);
  const halves = widen(b, 1, n, half, false);
  const lanes = (value: number): Vector => everyLane(b, 2, BigInt(value));
  const magnitude = b.v128.and(halves, lanes(halfMagnitude));
  const sign = b.i32x4.shl(b.v128.xor(halves, magnitude), 16);
  const isZero = b.i32x4.eq(magnitude, zero(b));
  const rebased = b.i32x4.add(b.i32x4.shl(magnitude, lostBits), lanes(rebias));
  const value = b.v128.or(sign, b.v128.andnot(rebased, isZero));
  const between = b.v128.and(b.i32x4.add(magnitude, lanes(0x400)), lanes(halfExponent - 0x400));
  const result = b.variable("v128", value);
  b.if(
    k.everywhere(b.v128.or(isZero, between)),
    () => {},
    () => {
      let all = value;
      for (let i = 0; i < 4; i++) {
        all = k.withElement(all, i, softFloat(b, "f16.to-f32", k.element(halves, i)));
      }
      b.assign(result, all);
    },
  );
  return b.use(result);
}

/** Two doubles as singles, in the low half. */
function narrowDoubles(b: Builder, n: Vector): Vector {
  const k = vectorDouble(b);
  const value = b.f32x4.demote_f64x2_zero(n);
  const exact = (): Vector => b.f64x2.eq(b.f64x2.promote_low_f32x4(value), n);
  return settle(k, { value, mode: "rounding", plain: becomesSingle(k, n), exact }, () =>
    narrowDoublesSoftly(b, n, "f64.to-f32"),
  );
}

function narrowDoublesSoftly(b: Builder, n: Vector, name: string): Vector {
  const source = vectorDouble(b);
  const k = vectorSingle(b, 2);
  let all = zero(b);
  for (let i = 0; i < 2; i++) all = k.withElement(all, i, softFloat(b, name, source.element(n, i)));
  return all;
}

/** Four singles as halves, in the low half. */
function narrowSingles(b: Builder, n: Vector): Vector {
  let all = zero(b);
  for (let i = 0; i < 4; i++) {
    all = b.i16x8.replace_lane(i, all, singleToHalf(b, b.i32x4.extract_lane(i, n)));
  }
  return all;
}

const halfOf = (Q: number): Half => (Q === 1 ? 1 : 0);
const operands = { d: vector("Rd"), n: vector("Rn") };

/** FCVT, FCVTL, FCVTN, FCVTXN: conversions between floating-point formats. Arm ARM J1.3, FPConvert. */
export const betweenFormats: readonly Definition[] = [
  scalarConversion,
  define({
    encoding: "FCVTL_vector",
    variants: { sz: [0, 1], Q: [0, 1] },
    operands,
    semantics: (b, o, { sz, Q }) => {
      checkEnabled(b);
      const lengthen = sz === 1 ? lengthenSingles : lengthenHalves;
      b.set(o.d, lengthen(b, b.get(o.n), halfOf(Q)));
    },
  }),
  define({
    encoding: "FCVTN_vector",
    variants: { sz: [0, 1], Q: [0, 1] },
    operands,
    semantics: (b, o, { sz, Q }) => {
      checkEnabled(b);
      const narrow = (sz === 1 ? narrowDoubles : narrowSingles)(b, b.get(o.n));
      b.set(
        o.d,
        placeNarrow(b, halfOf(Q), narrow, () => b.get(o.d)),
      );
    },
  }),
  define({
    encoding: "FCVTXN_vector",
    variants: { Q: [0, 1] },
    operands,
    semantics: (b, o, { Q }) => {
      checkEnabled(b);
      const narrow = narrowDoublesSoftly(b, b.get(o.n), "f64.to-f32-odd");
      b.set(
        o.d,
        placeNarrow(b, halfOf(Q), narrow, () => b.get(o.d)),
      );
    },
  }),
  define({
    encoding: "FCVTXN_sisd",
    operands,
    semantics: (b, o) => {
      checkEnabled(b);
      writeLow(b, o.d, softFloat(b, "f64.to-f32-odd", b.read("i64", o.n.place, 0)));
    },
  }),
];
