import { engineState, engineWords, fetchEntry, recordBytes, recordPage, regionEntry } from "../layout.ts";
import { regionExit, siteBits } from "../region/site.ts";
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

/** What the function needs to know of the interpreter's module. */
export interface RunRegionsContext {
  /** Type of regions' functions. */
  readonly regionType: number;
  /** Index of the import `crossed`. */
  readonly crossed: number;
  readonly instructionBytes: number;
}

/**
 * Writes the function that runs regions one after the other as long as control gets from one to the next. It is apart from the
 * interpreter's main function, which is so large that V8 gives its locals no registers.
 */
export function writeRunRegions(context: RunRegionsContext): FunctionWriter {
  return new RunRegions(context).write();
}

class RunRegions {
  readonly #code = new FunctionWriter(runRegionsSignature);
  readonly #context: RunRegionsContext;
  readonly #recordShift: number;
  readonly #record = 0;
  readonly #page = 1;
  readonly #pageAddress = 2;
  readonly #budget = 3;
  readonly #slice = this.#code.takeLocal("i32");
  /** The region's slot, then its site, then what remains of the site. */
  readonly #site = this.#code.takeLocal("i32");
  readonly #kind = this.#code.takeLocal("i32");
  readonly #scratch = this.#code.takeLocal("i32");
  readonly #result = this.#code.takeLocal("i64");
  readonly #target = this.#code.takeLocal("i64");

  constructor(context: RunRegionsContext) {
    this.#context = context;
    this.#recordShift = Math.log2(recordBytes / context.instructionBytes);
  }

  write(): FunctionWriter {
    const code = this.#code;
    const again = code.loop();
    this.#call();
    this.#count();
    code.get(this.#kind);
    code.i32(regionExit.left);
    code.operator("i32.eq");
    code.if();
    this.#followLeft(again);
    code.end();
    this.#setRecord(() => code.get(this.#site));
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
    code.branchIf(again);
    code.end();
    this.#publishPc();
    this.#publishBudget();
    code.i32(afterRegions.execute);
    return code;
  }

  /** Calls the region of `record`; budget, site and kind are set by what it returns. */
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
    code.get(this.#pageAddress);
    code.get(this.#page);
    code.get(this.#record);
    code.get(this.#page);
    code.operator("i32.sub");
    code.i32(this.#recordShift);
    code.operator("i32.shr_u");
    code.operator("i32.add");
    code.load("i32.load", recordPage.slots);
    code.tee(this.#site);
    code.i32(0xff);
    code.operator("i32.and");
    code.get(this.#slice);
    code.get(this.#site);
    code.i32(8);
    code.operator("i32.shr_u");
    code.i32(0x7f_ffff);
    code.operator("i32.and");
    code.callIndirect(this.#context.regionType);
    code.tee(this.#result);
    code.operator("i32.wrap_i64");
    code.tee(this.#site);
    code.i32(siteBits.kind);
    code.operator("i32.shr_u");
    code.set(this.#kind);
    // What was retired: the slice less what is left of it.
    code.get(this.#slice);
    code.get(this.#result);
    code.i64(32n);
    code.operator("i64.shr_u");
    code.operator("i32.wrap_i64");
    code.operator("i32.sub");
    code.set(this.#slice);
    code.get(this.#budget);
    code.get(this.#slice);
    code.operator("i32.sub");
    code.set(this.#budget);
  }

  #count(): void {
    const code = this.#code;
    code.i32(0);
    code.i32(0);
    code.load("i64.load", engineWords.retired);
    code.get(this.#slice);
    code.operator("i64.extend_i32_u");
    code.operator("i64.add");
    code.store("i64.store", engineWords.retired);
    code.get(this.#kind);
    code.i32(3);
    code.operator("i32.shl");
    code.tee(this.#scratch);
    code.get(this.#scratch);
    code.load("i64.load", engineWords.exits);
    code.i64(1n);
    code.operator("i64.add");
    code.store("i64.store", engineWords.exits);
  }

  /** PC says where control is: on with a region there, or back; within the page as after a jump. */
  #followLeft(again: number): void {
    const code = this.#code;
    code.i32(0);
    code.load("i64.load", engineState.pc.place.address);
    code.tee(this.#target);
    code.i64(this.#tagMask());
    code.operator("i64.and");
    code.tee(this.#result);
    code.get(this.#pageAddress);
    code.operator("i64.ne");
    code.if();
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
    this.#setRecord(() => {
      code.get(this.#target);
      code.operator("i32.wrap_i64");
    });
    this.#pushIsEntry();
    code.branchIf(again);
    this.#back();
    code.end();
    code.get(this.#target);
    code.operator("i32.wrap_i64");
    code.set(this.#site);
    code.i32(regionExit.jump);
    code.set(this.#kind);
  }

  /** Control is at `record` of the same page: on with another region, which is a crossing, or back. */
  #cross(again: number): void {
    const code = this.#code;
    this.#pushIsEntry();
    code.operator("i32.eqz");
    code.if();
    this.#publishPc();
    this.#back();
    code.end();
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
    this.#publishPc();
    this.#back();
  }

  #back(): void {
    this.#publishBudget();
    this.#code.i32(afterRegions.jump);
    this.#code.return();
  }

  #setRecord(pushOffset: () => void): void {
    const code = this.#code;
    code.get(this.#page);
    pushOffset();
    code.i32(siteBits.offset);
    code.operator("i32.and");
    code.i32(this.#recordShift);
    code.operator("i32.shl");
    code.operator("i32.add");
    code.set(this.#record);
  }

  #pushIsEntry(): void {
    const code = this.#code;
    code.get(this.#record);
    code.load("i32.load16_u", 0);
    code.i32(regionEntry);
    code.operator("i32.and");
  }

  #publishPc(): void {
    const code = this.#code;
    code.i32(0);
    code.get(this.#pageAddress);
    code.get(this.#record);
    code.get(this.#page);
    code.operator("i32.sub");
    code.i32(this.#recordShift);
    code.operator("i32.shr_u");
    code.operator("i64.extend_i32_u");
    code.operator("i64.add");
    code.store("i64.store", engineState.pc.place.address);
  }

  #publishBudget(): void {
    this.#code.i32(0);
    this.#code.get(this.#budget);
    this.#code.store("i32.store", engineState.budget.place.address);
  }

  /** Takes the offset of an instruction from its address. */
  #tagMask(): bigint {
    return ~0xfffn | BigInt(this.#context.instructionBytes - 1);
  }
}
