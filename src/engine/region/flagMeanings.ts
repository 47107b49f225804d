import type { Builder, FlagModel, Meaning, Value } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import type { ValueType } from "../wasm/types.ts";

/** What something does with the arguments of a flag producer, which are in locals. */
export interface FlagMeaning {
  readonly meaning: Meaning;
  /** Nodes of the arguments, to be bound to locals. */
  readonly args: readonly Node[];
  /** The result, if there is one. */
  readonly value: Node | undefined;
}

/** The flag model's producers and conditions as meanings of their own. */
export class FlagMeanings {
  readonly #model: FlagModel;
  readonly #builder: Builder;
  readonly #known = new Map<string, FlagMeaning | undefined>();

  constructor(model: FlagModel, builder: Builder) {
    this.#model = model;
    this.#builder = builder;
  }

  /** Writes the flag state. */
  expansion(producer: string, types: readonly ValueType[]): FlagMeaning {
    const found = this.#build(`${producer} ${types.join()}`, types, (b, args) => {
      this.#model.producers[producer]?.(b, args);
      return "none";
    });
    if (found === undefined) throw new RangeError(`no flag producer ${producer}`);
    return found;
  }

  /** Tells whether a condition holds after the producer; undefined where the flag state has to be looked at. */
  condition(producer: string, types: readonly ValueType[], condition: number): FlagMeaning | undefined {
    return this.#build(`${producer} ${types.join()} ${condition}`, types, (b, args) =>
      this.#model.conditions?.[producer]?.(b, condition, args),
    );
  }

  #build(
    key: string,
    types: readonly ValueType[],
    say: (b: Builder, args: readonly Value<ValueType>[]) => Value<"i32"> | "none" | undefined,
  ): FlagMeaning | undefined {
    if (this.#known.has(key)) return this.#known.get(key);
    let args: readonly Value<ValueType>[] = [];
    let result: Value<"i32"> | "none" | undefined;
    const meaning = this.#builder.build((b) => {
      args = types.map((type) => b.argument(type));
      result = say(b, args);
    });
    const value = typeof result === "object" ? result.node : undefined;
    const built = result === undefined ? undefined : { meaning, args: args.map(({ node }) => node), value };
    this.#known.set(key, built);
    return built;
  }
}
