import type { LaneOperatorName, LoadName, OperatorName, StoreName } from "../wasm/operators.ts";
import type { ValueType } from "../wasm/types.ts";

/**
 * The intermediate form of one guest operation's meaning: a list of statements in program order. Every value is computed
 * where its `evaluate` statement stands; a back end may compute a pure value later, or not at all, when nobody can tell.
 */
export type Statement =
  | { readonly kind: "evaluate"; readonly node: Node }
  | {
      readonly kind: "write";
      readonly place: Place;
      readonly type: ValueType;
      readonly offset: number;
      readonly value: Node;
    }
  | {
      readonly kind: "store";
      readonly operator: StoreName;
      readonly address: Node;
      readonly value: Node;
      readonly access: Access;
    }
  | {
      readonly kind: "if";
      readonly condition: Node;
      readonly whenTrue: readonly Statement[];
      readonly whenFalse: readonly Statement[];
    }
  | {
      readonly kind: "while";
      readonly test: readonly Statement[];
      readonly condition: Node;
      readonly body: readonly Statement[];
    }
  | { readonly kind: "assign"; readonly variable: Variable; readonly value: Node }
  | { readonly kind: "jump"; readonly target: Node }
  | { readonly kind: "jumpRelative"; readonly distance: Node }
  | { readonly kind: "host"; readonly call: HostNode }
  | { readonly kind: "raise"; readonly call: HostNode }
  | { readonly kind: "guard"; readonly field: Place; readonly raise: HostNode }
  | {
      readonly kind: "flags";
      readonly producer: string;
      readonly args: readonly Node[];
      readonly expansion: readonly Statement[];
    };

/** A statement that sets condition flags. */
export type FlagsStatement = Extract<Statement, { kind: "flags" }>;

/** A value. `id` is unique within one operation. */
export type Node =
  | {
      readonly kind: "constant";
      readonly id: number;
      readonly type: ValueType;
      readonly value: number | bigint | Uint8Array;
    }
  | { readonly kind: "operand"; readonly id: number; readonly type: "i32" | "i64"; readonly operand: number }
  | {
      readonly kind: "operator";
      readonly id: number;
      readonly type: ValueType;
      readonly operator: OperatorName;
      readonly args: readonly Node[];
    }
  | {
      readonly kind: "lane";
      readonly id: number;
      readonly type: ValueType;
      readonly operator: LaneOperatorName;
      readonly lane: number;
      readonly args: readonly Node[];
    }
  | {
      readonly kind: "shuffle";
      readonly id: number;
      readonly type: "v128";
      readonly lanes: readonly number[];
      readonly args: readonly Node[];
    }
  | {
      readonly kind: "select";
      readonly id: number;
      readonly type: ValueType;
      readonly args: readonly [Node, Node, Node];
    }
  | {
      readonly kind: "read";
      readonly id: number;
      readonly type: ValueType;
      readonly place: Place;
      readonly offset: number;
    }
  | { readonly kind: "variable"; readonly id: number; readonly type: ValueType; readonly variable: Variable }
  | { readonly kind: "pc"; readonly id: number; readonly type: "i64" }
  | {
      readonly kind: "load";
      readonly id: number;
      readonly type: ValueType;
      readonly operator: LoadName;
      readonly address: Node;
      readonly access: Access;
    }
  | HeldNode
  | ConditionNode
  | HostNode;

/**
 * 1 where the TLB at hand says that this access to one byte would do nothing but itself: the translation allows it, nobody watches, it
 * is plain memory. 0 where that is not so, or not known: then somebody else must look.
 */
export interface HeldNode {
  readonly kind: "held";
  readonly id: number;
  readonly type: "i32";
  readonly address: Node;
  readonly access: Access;
}

/**
 * Whether a condition of the flag model holds: 0 or 1. `statements` and `value` find it out from the flag state, for a back end
 * that does not know better; nothing else uses their nodes.
 */
export interface ConditionNode {
  readonly kind: "condition";
  readonly id: number;
  readonly type: "i32";
  readonly condition: number;
  readonly statements: readonly Statement[];
  readonly value: Node;
}

/** A call out of WebAssembly to the CPU's TypeScript. */
export interface HostNode {
  readonly kind: "host";
  readonly id: number;
  readonly type: ValueType;
  readonly name: string;
  readonly args: readonly Node[];
  readonly result: ValueType | undefined;
}

/** Where a piece of guest CPU state lives: at a fixed address, or where a register operand of the instruction says. */
export type Place =
  | { readonly kind: "fixed"; readonly address: number }
  | { readonly kind: "register"; readonly operand: number };

/** A mutable temporary of one operation. */
export interface Variable {
  readonly id: number;
  readonly type: ValueType;
}

/** How a guest memory access behaves beyond its size. */
export interface Access {
  /** Bytes moved in all: 1, 2, 4, 8 or 16. */
  readonly bytes: number;
  /** Bytes per element: the natural alignment, and the atomic unit. A 16-byte access of two registers has 8. */
  readonly element: number;
  readonly write: boolean;
  /** Misalignment faults whatever the memory type (exclusives, acquire/release, atomics). */
  readonly mustAlign: boolean;
  /** Checked with the permissions of the unprivileged level (Arm's LDTR/STTR). */
  readonly unprivileged: boolean;
  /** The load half of a read-modify-write: also needs permission to write. */
  readonly willWrite: boolean;
}

/** Calls `visit` with each direct operand of the node. */
export function forEachOperand(node: Node, visit: (operand: Node) => void): void {
  switch (node.kind) {
    case "operator":
    case "lane":
    case "shuffle":
    case "select":
    case "host":
      for (const arg of node.args) visit(arg);
      break;
    case "load":
    case "held":
      visit(node.address);
      break;
    case "constant":
    case "operand":
    case "read":
    case "variable":
    case "pc":
    case "condition":
      break;
  }
}

/** Whether computing the node later than it stands, or never, can make a difference only through state it reads. */
export function isPure(node: Node): boolean {
  return node.kind !== "load" && node.kind !== "host";
}
