import { engineState, engineWords, fetchEntry, recordBytes, recordPage } from "../layout.ts";
import { regionExit, siteBits, slotBits } from "../region/site.ts";
import { pushFetchEntry } from "../tlbLookUp.ts";
import { FunctionWriter } from "../wasm/function.ts";
import type { Signature } from "../wasm/types.ts";

/**
 * (record where a region begins, its page's records, its page's guest-virtual address, budget) → `afterRegions`. Leaves PC and
 * budget in the state window.
 */
export const runRegionsSignature: Signature = { params: ["i32", "i32", "i64", "i32"], result: "i32" };

/**
 * How the interpreter goes on after regions: at PC, as after a jump; or with the instruction at PC, which is for the interpreter
 * although a region may begin there.
 */
export const afterRegions = { jump: 0, execute: 1 } as const;

/** Instructions that a region may retire at a time. */
const longestSlice = 0x8000;
/** A block that needs a larger budget than what it was given is at most that long. */
const longestBlock = 1024;
/** Crossings between regions of a page before that is told. */
export const manyCrossings = 10_000;
/** Ways out as `regionExit.apart` of the regions of a page before that is told. */
export const manyApart = 4096;

/** What the function needs to know of the interpreter's module. */
export interface RunRegionsContext {
  /** Type of regions' functions. */
  readonly regionType: number;
  /** Index of the import `crossed`. */
  readonly crossed: number;
  /** The same of `apart`. */
  readonly apart: number;
  readonly instructionBytes: number;
}

/**
 * Writes the function that runs regions one after the other as long as control gets from one to the next. It is apart from the
 * interpreter's main function, which is so large that V8 gives its locals no registers. Where a region begins, the slots of the
 * page say: they are packed more densely than records.
 */
export function writeRunRegions(context: RunRegionsContext): FunctionWriter {
  return new RunRegions(context).write();
}

class RunRegions {
  readonly #code = new FunctionWriter(runRegionsSignature);
  readonly #context: RunRegionsContext;
  /** The record, then where its instruction is in the page: bytes. */
  readonly #offset = 0;
  readonly #page = 1;
  readonly #pageAddress = 2;
  readonly #budget = 3;
  readonly #allowed = this.#code.takeLocal("i32");
  readonly #slice = this.#code.takeLocal("i32");
  readonly #slot = this.#code.takeLocal("i32");
  readonly #site = this.#code.takeLocal("i32");
  readonly #kind = this.#code.takeLocal("i32");
  /** How often regions were left for an address. */
  readonly #left = this.#code.takeLocal("i32");
  readonly #scratch = this.#code.takeLocal("i32");
  readonly #result = this.#code.takeLocal("i64");
  readonly #target = this.#code.takeLocal("i64");
  #out = 0;

  constructor(context: RunRegionsContext) {
    this.#context = context;
  }

  write(): FunctionWriter {
    const code = this.#code;
    code.get(this.#budget);
    code.set(this.#allowed);
    code.get(this.#offset);
    code.get(this.#page);
    code.operator("i32.sub");
    code.i32(Math.log2(recordBytes / this.#context.instructionBytes));
    code.operator("i32.shr_u");
    code.set(this.#offset);
    this.#pushSlot();
    code.set(this.#slot);
    this.#out = code.block("i32");
    const again = code.loop();
    this.#call();
    code.get(this.#kind);
    code.i32(regionExit.left);
    code.operator("i32.eq");
    code.if();
    this.#followLeft(again);
    code.end();
    this.#countExit();
    code.get(this.#site);
    code.i32(siteBits.offset);
    code.operator("i32.and");
    code.set(this.#offset);
    code.get(this.#kind);
    code.i32(regionExit.jump);
    code.operator("i32.eq");
    code.if();
    this.#cross(again);
    code.end();
    // Short of this slice, not of the budget: again from here.
    code.get(this.#kind);
    code.i32(regionExit.short);
    code.operator("i32.eq");
    code.get(this.#budget);
    code.i32(longestBlock);
    code.operator("i32.ge_u");
    code.operator("i32.and");
    code.if();
    this.#pushSlot();
    code.set(this.#slot);
    code.branch(again);
    code.end();
    this.#publishPc();
    code.get(this.#kind);
    code.i32(regionExit.apart);
    code.operator("i32.eq");
    code.if();
    this.#countApart();
    code.end();
    code.i32(afterRegions.execute);
    code.branch(this.#out);
    code.end();
    code.unreachable();
    code.end();
    this.#settle();
    return code;
  }

  /** Calls the region of `slot`; budget, site and kind are set by what it returns. */
  #call(): void {
    const code = this.#code;
    // V8 exchanges its first, slow code for better only between calls, so a region gets the budget in slices.
    code.get(this.#budget);
    code.i32(longestSlice);
    code.get(this.#budget);
    code.i32(longestSlice);
    code.operator("i32.lt_u");
    code.select("i32");
    code.set(this.#slice);
    code.get(this.#budget);
    code.get(this.#slice);
    code.operator("i32.sub");
    code.set(this.#budget);
    this.#publishBudget();
    code.get(this.#pageAddress);
    code.get(this.#slot);
    code.i32(slotBits.blockMask);
    code.operator("i32.and");
    code.get(this.#slice);
    code.get(this.#slot);
    code.i32(slotBits.region);
    code.operator("i32.shr_u");
    code.i32(slotBits.regionMask);
    code.operator("i32.and");
    code.callIndirect(this.#context.regionType);
    code.tee(this.#result);
    code.operator("i32.wrap_i64");
    code.tee(this.#site);
    code.i32(siteBits.kind);
    code.operator("i32.shr_u");
    code.set(this.#kind);
    code.get(this.#budget);
    code.get(this.#result);
    code.i64(32n);
    code.operator("i64.shr_u");
    code.operator("i32.wrap_i64");
    code.operator("i32.add");
    code.set(this.#budget);
  }

  /** PC says where control is: on with a region there, or back; within the page as after a jump. */
  #followLeft(again: number): void {
    const code = this.#code;
    code.get(this.#left);
    code.i32(1);
    code.operator("i32.add");
    code.set(this.#left);
    code.i32(0);
    code.load("i64.load", engineState.pc.place.address);
    code.tee(this.#target);
    code.operator("i32.wrap_i64");
    code.i32(siteBits.offset);
    code.operator("i32.and");
    code.set(this.#offset);
    code.get(this.#target);
    code.i64(this.#tagMask());
    code.operator("i64.and");
    code.tee(this.#result);
    code.get(this.#pageAddress);
    code.operator("i64.eq");
    code.if();
    this.#cross(again);
    code.end();
    pushFetchEntry(code, this.#target);
    code.tee(this.#scratch);
    code.load("i64.load", fetchEntry.tag);
    code.get(this.#result);
    code.operator("i64.ne");
    code.if();
    this.#back();
    code.end();
    code.get(this.#result);
    code.set(this.#pageAddress);
    code.get(this.#scratch);
    code.load("i32.load", fetchEntry.records);
    code.set(this.#page);
    this.#pushIsEntry();
    code.branchIf(again);
    this.#back();
  }

  /** Control is at `offset` of the same page: on with another region, which is a crossing, or back. */
  #cross(again: number): void {
    const code = this.#code;
    this.#pushIsEntry();
    code.if();
    code.get(this.#page);
    code.get(this.#page);
    code.load("i32.load", recordPage.crossings);
    code.i32(1);
    code.operator("i32.add");
    code.tee(this.#scratch);
    code.store("i32.store", recordPage.crossings);
    code.get(this.#scratch);
    code.i32(manyCrossings);
    code.operator("i32.lt_s");
    code.branchIf(again);
    // The call may make another region of this one, or none.
    code.get(this.#page);
    code.call(this.#context.crossed);
    code.end();
    this.#publishPc();
    this.#back();
  }

  #countApart(): void {
    const code = this.#code;
    code.get(this.#page);
    code.get(this.#page);
    code.load("i32.load", recordPage.apart);
    code.i32(1);
    code.operator("i32.add");
    code.tee(this.#scratch);
    code.store("i32.store", recordPage.apart);
    code.get(this.#scratch);
    code.i32(manyApart);
    code.operator("i32.ge_s");
    code.if();
    // The call takes the page's regions away.
    code.get(this.#page);
    code.call(this.#context.apart);
    code.end();
  }

  /** Out, with PC in the state window, as after a jump. */
  #back(): void {
    this.#code.i32(afterRegions.jump);
    this.#code.branch(this.#out);
  }

  #pushSlot(): void {
    const code = this.#code;
    code.get(this.#page);
    code.get(this.#offset);
    code.operator("i32.add");
    code.load("i32.load", recordPage.slots);
  }

  /** Sets `slot`, and pushes whether a region begins there. */
  #pushIsEntry(): void {
    const code = this.#code;
    this.#pushSlot();
    code.tee(this.#slot);
    code.i32(slotBits.least);
    code.operator("i32.lt_s");
  }

  #publishPc(): void {
    const code = this.#code;
    code.i32(0);
    code.get(this.#pageAddress);
    code.get(this.#offset);
    code.operator("i64.extend_i32_u");
    code.operator("i64.add");
    code.store("i64.store", engineState.pc.place.address);
  }

  #countExit(): void {
    const code = this.#code;
    code.get(this.#kind);
    code.i32(3);
    code.operator("i32.and");
    code.i32(3);
    code.operator("i32.shl");
    code.tee(this.#scratch);
    code.get(this.#scratch);
    code.load("i64.load", engineWords.exits);
    code.i64(1n);
    code.operator("i64.add");
    code.store("i64.store", engineWords.exits);
  }

  /** Publishes the budget, and counts what was retired and how often regions were left for an address. */
  #settle(): void {
    const code = this.#code;
    this.#publishBudget();
    this.#addTo(engineWords.retired, () => {
      code.get(this.#allowed);
      code.get(this.#budget);
      code.operator("i32.sub");
    });
    this.#addTo(engineWords.exits + 8 * regionExit.left, () => code.get(this.#left));
  }

  #publishBudget(): void {
    const code = this.#code;
    code.i32(0);
    code.get(this.#budget);
    code.store("i32.store", engineState.budget.place.address);
  }

  #addTo(word: number, pushCount: () => void): void {
    const code = this.#code;
    code.i32(0);
    code.i32(0);
    code.load("i64.load", word);
    pushCount();
    code.operator("i64.extend_i32_u");
    code.operator("i64.add");
    code.store("i64.store", word);
  }

  /** Takes the offset of an instruction from its address. */
  #tagMask(): bigint {
    return ~0xfffn | BigInt(this.#context.instructionBytes - 1);
  }
}
