import {
  type LaneOperatorName,
  type LoadName,
  laneOperators,
  loads,
  type OperatorName,
  operators,
  type StoreName,
  stores,
} from "../wasm/operators.ts";
import type { ValueType } from "../wasm/types.ts";
import type { Access, HostNode, Node, Place, Statement } from "./node.ts";
import type {
  AccessOptions,
  FlagModel,
  LaneOperators,
  Meaning,
  Operand,
  Operands,
  OperatorNamespace,
  Operators,
  StateField,
  Value,
  VariableRef,
} from "./values.ts";

export type {
  AccessOptions,
  FlagModel,
  Meaning,
  Operand,
  OperatorNamespace,
  RegisterOperand,
  StateField,
  Value,
  VariableRef,
} from "./values.ts";

const namespaces = [
  "i32",
  "i64",
  "f32",
  "f64",
  "v128",
  "i8x16",
  "i16x8",
  "i32x4",
  "i64x2",
  "f32x4",
  "f64x2",
] as const;

/** Collects the meaning of one operation. An instruction set's semantics are functions that call it. */
export class Builder {
  readonly i32 = this.#namespace("i32");
  readonly i64 = this.#namespace("i64");
  readonly f32 = this.#namespace("f32");
  readonly f64 = this.#namespace("f64");
  readonly v128 = this.#namespace("v128");
  readonly i8x16 = this.#namespace("i8x16");
  readonly i16x8 = this.#namespace("i16x8");
  readonly i32x4 = this.#namespace("i32x4");
  readonly i64x2 = this.#namespace("i64x2");
  readonly f32x4 = this.#namespace("f32x4");
  readonly f64x2 = this.#namespace("f64x2");

  readonly #flags: FlagModel;
  #statements: Statement[] = [];
  #nextId = 0;

  constructor(flags: FlagModel) {
    this.#flags = flags;
  }

  /** Runs `meaning` against this builder and returns what it said. */
  build(meaning: (b: Builder) => void): Meaning {
    this.#nextId = 0;
    const statements = this.#collect(() => meaning(this));
    return { statements, nodeCount: this.#nextId };
  }

  /** The WebAssembly operator `name` applied to `args`. */
  op<K extends OperatorName>(name: K, ...args: Operands<Operators[K]["in"]>): Value<Operators[K]["out"]> {
    const entry = operators[name];
    return this.#evaluate({
      kind: "operator",
      id: this.#nextId++,
      type: entry.out,
      operator: name,
      args: this.#operands(entry.in, args),
    }) as Value<Operators[K]["out"]>;
  }

  /** A lane operator: `lane("i32x4.extract_lane", 2, v)`. */
  lane<K extends LaneOperatorName>(
    name: K,
    lane: number,
    ...args: Operands<LaneOperators[K]["in"]>
  ): Value<LaneOperators[K]["out"]> {
    const entry = laneOperators[name];
    return this.#evaluate({
      kind: "lane",
      id: this.#nextId++,
      type: entry.out,
      operator: name,
      lane,
      args: this.#operands(entry.in, args),
    }) as Value<LaneOperators[K]["out"]>;
  }

  /** `i8x16.shuffle`: sixteen lane numbers, 0–15 from `low`, 16–31 from `high`. */
  shuffle(low: Value<"v128">, high: Value<"v128">, lanes: readonly number[]): Value<"v128"> {
    if (lanes.length !== 16) throw new RangeError("shuffle takes sixteen lanes");
    return this.#evaluate({
      kind: "shuffle",
      id: this.#nextId++,
      type: "v128",
      lanes,
      args: [low.node, high.node],
    }) as Value<"v128">;
  }

  /** `condition` ≠ 0 chooses `then`. Both are evaluated. */
  select<T extends ValueType>(
    type: T,
    condition: Operand<"i32">,
    then: Operand<T>,
    otherwise: Operand<T>,
  ): Value<T> {
    const args = [
      this.#operand(type, then),
      this.#operand(type, otherwise),
      this.#operand("i32", condition),
    ] as const;
    return this.#evaluate({ kind: "select", id: this.#nextId++, type, args }) as Value<T>;
  }

  constI32(value: number): Value<"i32"> {
    return { type: "i32", node: this.#constant("i32", value | 0) };
  }

  constI64(value: bigint): Value<"i64"> {
    return { type: "i64", node: this.#constant("i64", BigInt.asIntN(64, value)) };
  }

  /** An f32 constant from its bit pattern. */
  constF32(bits: number): Value<"f32"> {
    return { type: "f32", node: this.#constant("f32", bits | 0) };
  }

  /** An f64 constant from its bit pattern. */
  constF64(bits: bigint): Value<"f64"> {
    return { type: "f64", node: this.#constant("f64", BigInt.asIntN(64, bits)) };
  }

  /** A v128 constant from two 64-bit halves. */
  constV128(low: bigint, high: bigint): Value<"v128"> {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt.asUintN(64, low), true);
    view.setBigUint64(8, BigInt.asUintN(64, high), true);
    return { type: "v128", node: this.#constant("v128", bytes) };
  }

  /** Operand number `operand` of the instruction as an integer value. */
  operand<T extends "i32" | "i64">(type: T, operand: number): Value<T> {
    return { type, node: { kind: "operand", id: this.#nextId++, type, operand } };
  }

  /** Reads guest CPU state now, before any later write. */
  get<T extends ValueType>(field: StateField<T>): Value<T> {
    return this.read(field.type, field.place, 0);
  }

  /** Reads part of guest CPU state as another type: `offset` bytes into the place (a W register, one lane of a vector). */
  read<T extends ValueType>(type: T, place: Place, offset: number): Value<T> {
    return this.#evaluate({ kind: "read", id: this.#nextId++, type, place, offset }) as Value<T>;
  }

  set<T extends ValueType>(field: StateField<T>, value: Operand<T>): void {
    this.write(field.type, field.place, 0, value);
  }

  write<T extends ValueType>(type: T, place: Place, offset: number, value: Operand<T>): void {
    this.#push({ kind: "write", place, type, offset, value: this.#operand(type, value) });
  }

  /** A value that is in a local where the meaning is lowered; see `Bindings`. */
  argument<T extends ValueType>(type: T): Value<T> {
    const id = this.#nextId++;
    return { type, node: { kind: "variable", id, type, variable: { id, type } } };
  }

  /** The address of this instruction. */
  pc(): Value<"i64"> {
    return { type: "i64", node: { kind: "pc", id: this.#nextId++, type: "i64" } };
  }

  /** Loads from guest memory at a guest-virtual address. May fault; then nothing of this operation has happened or all of it is repeated. */
  load<T extends ValueType>(
    type: T,
    operator: LoadName,
    address: Operand<"i64">,
    options: AccessOptions = {},
  ): Value<T> {
    const entry = loads[operator];
    if (entry.type !== type) throw new TypeError(`${operator} does not load ${type}`);
    const node: Node = {
      kind: "load",
      id: this.#nextId++,
      type,
      operator,
      address: this.#operand("i64", address),
      access: makeAccess(entry.bytes, false, options),
    };
    return this.#evaluate(node) as Value<T>;
  }

  store<T extends ValueType>(
    type: T,
    operator: StoreName,
    address: Operand<"i64">,
    value: Operand<T>,
    options: AccessOptions = {},
  ): void {
    const entry = stores[operator];
    if (entry.type !== type) throw new TypeError(`${operator} does not store ${type}`);
    this.#push({
      kind: "store",
      operator,
      address: this.#operand("i64", address),
      value: this.#operand(type, value),
      access: makeAccess(entry.bytes, true, options),
    });
  }

  /** Whether a read, or write, of the byte at this address is known to do nothing but itself; see `HeldNode`. */
  held(access: "read" | "write", address: Operand<"i64">): Value<"i32"> {
    return this.#evaluate({
      kind: "held",
      id: this.#nextId++,
      type: "i32",
      address: this.#operand("i64", address),
      access: makeAccess(1, access === "write", {}),
    }) as Value<"i32">;
  }

  if(condition: Operand<"i32">, then: () => void, otherwise: () => void = () => {}): void {
    const node = this.#operand("i32", condition);
    this.#push({
      kind: "if",
      condition: node,
      whenTrue: this.#collect(then),
      whenFalse: this.#collect(otherwise),
    });
  }

  /** Repeats `body` while `test`, evaluated before each round, is not zero. */
  while(test: () => Operand<"i32">, body: () => void): void {
    let condition: Node | undefined;
    const testStatements = this.#collect(() => {
      condition = this.#operand("i32", test());
    });
    if (condition === undefined) throw new TypeError("a loop needs a condition");
    this.#push({ kind: "while", test: testStatements, condition, body: this.#collect(body) });
  }

  variable<T extends ValueType>(type: T, initial: Operand<T>): VariableRef<T> {
    const variable: VariableRef<T> = { type, variable: { id: this.#nextId++, type } };
    this.assign(variable, initial);
    return variable;
  }

  assign<T extends ValueType>(ref: VariableRef<T>, value: Operand<T>): void {
    this.#push({ kind: "assign", variable: ref.variable, value: this.#operand(ref.type, value) });
  }

  /** The variable's value now. */
  use<T extends ValueType>(ref: VariableRef<T>): Value<T> {
    return this.#evaluate({
      kind: "variable",
      id: this.#nextId++,
      type: ref.type,
      variable: ref.variable,
    }) as Value<T>;
  }

  /** Continues at a guest-virtual address. Must be the last thing the operation does on its path. */
  jump(target: Operand<"i64">): void {
    this.#push({ kind: "jump", target: this.#operand("i64", target) });
  }

  /** Continues `distance` bytes (signed, below 2^29) from this instruction. */
  jumpRelative(distance: Operand<"i32">): void {
    this.#push({ kind: "jumpRelative", distance: this.#operand("i32", distance) });
  }

  /** Calls the CPU's TypeScript. It may abandon the instruction; then nothing after the call happens. */
  host<T extends ValueType>(name: string, result: T, ...args: readonly Value<ValueType>[]): Value<T> {
    const call = this.#hostNode(name, result, args);
    this.#push({ kind: "evaluate", node: call });
    return { type: result, node: call };
  }

  /** As `host`, for a call that returns nothing. */
  hostVoid(name: string, ...args: readonly Value<ValueType>[]): void {
    this.#push({ kind: "host", call: this.#hostNode(name, undefined, args) });
  }

  /** Calls the CPU's TypeScript, which must abandon the instruction: an exception, a trap. Nothing after it happens. */
  raise(name: string, ...args: readonly Value<ValueType>[]): void {
    this.#push({ kind: "raise", call: this.#hostNode(name, undefined, args) });
  }

  /** Unless the i32 state field is zero, raises. A back end may check once for many instructions, or when compiling. */
  guard(field: StateField<"i32">, name: string, ...args: readonly Value<ValueType>[]): void {
    this.#push({ kind: "guard", field: field.place, raise: this.#hostNode(name, undefined, args) });
  }

  /** Whether the flag model's condition of this number holds; `general` finds it out from the flag state. */
  condition(condition: number, general: () => Value<"i32">): Value<"i32"> {
    let value: Value<"i32"> | undefined;
    const statements = this.#collect(() => {
      value = general();
    });
    if (value === undefined) throw new TypeError("a condition has a value");
    const id = this.#nextId++;
    const node: Node = { kind: "condition", id, type: "i32", condition, statements, value: value.node };
    return this.#evaluate(node) as Value<"i32">;
  }

  /** Sets the condition flags by one of the flag model's producers. */
  flags(producer: string, ...args: readonly Value<ValueType>[]): void {
    const expand = this.#flags.producers[producer];
    if (expand === undefined) throw new RangeError(`no flag producer ${producer}`);
    const expansion = this.#collect(() => expand(this, args));
    this.#push({ kind: "flags", producer, args: args.map((arg) => arg.node), expansion });
  }

  #hostNode(name: string, result: ValueType | undefined, args: readonly Value<ValueType>[]): HostNode {
    return {
      kind: "host",
      id: this.#nextId++,
      type: result ?? "i32",
      name,
      args: args.map((arg) => arg.node),
      result,
    };
  }

  #collect(body: () => void): readonly Statement[] {
    const outer = this.#statements;
    const inner: Statement[] = [];
    this.#statements = inner;
    try {
      body();
    } finally {
      this.#statements = outer;
    }
    return inner;
  }

  #push(statement: Statement): void {
    this.#statements.push(statement);
  }

  #evaluate(node: Node): Value<ValueType> {
    this.#push({ kind: "evaluate", node });
    return { type: node.type, node };
  }

  #constant(type: ValueType, value: number | bigint | Uint8Array): Node {
    return { kind: "constant", id: this.#nextId++, type, value };
  }

  #operand(type: ValueType, value: Value<ValueType> | number | bigint): Node {
    if (typeof value === "object") {
      if (value.type !== type) throw new TypeError(`expected ${type}, got ${value.type}`);
      return value.node;
    }
    if (type === "i32") return this.#constant("i32", Number(value) | 0);
    return this.#constant("i64", BigInt.asIntN(64, BigInt(value)));
  }

  #operands(types: readonly ValueType[], args: readonly (Value<ValueType> | number | bigint)[]): Node[] {
    return args.map((arg, i) => this.#operand(types[i] ?? "i32", arg));
  }

  #namespace<P extends (typeof namespaces)[number]>(prefix: P): OperatorNamespace<P> {
    const methods: Record<string, unknown> = {};
    for (const name of Object.keys(operators) as OperatorName[]) {
      if (!name.startsWith(`${prefix}.`)) continue;
      const call = this.op.bind(this) as (name: OperatorName, ...args: unknown[]) => unknown;
      methods[name.slice(prefix.length + 1)] = (...args: unknown[]) => call(name, ...args);
    }
    for (const name of Object.keys(laneOperators) as LaneOperatorName[]) {
      if (!name.startsWith(`${prefix}.`)) continue;
      const call = this.lane.bind(this) as (
        name: LaneOperatorName,
        lane: number,
        ...args: unknown[]
      ) => unknown;
      methods[name.slice(prefix.length + 1)] = (lane: number, ...args: unknown[]) =>
        call(name, lane, ...args);
    }
    return methods as OperatorNamespace<P>;
  }
}

function makeAccess(bytes: number, write: boolean, options: AccessOptions): Access {
  return {
    bytes,
    element: options.element ?? bytes,
    write,
    mustAlign: options.mustAlign ?? false,
    unprivileged: options.unprivileged ?? false,
    willWrite: options.willWrite ?? false,
  };
}
