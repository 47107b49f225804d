import { describe, expect, test } from "vitest";
import { Builder, type Value } from "../../../src/engine/ir/builder.ts";
import type { Node } from "../../../src/engine/ir/node.ts";
import { fold, integerConstant } from "../../../src/engine/region/fold.ts";
import { FunctionWriter } from "../../../src/engine/wasm/function.ts";
import { ModuleWriter } from "../../../src/engine/wasm/module.ts";
import { type OperatorName, operators } from "../../../src/engine/wasm/operators.ts";
import type { ValueType } from "../../../src/engine/wasm/types.ts";

const values: Readonly<Record<"i32" | "i64", readonly bigint[]>> = {
  i32: [0n, 1n, -1n, 5n, 31n, 32n, 0x7fff_ffffn, -0x8000_0000n, 0x1234_80f5n],
  i64: [0n, 1n, -1n, 5n, 63n, 64n, 0x7fff_ffff_ffff_ffffn, -0x8000_0000_0000_0000n, 0x1234_5678_8765_80f5n],
};

type Entry = { readonly in: readonly ValueType[]; readonly out: ValueType };
const isInteger = (type: ValueType | undefined): type is "i32" | "i64" => type === "i32" || type === "i64";
const integerOperators = (Object.entries(operators) as [OperatorName, Entry][]).filter(
  ([, entry]) => isInteger(entry.out) && entry.in.every(isInteger),
);

const constant = (id: number, type: "i32" | "i64", value: bigint): Node => ({
  kind: "constant",
  id,
  type,
  value: type === "i32" ? Number(value) : value,
});

function operatorNode(operator: OperatorName, args: readonly Node[]): Extract<Node, { kind: "operator" }> {
  return { kind: "operator", id: 9, type: operators[operator].out, operator, args };
}

/** What WebAssembly makes of the operator on constants; undefined when it traps. */
function execute(operator: OperatorName, args: readonly bigint[]): bigint | undefined {
  const { in: types, out } = operators[operator] as Entry;
  const module = new ModuleWriter({ minimum: 0, maximum: 65536 });
  const code = new FunctionWriter({ params: [], result: out });
  args.forEach((value, i) => {
    if (types[i] === "i32") code.i32(Number(value));
    else code.i64(value);
  });
  code.operator(operator);
  const index = module.declareFunction(code.signature);
  module.defineFunction(index, code);
  module.exportFunction("f", index);
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 65536 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory } });
  try {
    return BigInt((instance.exports["f"] as () => number | bigint)());
  } catch {
    return undefined;
  }
}

describe("folding an operator on constants", () => {
  test.each(integerOperators)("%s", (operator, entry) => {
    const [first, second] = entry.in;
    if (!isInteger(first)) throw new TypeError(`${operator} has no operand`);
    for (const x of values[first]) {
      for (const y of isInteger(second) ? values[second] : [undefined]) {
        const args = y === undefined ? [x] : [x, y];
        const nodes = args.map((value, i) => constant(i, first, value));
        const folded = fold(operatorNode(operator, nodes));
        if (folded.kind === "operator") continue;
        expect(integerConstant(folded), `${operator}(${args})`).toBe(execute(operator, args));
      }
    }
  });
  test("knows the operators that addresses and immediates are made of", () => {
    const known = [
      "i64.add",
      "i64.sub",
      "i64.and",
      "i64.shl",
      "i64.extend_i32_u",
      "i64.extend_i32_s",
      "i32.and",
      "i32.eqz",
    ];
    for (const operator of known as OperatorName[]) {
      const nodes = operators[operator].in.map((type, i) => constant(i, type as "i32" | "i64", 3n));
      expect(fold(operatorNode(operator, nodes)).kind, operator).toBe("constant");
    }
  });
});

describe("folding an operator on one constant", () => {
  const x: Value<"i64"> = new Builder({ producers: {} }).operand("i64", 0);
  const [zero, ones] = [constant(1, "i64", 0n), constant(2, "i64", -1n)];
  test.each<[OperatorName, Node, Node, Node | undefined]>([
    ["i64.add", x.node, zero, x.node],
    ["i64.add", zero, x.node, x.node],
    ["i64.sub", x.node, zero, x.node],
    ["i64.sub", zero, x.node, undefined],
    ["i64.and", x.node, ones, x.node],
    ["i64.and", ones, x.node, x.node],
    ["i64.and", x.node, zero, zero],
    ["i64.mul", zero, x.node, zero],
    ["i64.shl", x.node, zero, x.node],
    ["i64.shl", zero, x.node, undefined],
    ["i64.or", x.node, ones, undefined],
    ["i64.eq", x.node, zero, undefined],
  ])("%s", (operator, left, right, expected) => {
    const node = operatorNode(operator, [left, right]);
    expect(fold(node)).toBe(expected ?? node);
  });
});
