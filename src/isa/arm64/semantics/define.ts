import type { Builder, RegisterOperand, Value } from "../../../engine/ir/builder.ts";
import { registerOperand } from "../../../engine/layout.ts";
import type { OperandKind, Operation } from "../../../engine/operation.ts";
import type { ValueType } from "../../../engine/wasm/types.ts";
import { generalDestination, generalOrStackPointer, generalSource, vectorRegisterAddress } from "../state.ts";

/** Reads a field of the instruction word by its name in the decode table; throws when the form has no such field. */
export type FieldReader = (name: string) => number;

/** How one operand of an operation is made from the fields, and what the semantics see of it. */
export interface OperandSpec<Seen> {
  readonly kind: OperandKind;
  encode(f: FieldReader): number | bigint;
  bind(b: Builder, index: number): Seen;
}

type RegisterNumber = string | ((f: FieldReader) => number);

function register<T extends ValueType>(
  type: T,
  number: RegisterNumber,
  address: (n: number) => number,
): OperandSpec<RegisterOperand<T>> {
  return {
    kind: "register",
    encode: (f) => address(typeof number === "string" ? f(number) : number(f)),
    bind: (_b, index) => registerOperand(type, index),
  };
}

/** Xn read as a source; 31 is XZR. */
export const xSource = (number: RegisterNumber): OperandSpec<RegisterOperand<"i64">> =>
  register("i64", number, generalSource);
/** Xn written; 31 discards. */
export const xDestination = (number: RegisterNumber): OperandSpec<RegisterOperand<"i64">> =>
  register("i64", number, generalDestination);
/** Xn read or written; 31 is SP. */
export const xOrSp = (number: RegisterNumber): OperandSpec<RegisterOperand<"i64">> =>
  register("i64", number, generalOrStackPointer);
/** Vn, read or written. */
export const vector = (number: RegisterNumber): OperandSpec<RegisterOperand<"v128">> =>
  register("v128", number, vectorRegisterAddress);

/** A 32-bit integer computed from the fields. */
export const imm32 = (value: string | ((f: FieldReader) => number)): OperandSpec<Value<"i32">> => ({
  kind: "i32",
  encode: (f) => (typeof value === "string" ? f(value) : value(f)) | 0,
  bind: (b, index) => b.operand("i32", index),
});

/** A 64-bit integer computed from the fields. */
export const imm64 = (value: (f: FieldReader) => bigint): OperandSpec<Value<"i64">> => ({
  kind: "i64",
  encode: (f) => BigInt.asIntN(64, value(f)),
  bind: (b, index) => b.operand("i64", index),
});

/** The values a property may take that makes a separate operation: of a field, or computed from the fields. */
export type VariantSpec =
  | readonly number[]
  | { readonly values: readonly number[]; readonly from: (f: FieldReader) => number };

type Specs = Readonly<Record<string, OperandSpec<unknown>>>;
type Seen<S extends Specs> = { readonly [K in keyof S]: S[K] extends OperandSpec<infer T> ? T : never };

/** Everything said about one encoding: how it splits into operations, what its operands are, what it does. */
export interface Definition {
  readonly encoding: string;
  readonly operationCount: number;
  /** Made when they are first asked for: a guest that runs on a ready interpreter needs few of them or none. */
  readonly operations: readonly Operation[];
  /** Index into `operations` for the given fields; undefined when no variant covers them: the word is undefined. */
  choose(f: FieldReader): number | undefined;
  operandValues(f: FieldReader): readonly (number | bigint)[];
}

/** What an author writes for one encoding. */
export interface DefinitionSource<S extends Specs, V extends Readonly<Record<string, VariantSpec>>> {
  /** Name of the entry in the decode tables. */
  readonly encoding: string;
  /** Properties known when the operation is built; one operation for each combination. */
  readonly variants?: V;
  readonly operands: S;
  /** Whether the operation belongs into the interpreter's main function. Default: no. */
  readonly hot?: boolean | ((variant: { readonly [K in keyof V]: number }) => boolean);
  readonly semantics: (b: Builder, operands: Seen<S>, variant: { readonly [K in keyof V]: number }) => void;
}

/** What the operations of one encoding have in common: everything said of them, by variant. */
interface VariantForm<V> {
  readonly variant: (index: number) => V;
  readonly name: (variant: V) => string;
  readonly operands: readonly OperandKind[];
  readonly hot: (variant: V) => boolean;
  readonly meaning: (b: Builder, variant: V) => void;
}

/** One variant of an encoding. There are thousands and few are met: they keep nothing but their number. */
class VariantOperation<V> implements Operation {
  readonly #form: VariantForm<V>;
  readonly #index: number;

  constructor(form: VariantForm<V>, index: number) {
    this.#form = form;
    this.#index = index;
  }

  get name(): string {
    return this.#form.name(this.#form.variant(this.#index));
  }

  get operands(): readonly OperandKind[] {
    return this.#form.operands;
  }

  get hot(): boolean {
    return this.#form.hot(this.#form.variant(this.#index));
  }

  readonly meaning = (b: Builder): void => this.#form.meaning(b, this.#form.variant(this.#index));
}

/** Turns what an author wrote into operations. */
export function define<
  S extends Specs,
  const V extends Readonly<Record<string, VariantSpec>> = Record<never, VariantSpec>,
>(source: DefinitionSource<S, V>): Definition {
  const specs = Object.entries(source.operands);
  const properties = Object.entries(source.variants ?? {}).map(([name, spec]) => ({
    name,
    values: isValues(spec) ? spec : spec.values,
    from: isValues(spec) ? (f: FieldReader) => f(name) : spec.from,
  }));
  const operationCount = properties.reduce((count, { values }) => count * values.length, 1);
  const kinds = specs.map(([, spec]) => spec.kind);
  type Variant = { readonly [K in keyof V]: number };
  const form: VariantForm<Variant> = {
    /** The last property changes fastest. */
    variant: (index) => {
      const entries: [string, number][] = [];
      let left = index;
      for (const { name, values } of [...properties].reverse()) {
        entries.unshift([name, values[left % values.length] ?? 0]);
        left = Math.floor(left / values.length);
      }
      return Object.fromEntries(entries) as Variant;
    },
    name: (variant) =>
      source.encoding +
      Object.entries(variant)
        .map(([name, value]) => `.${name}=${value}`)
        .join(""),
    operands: kinds,
    hot: (variant) => (typeof source.hot === "function" ? source.hot(variant) : (source.hot ?? false)),
    meaning: (b, variant) => {
      const seen = Object.fromEntries(specs.map(([name, spec], index) => [name, spec.bind(b, index)]));
      source.semantics(b, seen as Seen<S>, variant);
    },
  };
  let operations: readonly Operation[] | undefined;
  return {
    encoding: source.encoding,
    operationCount,
    get operations() {
      operations ??= Array.from({ length: operationCount }, (_, index) => new VariantOperation(form, index));
      return operations;
    },
    choose: (f) => {
      let index = 0;
      for (const { values, from } of properties) {
        const at = values.indexOf(from(f));
        if (at < 0) return undefined;
        index = index * values.length + at;
      }
      return index;
    },
    operandValues: (f) => specs.map(([, spec]) => spec.encode(f)),
  };
}

function isValues(spec: VariantSpec): spec is readonly number[] {
  return Array.isArray(spec);
}
