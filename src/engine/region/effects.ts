import type { FlagsStatement, Node, Place, Statement } from "../ir/node.ts";
import type { ValueType } from "../wasm/types.ts";
import { type CachedFields, isWhole, typeBytes } from "./cachedFields.ts";
import { integerConstant } from "./fold.ts";
import { terminates } from "./specialise.ts";

/** Where a jump goes: bytes from the instruction where that is known before execution. */
export type JumpDistance = number | undefined;

/** What one specialised instruction does to cached fields and to control. Fields are numbers of `CachedFields`. */
export interface Effects {
  /** Fields that it reads, not counting conditions, or writes in part or on some path only. */
  readonly exposed: readonly number[];
  /** Fields that some path writes; fields that its lazy flags stand for among them. */
  readonly changed: readonly number[];
  /** Fields touched in a way that their locals cannot serve. */
  readonly clashes: readonly number[];
  /** Whether it can leave for the interpreter to execute it. */
  readonly sideExits: boolean;
  /** Its jumps in the order of their statements. */
  readonly jumps: readonly JumpDistance[];
  /** Whether a path reaches its end, to go on with the next instruction. */
  readonly fallsThrough: boolean;
  /** Flags statements that may leave the flags to be computed when somebody reads them. */
  readonly lazy: readonly FlagsStatement[];
  /** Numbers of the conditions it asks for, and the fields they read when found out from the flag state. */
  readonly conditions: readonly number[];
  readonly conditionFields: readonly number[];
  /** Fields that the statements of `lazy` write when expanded. */
  readonly lazyFields: readonly number[];
  /** Fields that it writes otherwise than by `lazy`. */
  readonly eager: readonly number[];
  /**
   * Whether it can be executed again from its start after any side exit. Nothing that a later part reads may have changed:
   * no state, and memory only by a store that the repetition makes again.
   */
  readonly repeatable: boolean;
  /** Pieces of the state window that some path writes. */
  readonly writes: readonly StateRange[];
  /** Addresses of guard fields that are zero whenever control goes on behind it. */
  readonly guards: readonly number[];
  /** Whether it keeps the address of the following instruction: control is expected to come back there. */
  readonly links: boolean;
}

/** Bytes of the state window. */
export interface StateRange {
  readonly address: number;
  readonly bytes: number;
}

/** What the specialised statements of one instruction do; `bytes` is the instruction's length. */
export function effectsOf(statements: readonly Statement[], fields: CachedFields, bytes: number): Effects {
  const walk = new Walk(fields, bytes, true);
  const effects = walk.run(statements);
  return walk.touchesLazy ? new Walk(fields, bytes, false).run(statements) : effects;
}

class Walk {
  readonly #fields: CachedFields;
  readonly #bytes: number;
  readonly #mayBeLazy: boolean;
  readonly #exposed: number[] = [];
  readonly #changed: number[] = [];
  readonly #clashes: number[] = [];
  readonly #jumps: JumpDistance[] = [];
  readonly #writtenAtJumps: (readonly number[])[] = [];
  readonly #lazy: FlagsStatement[] = [];
  readonly #lazyFields: number[] = [];
  readonly #eager: number[] = [];
  readonly #conditions: number[] = [];
  readonly #conditionFields: number[] = [];
  readonly #writes: StateRange[] = [];
  #links = false;
  /** Whether the instruction itself needs flags that it was to leave to others. */
  touchesLazy = false;
  #inCondition = false;
  #sideExits = false;
  #repeatable = true;
  #stateChanged = false;
  #loads = 0;
  #stores = 0;

  constructor(fields: CachedFields, bytes: number, mayBeLazy: boolean) {
    this.#fields = fields;
    this.#bytes = bytes;
    this.#mayBeLazy = mayBeLazy;
  }

  run(statements: readonly Statement[]): Effects {
    const written: number[] = [];
    this.#block(statements, written, true);
    const fallsThrough = !terminates(statements);
    for (const at of fallsThrough ? [written, ...this.#writtenAtJumps] : this.#writtenAtJumps) {
      for (const field of this.#changed) if (!at.includes(field)) add(this.#exposed, field);
    }
    return {
      exposed: this.#exposed,
      changed: this.#changed,
      clashes: this.#clashes,
      sideExits: this.#sideExits,
      jumps: this.#jumps,
      fallsThrough,
      lazy: this.#lazy,
      conditions: this.#conditions,
      conditionFields: this.#conditionFields,
      lazyFields: this.#lazyFields,
      eager: this.#eager,
      repeatable: this.#repeatable,
      writes: this.#writes,
      guards: this.#jumps.length > 0 ? [] : statements.flatMap(guardField),
      links: this.#links,
    };
  }

  /** Adds to `written` what every path through the block writes. */
  #block(statements: readonly Statement[], written: number[], top: boolean): void {
    for (const statement of statements) this.#statement(statement, written, top);
  }

  #statement(statement: Statement, written: number[], top: boolean): void {
    switch (statement.kind) {
      case "evaluate":
        this.#evaluate(statement.node, written);
        break;
      case "write":
        this.#stateChanged = true;
        this.#links ||= this.#isFollowing(statement.value);
        this.#write(statement.place, statement.type, statement.offset, written);
        break;
      case "store":
        // The load before two stores would see the first one's effect when all is repeated for the second.
        this.#exit(this.#stores > 0 && this.#loads > 0);
        this.#stores++;
        this.#links ||= this.#isFollowing(statement.value);
        break;
      case "if": {
        const then = [...written];
        const otherwise = [...written];
        this.#block(statement.whenTrue, then, false);
        this.#block(statement.whenFalse, otherwise, false);
        const reachable = [
          ...(terminates(statement.whenTrue) ? [] : [then]),
          ...(terminates(statement.whenFalse) ? [] : [otherwise]),
        ];
        const [first, second] = reachable;
        for (const field of first ?? [])
          if (second === undefined || second.includes(field)) add(written, field);
        break;
      }
      case "while":
        this.#block(statement.test, written, false);
        // Twice, so that what the first round did is before the second.
        for (let round = 0; round < 2; round++) {
          const inside = [...written];
          this.#block(statement.body, inside, false);
          this.#block(statement.test, inside, false);
        }
        break;
      case "jump":
        this.#jump(undefined, written);
        break;
      case "jumpRelative": {
        const distance = integerConstant(statement.distance);
        this.#jump(distance === undefined ? undefined : Number(distance), written);
        break;
      }
      case "flags":
        if (top && this.#mayBeLazy && this.#canWait(statement)) this.#leaveLazy(statement, written);
        else this.#block(statement.expansion, written, false);
        break;
      case "guard":
        this.#read(statement.field, "i32", 0, written);
        this.#exit(this.#stores > 0);
        break;
      case "host":
      case "raise":
        this.#exit(this.#stores > 0);
        break;
      case "assign":
        break;
    }
  }

  #evaluate(node: Node, written: number[]): void {
    if (node.kind === "read") this.#read(node.place, node.type, node.offset, written);
    if (node.kind === "load") {
      this.#exit(this.#stores > 0);
      this.#loads++;
    }
    if (node.kind === "condition") {
      this.#conditions.push(node.condition);
      this.#inCondition = true;
      this.#block(node.statements, written, false);
      this.#inCondition = false;
    }
  }

  #leaveLazy(statement: FlagsStatement, written: number[]): void {
    this.#stateChanged = true;
    this.#lazy.push(statement);
    for (const part of statement.expansion) {
      if (part.kind !== "write") continue;
      const address = fixed(part.place) + part.offset;
      this.#writes.push({ address, bytes: typeBytes[part.type] });
      const at = this.#fields.find(address, part.type);
      if (at.kind !== "field") continue;
      add(this.#changed, at.field);
      add(this.#lazyFields, at.field);
      add(written, at.field);
    }
  }

  #exit(repeatsStore: boolean): void {
    this.#sideExits = true;
    if (this.#stateChanged || repeatsStore) this.#repeatable = false;
  }

  #jump(distance: JumpDistance, written: readonly number[]): void {
    this.#jumps.push(distance);
    this.#writtenAtJumps.push([...written]);
  }

  #read(place: Place, type: ValueType, offset: number, written: readonly number[]): void {
    const address = fixed(place) + offset;
    const at = this.#fields.find(address, type);
    if (at.kind === "clash") for (const field of at.fields) add(this.#clashes, field);
    if (at.kind !== "field") return;
    this.touchesLazy ||= this.#lazyFields.includes(at.field);
    if (this.#inCondition) add(this.#conditionFields, at.field);
    else if (!written.includes(at.field)) add(this.#exposed, at.field);
  }

  #write(place: Place, type: ValueType, offset: number, written: number[]): void {
    const address = fixed(place) + offset;
    this.#writes.push({ address, bytes: typeBytes[type] });
    const at = this.#fields.find(address, type);
    switch (at.kind) {
      case "memory":
        break;
      case "clash":
        for (const field of at.fields) add(this.#clashes, field);
        break;
      case "field":
        this.touchesLazy ||= this.#lazyFields.includes(at.field);
        add(this.#changed, at.field);
        add(this.#eager, at.field);
        if (!isWhole(this.#fields.typeOf(at.field), type) && !written.includes(at.field))
          add(this.#exposed, at.field);
        add(written, at.field);
    }
  }

  /** Whether the value is the address of the following instruction. */
  #isFollowing(value: Node): boolean {
    if (value.kind !== "operator" || value.operator !== "i64.add") return false;
    const [pc, distance] = value.args;
    return pc?.kind === "pc" && distance !== undefined && integerConstant(distance) === BigInt(this.#bytes);
  }

  /** Whether the expansion depends on the arguments alone and writes whole cached fields only. */
  #canWait(statement: FlagsStatement): boolean {
    return statement.expansion.every((part) => {
      if (part.kind === "evaluate") {
        const { kind } = part.node;
        return kind !== "read" && kind !== "load" && kind !== "host" && kind !== "variable";
      }
      if (part.kind !== "write") return false;
      const at = this.#fields.find(fixed(part.place) + part.offset, part.type);
      return at.kind === "field" && isWhole(this.#fields.typeOf(at.field), part.type);
    });
  }
}

function fixed(place: Place): number {
  if (place.kind !== "fixed") throw new RangeError("the instruction is not specialised");
  return place.address;
}

/** The lists are of a few fields each: looking through them costs less than a set. */
function add(list: number[], field: number): void {
  if (!list.includes(field)) list.push(field);
}

function guardField(statement: Statement): readonly number[] {
  return statement.kind === "guard" ? [fixed(statement.field)] : [];
}
