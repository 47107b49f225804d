import { describe, expect, it } from "vitest";
import { Builder } from "../../../../src/engine/ir/builder.ts";
import { a64Encodings, decodeA64 } from "../../../../src/isa/arm64/decode.ts";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { arm64Flags } from "../../../../src/isa/arm64/semantics/flags.ts";
import { floatingPoint } from "../../../../src/isa/arm64/semantics/floatingPoint/index.ts";
import { arm64State } from "../../../../src/isa/arm64/state.ts";
import { FPCR_FZ, FPCR_RMODE_SHIFT } from "../../../../src/isa/softfloat/arm.ts";
import { FloatException } from "../../../../src/isa/softfloat/exceptions.ts";
import { RoundingMode } from "../../../../src/isa/softfloat/rounding.ts";
import { TestMachine } from "../differential/machine.ts";
import { Random } from "../differential/random.ts";
import { TestState } from "../differential/state.ts";
import { randomWord } from "../differential/words.ts";

const set = arm64InstructionSet();
const machine = new TestMachine(set);
const { IXC } = FloatException;

const FADD_D = 0x1e62_2820;
const FDIV_D = 0x1e62_1820;
const FMUL_2D = 0x6e62_dc20;

type Kind = "f16" | "f32" | "f64" | "integer";

/** A number in every lane of every SIMD register, and a small integer in the general registers. */
function stateOf(kind: Kind, value: number, fpcr: number, fpsr: number): TestState {
  const state = new TestState();
  const view = new DataView(new ArrayBuffer(8));
  if (kind === "f64") view.setFloat64(0, value);
  else if (kind === "f32") for (const at of [0, 4]) view.setFloat32(at, value);
  else if (kind === "integer") for (const at of [0, 4]) view.setInt32(at, at === 0 ? 0 : value);
  else for (const at of [0, 2, 4, 6]) view.setUint16(at, (15 + Math.log2(value)) << 10);
  for (let n = 0; n < 32; n++) {
    state.setV(n, view.getBigUint64(0), view.getBigUint64(0));
    state.setX(n, 5n);
  }
  Object.assign(state, { fpcr, fpsr });
  return state;
}

/** What an operation's sources are. */
function sourceKind(name: string): Kind {
  if (/^[SU]CVTF/.test(name)) return "integer";
  if (/^FCVT\.formats=1[23]|^FCVTL_vector\.sz=0/.test(name)) return "f16";
  if (/^FCVT\.formats=[13]$|^FCVTN_vector\.sz=0/.test(name)) return "f32";
  if (/^FCVT\.formats=[47]$|^FCVTN_vector\.sz=1/.test(name)) return "f64";
  if (/^FCVTL_vector\.sz=1/.test(name)) return "f32";
  return /(ftype|sz)=1|arrangement=3/.test(name) ? "f64" : "f32";
}

/** A word of each floating-point operation, by name. */
function wordsOfOperations(): ReadonlyMap<string, number> {
  const random = new Random(1);
  const words = new Map<string, number>();
  for (const { encoding: name, operations } of floatingPoint) {
    const encoding = a64Encodings.find((row) => row.name === name);
    if (encoding === undefined) throw new RangeError(`no form ${name}`);
    const missing = new Set(operations.map((operation) => operation.name));
    for (let tries = 0; missing.size > 0; tries++) {
      if (tries === 20_000) throw new Error(`found no word of ${[...missing].join(" ")}`);
      const { word } = randomWord(encoding, {}, random);
      if (decodeA64(word)?.encoding.name !== name) continue;
      const operation = set.operations[set.decode(word)?.operation ?? 0]?.name ?? "";
      if (missing.delete(operation)) words.set(operation, word);
    }
  }
  return words;
}

/** Soft float in the end: estimates by table, rounding to odd, double and half precision directly. */
const alwaysSoft = /^(U?FRECPE|FRSQRTE|FRECPX|URECPE|URSQRTE|FCVTXN|FCVT\.formats=(7|13)$)/;

const softCalls = (): number => machine.calls.filter(({ name }) => name === "softFloat").length;

describe("floating-point operations", () => {
  const words = wordsOfOperations();

  it("check first of all whether floating point is enabled", () => {
    for (const operation of floatingPoint.flatMap(({ operations }) => operations)) {
      const [first] = new Builder(arm64Flags).build(operation.meaning).statements;
      expect(first?.kind === "guard" && first.field, operation.name).toEqual(arm64State.fpTrap.place);
    }
  });

  it("stay in WebAssembly for plain numbers when Inexact is set already", () => {
    for (const [name, word] of words) {
      if (alwaysSoft.test(name)) continue;
      const kind = sourceKind(name);
      machine.take(stateOf(kind, /fixed/.test(name) ? 2 ** -70 : kind === "f16" ? 4 : 5.1, 0, IXC));
      machine.run([word]);
      expect(softCalls(), name).toBe(0);
      expect(machine.fpsr, name).toBe(IXC);
    }
  });

  it("stay in WebAssembly for exact results when Inexact is clear", () => {
    for (const [name, word] of words) {
      if (alwaysSoft.test(name) || /FCVTZ.*fixed/.test(name)) continue;
      machine.take(stateOf(sourceKind(name), 4, 0, 0));
      machine.run([word]);
      expect(softCalls(), name).toBe(0);
      expect(machine.fpsr, name).toBe(0);
    }
  });

  it("stay in WebAssembly in every mode where nothing is rounded", () => {
    const modes = [RoundingMode.RP, RoundingMode.RM, RoundingMode.RZ].map((mode) => mode << FPCR_RMODE_SHIFT);
    const exactOperations =
      /^(FCMP|FCCMP|FCSEL|FMOV|FABS|FNEG|FMAX|FMIN|FRINT[NPMZA]|FCM|FAC|FCVT[NPMZA][SU]|[SU]CVTF|FCVTL|FCVT\.formats=(1|12)$)/;
    for (const [name, word] of words) {
      if (!exactOperations.test(name) || /FCVTZ.*fixed/.test(name)) continue;
      for (const fpcr of modes) {
        machine.take(stateOf(sourceKind(name), 4, fpcr, 0));
        machine.run([word]);
        expect(softCalls(), `${name}, FPCR 0x${fpcr.toString(16)}`).toBe(0);
      }
    }
  });

  it("note Inexact once and then stay in WebAssembly", () => {
    const state = stateOf("f64", 1, 0, 0);
    const third = 0x4008_0000_0000_0000n;
    state.setV(2, third, third);
    machine.take(state);
    machine.run([FDIV_D, FDIV_D, FADD_D]);
    expect(softCalls()).toBe(1);
    expect(machine.fpsr).toBe(IXC);
  });

  it.each([
    ["infinity", 0x7ff0_0000_0000_0000n],
    ["a NaN", 0x7ff8_0000_0000_0000n],
    ["the largest number", 0x7fef_ffff_ffff_ffffn],
  ])("leave a vector with %s in one lane to soft float, lane by lane", (_what, bits) => {
    const state = stateOf("f64", 3, 0, IXC);
    state.setV(1, 0x4008_0000_0000_0000n, bits);
    machine.take(state);
    machine.run([FMUL_2D]);
    expect(softCalls()).toBe(2);
  });

  it("leave flushing to soft float", () => {
    machine.take(stateOf("f64", 3, FPCR_FZ, IXC));
    machine.run([FADD_D]);
    expect(softCalls()).toBe(1);
  });
});
