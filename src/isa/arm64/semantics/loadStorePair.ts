import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { arm64State } from "../state.ts";
import { baseAddress, type Indexing, indexed, signedOffset, stackBase } from "./addressing.ts";
import { type Definition, define, imm64, vector, xDestination, xOrSp, xSource } from "./define.ts";
import { getW } from "./registers.ts";
import { lowHalf } from "./transfer.ts";

const indexings: readonly { readonly suffix: string; readonly indexing: Indexing }[] = [
  { suffix: "offset", indexing: "offset" },
  { suffix: "pre", indexing: "pre" },
  { suffix: "post", indexing: "post" },
];
const forms = [
  ...indexings.map(({ suffix, indexing }) => ({
    store: `STP_${suffix}`,
    load: `LDP_${suffix}`,
    vectorStore: `STP_simd_${suffix}`,
    vectorLoad: `LDP_simd_${suffix}`,
    indexing,
  })),
  // The non-temporal hint changes nothing here.
  {
    store: "STNP",
    load: "LDNP",
    vectorStore: "STNP_simd",
    vectorLoad: "LDNP_simd",
    indexing: "offset",
  } as const,
];

const bySf = imm64(signedOffset("imm7", 7, (f) => 2 + f("sf")));
const byOpc = imm64(signedOffset("imm7", 7, (f) => 2 + f("opc")));

/** Two values side by side in memory, the first at the lower address. */
function pairOf64(b: Builder, first: Value<"i64">, second: Value<"i64">): Value<"v128"> {
  return b.i64x2.replace_lane(1, b.i64x2.splat(first), second);
}

function pairOf32(b: Builder, first: Value<"i32">, second: Value<"i32">): Value<"i64"> {
  return b.i64.or(b.i64.extend_i32_u(first), b.i64.shl(b.i64.extend_i32_u(second), 32n));
}

const general = forms.flatMap(({ store, load, indexing }) => [
  define({
    encoding: store,
    variants: { sf: [0, 1], sp: stackBase },
    operands: { t: xSource("Rt"), t2: xSource("Rt2"), n: xOrSp("Rn"), offset: bySf },
    hot: ({ sf, sp }) => sf === 1 && store !== "STNP" && (store !== "STP_post" || sp === 0),
    semantics: (b, { t, t2, n, offset }, { sf, sp }) => {
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, indexing);
      if (sf === 1) b.store("v128", "v128.store", address, pairOf64(b, b.get(t), b.get(t2)), { element: 8 });
      else b.store("i64", "i64.store", address, pairOf32(b, getW(b, t), getW(b, t2)), { element: 4 });
      if (writeBack !== undefined) b.set(n, writeBack);
    },
  }),
  define({
    encoding: load,
    variants: { sf: [0, 1], sp: stackBase },
    operands: { t: xDestination("Rt"), t2: xDestination("Rt2"), n: xOrSp("Rn"), offset: bySf },
    hot: ({ sf, sp }) => sf === 1 && load !== "LDNP" && (load !== "LDP_pre" || sp === 0),
    semantics: (b, { t, t2, n, offset }, { sf, sp }) => {
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, indexing);
      if (sf === 1) {
        const pair = b.load("v128", "v128.load", address, { element: 8 });
        b.set(t, b.i64x2.extract_lane(0, pair));
        b.set(t2, b.i64x2.extract_lane(1, pair));
      } else {
        const pair = b.load("i64", "i64.load", address, { element: 4 });
        b.set(t, b.i64.and(pair, 0xffff_ffffn));
        b.set(t2, b.i64.shr_u(pair, 32n));
      }
      if (writeBack !== undefined) b.set(n, writeBack);
    },
  }),
]);

const signedWords = indexings.map(({ suffix, indexing }) =>
  define({
    encoding: `LDPSW_${suffix}`,
    variants: { sp: stackBase },
    operands: {
      t: xDestination("Rt"),
      t2: xDestination("Rt2"),
      n: xOrSp("Rn"),
      offset: imm64(signedOffset("imm7", 7, () => 2)),
    },
    semantics: (b, { t, t2, n, offset }, { sp }) => {
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, indexing);
      const pair = b.load("i64", "i64.load", address, { element: 4 });
      b.set(t, b.i64.extend32_s(pair));
      b.set(t2, b.i64.shr_s(pair, 32n));
      if (writeBack !== undefined) b.set(n, writeBack);
    },
  }),
);

/** `opc` 0–2: S, D and Q registers. */
const simd = forms.flatMap(({ vectorStore, vectorLoad, indexing }) => [
  define({
    encoding: vectorStore,
    variants: { opc: [0, 1, 2], sp: stackBase },
    operands: { t: vector("Rt"), t2: vector("Rt2"), n: xOrSp("Rn"), offset: byOpc },
    hot: ({ opc, sp }) => opc === 2 && sp === 0 && vectorStore === "STP_simd_offset",
    semantics: (b, { t, t2, n, offset }, { opc, sp }) => {
      b.guard(arm64State.fpTrap, "floatingPointTrap");
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, indexing);
      if (opc === 2) {
        const [first, second] = [b.get(t), b.get(t2)];
        b.store("v128", "v128.store", address, first);
        b.store("v128", "v128.store", b.i64.add(address, 16n), second);
      } else if (opc === 1) {
        const pair = pairOf64(b, b.read("i64", t.place, 0), b.read("i64", t2.place, 0));
        b.store("v128", "v128.store", address, pair, { element: 8 });
      } else {
        const pair = pairOf32(b, b.read("i32", t.place, 0), b.read("i32", t2.place, 0));
        b.store("i64", "i64.store", address, pair, { element: 4 });
      }
      if (writeBack !== undefined) b.set(n, writeBack);
    },
  }),
  define({
    encoding: vectorLoad,
    variants: { opc: [0, 1, 2], sp: stackBase },
    operands: { t: vector("Rt"), t2: vector("Rt2"), n: xOrSp("Rn"), offset: byOpc },
    hot: ({ opc, sp }) => opc === 2 && sp === 0 && vectorLoad === "LDP_simd_offset",
    semantics: (b, { t, t2, n, offset }, { opc, sp }) => {
      b.guard(arm64State.fpTrap, "floatingPointTrap");
      const { address, writeBack } = indexed(b, baseAddress(b, n, sp), offset, indexing);
      if (opc === 2) {
        const first = b.load("v128", "v128.load", address);
        const second = b.load("v128", "v128.load", b.i64.add(address, 16n));
        b.set(t, first);
        b.set(t2, second);
      } else if (opc === 1) {
        const pair = b.load("v128", "v128.load", address, { element: 8 });
        b.set(t, lowHalf(b, b.i64x2.extract_lane(0, pair)));
        b.set(t2, lowHalf(b, b.i64x2.extract_lane(1, pair)));
      } else {
        const pair = b.load("i64", "i64.load", address, { element: 4 });
        b.set(t, lowHalf(b, b.i64.and(pair, 0xffff_ffffn)));
        b.set(t2, lowHalf(b, b.i64.shr_u(pair, 32n)));
      }
      if (writeBack !== undefined) b.set(n, writeBack);
    },
  }),
]);

/** Loads and stores of register pairs. Arm ARM C4.1.4. */
export const loadStorePair: readonly Definition[] = [...general, ...signedWords, ...simd];
