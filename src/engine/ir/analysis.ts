import type { Meaning } from "./builder.ts";
import { forEachOperand, isPure, type Node, type Statement } from "./node.ts";

/** What a back end may do with each value of an operation, by node id. */
export interface Analysis {
  /** How often the value is used. */
  readonly uses: readonly number[];
  /** 1 where the value is computed at its one use instead of where it stands. */
  readonly inline: readonly number[];
  /** 1 where nothing but the 64-bit halves of the value are used. */
  readonly halves: readonly number[];
}

/**
 * Decides which values need a local. A pure value used once, in the block where it stands, moves to its use, unless it
 * reads state that something writes in between.
 */
export function analyse(meaning: Meaning): Analysis {
  const count = meaning.nodeCount;
  // Plain arrays: typed ones cost more to make than operations this small are worth.
  const list = (value: number): number[] => new Array<number>(count).fill(value);
  const uses = list(0);
  const inline = list(0);
  const halves = list(0);
  const definedAt = list(-1);
  const definedIn = list(-1);
  const usedAt = list(0);
  const usedIn = list(0);
  const usedBy = list(-1);
  const evaluated: Node[] = [];
  const barriers: number[] = [];
  let position = 0;
  let barrier = 0;
  let block = 0;

  const use = (node: Node, current: number, user: number): void => {
    const id = node.id;
    uses[id] = (uses[id] ?? 0) + 1;
    usedAt[id] = position;
    usedIn[id] = current;
    usedBy[id] = user;
    if (definedAt[id] === -1) useOperands(node, current);
  };
  const useOperands = (node: Node, current: number): void => {
    const half = node.kind === "lane" && node.operator === "i64x2.extract_lane";
    forEachOperand(node, (operand) => {
      use(operand, current, node.id);
      if (half) halves[operand.id] = (halves[operand.id] ?? 0) + 1;
    });
  };

  const walk = (statements: readonly Statement[]): number => {
    const current = block++;
    for (const statement of statements) {
      barriers[position] = barrier;
      switch (statement.kind) {
        case "evaluate": {
          const node = statement.node;
          if (node.kind === "condition") {
            position++;
            const inside = walk(node.statements);
            use(node.value, inside, -1);
            position++;
            barriers[position] = barrier;
          }
          useOperands(node, current);
          definedAt[node.id] = position;
          definedIn[node.id] = current;
          evaluated.push(node);
          if (!isPure(node)) barrier++;
          break;
        }
        case "write":
        case "assign":
          use(statement.value, current, -1);
          barrier++;
          break;
        case "store":
          use(statement.address, current, -1);
          use(statement.value, current, -1);
          barrier++;
          break;
        case "if":
          use(statement.condition, current, -1);
          barrier++;
          position++;
          walk(statement.whenTrue);
          walk(statement.whenFalse);
          barrier++;
          break;
        case "while":
          barrier++;
          position++;
          walk(statement.test);
          use(statement.condition, -1, -1);
          walk(statement.body);
          barrier++;
          break;
        case "jump":
          use(statement.target, current, -1);
          break;
        case "jumpRelative":
          use(statement.distance, current, -1);
          break;
        case "host":
        case "raise":
          for (const arg of statement.call.args) use(arg, current, -1);
          barrier++;
          break;
        case "guard":
          for (const arg of statement.raise.args) use(arg, current, -1);
          break;
        case "flags":
          // The expansion is lowered in this place; a lazy back end keeps the arguments, so they are used by the statement too.
          for (const arg of statement.args) use(arg, -1, -1);
          position++;
          walk(statement.expansion);
          barrier++;
          break;
      }
      position++;
    }
    return current;
  };
  walk(meaning.statements);
  barriers[position] = barrier;

  const emittedAt = list(0);
  for (let i = evaluated.length - 1; i >= 0; i--) {
    const node = evaluated[i];
    if (node === undefined) continue;
    const id = node.id;
    const at = definedAt[id] ?? 0;
    emittedAt[id] = at;
    if (uses[id] !== 1 || !isPure(node) || usedIn[id] !== definedIn[id]) continue;
    const user = usedBy[id] ?? -1;
    const target = user >= 0 && definedAt[user] !== -1 ? (emittedAt[user] ?? 0) : (usedAt[id] ?? 0);
    const { kind } = node;
    const readsState = kind === "read" || kind === "variable" || kind === "condition" || kind === "held";
    if (readsState && barriers[at] !== barriers[target]) continue;
    emittedAt[id] = target;
    inline[id] = 1;
  }
  // So far counted.
  for (let id = 0; id < count; id++) halves[id] = halves[id] !== 0 && halves[id] === uses[id] ? 1 : 0;
  return { uses, inline, halves };
}
