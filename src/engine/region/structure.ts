import type { FunctionWriter } from "../wasm/function.ts";
import type { Loop } from "./loops.ts";

/** A block, or a loop, among those that follow each other in a loop. */
interface Part {
  readonly first: number;
  readonly last: number;
  readonly inner: Loop | undefined;
}

/** A loop that is being written. */
interface Scope {
  readonly loop: Loop;
  /** Label of its head. */
  readonly head: number;
  readonly parts: readonly Part[];
  /** Where each part begins. */
  readonly labels: readonly number[];
}

/**
 * A region's blocks as nested WebAssembly blocks and loops:
 *
 *     loop dispatch
 *       block … block            one for each block of the region, or loop of blocks
 *         br_table entry
 *       end: first block; end: second block; …
 *       end: loop
 *              block … block
 *                br_table entry  if that is not 0
 *              end: its first block; …
 *
 * Forward branches go straight to their target, backward ones to the head of the loop that begins there, if they make one, or to
 * the outermost. `entry` is the number of
 * the block that control is on its way to through heads of loops; 0 says to their first blocks, also where block 0 is meant, which
 * is always a first one. Loops of their own let V8 keep locals in registers from round to round.
 */
export class RegionStructure {
  readonly #code: FunctionWriter;
  readonly #entry: number;
  readonly #loops: Loop;
  /** Loops around the block being written, outermost first. */
  readonly #scopes: Scope[] = [];
  #dispatch = 0;
  #current = 0;

  /** `entry`: a local with the number of the block to begin with; `loops`: all of the region. */
  constructor(code: FunctionWriter, entry: number, loops: Loop) {
    this.#code = code;
    this.#entry = entry;
    this.#loops = loops;
  }

  /** Writes all blocks in the order of their numbers. What runs off the end of one goes on with the next. */
  write(writeBlock: (number: number) => void): void {
    this.#dispatch = this.#code.loop();
    this.#loop(this.#loops, this.#dispatch, writeBlock);
    this.#code.end();
  }

  /** From within a block: on with another one. */
  branchTo(number: number): void {
    const code = this.#code;
    const scope = this.#scopes.findLast(({ loop }) => loop.first <= number && number <= loop.last);
    if (scope === undefined) throw new RangeError(`the region has no block ${number}`);
    if (number <= this.#current) {
      if (number === scope.loop.first && scope !== this.#scopes[0]) code.branch(scope.head);
      else this.dispatch(() => code.i32(number));
      return;
    }
    const part = scope.parts.findIndex(({ last }) => number <= last);
    if (number !== scope.parts[part]?.first) {
      code.i32(number);
      code.set(this.#entry);
    }
    code.branch(scope.labels[part] ?? 0);
  }

  /** From within a block: on with the one whose number `pushNumber` leaves on the stack. */
  dispatch(pushNumber: () => void): void {
    pushNumber();
    this.#code.set(this.#entry);
    this.#code.branch(this.#dispatch);
  }

  /** Writes the blocks of a loop whose head, which `head` is the label of, is open. */
  #loop(loop: Loop, head: number, writeBlock: (number: number) => void): void {
    const code = this.#code;
    const parts: Part[] = [];
    for (let number = loop.first; number <= loop.last; number = (parts.at(-1)?.last ?? number) + 1) {
      const inner = loop.inner.find(({ first }) => first === number);
      parts.push({ first: number, last: inner?.last ?? number, inner });
    }
    const labels = parts.map(() => code.block()).reverse();
    this.#scopes.push({ loop, head, parts, labels });
    if (this.#scopes.length > 1) {
      code.get(this.#entry);
      code.operator("i32.eqz");
      code.branchIf(labels[0] ?? 0);
    }
    const targets = parts.flatMap(({ first, last }, part) =>
      new Array<number>(last - first + 1).fill(labels[part] ?? 0),
    );
    code.get(this.#entry);
    if (loop.first > 0) {
      code.i32(loop.first);
      code.operator("i32.sub");
    }
    code.branchTable(targets.slice(0, -1), targets.at(-1) ?? 0);
    for (const { first, inner } of parts) {
      code.end();
      if (inner === undefined) this.#block(first, writeBlock);
      else {
        this.#loop(inner, code.loop(), writeBlock);
        code.end();
      }
    }
    this.#scopes.pop();
  }

  #block(number: number, writeBlock: (number: number) => void): void {
    // Control has arrived.
    if (this.#loops.inner.length > 0) {
      this.#code.i32(0);
      this.#code.set(this.#entry);
    }
    this.#current = number;
    writeBlock(number);
  }
}
