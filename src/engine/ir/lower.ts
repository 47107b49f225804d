import type { FunctionWriter } from "../wasm/function.ts";
import type { ValueType } from "../wasm/types.ts";
import { type Analysis, analyse } from "./analysis.ts";
import type { Meaning } from "./builder.ts";
import type {
  ConditionNode,
  FlagsStatement,
  HeldNode,
  HostNode,
  Node,
  Place,
  Statement,
  Variable,
} from "./node.ts";

type LoadNode = Extract<Node, { kind: "load" }>;
type StoreStatement = Extract<Statement, { kind: "store" }>;
type GuardStatement = Extract<Statement, { kind: "guard" }>;

/**
 * What differs between back ends: where operands, guest state and memory are, and how control leaves. `push…` arguments
 * append code that leaves the value on the stack. Each method that yields a value leaves it on the stack.
 */
export interface Target {
  readonly code: FunctionWriter;
  operand(operand: number, type: "i32" | "i64"): void;
  read(place: Place, type: ValueType, offset: number): void;
  write(place: Place, type: ValueType, offset: number, pushValue: () => void): void;
  pc(): void;
  load(node: LoadNode, pushAddress: () => void): void;
  /** Where the target does better without a v128: leaves its lower half on the stack, and the upper one above it. */
  loadHalves?(node: LoadNode, pushAddress: () => void): void;
  held(node: HeldNode, pushAddress: () => void): void;
  store(statement: StoreStatement, pushAddress: () => void, pushValue: () => void): void;
  /** Where the target does better without a v128: stores one of these halves. */
  storeHalves?(statement: StoreStatement, pushAddress: () => void, pushHalves: Halves<() => void>): void;
  jump(pushTarget: () => void): void;
  /** `distance` in bytes, if it is known now. */
  jumpRelative(pushDistance: () => void, distance: number | undefined): void;
  host(call: HostNode, pushArguments: () => void): void;
  raise(call: HostNode, pushArguments: () => void): void;
  guard(statement: GuardStatement, pushArguments: () => void): void;
  /**
   * True when the target has pushed whether the condition holds, false to have it found out from the flag state here, which is what
   * `pushGeneral` does on one path of several.
   */
  condition(node: ConditionNode, pushGeneral: () => void): boolean;
  /** True when the target takes care of the flags itself, false to have the expansion lowered here. */
  flags(statement: FlagsStatement, pushArgument: (index: number) => void): boolean;
}

/** Of a v128, as i64. */
export interface Halves<T> {
  readonly low: T;
  readonly high: T;
}

/** Locals that hold values computed elsewhere, by node id. */
export type Bindings = ReadonlyMap<number, number>;

/**
 * Appends the code of one operation to the target's function. Locals it takes are given back at the end. `bindings` say
 * where to find the values of `Builder.argument`; `analysis` is the meaning's own, if it was made before.
 */
export function lower(
  meaning: Meaning,
  target: Target,
  bindings?: Bindings,
  analysis: Analysis = analyse(meaning),
): void {
  new Lowering(meaning, target, analysis, bindings).run(meaning.statements);
}

/** As `lower`, and leaves the value of a node of the operation on the stack. */
export function lowerValue(meaning: Meaning, value: Node, target: Target, bindings?: Bindings): void {
  new Lowering(meaning, target, analyse(meaning), bindings).run(meaning.statements, value);
}

class Lowering {
  readonly #target: Target;
  readonly #code: FunctionWriter;
  readonly #analysis: Analysis;
  readonly #locals: number[];
  readonly #variables = new Map<number, number>();
  /** Locals of values that are in two, by node id. */
  readonly #halves = new Map<number, Halves<number>>();
  readonly #taken: { type: ValueType; index: number }[] = [];

  constructor(meaning: Meaning, target: Target, analysis: Analysis, bindings?: Bindings) {
    this.#target = target;
    this.#code = target.code;
    this.#analysis = analysis;
    this.#locals = new Array<number>(meaning.nodeCount).fill(-1);
    bindings?.forEach((local, id) => {
      this.#locals[id] = local;
    });
  }

  run(statements: readonly Statement[], value?: Node): void {
    this.#block(statements);
    if (value !== undefined) this.#push(value);
    for (const { type, index } of this.#taken) this.#code.releaseLocal(type, index);
  }

  #block(statements: readonly Statement[]): void {
    for (const statement of statements) this.#statement(statement);
  }

  #statement(statement: Statement): void {
    const push = (node: Node) => () => this.#push(node);
    switch (statement.kind) {
      case "evaluate":
        this.#evaluate(statement.node);
        break;
      case "write":
        this.#target.write(statement.place, statement.type, statement.offset, push(statement.value));
        break;
      case "store": {
        const whole = this.#target.storeHalves === undefined || statement.operator !== "v128.store";
        const halves = whole ? undefined : this.#halvesOf(statement.value);
        if (halves === undefined)
          this.#target.store(statement, push(statement.address), push(statement.value));
        else
          this.#target.storeHalves?.(statement, push(statement.address), {
            low: push(halves.low),
            high: push(halves.high),
          });
        break;
      }
      case "if":
        this.#push(statement.condition);
        this.#code.if();
        this.#block(statement.whenTrue);
        if (statement.whenFalse.length > 0) {
          this.#code.else();
          this.#block(statement.whenFalse);
        }
        this.#code.end();
        break;
      case "while": {
        const exit = this.#code.block();
        const again = this.#code.loop();
        this.#block(statement.test);
        this.#push(statement.condition);
        this.#code.operator("i32.eqz");
        this.#code.branchIf(exit);
        this.#block(statement.body);
        this.#code.branch(again);
        this.#code.end();
        this.#code.end();
        break;
      }
      case "assign":
        this.#push(statement.value);
        this.#code.set(this.#variable(statement.variable));
        break;
      case "jump":
        this.#target.jump(push(statement.target));
        break;
      case "jumpRelative":
        this.#target.jumpRelative(push(statement.distance), constantNumber(statement.distance));
        break;
      case "host":
        this.#target.host(statement.call, this.#pushArguments(statement.call));
        break;
      case "raise":
        this.#target.raise(statement.call, this.#pushArguments(statement.call));
        break;
      case "guard":
        this.#target.guard(statement, this.#pushArguments(statement.raise));
        break;
      case "flags": {
        const pushArgument = (index: number): void => {
          const arg = statement.args[index];
          if (arg === undefined) throw new RangeError(`flags ${statement.producer} has no argument ${index}`);
          this.#push(arg);
        };
        if (!this.#target.flags(statement, pushArgument)) this.#block(statement.expansion);
        break;
      }
    }
  }

  #pushArguments(call: HostNode): () => void {
    return () => {
      for (const arg of call.args) this.#push(arg);
    };
  }

  #evaluate(node: Node): void {
    const effectful = node.kind === "load" || node.kind === "host";
    if (this.#analysis.inline[node.id] === 1 || (this.#analysis.uses[node.id] === 0 && !effectful)) return;
    if (this.#loadHalves(node)) return;
    this.#compute(node);
    const local = this.#take(node.type);
    this.#code.set(local);
    this.#locals[node.id] = local;
  }

  /** Loads a v128 in two if nobody needs it in one; false if it does not. */
  #loadHalves(node: Node): boolean {
    if (node.kind !== "load" || node.operator !== "v128.load" || this.#analysis.halves[node.id] !== 1)
      return false;
    if (this.#target.loadHalves === undefined) return false;
    this.#target.loadHalves(node, () => this.#push(node.address));
    const halves = { high: this.#take("i64"), low: this.#take("i64") };
    this.#code.set(halves.high);
    this.#code.set(halves.low);
    this.#halves.set(node.id, halves);
    return true;
  }

  #push(node: Node): void {
    const local = this.#locals[node.id] ?? -1;
    if (local >= 0) this.#code.get(local);
    else this.#compute(node);
  }

  #compute(node: Node): void {
    const code = this.#code;
    switch (node.kind) {
      case "constant":
        this.#constant(node.type, node.value);
        break;
      case "operand":
        this.#target.operand(node.operand, node.type);
        break;
      case "operator":
        for (const arg of node.args) this.#push(arg);
        code.operator(node.operator);
        break;
      case "lane": {
        const halves = this.#halves.get(node.args[0]?.id ?? -1);
        if (halves !== undefined) {
          code.get(node.lane === 0 ? halves.low : halves.high);
          break;
        }
        for (const arg of node.args) this.#push(arg);
        code.laneOperator(node.operator, node.lane);
        break;
      }
      case "shuffle":
        for (const arg of node.args) this.#push(arg);
        code.shuffle(node.lanes);
        break;
      case "select":
        for (const arg of node.args) this.#push(arg);
        code.select(node.type);
        break;
      case "read":
        this.#target.read(node.place, node.type, node.offset);
        break;
      case "variable":
        code.get(this.#variable(node.variable));
        break;
      case "pc":
        this.#target.pc();
        break;
      case "load":
        this.#target.load(node, () => this.#push(node.address));
        break;
      case "held":
        this.#target.held(node, () => this.#push(node.address));
        break;
      case "condition":
        if (!this.#target.condition(node, () => this.#general(node))) this.#general(node);
        break;
      case "host":
        this.#target.host(node, this.#pushArguments(node));
        break;
    }
  }

  /** What a v128 is put together of where it is used. */
  #halvesOf(node: Node): Halves<Node> | undefined {
    if (node.kind !== "lane" || node.operator !== "i64x2.replace_lane" || node.lane !== 1) return undefined;
    const [splat, high] = node.args;
    if (splat?.kind !== "operator" || splat.operator !== "i64x2.splat") return undefined;
    const [low] = splat.args;
    const { inline } = this.#analysis;
    if (low === undefined || high === undefined || inline[node.id] !== 1 || inline[splat.id] !== 1)
      return undefined;
    return { low, high };
  }

  #general(node: ConditionNode): void {
    this.#block(node.statements);
    this.#push(node.value);
  }

  #constant(type: ValueType, value: number | bigint | Uint8Array): void {
    if (value instanceof Uint8Array) this.#code.v128(value);
    else if (type === "i32") this.#code.i32(Number(value));
    else if (type === "f32") this.#code.f32(Number(value));
    else if (type === "f64") this.#code.f64(BigInt(value));
    else this.#code.i64(BigInt(value));
  }

  #variable(variable: Variable): number {
    const known = this.#variables.get(variable.id);
    if (known !== undefined) return known;
    const local = this.#take(variable.type);
    this.#variables.set(variable.id, local);
    return local;
  }

  #take(type: ValueType): number {
    const index = this.#code.takeLocal(type);
    this.#taken.push({ type, index });
    return index;
  }
}

function constantNumber(node: Node): number | undefined {
  return node.kind === "constant" && node.type === "i32" ? Number(node.value) : undefined;
}
