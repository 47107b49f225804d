import type { Builder, RegisterOperand } from "../../../../engine/ir/builder.ts";
import { type Definition, define, type FieldReader, imm32, type OperandSpec, vector } from "../define.ts";
import { arrangement, arrangements, checkEnabled, writeElements } from "./forms.ts";
import { choose, everyLane, lowHalves, pick, type Vector, zero } from "./lanes.ts";

const registers = { d: vector("Rd"), n: vector("Rn"), m: vector("Rm") };

/** Element number i of the result, where the `count` elements of m follow those of n. */
type Selection = (i: number, count: number) => number;

// biome-ignore format: one instruction per line
const selections: readonly { readonly name: string; readonly from: Selection }[] = [
  { name: "UZP1", from: (i) => 2 * i },
  { name: "UZP2", from: (i) => 2 * i + 1 },
  { name: "TRN1", from: (i, count) => (i & ~1) + (i & 1) * count },
  { name: "TRN2", from: (i, count) => (i | 1) + (i & 1) * count },
  { name: "ZIP1", from: (i, count) => (i >> 1) + (i & 1) * count },
  { name: "ZIP2", from: (i, count) => (count >> 1) + (i >> 1) + (i & 1) * count },
];

const interleaving: readonly Definition[] = selections.map(({ name, from }) =>
  define({
    encoding: name,
    variants: { arrangement: arrangements([0, 1, 2, 3]) },
    operands: registers,
    semantics: (b, o, variant) => {
      const { size, bytes } = arrangement(variant.arrangement);
      checkEnabled(b);
      const n = b.get(o.n);
      const m = b.get(o.m);
      const count = bytes >> size;
      // Elements above `count` are cut off again; any number in range does for them.
      const elements = Array.from({ length: 16 >> size }, (_, i) => from(i % count, count));
      const [low, high] = bytes === 16 ? [n, m] : [lowHalves(b, n, m), n];
      writeElements(b, o.d, pick(b, size, low, high, elements), bytes);
    },
  }),
);

/** The byte numbers 0–15. */
function byteNumbers(b: Builder): Vector {
  return b.constV128(0x0706_0504_0302_0100n, 0x0f0e_0d0c_0b0a_0908n);
}

const extract: Definition = define({
  encoding: "EXT",
  variants: { Q: [0, 1] },
  operands: { ...registers, first: imm32("imm4") },
  semantics: (b, o, { Q }) => {
    checkEnabled(b);
    const n = b.get(o.n);
    const m = b.get(o.m);
    const bytes = b.i8x16.add(byteNumbers(b), b.i8x16.splat(o.first));
    if (Q === 0) {
      writeElements(b, o.d, b.i8x16.swizzle(lowHalves(b, n, m), bytes), 8);
      return;
    }
    // A byte number outside 0–15 gives zero, so each byte comes from one of the two.
    const ofHigh = b.i8x16.swizzle(m, b.i8x16.sub(bytes, everyLane(b, 0, 16n)));
    b.set(o.d, b.v128.or(b.i8x16.swizzle(n, bytes), ofHigh));
  },
});

type TableOperands = Readonly<Record<string, OperandSpec<RegisterOperand<"v128">>>>;

/** Registers Vn, Vn+1… modulo 32, four of them; those that `len` does not ask for are the last one again. */
const tableOperands: TableOperands = Object.fromEntries(
  [0, 1, 2, 3].map((i) => [`table${i}`, vector((f: FieldReader) => (f("Rn") + Math.min(i, f("len"))) & 31)]),
);

const lookUp: readonly Definition[] = [
  { encoding: "TBL", keeping: false },
  { encoding: "TBX", keeping: true },
].map(({ encoding, keeping }) =>
  define({
    encoding,
    variants: { len: [0, 1, 2, 3], Q: [0, 1] },
    operands: { ...tableOperands, d: vector("Rd"), m: vector("Rm") },
    semantics: (b, o, { len, Q }) => {
      checkEnabled(b);
      const indexes = b.get(o.m);
      let result = zero(b);
      for (let i = 0; i <= len; i++) {
        const table = o[`table${i}` as keyof typeof o];
        const within = i === 0 ? indexes : b.i8x16.sub(indexes, everyLane(b, 0, BigInt(16 * i)));
        const found = b.i8x16.swizzle(b.get(table), within);
        result = i === 0 ? found : b.v128.or(result, found);
      }
      if (keeping) {
        const inRange = b.i8x16.lt_u(indexes, everyLane(b, 0, BigInt(16 * (len + 1))));
        result = choose(b, inRange, result, b.get(o.d));
      }
      writeElements(b, o.d, result, 8 << Q);
    },
  }),
);

/** Arm ARM C4.1.6 "Advanced SIMD permute", "extract" and "table lookup". */
export const permute: readonly Definition[] = [...interleaving, extract, ...lookUp];
