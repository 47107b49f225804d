import { type Bindings, lower, type Target } from "../ir/lower.ts";
import type { Statement } from "../ir/node.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import type { ValueType } from "../wasm/types.ts";
import type { FlagsStatement } from "./effects.ts";

/** A `flags` statement whose expansion has not been executed; its arguments are in locals. */
interface Pending {
  readonly evaluations: readonly Statement[];
  readonly writes: ReadonlyMap<number, Statement>;
  readonly nodeCount: number;
  /** Locals of the arguments that are not constant, by node id. */
  readonly bindings: Bindings;
  readonly locals: readonly { readonly type: ValueType; readonly index: number }[];
}

/** Which fields wait for which producer, at one point of the region. */
export type PendingSnapshot = ReadonlyMap<number, Pending>;

/**
 * Flags that nobody has asked for yet. A field's value is computed when an instruction reads the field, or in the exit path
 * of an exit before the field is written again; otherwise never.
 *
 * A conditional instruction reads single fields, and only their part of the expansion is emitted: after a subtraction
 * "equal" is a comparison of the result with zero. Conditions on several fields (signed less-than: N ≠ V) are where fused
 * conditions will hook in: the flag model gets a table condition → producer → value of the arguments (`lt`, `sub64`:
 * x <s y), the builder a `condition` node with today's reads as its general form, and a `Pending` remembers its producer.
 * When all fields of a condition wait for one producer that the table knows, the region target lowers that value with the
 * `bindings` kept here instead of the reads, and the flags stay pending.
 */
export class PendingFlags {
  readonly #code: FunctionWriter;
  readonly #byField = new Map<number, Pending>();
  /** All that holds locals: on the list until no field waits for it and the instruction is over. */
  #live: Pending[] = [];
  /** Argument locals to use again. They never go to the function's own free list: exit paths are written last and read them. */
  readonly #free: Record<ValueType, number[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };

  constructor(code: FunctionWriter) {
    this.#code = code;
  }

  /**
   * Makes the fields that the statement writes wait for it, and keeps its arguments.
   *
   * @param fieldOf the cached field that a write of the expansion is to
   */
  defer(
    statement: FlagsStatement,
    nodeCount: number,
    fieldOf: (write: Extract<Statement, { kind: "write" }>) => number,
    pushArgument: (index: number) => void,
  ): void {
    const bindings = new Map<number, number>();
    const locals: { type: ValueType; index: number }[] = [];
    statement.args.forEach((arg, index) => {
      if (arg.kind === "constant" || bindings.has(arg.id)) return;
      const local = this.#free[arg.type].pop() ?? this.#code.takeLocal(arg.type);
      pushArgument(index);
      this.#code.set(local);
      bindings.set(arg.id, local);
      locals.push({ type: arg.type, index: local });
    });
    const writes = new Map<number, Statement>();
    for (const part of statement.expansion) if (part.kind === "write") writes.set(fieldOf(part), part);
    const pending: Pending = {
      evaluations: statement.expansion.filter(({ kind }) => kind === "evaluate"),
      writes,
      nodeCount,
      bindings,
      locals,
    };
    this.#live.push(pending);
    for (const field of writes.keys()) this.#byField.set(field, pending);
  }

  /** The field has been given a value otherwise. */
  overwritten(field: number): void {
    this.#byField.delete(field);
  }

  /** Computes the fields of these that are pending; `target` writes them. */
  settle(fields: ReadonlySet<number>, target: Target): void {
    const wanted = new Map([...this.#byField].filter(([field]) => fields.has(field)));
    emitPending(wanted, target);
    for (const field of wanted.keys()) this.#byField.delete(field);
  }

  snapshot(): PendingSnapshot {
    return new Map(this.#byField);
  }

  /** An instruction is over: arguments that nobody waits for any more are given up. */
  endInstruction(): void {
    const waitedFor = new Set(this.#byField.values());
    for (const pending of this.#live) {
      if (waitedFor.has(pending)) continue;
      for (const { type, index } of pending.locals) this.#free[type].push(index);
    }
    this.#live = this.#live.filter((pending) => waitedFor.has(pending));
  }
}

/** Computes all fields of a snapshot; `target` writes them. The arguments' locals must be as at the snapshot. */
export function emitPending(snapshot: PendingSnapshot, target: Target): void {
  for (const pending of new Set(snapshot.values())) {
    const writes = [...pending.writes]
      .filter(([field]) => snapshot.get(field) === pending)
      .map(([, write]) => write);
    const meaning = { statements: [...pending.evaluations, ...writes], nodeCount: pending.nodeCount };
    lower(meaning, target, pending.bindings);
  }
}
