import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { armFloatContext } from "../../../src/isa/softfloat/arm.ts";
import { FloatException } from "../../../src/isa/softfloat/exceptions.ts";
import { FloatOperationError, ROUNDING_OF_CONTEXT } from "../../../src/isa/softfloat/operation.ts";
import {
  FLOAT_OPERATIONS,
  floatOperation,
  invokeFloatOperation,
  invokeFloatOperation64,
} from "../../../src/isa/softfloat/operations.ts";

function bitsOf64(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;
}

function bitsOf32(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

function call(name: string, ...operands: readonly (number | bigint)[]): number | bigint {
  const [a = 0, b = 0, c = 0] = operands;
  return invokeFloatOperation(floatOperation(name).code, a, b, c, armFloatContext(0));
}

describe("the table of float operations", () => {
  it("gives each operation a code of its own below 256 and a name of its own", () => {
    expect(new Set(FLOAT_OPERATIONS.map(({ code }) => code)).size).toBe(FLOAT_OPERATIONS.length);
    expect(new Set(FLOAT_OPERATIONS.map(({ name }) => name)).size).toBe(FLOAT_OPERATIONS.length);
    expect(FLOAT_OPERATIONS.every(({ code }) => code >= 0 && code < 0x100)).toBe(true);
  });

  it("places the same operation of the three formats 0x40 apart", () => {
    for (const name of ["add", "fma", "recip-exponent", "to-u64", "from-u64"]) {
      const code = floatOperation(`f16.${name}`).code;
      expect(floatOperation(`f32.${name}`).code).toBe(code + 0x40);
      expect(floatOperation(`f64.${name}`).code).toBe(code + 0x80);
    }
  });

  it("takes WebAssembly's signed words", () => {
    const minusOne = bitsOf32(-1) | 0;
    expect(call("f32.add", minusOne, minusOne)).toBe(bitsOf32(-2));
    const minusOne64 = BigInt.asIntN(64, bitsOf64(-1));
    expect(call("f64.add", minusOne64, minusOne64)).toBe(bitsOf64(-2));
    expect(call("f64.from-u64", -1n, 0)).toBe(bitsOf64(2 ** 64));
    expect(call("f64.from-s32", -5, 0)).toBe(bitsOf64(-5));
  });

  it("takes and gives 64-bit words only, when asked so", () => {
    const context = armFloatContext(0);
    const { code } = floatOperation("f32.div");
    expect(invokeFloatOperation64(code, BigInt(bitsOf32(1)), 0n, 0n, context)).toBe(0x7f80_0000n);
    expect(context.flags).toBe(FloatException.DZC);
  });

  it("accepts the context's rounding mode where an instruction uses FPCR", () => {
    const context = armFloatContext(0x0040_0000);
    const round = floatOperation("f64.round-quiet").code;
    expect(invokeFloatOperation(round, bitsOf64(1.25), ROUNDING_OF_CONTEXT, 0, context)).toBe(bitsOf64(2));
  });

  it("refuses codes, names and rounding modes it does not have", () => {
    const context = armFloatContext(0);
    expect(() => invokeFloatOperation(0x3f, 0, 0, 0, context)).toThrow(FloatOperationError);
    expect(() => invokeFloatOperation(1000, 0, 0, 0, context)).toThrow(
      /no float operation has the code 1000/,
    );
    expect(() => floatOperation("f32.sine")).toThrow(/"f32.sine"/);
    expect(() => call("f32.round-quiet", 0, 6)).toThrow(/no rounding mode has the number 6/);
  });
});

describe("float operations to nearest even agree with the host's numbers", () => {
  const anyDouble = fc.oneof(
    fc.double({ noNaN: true }),
    fc.double({ noNaN: true, min: -4, max: 4 }),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, min: -(2 ** -1020), max: 2 ** -1020 }),
  );
  const anySingle = fc.oneof(fc.float({ noNaN: true }), fc.float({ noNaN: true, min: -2, max: 2 }));
  const expected64 = (value: number): bigint =>
    Number.isNaN(value) ? 0x7ff8_0000_0000_0000n : bitsOf64(value);
  const expected32 = (value: number): number => (Number.isNaN(value) ? 0x7fc0_0000 : bitsOf32(value));
  const binaries: readonly (readonly [string, (a: number, b: number) => number])[] = [
    ["add", (a, b) => a + b],
    ["sub", (a, b) => a - b],
    ["mul", (a, b) => a * b],
    ["div", (a, b) => a / b],
    ["max", Math.max],
    ["min", Math.min],
  ];

  it.each(binaries)("f64.%s", (name, host) => {
    fc.assert(
      fc.property(anyDouble, anyDouble, (a, b) => {
        expect(call(`f64.${name}`, bitsOf64(a), bitsOf64(b))).toBe(expected64(host(a, b)));
      }),
      { numRuns: 1000 },
    );
  });

  // One operation in double precision, rounded to single afterwards, is the single-precision result.
  it.each(binaries)("f32.%s", (name, host) => {
    fc.assert(
      fc.property(anySingle, anySingle, (a, b) => {
        expect(call(`f32.${name}`, bitsOf32(a), bitsOf32(b))).toBe(expected32(Math.fround(host(a, b))));
      }),
      { numRuns: 1000 },
    );
  });

  it("square roots and conversions", () => {
    fc.assert(
      fc.property(anyDouble, anySingle, (a, b) => {
        expect(call("f64.sqrt", bitsOf64(a))).toBe(expected64(Math.sqrt(a)));
        expect(call("f32.sqrt", bitsOf32(b))).toBe(expected32(Math.fround(Math.sqrt(b))));
        expect(call("f64.to-f32", bitsOf64(a))).toBe(bitsOf32(Math.fround(a)));
        expect(call("f32.to-f64", bitsOf32(b))).toBe(bitsOf64(b));
        expect(call("f64.round-quiet", bitsOf64(a), 3)).toBe(bitsOf64(Math.trunc(a)));
      }),
      { numRuns: 1000 },
    );
  });

  it("integers of 64 bits, there and back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        expect(call("f64.from-s64", n, 0)).toBe(bitsOf64(Number(n)));
        const exact = BigInt.asIntN(53, n);
        const there = call("f64.from-s64", exact, 10);
        expect(there).toBe(bitsOf64(Number(exact) / 1024));
        expect(call("f64.to-s64", there, 10, 3)).toBe(BigInt.asUintN(64, exact));
      }),
      { numRuns: 1000 },
    );
  });
});
