import { describe, expect, it } from "vitest";
import { parseAssembly, renderAssembly } from "../../src/isa/assembly.ts";
import {
  compileEncodings,
  type EncodingEntry,
  EncodingTableError,
  extractFields,
  fieldsSatisfy,
  parsePattern,
} from "../../src/isa/encoding.ts";
import { buildMatcher } from "../../src/isa/matcher.ts";

const entry = (pattern: string, more: Partial<EncodingEntry> = {}): EncodingEntry => ({
  name: "form",
  pattern,
  asm: "form",
  ...more,
});
const only = (one: EncodingEntry) => {
  const [encoding] = compileEncodings([one]);
  if (encoding === undefined) throw new Error("nothing compiled");
  return encoding;
};

describe("a pattern", () => {
  it("gives mask, value and fields, most significant bit first", () => {
    const { mask, value, fields } = parsePattern("sf 00 100010 sh imm12:12 Rn:5 Rd:5");
    expect(mask).toBe(0x7f800000);
    expect(value).toBe(0x11000000);
    expect(fields.map(({ name, lsb, width }) => [name, lsb, width])).toEqual([
      ["sf", 31, 1],
      ["sh", 22, 1],
      ["imm12", 10, 12],
      ["Rn", 5, 5],
      ["Rd", 0, 5],
    ]);
  });

  it("ignores the bits written as dots", () => {
    const form = only(entry("1111 ........ rest:20"));
    expect(form.matches(0xf0000000)).toBe(true);
    expect(form.matches(0xfff00000)).toBe(true);
    expect(form.matches(0x7ff00000)).toBe(false);
  });

  it("may be one field of 32 bits", () => {
    const form = only(entry("word:32"));
    expect(extractFields(-1, form.fields)).toEqual({ word: 0xffffffff });
  });

  it.each([
    ["0101", "has 4 bits"],
    ["a:16 b:17", "has 33 bits"],
    ["a:16 a:16", '"a" appears twice'],
    ["a:16 2:16", 'cannot read "2:16"'],
    ["a:0 b:32", "has no bits"],
  ])("that reads %s is refused", (pattern, reason) => {
    expect(() => parsePattern(pattern)).toThrow(EncodingTableError);
    expect(() => parsePattern(pattern)).toThrow(reason);
  });
});

describe("conditions", () => {
  it("allow one value, a list, all but a list, or a range", () => {
    const allowed = (condition: EncodingEntry["when"]) => {
      const form = only(entry("0000000000000000000000000000 f:4", condition ? { when: condition } : {}));
      return Array.from({ length: 16 }, (_, value) => value).filter((value) => form.matches(value));
    };
    expect(allowed({ f: 3 })).toEqual([3]);
    expect(allowed({ f: [1, 15] })).toEqual([1, 15]);
    expect(allowed({ f: { not: 0 } })).toHaveLength(15);
    expect(allowed({ f: { not: [0, 1, 2, 3, 4, 5, 6, 7, 8] } })).toEqual([9, 10, 11, 12, 13, 14, 15]);
    expect(allowed({ f: { min: 14 } })).toEqual([14, 15]);
    expect(allowed({ f: { max: 1 } })).toEqual([0, 1]);
    expect(allowed([{ f: 0 }, { f: 9 }])).toEqual([0, 9]);
    expect(allowed(undefined)).toHaveLength(16);
  });

  it("on several fields must all hold", () => {
    const form = only(entry("000000000000000000000000 a:4 b:4", { when: { a: 1, b: 2 } }));
    expect(form.matches(0x12)).toBe(true);
    expect(form.matches(0x11)).toBe(false);
    expect(form.matches(0x22)).toBe(false);
  });

  it("can be asked of decoded fields", () => {
    expect(fieldsSatisfy({ a: 1 }, [])).toBe(true);
    expect(fieldsSatisfy({ a: 1 }, [{ a: 2 }, { a: [1] }])).toBe(true);
    expect(fieldsSatisfy({ a: 1 }, [{ b: 1 }])).toBe(false);
  });

  it("on a field that is not there are refused", () => {
    expect(() => only(entry("f:32", { when: { g: 1 } }))).toThrow('"g", which is no field');
    expect(() => only(entry("f:32", { when: { f: 1 } }))).toThrow("too wide");
  });
});

describe("a table", () => {
  it("has each name once", () => {
    expect(() => compileEncodings([entry("a:32"), entry("b:32")])).toThrow('two entries are named "form"');
  });

  it("is matched by fixed bits, then by conditions", () => {
    const match = buildMatcher(
      compileEncodings([
        entry("0 a:31", { name: "zero" }),
        entry("10 a:30", { name: "one" }),
        entry("11 ............................ a:2", { name: "low", when: { a: [0, 1] } }),
        entry("11 ............................ a:2", { name: "high", when: { a: 3 } }),
      ]),
    );
    expect(match(0x7fffffff)?.name).toBe("zero");
    expect(match(0x80000000)?.name).toBe("one");
    expect(match(0xc0000001)?.name).toBe("low");
    expect(match(0xffffffff)?.name).toBe("high");
    expect(match(-1)?.name).toBe("high");
    expect(match(0xc0000002)).toBeUndefined();
  });

  it("without forms matches nothing", () => {
    expect(buildMatcher([])(0)).toBeUndefined();
  });
});

describe("an assembly template", () => {
  const resolve = (token: string) =>
    token === "missing" ? undefined : (field: (name: string) => number) => "abcd".charAt(field(token));

  it("renders its tokens", () => {
    const template = parseAssembly("op<x> <y>, [<z>]!", resolve);
    expect(renderAssembly(template, { x: 0, y: 1, z: 2 }, 0n)).toEqual({
      mnemonic: "opa",
      operands: "b, [c]!",
    });
  });

  it("drops the comma before an operand that renders to nothing", () => {
    const template = parseAssembly("op <x>, [<y>, <z>]", resolve);
    expect(renderAssembly(template, { x: 0, y: 1, z: 9 }, 0n).operands).toBe("a, [b]");
  });

  it("needs no operands", () => {
    expect(renderAssembly(parseAssembly("nop", resolve), {}, 0n)).toEqual({ mnemonic: "nop", operands: "" });
  });

  it("is refused when nothing renders a token, or a field is not there", () => {
    expect(() => parseAssembly("op <missing>", resolve)).toThrow("nothing renders <missing>");
    expect(() => renderAssembly(parseAssembly("op <x>", resolve), {}, 0n)).toThrow('no field "x"');
  });
});
