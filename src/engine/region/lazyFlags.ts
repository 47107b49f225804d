import { type Bindings, lower, lowerValue, type Target } from "../ir/lower.ts";
import type { ConditionNode, FlagsStatement } from "../ir/node.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import type { ValueType } from "../wasm/types.ts";
import type { Effects } from "./effects.ts";
import type { FlagMeaning, FlagMeanings } from "./flagMeanings.ts";

/** Something that made flags: a producer and the types of its arguments. */
interface Source {
  /** Its number in the region, from 1. */
  readonly number: number;
  readonly producer: string;
  readonly types: readonly ValueType[];
}

/**
 * Flags that nobody has asked for yet. Locals hold the arguments of what made them last, and which producer that was; 0 says
 * that the flag state itself is right. Whoever reads a flag computes all of them then; the region's common way out does it for
 * the interpreter. V8 keeps the locals' copies for free, so what nobody reads costs nothing.
 *
 * A condition asked in the block of its producer is computed from the arguments at once, by the flag model's table. In the block
 * behind, that is done where the producer is found to be the same.
 */
export class LazyFlags {
  readonly #code: FunctionWriter;
  readonly #meanings: FlagMeanings;
  /** Local with the number of the source that the flag state waits for. */
  readonly #kind: number;
  readonly #sources = new Map<string, Source>();
  readonly #arguments = new Map<string, number>();
  /** Cached fields that any producer of the region writes. */
  readonly #fields = new Set<number>();
  /** What is known at this place: the value of `kind`, and whose arguments the locals have and the flags agree with. */
  #waiting: number | undefined;
  #source: Source | undefined;
  /** What most likely made the flags that a block begins with: the last producer of the blocks before. */
  #expected: Source | undefined;

  /** `effects`: of all instructions of the region. */
  constructor(code: FunctionWriter, meanings: FlagMeanings, effects: Iterable<Effects>) {
    this.#code = code;
    this.#meanings = meanings;
    for (const { lazyFields, lazy } of effects) {
      if (lazy.length === 0) continue;
      for (const field of lazyFields) this.#fields.add(field);
      for (const { producer, args } of lazy)
        this.#sourceOf(
          producer,
          args.map(({ type }) => type),
        );
    }
    this.#kind = this.#fields.size > 0 ? code.takeLocal("i32") : -1;
  }

  /** A block begins: control may come from anywhere. */
  beginBlock(): void {
    this.#expected = this.#likely();
    this.#waiting = this.#fields.size > 0 ? undefined : 0;
    this.#source = undefined;
  }

  /** Makes the flag state right if the instruction needs it. */
  beginInstruction(effects: Effects, target: Target): void {
    if (this.#waiting === 0 || this.#fields.size === 0) return;
    const { lazyFields, conditions, exposed, eager } = effects;
    const partial = lazyFields.length > 0 && lazyFields.length < this.#fields.size;
    if (partial || this.#asks(conditions) || this.#touches(exposed) || this.#touches(eager))
      this.#settle(target);
  }

  #asks(conditions: readonly number[]): boolean {
    const source = this.#likely();
    for (const condition of conditions) if (this.#fused(condition, source) === undefined) return true;
    return false;
  }

  #touches(fields: readonly number[]): boolean {
    for (const field of fields) if (this.#fields.has(field)) return true;
    return false;
  }

  endInstruction(effects: Effects): void {
    for (const field of effects.eager) {
      if (!this.#fields.has(field)) continue;
      this.#source = undefined;
      return;
    }
  }

  /** Keeps what the flags statement makes flags of. */
  set(statement: FlagsStatement, pushArgument: (index: number) => void): void {
    const code = this.#code;
    const types = statement.args.map(({ type }) => type);
    statement.args.forEach(({ type }, index) => {
      pushArgument(index);
      code.set(this.#argument(type, index));
    });
    this.#source = this.#sourceOf(statement.producer, types);
    this.#waiting = this.#source.number;
    code.i32(this.#source.number);
    code.set(this.#kind);
  }

  /** Pushes whether the condition holds, if the arguments of the last producer tell. */
  condition({ condition }: ConditionNode, target: Target, pushGeneral: () => void): boolean {
    const source = this.#likely();
    const fused = this.#fused(condition, source);
    if (fused?.value === undefined || source === undefined) return false;
    const code = this.#code;
    if (source !== this.#source) {
      code.get(this.#kind);
      code.i32(source.number);
      code.operator("i32.eq");
      code.if("i32");
    }
    lowerValue(fused.meaning, fused.value, target, this.#bindings(fused, source.types));
    if (source !== this.#source) {
      code.else();
      this.settleAll(target);
      code.i32(0);
      code.set(this.#kind);
      pushGeneral();
      code.end();
    }
    return true;
  }

  /** What has made the flags, or has if `kind` says so. */
  #likely(): Source | undefined {
    return this.#source ?? (this.#waiting === undefined ? this.#expected : undefined);
  }

  /** On the way out: makes the flag state right whatever the last producer was. */
  settleAll(target: Target): void {
    if (this.#sources.size === 0) return;
    const code = this.#code;
    for (const source of this.#sources.values()) {
      code.get(this.#kind);
      code.i32(source.number);
      code.operator("i32.eq");
      code.if();
      this.#expand(source, target);
      code.end();
    }
  }

  #settle(target: Target): void {
    const code = this.#code;
    if (this.#waiting !== undefined && this.#source !== undefined) this.#expand(this.#source, target);
    else this.settleAll(target);
    code.i32(0);
    code.set(this.#kind);
    this.#waiting = 0;
  }

  #expand(source: Source, target: Target): void {
    const expansion = this.#meanings.expansion(source.producer, source.types);
    lower(expansion.meaning, target, this.#bindings(expansion, source.types));
  }

  #fused(condition: number, source: Source | undefined): FlagMeaning | undefined {
    return source && this.#meanings.condition(source.producer, source.types, condition);
  }

  #bindings({ args }: FlagMeaning, types: readonly ValueType[]): Bindings {
    return new Map(args.map((arg, index) => [arg.id, this.#argument(types[index] ?? "i32", index)]));
  }

  #argument(type: ValueType, index: number): number {
    const key = `${type}${index}`;
    const known = this.#arguments.get(key);
    if (known !== undefined) return known;
    const local = this.#code.takeLocal(type);
    this.#arguments.set(key, local);
    return local;
  }

  #sourceOf(producer: string, types: readonly ValueType[]): Source {
    const key = `${producer} ${types.join()}`;
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    // From the beginning, for they live across blocks: no code before may have them for something else.
    for (const [index, type] of types.entries()) this.#argument(type, index);
    const source: Source = { number: this.#sources.size + 1, producer, types };
    this.#sources.set(key, source);
    return source;
  }
}
