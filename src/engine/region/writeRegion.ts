import { lower } from "../ir/lower.ts";
import { engineState } from "../layout.ts";
import { FunctionWriter } from "../wasm/function.ts";
import { plainLoad, plainStore } from "../wasm/operators.ts";
import { emitPending, PendingFlags, type PendingSnapshot } from "./pendingFlags.ts";
import type { PlannedInstruction, RegionPlan } from "./plan.ts";
import { RegionTarget } from "./regionTarget.ts";

/** What a region's function returns when the budget is smaller than the region: nothing has happened. */
export const notEntered = 0;

/**
 * How a region's function returned; its result is the number of a site, from 1.
 * - `side`: instruction `index` has not happened; the interpreter must execute it. PC and budget in the state window are
 *   stale: PC is that instruction's address, and the region's length less `retired` belongs back into the budget.
 * - `left`: after instruction `index` control is where PC says; PC and budget are exact.
 */
export interface RegionSite {
  readonly kind: "side" | "left";
  /** Number of the instruction in the region. */
  readonly index: number;
  /** Instructions retired since the region was entered. */
  readonly retired: number;
}

/** A region's code, not yet in a module, and its sites: number n at place n − 1. */
export interface WrittenRegion {
  readonly code: FunctionWriter;
  readonly sites: readonly RegionSite[];
}

/** How a region is left at one place. */
interface Leaving {
  readonly site: RegionSite;
  /** How many fields of `dirtyOrder` to store. */
  readonly dirty: number;
  /** PC to store; undefined when it has been, or when the site tells it. */
  readonly pc: bigint | undefined;
}

/** A way out whose code is behind the block with this label. */
interface ExitPath extends Leaving {
  label: number;
  pending: PendingSnapshot;
}

/**
 * Writes the function `() → i32` of a planned region, which must not be empty:
 *
 *     leave when the budget is too small, else take the region's length from it
 *     load the live-in fields
 *     block … block              one for each number of dirty fields, one for each exit path
 *       the instructions; an exit branches to the end of its path's block
 *     end: exit path: compute pending flags, note the site, branch to where its dirty fields begin
 *     end: store the last dirty field, and so on down to the first
 *     the site is the result
 */
export function writeRegion(plan: RegionPlan): WrittenRegion {
  return new RegionWriter(plan).write();
}

class RegionWriter {
  readonly #plan: RegionPlan;
  readonly #code = new FunctionWriter({ params: [], result: "i32" });
  readonly #sites: RegionSite[] = [];
  readonly #site: number;
  readonly #tlb: number;
  readonly #fields = new Map<number, number>();
  readonly #pending = new PendingFlags(this.#code);
  readonly #target: RegionTarget;
  /** Nothing becomes or ceases to be pending by what is written on the way out. */
  readonly #exitTarget: RegionTarget;
  /** Label for each number of dirty fields: they are stored behind it. */
  #stores: readonly number[] = [];

  constructor(plan: RegionPlan) {
    this.#plan = plan;
    const code = this.#code;
    this.#site = code.takeLocal("i32");
    this.#tlb = code.takeLocal("i32");
    for (const field of new Set([...plan.fills, ...plan.dirtyOrder]))
      this.#fields.set(field, code.takeLocal(plan.fields.typeOf(field)));
    const locals = { fields: this.#fields, tlb: this.#tlb };
    this.#target = new RegionTarget(code, plan.fields, locals, this.#pending);
    this.#exitTarget = new RegionTarget(code, plan.fields, locals, new PendingFlags(code));
  }

  write(): WrittenRegion {
    const code = this.#code;
    const { instructions, dirtyOrder } = this.#plan;
    this.#enter();
    this.#stores = Array.from({ length: dirtyOrder.length + 1 }, () => code.block());
    const exits = instructions.map((instruction, index) => exitsOf(instruction, index));
    const paths = exits.flatMap(({ side, jumps }) => [side, ...jumps].filter((path) => path !== undefined));
    for (const path of [...paths].reverse()) path.label = code.block();
    instructions.forEach((instruction, index) => {
      this.#instruction(instruction, index, exits[index] ?? { side: undefined, jumps: [] });
    });
    for (const path of paths) {
      code.end();
      this.#leave(path, path.pending);
    }
    for (let dirty = dirtyOrder.length; dirty > 0; dirty--) {
      code.end();
      this.#store(dirtyOrder[dirty - 1]);
    }
    code.end();
    code.get(this.#site);
    return { code, sites: this.#sites };
  }

  #enter(): void {
    const code = this.#code;
    const { instructions, fills } = this.#plan;
    const length = instructions.length;
    const budget = code.takeLocal("i32");
    code.i32(0);
    code.load("i32.load", engineState.budget.place.address);
    code.tee(budget);
    code.i32(length);
    code.operator("i32.lt_u");
    code.if();
    code.i32(notEntered);
    code.return();
    code.end();
    code.i32(0);
    code.get(budget);
    code.i32(length);
    code.operator("i32.sub");
    code.store("i32.store", engineState.budget.place.address);
    code.releaseLocal("i32", budget);
    for (const field of fills) {
      code.i32(0);
      code.load(plainLoad[this.#plan.fields.typeOf(field)], this.#plan.fields.addressOf(field));
      code.set(this.#local(field));
    }
    if (instructions.some(({ effects }) => effects.sideExits)) {
      code.i32(0);
      code.load("i32.load", engineState.tlb.place.address);
      code.set(this.#tlb);
    }
  }

  #instruction(instruction: PlannedInstruction, index: number, exits: Exits): void {
    const code = this.#code;
    const { effects, next, following } = instruction;
    this.#pending.settle(effects.exposed, this.#target);
    if (exits.side !== undefined) exits.side.pending = this.#pending.snapshot();
    const joins = exits.jumps.includes(undefined);
    const join = joins ? code.block() : 0;
    const jumps = exits.jumps.map((path, jump) => ({
      label: path?.label ?? join,
      storesPc: effects.jumps[jump] === undefined,
    }));
    this.#target.begin(instruction, { side: exits.side?.label, jumps });
    lower(instruction.meaning, this.#target);
    // An instruction with a jump makes nothing pending, and what it writes is not pending at any of its ends.
    const pending = this.#pending.snapshot();
    for (const path of exits.jumps) if (path !== undefined) path.pending = pending;
    if (effects.fallsThrough && following !== next) {
      const site: RegionSite = { kind: "left", index, retired: index + 1 };
      this.#leave({ site, dirty: instruction.dirtyAfter, pc: following }, pending);
    }
    if (joins) code.end();
    this.#pending.endInstruction();
  }

  #leave(leaving: Leaving, pending: PendingSnapshot): void {
    const code = this.#code;
    const { site, dirty, pc } = leaving;
    emitPending(pending, this.#exitTarget);
    const unretired = this.#plan.instructions.length - site.retired;
    if (site.kind === "left" && unretired > 0) {
      code.i32(0);
      code.i32(0);
      code.load("i32.load", engineState.budget.place.address);
      code.i32(unretired);
      code.operator("i32.add");
      code.store("i32.store", engineState.budget.place.address);
    }
    if (pc !== undefined) {
      code.i32(0);
      code.i64(pc);
      code.store("i64.store", engineState.pc.place.address);
    }
    code.i32(this.#sites.push(site));
    code.set(this.#site);
    code.branch(this.#stores[dirty] ?? 0);
  }

  #store(field: number | undefined): void {
    if (field === undefined) throw new RangeError("no such dirty field");
    this.#code.i32(0);
    this.#code.get(this.#local(field));
    this.#code.store(plainStore[this.#plan.fields.typeOf(field)], this.#plan.fields.addressOf(field));
  }

  #local(field: number): number {
    const local = this.#fields.get(field);
    if (local === undefined) throw new RangeError(`the region has no local for field ${field}`);
    return local;
  }
}

/** The exit paths of an instruction; undefined for a jump that goes on inside the region. */
interface Exits {
  readonly side: ExitPath | undefined;
  readonly jumps: readonly (ExitPath | undefined)[];
}

function exitsOf(instruction: PlannedInstruction, index: number): Exits {
  const { effects, next, dirtyBefore, dirtyAfter } = instruction;
  const path = (site: RegionSite, dirty: number, pc: bigint | undefined): ExitPath => ({
    site,
    dirty,
    pc,
    label: 0,
    pending: new Map(),
  });
  const left: RegionSite = { kind: "left", index, retired: index + 1 };
  return {
    side: effects.sideExits
      ? path({ kind: "side", index, retired: index }, dirtyBefore, undefined)
      : undefined,
    jumps: effects.jumps.map((target) =>
      target !== undefined && target === next ? undefined : path(left, dirtyAfter, target),
    ),
  };
}
