import type { LaneOperatorName, laneOperators, OperatorName, operators } from "../wasm/operators.ts";
import type { ValueType } from "../wasm/types.ts";
import type { Builder } from "./builder.ts";
import type { Access, Node, Place, Statement, Variable } from "./node.ts";

/** A value of WebAssembly type `T` inside the meaning of one guest operation. */
export interface Value<T extends ValueType> {
  readonly type: T;
  readonly node: Node;
}

/** Literals stand for constants of the integer types. */
export type Operand<T extends ValueType> = T extends "i32"
  ? Value<"i32"> | number
  : T extends "i64"
    ? Value<"i64"> | bigint
    : Value<T>;

/** Operands of these types, in order. */
export type Operands<A extends readonly ValueType[]> = { readonly [I in keyof A]: Operand<A[I]> };
/** The operator tables' type: what each operator takes and leaves. */
export type Operators = typeof operators;
/** The same for lane operators. */
export type LaneOperators = typeof laneOperators;

/** `b.i64.add(x, y)`: one method for each WebAssembly operator whose name begins with the prefix. */
export type OperatorNamespace<P extends string> = {
  readonly [K in OperatorName as K extends `${P}.${infer Method}` ? Method : never]: (
    ...args: Operands<Operators[K]["in"]>
  ) => Value<Operators[K]["out"]>;
} & {
  readonly [K in LaneOperatorName as K extends `${P}.${infer Method}` ? Method : never]: (
    lane: number,
    ...args: Operands<LaneOperators[K]["in"]>
  ) => Value<LaneOperators[K]["out"]>;
};

/** A piece of guest CPU state of a known type. */
export interface StateField<T extends ValueType> {
  readonly type: T;
  readonly place: Place;
}

/** A register operand of an instruction: state whose place is decoded into the record. */
export interface RegisterOperand<T extends ValueType> extends StateField<T> {
  readonly place: { readonly kind: "register"; readonly operand: number };
}

/** Options of a guest memory access; see `Access`. */
export type AccessOptions = Partial<Pick<Access, "element" | "mustAlign" | "unprivileged" | "willWrite">>;

/**
 * What an instruction set says about its condition flags. `producers` maps each way of making flags to the code that writes
 * the flag state eagerly; a back end that tracks the last producer may leave that code out until someone reads the flags.
 */
export interface FlagModel {
  readonly producers: Readonly<Record<string, (b: Builder, args: readonly Value<ValueType>[]) => void>>;
  /**
   * Conditions straight from what made the flags: whether condition number `condition` holds after the producer with these
   * arguments; undefined where only the flags themselves tell.
   */
  readonly conditions?: Readonly<
    Record<
      string,
      (b: Builder, condition: number, args: readonly Value<ValueType>[]) => Value<"i32"> | undefined
    >
  >;
}

/** What one operation does. Node ids are below `nodeCount`. */
export interface Meaning {
  readonly statements: readonly Statement[];
  readonly nodeCount: number;
}

/** A temporary that can be assigned again. */
export interface VariableRef<T extends ValueType> {
  readonly type: T;
  readonly variable: Variable;
}
