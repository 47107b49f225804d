import { type Definition, define, type FieldReader, imm32, xDestination, xSource } from "./define.ts";
import { inWidth } from "./registers.ts";

const widthOf = (f: FieldReader): number => (f("sf") === 1 ? 64 : 32);

/** SBFM and UBFM both shift left until the field's top is the register's, then right to its place. */
const left = (f: FieldReader): number => widthOf(f) - 1 - f("imms");
const right = (f: FieldReader): number =>
  f("imms") >= f("immr") ? left(f) + f("immr") : f("immr") - f("imms") - 1;

/** 0: both shifts; 1: only to the right (LSR, ASR); 2: only to the left (LSL). */
const shifts = {
  values: [0, 1, 2],
  from: (f: FieldReader) => (left(f) === 0 ? 1 : right(f) === 0 ? 2 : 0),
} as const;

const moveAndExtend = (
  [
    { encoding: "SBFM", operator: "shr_s" },
    { encoding: "UBFM", operator: "shr_u" },
  ] as const
).map(({ encoding, operator }) =>
  define({
    encoding,
    variants: { sf: [0, 1], shifts },
    operands: { d: xDestination("Rd"), n: xSource("Rn"), left: imm32(left), right: imm32(right) },
    hot: ({ sf, shifts: which }) => (encoding === "UBFM" ? sf === 1 || which !== 2 : sf === 1 && which !== 2),
    semantics: (b, o, { sf, shifts: which }) =>
      inWidth(b, sf, (w) => {
        const x = w.get(o.n);
        const top = which === 1 ? x : w.binary("shl", x, w.unsigned(o.left));
        w.set(o.d, which === 2 ? top : w.binary(operator, top, w.unsigned(o.right)));
      }),
  }),
);

/** Whether the field moves up, to a position above 0 (BFI), rather than down to bit 0 (BFXIL). */
const insertsAbove = (f: FieldReader): boolean => f("imms") < f("immr");

const insert = define({
  encoding: "BFM",
  variants: { sf: [0, 1], above: { values: [0, 1], from: (f: FieldReader) => Number(insertsAbove(f)) } },
  operands: {
    d: xDestination("Rd"),
    old: xSource("Rd"),
    n: xSource("Rn"),
    shift: imm32((f) => (insertsAbove(f) ? widthOf(f) - f("immr") : f("immr"))),
    unused: imm32((f) => widthOf(f) - 1 - (insertsAbove(f) ? f("imms") : f("imms") - f("immr"))),
  },
  hot: ({ sf }) => sf === 1,
  semantics: (b, o, { sf, above }) =>
    inWidth(b, sf, (w) => {
      const shift = w.unsigned(o.shift);
      const low = w.binary("shr_u", w.constant(-1n), w.unsigned(o.unused));
      const mask = above === 1 ? w.binary("shl", low, shift) : low;
      const moved = w.binary(above === 1 ? "shl" : "shr_u", w.get(o.n), shift);
      const kept = w.binary("and", w.get(o.old), w.not(mask));
      w.set(o.d, w.binary("or", kept, w.binary("and", moved, mask)));
    }),
});

const extract = define({
  encoding: "EXTR",
  variants: { sf: [0, 1], zero: { values: [0, 1], from: (f: FieldReader) => Number(f("imms") === 0) } },
  operands: { d: xDestination("Rd"), n: xSource("Rn"), m: xSource("Rm"), lsb: imm32("imms") },
  semantics: (b, o, { sf, zero }) =>
    inWidth(b, sf, (w) => {
      const low = w.get(o.m);
      if (zero === 1) {
        w.set(o.d, low);
        return;
      }
      const lsb = w.unsigned(o.lsb);
      const above = w.binary("shl", w.get(o.n), w.binary("sub", w.constant(BigInt(w.bits)), lsb));
      w.set(o.d, w.binary("or", w.binary("shr_u", low, lsb), above));
    }),
});

/** SBFM, BFM, UBFM (with all their aliases) and EXTR. Arm ARM C4.1.2. */
export const bitfield: readonly Definition[] = [...moveAndExtend, insert, extract];
