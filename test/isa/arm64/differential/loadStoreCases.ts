import { nearbyLiteral, pointBase } from "./addresses.ts";
import { unpredictable } from "./departures.ts";
import type { DifferentialSpec, Fields } from "./harness.ts";
import type { Random } from "./random.ts";
import type { TestState } from "./state.ts";

const signed = (value: number, bits: number): bigint => BigInt.asIntN(bits, BigInt(value));

/** log2 of the bytes a general or a SIMD&FP register access moves. */
const scaleOf = (f: Fields, simd: boolean): number => f("size") + (simd && f("opc") >= 2 ? 4 : 0);

const immediate = (
  encoding: string,
  simd: boolean,
  offset: (f: Fields, scale: number) => bigint,
): DifferentialSpec => ({
  encoding,
  arrange: (state, f, random) => {
    const scale = scaleOf(f, simd);
    pointBase(state, f, random, 1 << scale, offset(f, scale));
  },
  leaveOut: (f) =>
    !simd && /_(pre|post)$/.test(encoding) && f("Rt") === f("Rn") && f("Rn") !== 31
      ? unpredictable.writeBackOverlap
      : undefined,
});

const unscaled = (f: Fields): bigint => signed(f("imm9"), 9);
const scaled = (f: Fields, scale: number): bigint => BigInt(f("imm12")) << BigInt(scale);

const immediates = ["STR", "LDR", "LDRS", "STR_simd", "LDR_simd"].flatMap((name) => {
  const simd = name.endsWith("_simd");
  return [
    immediate(`${name}_imm_unsigned`, simd, scaled),
    immediate(`${name}_imm_pre`, simd, unscaled),
    immediate(`${name}_imm_post`, simd, () => 0n),
  ];
});

const unscaledForms = [
  ...["STUR", "LDUR", "LDURS", "STTR", "LDTR", "LDTRS"].map((name) => immediate(name, false, unscaled)),
  ...["STUR_simd", "LDUR_simd"].map((name) => immediate(name, true, unscaled)),
];

/** The value of the offset register after its extension and shift. */
function registerOffset(state: TestState, f: Fields, shift: number): bigint {
  const m = f("Rm") === 31 ? 0n : (state.x[f("Rm")] ?? 0n);
  const option = f("option");
  const extended =
    option === 2 ? BigInt.asUintN(32, m) : option === 6 ? BigInt.asIntN(32, m) : BigInt.asIntN(64, m);
  return extended << BigInt(f("S") === 1 ? shift : 0);
}

const registerForms = ["STR_reg", "LDR_reg", "LDRS_reg", "STR_simd_reg", "LDR_simd_reg"].map(
  (encoding): DifferentialSpec => {
    const simd = encoding.includes("simd");
    return {
      encoding,
      arrange: (state, f, random) => {
        const scale = scaleOf(f, simd);
        if (f("Rm") !== f("Rn") || f("Rn") === 31) {
          pointBase(state, f, random, 1 << scale, registerOffset(state, f, scale));
        }
      },
    };
  },
);

const literals: readonly DifferentialSpec[] = [
  ...["LDR_literal", "LDRSW_literal", "LDR_simd_literal"].map((encoding) => ({
    encoding,
    fields: { imm19: nearbyLiteral },
  })),
];

const prefetches: readonly DifferentialSpec[] = [
  "PRFM_literal",
  "PRFM_imm_unsigned",
  "PRFUM",
  "PRFM_reg",
].map((encoding) => ({ encoding }));

function pair(encoding: string): DifferentialSpec {
  const simd = encoding.includes("simd");
  const bytesOf = (f: Fields): number =>
    encoding.startsWith("LDPSW") ? 4 : 4 << (simd ? f("opc") : f("sf"));
  return {
    encoding,
    arrange: (state: TestState, f: Fields, random: Random) => {
      const bytes = bytesOf(f);
      const offset = encoding.endsWith("post") ? 0n : signed(f("imm7"), 7) * BigInt(bytes);
      pointBase(state, f, random, bytes, offset);
    },
    leaveOut: (f) => {
      if (encoding.startsWith("LD") && f("Rt") === f("Rt2") && (simd || f("Rt") !== 31))
        return unpredictable.pairOverlap;
      const writesBack = /_(pre|post)$/.test(encoding) && !simd && f("Rn") !== 31;
      return writesBack && (f("Rt") === f("Rn") || f("Rt2") === f("Rn"))
        ? unpredictable.writeBackOverlap
        : undefined;
    },
  };
}

const pairs = [
  ...["STP", "LDP", "STP_simd", "LDP_simd", "LDPSW"].flatMap((name) =>
    ["offset", "pre", "post"].map((mode) => pair(`${name}_${mode}`)),
  ),
  ...["STNP", "LDNP", "STNP_simd", "LDNP_simd"].map(pair),
];

/** Loads and stores of general and SIMD&FP registers, single and in pairs, and prefetches. */
export const loadStoreCases: readonly DifferentialSpec[] = [
  ...immediates,
  ...unscaledForms,
  ...registerForms,
  ...literals,
  ...prefetches,
  ...pairs,
];
