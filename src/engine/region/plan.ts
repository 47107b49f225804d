import { Builder, type Meaning } from "../ir/builder.ts";
import type { InstructionSet } from "../operation.ts";
import { CachedFields } from "./cachedFields.ts";
import { type Effects, effectsOf, type StateRange } from "./effects.ts";
import { type RegionInstruction, specialise } from "./specialise.ts";

/** One instruction of a region. */
export interface PlannedInstruction {
  readonly address: bigint;
  readonly meaning: Meaning;
  readonly effects: Effects;
  /** Number of fields, of `RegionPlan.dirtyOrder`, that the instructions before this one may have written. */
  readonly dirtyBefore: number;
  /** The same with this instruction. */
  readonly dirtyAfter: number;
  /** Address of the next instruction of the region; undefined for the last one. */
  readonly next: bigint | undefined;
  /** Where control goes without a jump. */
  readonly following: bigint;
}

/** What a region will do, found out before any code is written. */
export interface RegionPlan {
  readonly fields: CachedFields;
  readonly instructions: readonly PlannedInstruction[];
  /** Cached fields to load first. */
  readonly fills: readonly number[];
  /**
   * Cached fields that instructions write, in the order of the first instruction that may. Code runs straight, so what an exit
   * must store is always a beginning of this list.
   */
  readonly dirtyOrder: readonly number[];
}

/** Plans regions of one instruction set. Keeps the meanings it has built. */
export class RegionPlanner {
  readonly #set: InstructionSet;
  readonly #builder: Builder;
  readonly #meanings = new Map<number, Meaning>();
  readonly #fields: CachedFields;

  constructor(set: InstructionSet) {
    this.#set = set;
    this.#builder = new Builder(set.flags);
    this.#fields = new CachedFields(set.cachedState);
  }

  /**
   * Plans as many of the instructions as can be one region: up to `limit`, up to one that always leaves WebAssembly or could
   * not be repeated after a side exit, up to one after which control cannot go on with the next of the list. There may be none.
   */
  plan(instructions: readonly RegionInstruction[], limit: number): RegionPlan {
    let fields = this.#fields;
    for (;;) {
      const planned = this.#take(instructions, limit, fields);
      const clashes = new Set(planned.flatMap(({ effects }) => [...effects.clashes]));
      if (clashes.size === 0) return arrange(planned, fields);
      fields = fields.without(clashes);
    }
  }

  #take(instructions: readonly RegionInstruction[], limit: number, fields: CachedFields): readonly Taken[] {
    const taken: Taken[] = [];
    const satisfied = new Set<number>();
    for (const [index, instruction] of instructions.entries()) {
      if (taken.length === limit) break;
      const meaning = specialise(this.#meaning(instruction.operation), instruction, satisfied);
      const effects = effectsOf(meaning.statements, instruction.address, fields);
      const leavesAlways = !effects.fallsThrough && effects.jumps.length === 0;
      if (leavesAlways || !effects.repeatable) break;
      for (const guard of effects.guards) satisfied.add(guard);
      for (const guard of satisfied)
        if (effects.writes.some((range) => meet(range, guard))) satisfied.delete(guard);
      const address = BigInt.asUintN(64, instruction.address);
      const following = BigInt.asUintN(64, address + BigInt(this.#set.instructionBytes));
      taken.push({ address, following, meaning, effects });
      const next = instructions[index + 1];
      if (next === undefined) break;
      const nextAddress = BigInt.asUintN(64, next.address);
      const goesOn =
        (effects.fallsThrough && nextAddress === following) || effects.jumps.includes(nextAddress);
      if (!goesOn) break;
    }
    return taken;
  }

  #meaning(operation: number): Meaning {
    const known = this.#meanings.get(operation);
    if (known !== undefined) return known;
    const entry = this.#set.operations[operation];
    if (entry === undefined) throw new RangeError(`${this.#set.name} has no operation ${operation}`);
    const meaning = this.#builder.build(entry.meaning);
    this.#meanings.set(operation, meaning);
    return meaning;
  }
}

type Taken = Pick<PlannedInstruction, "address" | "following" | "meaning" | "effects">;

/** Whether the range has a byte of the i32 field at this address. */
function meet({ address, bytes }: StateRange, field: number): boolean {
  return address < field + 4 && field < address + bytes;
}

function arrange(taken: readonly Taken[], fields: CachedFields): RegionPlan {
  const fills = new Set<number>();
  const written = new Set<number>();
  const dirty = new Set<number>();
  const instructions = taken.map((instruction, index): PlannedInstruction => {
    const { effects } = instruction;
    for (const field of effects.exposed) if (!written.has(field)) fills.add(field);
    const dirtyBefore = dirty.size;
    for (const field of effects.changed) dirty.add(field);
    // What only some paths write is exposed, so that it has been filled and counts as written.
    for (const field of effects.changed) written.add(field);
    return { ...instruction, dirtyBefore, dirtyAfter: dirty.size, next: taken[index + 1]?.address };
  });
  return { fields, instructions, fills: [...fills], dirtyOrder: [...dirty] };
}
