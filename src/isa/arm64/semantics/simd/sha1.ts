import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import { type Definition, define, vector } from "../define.ts";
import { checkEnabled } from "./forms.ts";
import { pick, type Vector, zero } from "./lanes.ts";

type Word = Value<"i32">;
type Round = (b: Builder, x: Word, y: Word, z: Word) => Word;

/** FIPS 180-4, 4.1.1: y where x, else z. */
export const chooseWord: Round = (b, x, y, z) => b.i32.xor(b.i32.and(b.i32.xor(y, z), x), z);

/** The bit that at least two have. */
export const majorityOfWords: Round = (b, x, y, z) => b.i32.or(b.i32.and(x, y), b.i32.and(b.i32.or(x, y), z));

const parity: Round = (b, x, y, z) => b.i32.xor(b.i32.xor(x, y), z);

/** The four words of a vector, lowest first. */
export function wordsOf(b: Builder, v: Vector): [Word, Word, Word, Word] {
  const word = (lane: number): Word => b.i32x4.extract_lane(lane, v);
  return [word(0), word(1), word(2), word(3)];
}

/** A vector of four words, lowest first. */
export function fromWords(b: Builder, words: readonly [Word, Word, Word, Word]): Vector {
  const rest = words.slice(1);
  return rest.reduce((v, word, i) => b.i32x4.replace_lane(i + 1, v, word), b.i32x4.splat(words[0]));
}

const registers = { d: vector("Rd"), n: vector("Rn"), m: vector("Rm") };

/** Four rounds. Arm ARM C7.2 "SHA1C". */
const hashUpdates: readonly Definition[] = (
  [
    { encoding: "SHA1C", round: chooseWord },
    { encoding: "SHA1P", round: parity },
    { encoding: "SHA1M", round: majorityOfWords },
  ] as const
).map(({ encoding, round }) =>
  define({
    encoding,
    operands: registers,
    semantics: (b, o) => {
      checkEnabled(b);
      let [w, x, y, z] = wordsOf(b, b.get(o.d));
      let e = b.read("i32", o.n.place, 0);
      for (const k of wordsOf(b, b.get(o.m))) {
        const sum = b.i32.add(b.i32.add(e, b.i32.rotl(w, 5)), b.i32.add(round(b, x, y, z), k));
        [w, x, y, z, e] = [sum, w, b.i32.rotl(x, 30), y, z];
      }
      b.set(o.d, fromWords(b, [w, x, y, z]));
    },
  }),
);

const fixedRotate: Definition = define({
  encoding: "SHA1H",
  operands: { d: vector("Rd"), n: vector("Rn") },
  semantics: (b, o) => {
    checkEnabled(b);
    const rotated = b.i32.rotl(b.read("i32", o.n.place, 0), 30);
    b.set(o.d, b.i32x4.replace_lane(0, zero(b), rotated));
  },
});

function rotateLeft(b: Builder, v: Vector, by: number): Vector {
  return b.v128.or(b.i32x4.shl(v, by), b.i32x4.shr_u(v, 32 - by));
}

const schedule: readonly Definition[] = [
  define({
    encoding: "SHA1SU0",
    operands: registers,
    semantics: (b, o) => {
      checkEnabled(b);
      const d = b.get(o.d);
      const middle = pick(b, 3, d, b.get(o.n), [1, 2]);
      b.set(o.d, b.v128.xor(b.v128.xor(middle, d), b.get(o.m)));
    },
  }),
  define({
    encoding: "SHA1SU1",
    operands: { d: vector("Rd"), n: vector("Rn") },
    semantics: (b, o) => {
      checkEnabled(b);
      const next = pick(b, 2, b.get(o.n), zero(b), [1, 2, 3, 4]);
      const words = b.v128.xor(b.get(o.d), next);
      const rotated = rotateLeft(b, words, 1);
      // The highest word also gets the lowest one, which was rotated only now.
      const again = pick(b, 2, zero(b), rotateLeft(b, rotated, 1), [0, 0, 0, 4]);
      b.set(o.d, b.v128.xor(rotated, again));
    },
  }),
];

/** Arm ARM C4.1.6 "Cryptographic three-register SHA" and "two-register SHA": SHA1. */
export const sha1: readonly Definition[] = [...hashUpdates, fixedRotate, ...schedule];
