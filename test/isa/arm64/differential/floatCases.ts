import type { Definition } from "../../../../src/isa/arm64/semantics/define.ts";
import { floatingPoint } from "../../../../src/isa/arm64/semantics/floatingPoint/index.ts";
import { FPCR_AHP, FPCR_DN, FPCR_FZ, FPCR_RMODE_SHIFT } from "../../../../src/isa/softfloat/arm.ts";
import { FloatException } from "../../../../src/isa/softfloat/exceptions.ts";
import { RandomBits, randomOperand } from "../../softfloat/randomOperands.ts";
import { borderNumber, type FloatWidth, type HardSum, hardQuotient, hardSum } from "./hardFloats.ts";
import type { DifferentialSpec, Fields } from "./harness.ts";
import type { Random } from "./random.ts";
import type { TestState } from "./state.ts";

/** Half of the cases run with the modes programs have, Inexact set or not, so that every path is taken often. */
function randomMode(state: TestState, random: Random): void {
  const others = state.fpsr & ~FloatException.IXC;
  state.fpsr = random.oneIn(2) ? others | FloatException.IXC : others;
  state.fpcr = 0;
  if (random.oneIn(2)) return;
  state.fpcr |= random.below(4) << FPCR_RMODE_SHIFT;
  for (const bit of [FPCR_FZ, FPCR_DN, FPCR_AHP]) if (random.oneIn(3)) state.fpcr |= bit;
}

type Lane = "f16" | "f32" | "f64" | "u32" | "u64";

const lanesPerRegister: Readonly<Record<Lane, number>> = { f16: 8, f32: 4, f64: 2, u32: 4, u64: 2 };

const ordinaryExponents: Partial<Record<Lane, { readonly fraction: number; readonly bias: number }>> = {
  f16: { fraction: 10, bias: 15 },
  f32: { fraction: 23, bias: 127 },
  f64: { fraction: 52, bias: 1023 },
};

/** A number that no instruction has trouble with: near one, often with few bits. */
function ordinaryLane(kind: Lane, bits: RandomBits): bigint {
  const layout = ordinaryExponents[kind];
  if (layout === undefined) return randomOperand(kind, bits, undefined);
  const fraction = BigInt(layout.fraction);
  const exponent = BigInt(layout.bias + bits.below(20) - 8);
  const kept = bits.below(2) === 0 ? fraction : BigInt(bits.below(layout.fraction));
  const pattern = bits.next() & ((1n << fraction) - 1n) & ~((1n << (fraction - kept)) - 1n);
  return (
    ((bits.next() & 1n) << BigInt(layout.fraction === 52 ? 63 : layout.fraction === 23 ? 31 : 15)) |
    (exponent << fraction) |
    pattern
  );
}

/** Fills SIMD registers with numbers of a kind, each lane related to the same lane of the register before. */
function fillRegisters(state: TestState, registers: readonly number[], kind: Lane, random: Random): void {
  const bits = new RandomBits(random.u32());
  const count = lanesPerRegister[kind];
  const width = 128 / count;
  const ordinary = random.oneIn(2);
  let before: readonly bigint[] = [];
  for (const register of registers) {
    const lanes = Array.from({ length: count }, (_, i) =>
      ordinary && !random.oneIn(16) ? ordinaryLane(kind, bits) : randomOperand(kind, bits, before[i]),
    );
    let whole = 0n;
    for (const lane of [...lanes].reverse()) whole = (whole << BigInt(width)) | lane;
    state.setV(register, whole & 0xffff_ffff_ffff_ffffn, whole >> 64n);
    before = lanes;
  }
}

function optional(f: Fields, name: string): number | undefined {
  try {
    return f(name);
  } catch {
    return undefined;
  }
}

/** SIMD registers that the fields name; by-element forms have the fifth bit of Rm in M. */
function namedRegisters(f: Fields): readonly number[] {
  const top = optional(f, "M");
  const m = optional(f, "Rm");
  const numbers = [
    optional(f, "Rn"),
    m === undefined || top === undefined ? m : 16 * top + m,
    optional(f, "Ra"),
    optional(f, "Rd"),
  ];
  return numbers.filter((number) => number !== undefined);
}

/** Whether the instruction works on doubles, if the fields say. */
function isDouble(f: Fields): boolean | undefined {
  const precision = optional(f, "ftype") ?? optional(f, "sz");
  if (precision !== undefined) return precision === 1;
  const immh = optional(f, "immh");
  return immh === undefined ? undefined : immh >= 8;
}

const fromInteger = /^[SU]CVTF|^UR/;
const halfPrecision = /^FCVT$|^FCVT[LN]_/;

function laneKind(encoding: string, f: Fields, random: Random): Lane {
  if (halfPrecision.test(encoding) && random.oneIn(2)) return random.pick(["f16", "f32", "f64"]);
  const double = isDouble(f) ?? random.oneIn(2);
  if (fromInteger.test(encoding)) return double ? "u64" : "u32";
  return double ? "f64" : "f32";
}

function specOf({ encoding }: Definition): DifferentialSpec {
  return {
    encoding,
    arrange: (state, f, random) => {
      randomMode(state, random);
      if (random.oneIn(8)) return;
      fillRegisters(state, namedRegisters(f), laneKind(encoding, f, random), random);
      if (/^[SU]CVTF_general/.test(encoding)) {
        const bits = new RandomBits(random.u32());
        state.setX(f("Rn"), randomOperand(random.oneIn(2) ? "u32" : "u64", bits, undefined));
      }
    },
  };
}

/** Puts lanes into a register, the first one lowest. */
function setLanes(state: TestState, register: number, lanes: readonly bigint[]): void {
  const width = BigInt(128 / lanes.length);
  const whole = lanes.reduceRight((sum, lane) => (sum << width) | lane, 0n);
  state.setV(register, whole & 0xffff_ffff_ffff_ffffn, whole >> 64n);
}

function floatWidth(f: Fields, random: Random): FloatWidth {
  return (isDouble(f) ?? random.oneIn(2)) ? 64 : 32;
}

function hardSums(state: TestState, f: Fields, random: Random): void {
  randomMode(state, random);
  const width = floatWidth(f, random);
  const sums = Array.from({ length: 128 / width }, () => hardSum(width, random));
  const [n = 0, m = 0] = namedRegisters(f);
  const put = (register: number, which: keyof HardSum): void =>
    setLanes(
      state,
      register,
      sums.map((sum) => sum[which]),
    );
  put(optional(f, "Ra") ?? f("Rd"), "a");
  put(n, "n");
  put(m, "m");
}

function hardQuotients(state: TestState, f: Fields, random: Random): void {
  randomMode(state, random);
  const width = floatWidth(f, random);
  const quotients = Array.from({ length: 128 / width }, () => hardQuotient(width, random));
  setLanes(
    state,
    f("Rn"),
    quotients.map(({ n }) => n),
  );
  setLanes(
    state,
    f("Rm"),
    quotients.map(({ m }) => m),
  );
}

function borderNumbers(state: TestState, f: Fields, random: Random): void {
  randomMode(state, random);
  const width = floatWidth(f, random);
  setLanes(
    state,
    f("Rn"),
    Array.from({ length: 128 / width }, () => borderNumber(width, random)),
  );
}

const isVector = (encoding: string): boolean => /_(vector|sisd|elem|elem_sisd)$/.test(encoding);
const isConversion = (encoding: string): boolean => /CVT/.test(encoding);

const specs = floatingPoint.map(specOf);

/** Scalar floating point without conversions. */
export const floatScalarCases: readonly DifferentialSpec[] = specs.filter(
  ({ encoding }) => !isVector(encoding) && !isConversion(encoding),
);

/** Conversions between floating-point formats and to and from integers, scalar and vector. */
export const floatConversionCases: readonly DifferentialSpec[] = specs.filter(({ encoding }) =>
  isConversion(encoding),
);

/** Advanced SIMD on floats, its scalar forms among them, without conversions. */
export const floatVectorCases: readonly DifferentialSpec[] = specs.filter(
  ({ encoding }) => isVector(encoding) && !isConversion(encoding),
);

const arranged = (
  forms: RegExp,
  arrange: NonNullable<DifferentialSpec["arrange"]>,
): readonly DifferentialSpec[] =>
  specs.filter(({ encoding }) => forms.test(encoding)).map(({ encoding }) => ({ encoding, arrange }));

/** Instructions that round, on numbers that are hard to round. */
export const floatRoundingCases: readonly DifferentialSpec[] = [
  ...arranged(/^FN?M(ADD|SUB|LA|LS|UL)/, hardSums),
  ...arranged(/^FR(ECP|SQRT)S/, hardSums),
  ...arranged(/^FDIV/, hardQuotients),
  ...arranged(/^FCVT$|^FCVTX?N_/, borderNumbers),
];
