import type { Builder, Value } from "../../../../engine/ir/builder.ts";
import { type Definition, define, vector } from "../define.ts";
import { checkEnabled } from "./forms.ts";
import { pick, type Vector } from "./lanes.ts";
import { chooseWord, fromWords, majorityOfWords, wordsOf } from "./sha1.ts";

type Word = Value<"i32">;

function rotations(b: Builder, word: Word, [r, s, t]: readonly [number, number, number]): Word {
  return b.i32.xor(b.i32.xor(b.i32.rotr(word, r), b.i32.rotr(word, s)), b.i32.rotr(word, t));
}

/** Two rotations and a shift of every word. FIPS 180-4, 4.1.2, the small sigmas. */
function smallSigma(b: Builder, v: Vector, r: number, s: number, shift: number): Vector {
  const rotate = (by: number): Vector => b.v128.or(b.i32x4.shr_u(v, by), b.i32x4.shl(v, 32 - by));
  return b.v128.xor(b.v128.xor(rotate(r), rotate(s)), b.i32x4.shr_u(v, shift));
}

/** Four rounds on the words a, b, c, d and e, f, g, h. Arm ARM J1.2 `SHA256hash`. */
function hash(b: Builder, abcd: Vector, efgh: Vector, schedule: Vector): { abcd: Vector; efgh: Vector } {
  let x = wordsOf(b, abcd);
  let y = wordsOf(b, efgh);
  for (const k of wordsOf(b, schedule)) {
    const chosen = chooseWord(b, y[0], y[1], y[2]);
    const first = b.i32.add(b.i32.add(y[3], rotations(b, y[0], [6, 11, 25])), b.i32.add(chosen, k));
    const majority = majorityOfWords(b, x[0], x[1], x[2]);
    const second = b.i32.add(rotations(b, x[0], [2, 13, 22]), majority);
    const e = b.i32.add(x[3], first);
    x = [b.i32.add(first, second), x[0], x[1], x[2]];
    y = [e, y[0], y[1], y[2]];
  }
  return { abcd: fromWords(b, x), efgh: fromWords(b, y) };
}

const registers = { d: vector("Rd"), n: vector("Rn"), m: vector("Rm") };

/** Arm ARM C4.1.6 "Cryptographic three-register SHA" and "two-register SHA": SHA256. */
export const sha256: readonly Definition[] = [
  define({
    encoding: "SHA256H",
    operands: registers,
    semantics: (b, o) => {
      checkEnabled(b);
      b.set(o.d, hash(b, b.get(o.d), b.get(o.n), b.get(o.m)).abcd);
    },
  }),
  define({
    encoding: "SHA256H2",
    operands: registers,
    semantics: (b, o) => {
      checkEnabled(b);
      b.set(o.d, hash(b, b.get(o.n), b.get(o.d), b.get(o.m)).efgh);
    },
  }),
  define({
    encoding: "SHA256SU0",
    operands: { d: vector("Rd"), n: vector("Rn") },
    semantics: (b, o) => {
      checkEnabled(b);
      const d = b.get(o.d);
      const next = pick(b, 2, d, b.get(o.n), [1, 2, 3, 4]);
      b.set(o.d, b.i32x4.add(d, smallSigma(b, next, 7, 18, 3)));
    },
  }),
  define({
    encoding: "SHA256SU1",
    operands: registers,
    semantics: (b, o) => {
      checkEnabled(b);
      const m = b.get(o.m);
      const sum = b.i32x4.add(b.get(o.d), pick(b, 2, b.get(o.n), m, [1, 2, 3, 4]));
      // The upper two words need the new lower two.
      const low = b.i32x4.add(sum, smallSigma(b, pick(b, 2, m, m, [2, 3, 2, 3]), 17, 19, 10));
      const high = b.i32x4.add(sum, smallSigma(b, pick(b, 2, low, low, [0, 1, 0, 1]), 17, 19, 10));
      b.set(o.d, pick(b, 3, low, high, [0, 3]));
    },
  }),
];
