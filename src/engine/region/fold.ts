import type { Node } from "../ir/node.ts";
import type { OperatorName } from "../wasm/operators.ts";

type Fold = (x: bigint, y: bigint) => bigint;
type Integer = "i32" | "i64";

const truth = (holds: boolean): bigint => (holds ? 1n : 0n);

/** The operators of one width on constants, which are given signed; results are taken modulo the width. */
function integerFolds(type: Integer): Readonly<Record<string, Fold>> {
  const bits = type === "i32" ? 32 : 64;
  const unsigned = (x: bigint): bigint => BigInt.asUintN(bits, x);
  const distance = (y: bigint): bigint => y & BigInt(bits - 1);
  const rotate = (x: bigint, by: bigint): bigint =>
    (unsigned(x) << by) | (unsigned(x) >> (BigInt(bits) - by));
  const folds: Readonly<Record<string, Fold>> = {
    add: (x, y) => x + y,
    sub: (x, y) => x - y,
    mul: (x, y) => x * y,
    and: (x, y) => x & y,
    or: (x, y) => x | y,
    xor: (x, y) => x ^ y,
    shl: (x, y) => x << distance(y),
    shr_s: (x, y) => x >> distance(y),
    shr_u: (x, y) => unsigned(x) >> distance(y),
    rotl: (x, y) => rotate(x, distance(y)),
    rotr: (x, y) => rotate(x, distance(-y)),
    eqz: (x) => truth(x === 0n),
    eq: (x, y) => truth(x === y),
    ne: (x, y) => truth(x !== y),
    lt_s: (x, y) => truth(x < y),
    lt_u: (x, y) => truth(unsigned(x) < unsigned(y)),
    gt_s: (x, y) => truth(x > y),
    gt_u: (x, y) => truth(unsigned(x) > unsigned(y)),
    le_s: (x, y) => truth(x <= y),
    le_u: (x, y) => truth(unsigned(x) <= unsigned(y)),
    ge_s: (x, y) => truth(x >= y),
    ge_u: (x, y) => truth(unsigned(x) >= unsigned(y)),
    extend8_s: (x) => BigInt.asIntN(8, x),
    extend16_s: (x) => BigInt.asIntN(16, x),
  };
  return Object.fromEntries(Object.entries(folds).map(([name, fold]) => [`${type}.${name}`, fold]));
}

const folds: Readonly<Partial<Record<string, Fold>>> = {
  ...integerFolds("i32"),
  ...integerFolds("i64"),
  "i64.extend32_s": (x) => BigInt.asIntN(32, x),
  "i64.extend_i32_s": (x) => x,
  "i64.extend_i32_u": (x) => BigInt.asUintN(32, x),
  "i32.wrap_i64": (x) => x,
};

/** Operators that give their left operand when the right one is this constant. */
const rightIdentity: Readonly<Partial<Record<OperatorName, bigint>>> = {
  "i32.add": 0n,
  "i32.sub": 0n,
  "i32.or": 0n,
  "i32.xor": 0n,
  "i32.shl": 0n,
  "i32.shr_s": 0n,
  "i32.shr_u": 0n,
  "i32.rotl": 0n,
  "i32.rotr": 0n,
  "i32.and": -1n,
  "i32.mul": 1n,
  "i64.add": 0n,
  "i64.sub": 0n,
  "i64.or": 0n,
  "i64.xor": 0n,
  "i64.shl": 0n,
  "i64.shr_s": 0n,
  "i64.shr_u": 0n,
  "i64.rotl": 0n,
  "i64.rotr": 0n,
  "i64.and": -1n,
  "i64.mul": 1n,
};

const commutes: ReadonlySet<OperatorName> = new Set([
  "i32.add",
  "i32.or",
  "i32.xor",
  "i32.and",
  "i32.mul",
  "i64.add",
  "i64.or",
  "i64.xor",
  "i64.and",
  "i64.mul",
]);

/** Operators that give zero when an operand is zero. */
const annihilated: ReadonlySet<OperatorName> = new Set(["i32.and", "i32.mul", "i64.and", "i64.mul"]);

/** The value of an integer constant, signed; undefined for other nodes. */
export function integerConstant(node: Node): bigint | undefined {
  if (node.kind !== "constant" || typeof node.value === "object") return undefined;
  return node.type === "i32" || node.type === "i64" ? BigInt(node.value) : undefined;
}

/** An integer constant node; the value is taken modulo the type's width. */
export function integerNode(id: number, type: Integer, value: bigint): Node {
  return {
    kind: "constant",
    id,
    type,
    value: type === "i32" ? Number(BigInt.asIntN(32, value)) : BigInt.asIntN(64, value),
  };
}

/**
 * What an operator node amounts to when some of its operands are constant: a constant, one of its operands, or itself. It
 * never looks into operands: they may be known by their local only.
 */
export function fold(node: Extract<Node, { kind: "operator" }>): Node {
  const [left, right] = node.args;
  if (left === undefined) return node;
  const x = integerConstant(left);
  const y = right === undefined ? 0n : integerConstant(right);
  const { operator, type } = node;
  if (x !== undefined && y !== undefined && (type === "i32" || type === "i64")) {
    const value = folds[operator]?.(x, y);
    return value === undefined ? node : integerNode(node.id, type, value);
  }
  if (right === undefined) return node;
  const identity = rightIdentity[operator];
  if (y !== undefined && y === identity) return left;
  if (!commutes.has(operator)) return node;
  if (x !== undefined && x === identity) return right;
  if (annihilated.has(operator) && (x === 0n || y === 0n)) return x === 0n ? left : right;
  return node;
}
