import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateAgentExpression } from "../../../src/gdb/agent/evaluate.ts";
import type { AgentContext } from "../../../src/gdb/agent/machine.ts";
import { AGENT_OPCODES, type AgentOpcodeName } from "../../../src/gdb/agent/opcodes.ts";

const printed: string[] = [];
const MEMORY: Readonly<Record<string, bigint>> = { "4096:1": 0x80n, "4096:8": 0x8000_0000_0000_0001n };

const CONTEXT: AgentContext = {
  readRegister: (regnum) => (regnum < 34 ? BigInt(regnum) * 0x1_0000_0001n : undefined),
  readMemory: (address, bytes) => {
    const text = "guest\0";
    if (bytes === 1 && address >= 0x2000n && address < 0x2006n) {
      return BigInt(text.charCodeAt(Number(address - 0x2000n)));
    }
    return MEMORY[`${address}:${bytes}`];
  },
  print: (text) => printed.push(text),
};

/** Assembles opcode names and operand bytes. */
function code(...parts: readonly (AgentOpcodeName | number)[]): Uint8Array {
  return Uint8Array.from(
    parts.map((part) => (typeof part === "number" ? part : AGENT_OPCODES.indexOf(part))),
  );
}

function constant(value: bigint): readonly (AgentOpcodeName | number)[] {
  const bytes = Array.from({ length: 8 }, (_, at) =>
    Number((BigInt.asUintN(64, value) >> BigInt(56 - 8 * at)) & 255n),
  );
  return ["const64", ...bytes];
}

function run(...parts: readonly (AgentOpcodeName | number)[]): unknown {
  return evaluateAgentExpression(code(...parts), CONTEXT);
}

const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const u = (value: bigint) => BigInt.asUintN(64, value);
const s = (value: bigint) => BigInt.asIntN(64, value);

describe("agent expressions", () => {
  it("compute on 64 bits as C does", () => {
    const operations: readonly (readonly [AgentOpcodeName, (a: bigint, b: bigint) => bigint])[] = [
      ["add", (a, b) => s(a + b)],
      ["sub", (a, b) => s(a - b)],
      ["mul", (a, b) => s(a * b)],
      ["bit_and", (a, b) => a & b],
      ["bit_or", (a, b) => a | b],
      ["bit_xor", (a, b) => a ^ b],
      ["equal", (a, b) => (a === b ? 1n : 0n)],
      ["less_signed", (a, b) => (a < b ? 1n : 0n)],
      ["less_unsigned", (a, b) => (u(a) < u(b) ? 1n : 0n)],
      ["div_signed", (a, b) => s(a / b)],
      ["rem_signed", (a, b) => a % b],
      ["div_unsigned", (a, b) => s(u(a) / u(b))],
      ["rem_unsigned", (a, b) => s(u(a) % u(b))],
    ];
    fc.assert(
      fc.property(i64, i64, fc.constantFrom(...operations), (a, b, [name, compute]) => {
        const divides = name.startsWith("div") || name.startsWith("rem");
        fc.pre(!(divides && b === 0n));
        expect(run(...constant(a), ...constant(b), name, "end")).toEqual({ value: compute(a, b) });
      }),
    );
  });

  it("shift by any count", () => {
    fc.assert(
      fc.property(i64, fc.integer({ min: 0, max: 255 }), (a, count) => {
        const n = BigInt(Math.min(count, 64));
        expect(run(...constant(a), "const8", count, "lsh", "end")).toEqual({ value: s(a << n) });
        expect(run(...constant(a), "const8", count, "rsh_signed", "end")).toEqual({ value: s(a >> n) });
        expect(run(...constant(a), "const8", count, "rsh_unsigned", "end")).toEqual({ value: s(u(a) >> n) });
      }),
    );
    expect(run("const8", 1, ...constant(-1n), "lsh", "end")).toEqual({ value: 0n });
  });

  it("extend", () => {
    expect(run("const8", 0x80, "ext", 8, "end")).toEqual({ value: -128n });
    expect(run(...constant(-1n), "zero_ext", 32, "end")).toEqual({ value: 0xffff_ffffn });
    expect(run(...constant(-1n), "ext", 64, "end")).toEqual({ value: -1n });
  });

  it("read registers and memory", () => {
    expect(run("reg", 0, 3, "end")).toEqual({ value: 0x3_0000_0003n });
    expect(run("const16", 0x10, 0, "ref8", "end")).toEqual({ value: 0x80n });
    expect(run("const16", 0x10, 0, "ref64", "end")).toEqual({ value: s(0x8000_0000_0000_0001n) });
    expect(run("reg", 1, 0, "end")).toEqual({ error: "register 256 has no value" });
    expect(run("const8", 5, "ref32", "end")).toEqual({ error: "address 0x5 is not mapped" });
  });

  it("move values on the stack", () => {
    expect(run("const8", 1, "const8", 2, "swap", "sub", "end")).toEqual({ value: 1n });
    expect(run("const8", 7, "dup", "mul", "end")).toEqual({ value: 49n });
    expect(run("const8", 1, "const8", 2, "const8", 3, "pick", 2, "end")).toEqual({ value: 1n });
    expect(run("const8", 1, "const8", 2, "const8", 3, "rot", "end")).toEqual({ value: 2n });
    expect(run("const8", 1, "const8", 2, "const8", 3, "rot", "pop", "pop", "end")).toEqual({ value: 3n });
    expect(run("const8", 1, "const8", 2, "pop", "end")).toEqual({ value: 1n });
    expect(run("const8", 0, "log_not", "end")).toEqual({ value: 1n });
    expect(run("const8", 0, "bit_not", "end")).toEqual({ value: -1n });
    expect(run("end")).toEqual({ value: 0n });
  });

  it("jump", () => {
    // if (1) 2 else 3
    expect(run("const8", 1, "if_goto", 0, 8, "const8", 3, "end", "const8", 2, "end")).toEqual({ value: 2n });
    expect(run("goto", 0, 0)).toEqual({ error: "the expression did not end within 100000 instructions" });
  });

  it("keep trace state variables when there are any", () => {
    const variables = new Map([[2, 40n]]);
    const bytecode = code("getv", 0, 2, "const8", 2, "add", "setv", 0, 3, "end");
    expect(evaluateAgentExpression(bytecode, { ...CONTEXT, variables })).toEqual({ value: 42n });
    expect(variables.get(3)).toBe(42n);
    expect(evaluateAgentExpression(bytecode, CONTEXT)).toEqual({
      error: "there are no trace state variables",
    });
  });

  it("record memory when somebody wants it", () => {
    const traced: (readonly [bigint, bigint])[] = [];
    const context: AgentContext = { ...CONTEXT, trace: (address, bytes) => traced.push([address, bytes]) };
    const bytecode = code(
      ...(["const16", 0x20, 0, "trace_quick", 4, "const8", 99, "tracenz"] as const),
      ...(["const8", 1, "const8", 2, "trace", "end"] as const),
    );
    evaluateAgentExpression(bytecode, context);
    expect(traced).toEqual([
      [0x2000n, 4n],
      [0x2000n, 6n],
      [1n, 2n],
    ]);
  });

  it("print", () => {
    printed.length = 0;
    const format = "%s: %d 0x%lx%%\\n\0";
    const text = Array.from(format, (character) => character.charCodeAt(0));
    const parts = [
      ...constant(-1n),
      ...(["const8", 42, "const16", 0x20, 0] as const), // arguments, the last one first
      ...(["const8", 0, "const8", 0] as const), // channel, function
      ...(["printf", 3, 0, text.length, ...text, "end"] as const),
    ];
    run(...parts);
    expect(printed).toEqual(["guest: 42 0xffffffffffffffff%\n"]);
  });

  it.each([
    ["a stack that is empty", ["add", "end"], "the expression's stack is empty"],
    ["an operand that is missing", ["const8"], "the expression runs off its end"],
    ["no end", ["const8", 1], "the expression runs off its end"],
    ["division by zero", ["const8", 1, "const8", 0, "div_signed", "end"], "division by zero"],
    ["a byte that is no opcode", [0xee], "byte 0 (0xee) is no agent opcode"],
    ["floating point", ["float", "end"], "agent opcode float is not supported"],
    ["a stack that grows for ever", ["const8", 1, "goto", 0, 0], "the expression's stack overflows"],
  ] as const)("refuse %s", (_name, parts, error) => {
    expect(run(...parts)).toEqual({ error });
  });

  it("survive any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytecode) => {
        const result = evaluateAgentExpression(bytecode, CONTEXT);
        expect("value" in result ? typeof result.value : typeof result.error).toMatch(/bigint|string/);
      }),
      { numRuns: 300 },
    );
  });
});
