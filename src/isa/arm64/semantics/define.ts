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
  const makeOperations = (): readonly Operation[] => {
    const combinations = properties.reduce<readonly Readonly<Record<string, number>>[]>(
      (all, { name, values }) =>
        all.flatMap((variant) => values.map((value) => ({ ...variant, [name]: value }))),
      [{}],
    );
    return combinations.map((combination): Operation => {
      const variant = combination as { readonly [K in keyof V]: number };
      const suffix = Object.entries(combination).map(([name, value]) => `.${name}=${value}`);
      return {
        name: source.encoding + suffix.join(""),
        operands: specs.map(([, spec]) => spec.kind),
        hot: typeof source.hot === "function" ? source.hot(variant) : (source.hot ?? false),
        meaning: (b) => {
          const seen = Object.fromEntries(specs.map(([name, spec], index) => [name, spec.bind(b, index)]));
          source.semantics(b, seen as Seen<S>, variant);
        },
      };
    });
  };
  let operations: readonly Operation[] | undefined;
  return {
    encoding: source.encoding,
    operationCount: properties.reduce((count, { values }) => count * values.length, 1),
    get operations() {
      operations ??= makeOperations();
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
