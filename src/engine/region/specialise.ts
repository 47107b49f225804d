import type { Meaning } from "../ir/builder.ts";
import type { Node, Place, Statement } from "../ir/node.ts";
import { discardRegisterAddress, zeroRegisterAddress } from "../layout.ts";
import type { DecodedInstruction } from "../operation.ts";
import type { ValueType } from "../wasm/types.ts";
import { fold, integerConstant, integerNode } from "./fold.ts";

/** Bytes that the zero register and the discarding register each have in the state window. */
const hardWiredBytes = 16;

const within = (address: number, register: number): boolean =>
  address >= register && address < register + hardWiredBytes;

/**
 * The meaning of an operation for one instruction, wherever it stands: operands are constants, every place is fixed, the zero
 * register reads as zero and writes to the discarding register are gone, and what follows from that is folded. A host call
 * becomes a `raise` without arguments, which ends its path: compiled code leaves there, and the interpreter makes the call.
 */
export function specialise(meaning: Meaning, operands: DecodedInstruction["operands"]): Meaning {
  return new Specialiser(meaning, operands).run();
}

/** Whether control never reaches the end of the block. */
export function terminates(statements: readonly Statement[]): boolean {
  const last = statements.at(-1);
  switch (last?.kind) {
    case "raise":
    case "jump":
    case "jumpRelative":
      return true;
    case "if":
      return terminates(last.whenTrue) && terminates(last.whenFalse);
    default:
      return false;
  }
}

class Specialiser {
  readonly #meaning: Meaning;
  readonly #operands: DecodedInstruction["operands"];
  readonly #values: (Node | undefined)[] = [];
  #nodeCount: number;

  constructor(meaning: Meaning, operands: DecodedInstruction["operands"]) {
    this.#meaning = meaning;
    this.#operands = operands;
    this.#nodeCount = meaning.nodeCount;
  }

  run(): Meaning {
    const statements = this.#block(this.#meaning.statements);
    return { statements, nodeCount: this.#nodeCount };
  }

  /** The block's statements up to where its path ends. */
  #block(statements: readonly Statement[]): readonly Statement[] {
    const out: Statement[] = [];
    for (const statement of statements) {
      out.push(...this.#statement(statement));
      if (terminates(out)) break;
    }
    return out;
  }

  #statement(statement: Statement): readonly Statement[] {
    switch (statement.kind) {
      case "evaluate":
        return this.#evaluate(statement.node);
      case "write": {
        const place = this.#place(statement.place);
        const value = this.#value(statement.value);
        if (within(place.address, discardRegisterAddress)) return [];
        return [{ ...statement, place, value }];
      }
      case "store":
        return [
          { ...statement, address: this.#value(statement.address), value: this.#value(statement.value) },
        ];
      case "if":
        return this.#if(statement.condition, statement.whenTrue, statement.whenFalse);
      case "while": {
        const test = this.#block(statement.test);
        const condition = this.#value(statement.condition);
        if (terminates(test) || integerConstant(condition) === 0n) return test;
        return [{ kind: "while", test, condition, body: this.#block(statement.body) }];
      }
      case "assign":
        return [{ ...statement, value: this.#value(statement.value) }];
      case "jump":
        return [{ kind: "jump", target: this.#value(statement.target) }];
      case "jumpRelative":
        return [{ kind: "jumpRelative", distance: this.#value(statement.distance) }];
      case "host":
      case "raise":
        return [{ kind: "raise", call: { ...statement.call, args: [] } }];
      case "guard": {
        const field = this.#place(statement.field);
        return [{ kind: "guard", field, raise: { ...statement.raise, args: [] } }];
      }
      case "flags": {
        const args = statement.args.map((arg) => this.#value(arg));
        return [{ ...statement, args, expansion: this.#block(statement.expansion) }];
      }
    }
  }

  #evaluate(node: Node): readonly Statement[] {
    if (node.kind === "host") return [{ kind: "raise", call: { ...node, args: [] } }];
    const value = this.#value(node);
    // A constant needs no place to be computed; another node has been computed where it stands.
    return value.id === node.id && value.kind !== "constant" ? [{ kind: "evaluate", node: value }] : [];
  }

  #if(test: Node, whenTrue: readonly Statement[], whenFalse: readonly Statement[]): readonly Statement[] {
    const condition = this.#value(test);
    const known = integerConstant(condition);
    if (known !== undefined) return this.#block(known !== 0n ? whenTrue : whenFalse);
    const then = this.#block(whenTrue);
    const otherwise = this.#block(whenFalse);
    if (then.length > 0) return [{ kind: "if", condition, whenTrue: then, whenFalse: otherwise }];
    if (otherwise.length === 0) return [];
    const opposite: Node = {
      kind: "operator",
      id: this.#nodeCount++,
      type: "i32",
      operator: "i32.eqz",
      args: [condition],
    };
    return [{ kind: "if", condition: opposite, whenTrue: otherwise, whenFalse: [] }];
  }

  #place(place: Place): Extract<Place, { kind: "fixed" }> {
    if (place.kind === "fixed") return place;
    return { kind: "fixed", address: Number(this.#operand(place.operand)) };
  }

  #operand(operand: number): number | bigint {
    const value = this.#operands[operand];
    if (value === undefined) throw new RangeError(`the instruction has no operand ${operand}`);
    return value;
  }

  #value(node: Node): Node {
    const known = this.#values[node.id];
    if (known !== undefined) return known;
    const value = this.#specialised(node);
    this.#values[node.id] = value;
    return value;
  }

  #specialised(node: Node): Node {
    switch (node.kind) {
      case "constant":
      case "variable":
      case "pc":
      case "host":
        return node;
      case "condition":
        return { ...node, statements: this.#block(node.statements), value: this.#value(node.value) };
      case "operand":
        return integerNode(node.id, node.type, BigInt(this.#operand(node.operand)));
      case "operator":
        return fold({ ...node, args: this.#all(node.args) });
      case "lane":
      case "shuffle":
        return { ...node, args: this.#all(node.args) };
      case "select": {
        const [then, otherwise, condition] = node.args;
        const args = [this.#value(then), this.#value(otherwise), this.#value(condition)] as const;
        const known = integerConstant(args[2]);
        if (known !== undefined) return known !== 0n ? args[0] : args[1];
        return { ...node, args };
      }
      case "read": {
        const place = this.#place(node.place);
        if (within(place.address, zeroRegisterAddress)) return zero(node.id, node.type);
        return { ...node, place };
      }
      case "load":
      case "held":
        return { ...node, address: this.#value(node.address) };
    }
  }

  #all(nodes: readonly Node[]): readonly Node[] {
    return nodes.map((node) => this.#value(node));
  }
}

function zero(id: number, type: ValueType): Node {
  switch (type) {
    case "i32":
    case "i64":
      return integerNode(id, type, 0n);
    case "f32":
      return { kind: "constant", id, type, value: 0 };
    case "f64":
      return { kind: "constant", id, type, value: 0n };
    case "v128":
      return { kind: "constant", id, type, value: new Uint8Array(16) };
  }
}
