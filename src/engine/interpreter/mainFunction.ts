import { engineState, engineWords, fetchEntry, recordBytes, recordPage, regionEntry } from "../layout.ts";
import type { InstructionSet } from "../operation.ts";
import { pushFetchEntry } from "../tlbLookUp.ts";
import { FunctionWriter } from "../wasm/function.ts";
import { coldResult } from "./coldTarget.ts";
import { HotTarget, type MainFrame, pushPc } from "./hotTarget.ts";

/** Handler numbers that every instruction set has; the operations' own follow. */
export const handler = { undecoded: 0, marked: 1, pageEnd: 2, first: 3 } as const;

/** `pageAddress` before the first look-up: no page has this address, nor has any misaligned PC the same bits 63:12 and 1:0. */
const noPage = -1n;

/** In the local `skip`: the next record that control gets to is for the interpreter. */
const skipNext = -1;

/** Why the interpreter returned. */
export const interpreterExit = { budget: 0, abandoned: 1, fetch: 2 } as const;

/** Where the main function is in the guest's code: locals. */
type Place = Pick<MainFrame, "record" | "page" | "pageAddress" | "budget" | "target">;

/**
 * The interpreter's main function: the dispatch loop over records, with the frequent operations in it. Its result is an
 * `interpreterExit`.
 */
export class MainFunction {
  readonly code = new FunctionWriter({ params: [], result: "i32" });
  readonly #imports: ReadonlyMap<string, number>;
  readonly #coldType: number;
  readonly #firstFunction: number;
  readonly #recordShift: number;

  /**
   * @param coldType index of the type of the operations' own functions
   * @param firstFunction the first handler number that stands for such a function; those below it are in the loop
   */
  constructor(
    set: InstructionSet,
    imports: ReadonlyMap<string, number>,
    coldType: number,
    firstFunction: number,
  ) {
    this.#imports = imports;
    this.#coldType = coldType;
    this.#firstFunction = firstFunction;
    this.#recordShift = Math.log2(recordBytes / set.instructionBytes);
  }

  /** Writes it all; `hotHandlers` gives what writes each frequent operation, in the order of their handler numbers. */
  write(hotHandlers: (target: HotTarget) => readonly (() => void)[]): void {
    const { code } = this;
    const record = code.takeLocal("i32");
    const page = code.takeLocal("i32");
    const pageAddress = code.takeLocal("i64");
    const budget = code.takeLocal("i32");
    const tlb = code.takeLocal("i32");
    const target = code.takeLocal("i64");
    const number = code.takeLocal("i32");
    const heat = code.takeLocal("i32");
    const skip = code.takeLocal("i32");
    const recordShift = this.#recordShift;

    this.#loadState("i32.load", engineState.budget.place.address, budget);
    this.#loadState("i32.load", engineState.tlb.place.address, tlb);
    this.#loadState("i64.load", engineState.pc.place.address, target);
    this.#loadState("i32.load", engineWords.heat, heat);
    code.i64(noPage);
    code.set(pageAddress);
    const abandoned = code.block();
    const fetch = code.loop();
    this.#resolve({ record, page, pageAddress, budget, target });
    const head = code.loop();
    const toNext = code.block();
    const toWarm = code.block();
    code.get(skip);
    code.i32(skipNext);
    code.operator("i32.eq");
    code.if();
    code.get(record);
    code.set(skip);
    code.branch(toNext);
    code.end();
    code.get(record);
    code.load("i32.load16_u", 0);
    code.i32(regionEntry);
    code.operator("i32.and");
    code.operator("i32.eqz");
    code.branchIf(toWarm);
    code.get(record);
    code.get(page);
    code.get(pageAddress);
    code.get(budget);
    this.#call("runRegions");
    code.set(number);
    this.#loadState("i32.load", engineState.budget.place.address, budget);
    this.#loadState("i64.load", engineState.pc.place.address, target);
    code.get(number);
    code.operator("i32.eqz");
    code.branchIf(fetch);
    code.i32(skipNext);
    code.set(skip);
    code.branch(fetch);
    code.end();
    this.#warm({ record, page }, heat, number);
    code.end();
    const next = code.loop();
    code.get(budget);
    code.operator("i32.eqz");
    code.if();
    const place: Place = { record, page, pageAddress, budget, target };
    this.#publish(place);
    code.i32(interpreterExit.budget);
    code.return();
    code.end();
    code.get(budget);
    code.i32(1);
    code.operator("i32.sub");
    code.set(budget);
    code.get(record);
    code.load("i32.load16_u", 0);
    code.set(number);

    const otherwise = code.block();
    const frame: MainFrame = { ...place, tlb, number, fetch, head, next, call: otherwise, recordShift };
    const hotTarget = new HotTarget(code, this.#imports, frame);
    const bodies: (() => void)[] = [
      () => this.#undecoded(record, budget, next),
      () => this.#marked(place, number, otherwise, abandoned),
      () => this.#pageEnd(frame),
      ...hotHandlers(hotTarget),
    ];
    const labels = bodies.map(() => code.block()).reverse();
    code.get(number);
    code.branchTable(labels, otherwise);
    for (const body of bodies) {
      code.end();
      body();
    }
    code.end();
    this.#entry(frame, skip);
    this.#function(hotTarget, frame, abandoned);
    code.end();
    code.end();
    code.end();
    code.unreachable();
    code.end();
    code.i32(interpreterExit.abandoned);
  }

  #loadState(load: "i32.load" | "i64.load", address: number, local: number): void {
    this.code.i32(0);
    this.code.load(load, address);
    this.code.set(local);
  }

  /**
   * From the address in `target`: sets record, and page and pageAddress by the fetch TLB or a call. Within a page nothing is looked
   * up, so that a region that stays in it does the same.
   */
  #resolve(frame: Place): void {
    const { code } = this;
    this.#pushInPage(frame);
    code.operator("i32.eqz");
    code.if();
    this.#lookUp(frame);
    code.end();
    code.get(frame.page);
    code.get(frame.target);
    code.operator("i32.wrap_i64");
    code.i32(0xfff);
    code.operator("i32.and");
    code.i32(this.#recordShift);
    code.operator("i32.shl");
    code.operator("i32.add");
    code.set(frame.record);
  }

  #lookUp(frame: Place): void {
    const { code } = this;
    const entry = code.takeLocal("i32");
    pushFetchEntry(code, frame.target);
    code.tee(entry);
    code.load("i64.load", fetchEntry.tag);
    code.get(frame.target);
    code.i64(~0xfffn | BigInt((recordBytes >> this.#recordShift) - 1));
    code.operator("i64.and");
    code.operator("i64.eq");
    code.if();
    code.get(entry);
    code.load("i32.load", fetchEntry.records);
    code.set(frame.page);
    code.else();
    code.get(frame.target);
    code.get(entry);
    this.#call("secondFetch");
    code.tee(frame.page);
    code.operator("i32.eqz");
    code.if();
    code.i32(0);
    code.get(frame.budget);
    code.store("i32.store", engineState.budget.place.address);
    code.i32(0);
    code.get(frame.target);
    code.store("i64.store", engineState.pc.place.address);
    code.get(frame.target);
    this.#call("fetch");
    code.set(frame.page);
    this.#loadState("i32.load", engineState.budget.place.address, frame.budget);
    code.get(frame.page);
    code.operator("i32.eqz");
    code.if();
    code.i32(interpreterExit.fetch);
    code.return();
    code.end();
    code.end();
    code.end();
    code.get(frame.target);
    code.i64(~0xfffn);
    code.operator("i64.and");
    code.set(frame.pageAddress);
    code.releaseLocal("i32", entry);
  }

  /** Control got to the record by a jump: counts that. */
  #warm({ record, page }: Pick<Place, "record" | "page">, heat: number, scratch: number): void {
    const { code } = this;
    const slot = code.takeLocal("i32");
    this.#pushSlot({ record, page });
    code.tee(slot);
    code.get(slot);
    code.load("i32.load", recordPage.slots);
    code.i32(1);
    code.operator("i32.add");
    code.tee(scratch);
    code.store("i32.store", recordPage.slots);
    code.get(scratch);
    code.get(heat);
    code.operator("i32.ge_s");
    code.if();
    code.get(record);
    this.#call("hot");
    code.end();
    code.releaseLocal("i32", slot);
  }

  /** Pushes the address of the record's slot, less `recordPage.slots`. */
  #pushSlot({ record, page }: Pick<Place, "record" | "page">): void {
    const { code } = this;
    code.get(page);
    code.get(record);
    code.get(page);
    code.operator("i32.sub");
    code.i32(this.#recordShift);
    code.operator("i32.shr_u");
    code.operator("i32.add");
  }

  /** Control runs into a record where a region begins: to the region, unless that has left the instruction to the interpreter. */
  #entry(frame: MainFrame, skip: number): void {
    const { code } = this;
    code.get(frame.number);
    code.i32(regionEntry);
    code.operator("i32.and");
    code.if();
    code.get(frame.record);
    code.get(skip);
    code.operator("i32.ne");
    code.if();
    this.#giveBack(frame.budget);
    code.branch(frame.head);
    code.end();
    code.i32(0);
    code.set(skip);
    code.get(frame.number);
    code.i32(regionEntry - 1);
    code.operator("i32.and");
    code.set(frame.number);
    this.#byFunction(frame.number);
    code.end();
  }

  /** Pushes whether `target` is an instruction of the page. */
  #pushInPage({ target, pageAddress }: Pick<Place, "target" | "pageAddress">): void {
    const { code } = this;
    code.get(target);
    code.i64(~0xfffn | BigInt((recordBytes >> this.#recordShift) - 1));
    code.operator("i64.and");
    code.get(pageAddress);
    code.operator("i64.eq");
  }

  #undecoded(record: number, budget: number, next: number): void {
    const { code } = this;
    code.get(record);
    this.#call("decode");
    this.#giveBack(budget);
    code.branch(next);
  }

  #marked(place: Place, number: number, call: number, abandoned: number): void {
    const { code } = this;
    this.#publish(place);
    code.get(place.record);
    this.#call("marked");
    code.set(number);
    this.#loadState("i32.load", engineState.budget.place.address, place.budget);
    code.i32(0);
    code.load("i32.load", engineState.status.place.address);
    code.branchIf(abandoned);
    this.#byFunction(number);
    code.branch(call);
  }

  /**
   * Has the operation of a handler number executed by its function, whether it is a frequent one or not. A second way to the handlers
   * would be a loop around them, in front of which V8 computes, for every instruction, what any of them needs.
   */
  #byFunction(number: number): void {
    const { code } = this;
    code.get(number);
    code.get(number);
    code.i32(this.#firstFunction - handler.first);
    code.operator("i32.add");
    code.get(number);
    code.i32(this.#firstFunction);
    code.operator("i32.ge_u");
    code.select("i32");
    code.set(number);
  }

  /** The instruction has not been executed. */
  #giveBack(budget: number): void {
    const { code } = this;
    code.get(budget);
    code.i32(1);
    code.operator("i32.add");
    code.set(budget);
  }

  /** Makes PC and budget visible to TypeScript. */
  #publish({ record, page, pageAddress, budget }: Place): void {
    const { code } = this;
    code.i32(0);
    code.get(budget);
    code.store("i32.store", engineState.budget.place.address);
    code.i32(0);
    pushPc(code, { record, page, pageAddress, recordShift: this.#recordShift });
    code.store("i64.store", engineState.pc.place.address);
  }

  #pageEnd(frame: MainFrame): void {
    const { code } = this;
    this.#giveBack(frame.budget);
    code.get(frame.pageAddress);
    code.i64(0x1000n);
    code.operator("i64.add");
    code.set(frame.target);
    code.branch(frame.fetch);
  }

  /** Calls the function of the operation that `number` names, and goes on where it says. */
  #function(target: HotTarget, frame: MainFrame, abandoned: number): void {
    const { code } = this;
    const result = code.takeLocal("i32");
    this.#publish(frame);
    code.get(frame.record);
    code.i32(0);
    code.load("i64.load", engineState.pc.place.address);
    code.get(frame.number);
    code.i32(this.#firstFunction);
    code.operator("i32.sub");
    code.callIndirect(this.#coldType);
    code.set(result);
    this.#loadState("i32.load", engineState.budget.place.address, frame.budget);
    code.get(result);
    code.operator("i32.eqz");
    code.if();
    target.finish();
    code.end();
    code.get(result);
    code.i32(coldResult.abandoned);
    code.operator("i32.eq");
    code.branchIf(abandoned);
    this.#loadState("i64.load", engineState.pc.place.address, frame.target);
    code.branch(frame.fetch);
    code.releaseLocal("i32", result);
  }

  #call(name: string): void {
    const index = this.#imports.get(name);
    if (index === undefined) throw new RangeError(`no import ${name}`);
    this.code.call(index);
  }
}
