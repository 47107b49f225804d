import type { Place, Statement } from "../ir/node.ts";
import type { ValueType } from "../wasm/types.ts";
import { type CachedFields, isWhole, typeBytes } from "./cachedFields.ts";
import { integerConstant } from "./fold.ts";
import { terminates } from "./specialise.ts";

/** A statement that sets condition flags. */
export type FlagsStatement = Extract<Statement, { kind: "flags" }>;

type JumpStatement = Extract<Statement, { kind: "jump" | "jumpRelative" }>;

/** Bytes of the state window. */
export interface StateRange {
  readonly address: number;
  readonly bytes: number;
}

/** What one specialised instruction does to cached fields and to control. Fields are numbers of `CachedFields`. */
export interface Effects {
  /** Fields whose value before the instruction matters: read, changed in part, or left alone on some path. */
  readonly exposed: ReadonlySet<number>;
  /** Fields that some path writes. */
  readonly changed: ReadonlySet<number>;
  /** Fields touched in a way that their locals cannot serve. */
  readonly clashes: ReadonlySet<number>;
  /** Pieces of the state window that some path writes. */
  readonly writes: readonly StateRange[];
  /** Guard fields that are zero whenever control goes on behind it. */
  readonly guards: readonly number[];
  /** Whether it can leave for the interpreter to execute it. */
  readonly sideExits: boolean;
  /** Its jumps in the order of their statements, with their targets as far as these are known before execution. */
  readonly jumps: readonly (bigint | undefined)[];
  /** Whether a path reaches its end, to go on with the next instruction. */
  readonly fallsThrough: boolean;
  /** Flags statements whose expansion may wait until somebody reads the flags. */
  readonly deferrable: ReadonlySet<FlagsStatement>;
  /**
   * Whether it can be executed again from its start after any side exit. Nothing that a later part reads may have changed:
   * no state, and memory only by a store that the repetition makes again.
   */
  readonly repeatable: boolean;
}

/** @param address of the instruction, to resolve relative jumps */
export function effectsOf(statements: readonly Statement[], address: bigint, fields: CachedFields): Effects {
  const eager = (): Effects => new Walk(address, fields, false).run(statements);
  // Every exit of an instruction must agree on which flags are pending, so one with a jump makes them at once.
  if (containsJump(statements)) return eager();
  const walk = new Walk(address, fields, true);
  const effects = walk.run(statements);
  return walk.touchesDeferred ? eager() : effects;
}

class Walk {
  readonly #address: bigint;
  readonly #fields: CachedFields;
  readonly #exposed = new Set<number>();
  readonly #changed = new Set<number>();
  readonly #clashes = new Set<number>();
  readonly #writes: StateRange[] = [];
  readonly #jumps = new Map<JumpStatement, bigint | undefined>();
  readonly #writtenAtJumps: ReadonlySet<number>[] = [];
  readonly #deferrable = new Set<FlagsStatement>();
  readonly #deferredFields = new Set<number>();
  readonly #mayDefer: boolean;
  /** Whether the instruction itself needs flags that it was to leave pending. */
  touchesDeferred = false;
  #sideExits = false;
  #repeatable = true;
  #stateChanged = false;
  #loads = 0;
  #stores = 0;

  constructor(address: bigint, fields: CachedFields, mayDefer: boolean) {
    this.#address = address;
    this.#fields = fields;
    this.#mayDefer = mayDefer;
  }

  run(statements: readonly Statement[]): Effects {
    const written = new Set<number>();
    this.#block(statements, written, true);
    const fallsThrough = !terminates(statements);
    for (const at of fallsThrough ? [written, ...this.#writtenAtJumps] : this.#writtenAtJumps) {
      for (const field of this.#changed) if (!at.has(field)) this.#exposed.add(field);
    }
    return {
      exposed: this.#exposed,
      changed: this.#changed,
      clashes: this.#clashes,
      writes: this.#writes,
      guards: this.#jumps.size > 0 ? [] : statements.flatMap(guardField),
      sideExits: this.#sideExits,
      jumps: [...this.#jumps.values()],
      fallsThrough,
      deferrable: this.#deferrable,
      repeatable: this.#repeatable,
    };
  }

  /** Adds to `written` what every path through the block writes. */
  #block(statements: readonly Statement[], written: Set<number>, top: boolean): void {
    for (const statement of statements) this.#statement(statement, written, top);
  }

  #statement(statement: Statement, written: Set<number>, top: boolean): void {
    switch (statement.kind) {
      case "evaluate": {
        const { node } = statement;
        if (node.kind === "read") this.#read(node.place, node.type, node.offset, written);
        if (node.kind === "load") {
          this.#exit(this.#stores > 0);
          this.#loads++;
        }
        break;
      }
      case "write":
        this.#stateChanged = true;
        this.#write(statement.place, statement.type, statement.offset, written);
        break;
      case "store":
        // The load before two stores would see the first one's effect when all is repeated for the second.
        this.#exit(this.#stores > 0 && this.#loads > 0);
        this.#stores++;
        break;
      case "if": {
        const then = new Set(written);
        const otherwise = new Set(written);
        this.#block(statement.whenTrue, then, false);
        this.#block(statement.whenFalse, otherwise, false);
        const reachable = [
          ...(terminates(statement.whenTrue) ? [] : [then]),
          ...(terminates(statement.whenFalse) ? [] : [otherwise]),
        ];
        const [first, second] = reachable;
        for (const field of first ?? []) if (second === undefined || second.has(field)) written.add(field);
        break;
      }
      case "while":
        this.#block(statement.test, written, false);
        // Twice, so that what the first round did is before the second.
        for (let round = 0; round < 2; round++) {
          const inside = new Set(written);
          this.#block(statement.body, inside, false);
          this.#block(statement.test, inside, false);
        }
        break;
      case "jump":
        this.#jump(statement, integerConstant(statement.target), written);
        break;
      case "jumpRelative": {
        const distance = integerConstant(statement.distance);
        this.#jump(statement, distance === undefined ? undefined : this.#address + distance, written);
        break;
      }
      case "flags":
        if (top && this.#mayDefer && this.#canWait(statement)) this.#defer(statement, written);
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

  #defer(statement: FlagsStatement, written: Set<number>): void {
    this.#deferrable.add(statement);
    for (const part of statement.expansion) {
      if (part.kind !== "write") continue;
      const address = fixed(part.place) + part.offset;
      this.#writes.push({ address, bytes: typeBytes[part.type] });
      const at = this.#fields.find(address, part.type);
      if (at.kind !== "field") continue;
      this.#changed.add(at.field);
      this.#deferredFields.add(at.field);
      written.add(at.field);
    }
  }

  #exit(repeatsStore: boolean): void {
    this.#sideExits = true;
    if (this.#stateChanged || repeatsStore) this.#repeatable = false;
  }

  #jump(statement: JumpStatement, target: bigint | undefined, written: ReadonlySet<number>): void {
    this.#jumps.set(statement, target === undefined ? undefined : BigInt.asUintN(64, target));
    this.#writtenAtJumps.push(new Set(written));
  }

  #read(place: Place, type: ValueType, offset: number, written: ReadonlySet<number>): void {
    const at = this.#fields.find(fixed(place) + offset, type);
    if (at.kind === "clash") for (const field of at.fields) this.#clashes.add(field);
    if (at.kind !== "field") return;
    this.touchesDeferred ||= this.#deferredFields.has(at.field);
    if (!written.has(at.field)) this.#exposed.add(at.field);
  }

  #write(place: Place, type: ValueType, offset: number, written: Set<number>): void {
    const address = fixed(place) + offset;
    this.#writes.push({ address, bytes: typeBytes[type] });
    const at = this.#fields.find(address, type);
    switch (at.kind) {
      case "memory":
        break;
      case "clash":
        for (const field of at.fields) this.#clashes.add(field);
        break;
      case "field":
        this.touchesDeferred ||= this.#deferredFields.has(at.field);
        this.#changed.add(at.field);
        if (!isWhole(this.#fields.typeOf(at.field), type) && !written.has(at.field))
          this.#exposed.add(at.field);
        written.add(at.field);
    }
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

function containsJump(statements: readonly Statement[]): boolean {
  return statements.some((statement) => {
    switch (statement.kind) {
      case "jump":
      case "jumpRelative":
        return true;
      case "if":
        return containsJump(statement.whenTrue) || containsJump(statement.whenFalse);
      case "while":
        return containsJump(statement.test) || containsJump(statement.body);
      default:
        return false;
    }
  });
}

function fixed(place: Place): number {
  if (place.kind !== "fixed") throw new RangeError("the instruction is not specialised");
  return place.address;
}

function guardField(statement: Statement): readonly number[] {
  return statement.kind === "guard" ? [fixed(statement.field)] : [];
}
