import type { Builder } from "../../../engine/ir/builder.ts";
import { field } from "../../../engine/layout.ts";
import { generalRegisterAddress } from "../state.ts";
import { condition } from "./conditional.ts";
import { type Definition, define, type FieldReader, imm32, imm64, xSource } from "./define.ts";
import { conditionHolds } from "./flags.ts";
import { inWidth } from "./registers.ts";

/** A signed word count of `width` bits, in bytes. */
const distance =
  (name: string, width: number) =>
  (f: FieldReader): number =>
    ((f(name) << (32 - width)) >> (32 - width)) * 4;

const linkRegister = field("i64", generalRegisterAddress(30));

function link(b: Builder): void {
  b.set(linkRegister, b.i64.add(b.pc(), 4n));
}

const direct = [
  define({
    encoding: "B",
    operands: { distance: imm32(distance("imm26", 26)) },
    hot: true,
    semantics: (b, o) => b.jumpRelative(o.distance),
  }),
  define({
    encoding: "BL",
    operands: { distance: imm32(distance("imm26", 26)) },
    hot: true,
    semantics: (b, o) => {
      link(b);
      b.jumpRelative(o.distance);
    },
  }),
  define({
    encoding: "B_cond",
    variants: { cond: condition },
    operands: { distance: imm32(distance("imm19", 19)) },
    hot: ({ cond }) => cond !== 6 && cond !== 7 && cond !== 14,
    semantics: (b, o, { cond }) => b.if(conditionHolds(b, cond), () => b.jumpRelative(o.distance)),
  }),
];

const compareAndBranch = [
  { encoding: "CBZ", whenZero: true },
  { encoding: "CBNZ", whenZero: false },
].map(({ encoding, whenZero }) =>
  define({
    encoding,
    variants: { sf: [0, 1] },
    operands: { t: xSource("Rt"), distance: imm32(distance("imm19", 19)) },
    hot: true,
    semantics: (b, o, { sf }) =>
      inWidth(b, sf, (w) => {
        const zero = w.eqz(w.get(o.t));
        b.if(whenZero ? zero : b.i32.eqz(zero), () => b.jumpRelative(o.distance));
      }),
  }),
);

const testAndBranch = [
  { encoding: "TBZ", whenZero: true },
  { encoding: "TBNZ", whenZero: false },
].map(({ encoding, whenZero }) =>
  define({
    encoding,
    operands: {
      t: xSource("Rt"),
      mask: imm64((f) => 1n << BigInt((f("b5") << 5) | f("b40"))),
      distance: imm32(distance("imm14", 14)),
    },
    hot: true,
    semantics: (b, o) => {
      const zero = b.i64.eqz(b.i64.and(b.get(o.t), o.mask));
      b.if(whenZero ? zero : b.i32.eqz(zero), () => b.jumpRelative(o.distance));
    },
  }),
);

const indirect = [
  { encoding: "BR", links: false },
  { encoding: "BLR", links: true },
  { encoding: "RET", links: false },
].map(({ encoding, links }) =>
  define({
    encoding,
    operands: { n: xSource("Rn") },
    hot: true,
    semantics: (b, { n }) => {
      const target = b.get(n);
      if (links) link(b);
      b.jump(target);
    },
  }),
);

/** Branches. Arm ARM C4.1.3. */
export const branches: readonly Definition[] = [
  ...direct,
  ...compareAndBranch,
  ...testAndBranch,
  ...indirect,
];
