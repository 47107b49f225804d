import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { a64Encodings, decodeA64 } from "../../../src/isa/arm64/decode.ts";
import { type BitField, type Encoding, extractField } from "../../../src/isa/encoding.ts";
import { requireTool } from "../../support/tools.ts";
import {
  disassembleWithLlvm,
  immediateWords,
  kernelAvailable,
  kernelWords,
  modelFeatures,
  randomWords,
  systemWords,
  wordsNearForms,
} from "./disassemblerWitness.ts";

const hex = (word: number) => `0x${(word >>> 0).toString(16).padStart(8, "0")}`;
const nameOf = (word: number) => decodeA64(word)?.encoding.name;

/** The bits some condition of the form looks at. */
function conditionBits({ when, fields }: Encoding): number {
  const names = new Set(when.flatMap((condition) => Object.keys(condition)));
  const maskOf = ({ lsb, width }: BitField) => (width === 32 ? -1 : ((1 << width) - 1) << lsb);
  return fields.filter(({ name }) => names.has(name)).reduce((mask, field) => mask | maskOf(field), 0);
}

/** A word both forms match, or `undefined`: tries every value of the bits their conditions look at. */
function commonWord(one: Encoding, other: Encoding): number | undefined {
  if (((one.value ^ other.value) & one.mask & other.mask) !== 0) return undefined;
  const fixed = one.value | other.value;
  const free = (conditionBits(one) | conditionBits(other)) & ~(one.mask | other.mask);
  let choice = 0;
  do {
    const word = fixed | choice;
    if (one.matches(word) && other.matches(word)) return word;
    choice = (choice - free) & free;
  } while (choice !== 0);
  return undefined;
}

describe("A64 decode tables", () => {
  it("have no two forms that match the same word", () => {
    const overlaps: string[] = [];
    a64Encodings.forEach((one, index) => {
      for (const other of a64Encodings.slice(index + 1)) {
        const word = commonWord(one, other);
        if (word !== undefined) overlaps.push(`${one.name} and ${other.name} at ${hex(word)}`);
      }
    });
    expect(overlaps).toEqual([]);
  });

  it("have forms that can all be reached, by their own decoder", () => {
    const unreachable = a64Encodings.filter((encoding) => {
      const free = conditionBits(encoding);
      let choice = 0;
      do {
        const word = encoding.value | choice;
        if (encoding.matches(word)) return decodeA64(word)?.encoding !== encoding;
        choice = (choice - free) & free;
      } while (choice !== 0);
      return true;
    });
    expect(unreachable.map(({ name }) => name)).toEqual([]);
  });

  it("say of floating point, vectors, CRC, cryptography and atomics that they are optional", () => {
    const feature = (word: number) => decodeA64(word)?.encoding.feature;
    expect(feature(0x8b020020)).toBeUndefined(); // add x0, x1, x2
    expect(feature(0x1e622820)).toBe("fp"); // fadd d0, d1, d2
    expect(feature(0xfd400020)).toBe("fp"); // ldr d0, [x1]
    expect(feature(0x4e228420)).toBe("simd"); // add v0.16b, v1.16b, v2.16b
    expect(feature(0x9ac24c20)).toBe("crc32"); // crc32x w0, w1, x2
    expect(feature(0x4e284820)).toBe("aes"); // aese v0.16b, v1.16b
    expect(feature(0x5e020020)).toBe("sha1"); // sha1c q0, s1, v2.4s
    expect(feature(0x5e024020)).toBe("sha256"); // sha256h q0, q1, v2.4s
    expect(feature(0x0ee2e020)).toBe("pmull"); // pmull v0.1q, v1.1d, v2.1d
    expect(feature(0xf8220020)).toBe("lse"); // ldadd x2, x0, [x1]
  });
});

describe("decodeA64", () => {
  it("gives the form and its fields", () => {
    const decoded = decodeA64(0x9100_4be2); // add x2, sp, #18
    expect(decoded?.encoding.name).toBe("ADD_imm");
    expect(decoded?.fields).toEqual({ sf: 1, sh: 0, imm12: 18, Rn: 31, Rd: 2 });
  });

  it.each([
    [0x00000000, "UDF"],
    [0x6a1f_7fff | 0x00008000, "a 32-bit operand shifted by 32 or more"],
    [0x8bc00000, "ADD with ROR"],
    [0x12400000, "a 32-bit logical immediate with N set"],
    [0x9200fc00 | (1 << 22), "a logical immediate of all ones"],
    [0x12c00000, "MOVN W with LSL #32"],
    [0x53400000, "UBFM with N other than sf"],
    [0x8b20_1400, "ADD (extended) by 5"],
    [0xf8801800, "an unprivileged prefetch"],
    [0x48217c20, "CASP from an odd register"],
    [0x0f000400 | 0x20000000 | 0xf000, "FMOV (vector) of one double"],
    [0x1ee22820, "FADD of half precision"],
    [0xd503_30ff, "SB"],
    [0xd500409f, "MSR PAN"],
    [0xb8bfc020, "LDAPR"],
    [0x88c1_7c20 & ~0x8000, "LDLAR"],
    [0xd61f0bff | 0x0100_0000, "BRAA"],
    [0x04200000, "SVE"],
  ])("leaves %i undefined: %s", (word) => {
    expect(nameOf(word)).toBeUndefined();
  });

  it("decodes what is CONSTRAINED UNPREDICTABLE", () => {
    expect(nameOf(0xf8408c21)).toBe("LDR_imm_pre"); // ldr x1, [x1, #8]!
    expect(nameOf(0xa8c10c20)).toBe("LDP_post");
    expect(nameOf(0x885f7c20 & ~0x1f0000)).toBe("LDXR"); // Rs is not all ones
  });

  it("takes signed and unsigned words alike", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (word) => {
        expect(decodeA64(word | 0)).toEqual(decodeA64(word));
      }),
    );
  });

  it("accounts for every bit: fixed bits, fields and ignored bits make up the word", () => {
    for (const word of wordsNearForms(20_000, 11, 0)) {
      const decoded = decodeA64(word);
      if (decoded === undefined) continue;
      const { mask, value, fields } = decoded.encoding;
      let rebuilt = value;
      let seen = mask;
      for (const field of fields) {
        expect(decoded.fields[field.name]).toBe(extractField(word, field));
        rebuilt |= (decoded.fields[field.name] ?? 0) << field.lsb;
        seen |= ((1 << field.width) - 1) << field.lsb;
      }
      expect(hex(rebuilt)).toBe(hex(word & seen));
    }
  });
});

/** Words LLVM gives a text though they are UNDEFINED. */
const namedThoughUndefined: readonly { readonly why: string; readonly is: (word: number) => boolean }[] = [
  { why: "UDF is permanently undefined; LLVM has a mnemonic for it", is: (word) => word >>> 16 === 0 },
  {
    // Arm ARM C4.1.3: with op0 0 only hints, barriers and MSR (immediate) are allocated, with op0 1 only SYS.
    why: "LLVM prints MSR and MRS of any op0",
    is: (word) => (word & 0xffd00000) >>> 0 === 0xd5000000,
  },
];

const minutes = 60_000;
const llvm = requireTool("llvm-objdump");

describe.skipIf(!llvm.available)("decodeA64 beside llvm-mc of the same features", () => {
  const disagreements = (words: readonly number[]) => {
    const theirs = disassembleWithLlvm(words, modelFeatures);
    return words.flatMap((word, index) => {
      const ours = nameOf(word);
      const text = theirs[index];
      if ((ours === undefined) === (text === undefined)) return [];
      if (ours === undefined && namedThoughUndefined.some(({ is }) => is(word))) return [];
      return [`${hex(word)}: ${ours ?? "undefined"} here, ${text ?? "invalid"} there`];
    });
  };

  it("agrees on 250,000 random words", { timeout: 3 * minutes }, () => {
    expect(disagreements(randomWords(250_000, 20_231))).toEqual([]);
  });

  it("agrees on 300,000 words a bit or two away from the forms of the tables", {
    timeout: 3 * minutes,
  }, () => {
    expect(disagreements(wordsNearForms(300_000, 7_919, 2))).toEqual([]);
  });

  it("agrees on the whole system space", { timeout: 3 * minutes }, () => {
    expect(disagreements(systemWords())).toEqual([]);
  });

  it("agrees on every kind of immediate", { timeout: 3 * minutes }, () => {
    expect(disagreements(immediateWords())).toEqual([]);
  });

  it.skipIf(!kernelAvailable())(
    "agrees on every distinct word of the Linux kernel's text",
    { timeout: 3 * minutes },
    () => {
      const words = kernelWords();
      expect(words.length).toBeGreaterThan(100_000);
      expect(disagreements(words)).toEqual([]);
    },
  );
});
