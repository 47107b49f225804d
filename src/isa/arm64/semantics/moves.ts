import { type Definition, define, type FieldReader, imm64, xDestination, xSource } from "./define.ts";

const halfword = (f: FieldReader): bigint => BigInt(f("imm16")) << BigInt(16 * f("hw"));
const signed21 = (f: FieldReader): bigint => BigInt.asIntN(21, BigInt((f("immhi") << 2) | f("immlo")));

/** MOVZ, MOVN, MOVK, ADR, ADRP. Arm ARM C4.1.2. */
export const moves: readonly Definition[] = [
  define({
    encoding: "MOVZ",
    operands: { d: xDestination("Rd"), value: imm64(halfword) },
    hot: true,
    semantics: (b, { d, value }) => b.set(d, value),
  }),
  define({
    encoding: "MOVN",
    operands: {
      d: xDestination("Rd"),
      value: imm64((f) => BigInt.asUintN(f("sf") === 1 ? 64 : 32, ~halfword(f))),
    },
    hot: true,
    semantics: (b, { d, value }) => b.set(d, value),
  }),
  define({
    encoding: "MOVK",
    // The halfword, and 4 more for a W register.
    variants: {
      part: { values: [0, 1, 2, 3, 4, 5], from: (f: FieldReader) => f("hw") + (f("sf") === 1 ? 0 : 4) },
    },
    operands: { d: xDestination("Rd"), old: xSource("Rd"), value: imm64(halfword) },
    hot: ({ part }) => part < 4,
    semantics: (b, { d, old, value }, { part }) => {
      const width = part < 4 ? 64 : 32;
      const kept = BigInt.asUintN(width, ~(0xffffn << BigInt(16 * (part & 3))));
      b.set(d, b.i64.or(b.i64.and(b.get(old), kept), value));
    },
  }),
  define({
    encoding: "ADR",
    operands: { d: xDestination("Rd"), distance: imm64(signed21) },
    hot: true,
    semantics: (b, { d, distance }) => b.set(d, b.i64.add(b.pc(), distance)),
  }),
  define({
    encoding: "ADRP",
    operands: { d: xDestination("Rd"), distance: imm64((f) => signed21(f) << 12n) },
    hot: true,
    semantics: (b, { d, distance }) => b.set(d, b.i64.add(b.i64.and(b.pc(), ~0xfffn), distance)),
  }),
];
