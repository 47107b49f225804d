import { engineState, recordBytes } from "../layout.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import { RecordTarget } from "./recordTarget.ts";

/** Locals and labels of the interpreter's main function. */
export interface MainFrame {
  readonly record: number;
  /** Address of the first record of the current page. */
  readonly page: number;
  /** Guest-virtual address of the current page. */
  readonly pageAddress: number;
  readonly budget: number;
  readonly tlb: number;
  /** Target of a jump that may leave the page. */
  readonly target: number;
  /** Label: resolve `target` and go on there. */
  readonly fetch: number;
  /** Label: execute the instruction `record` points at. */
  readonly next: number;
  /** Label: leave, the instruction was abandoned. */
  readonly abandoned: number;
  /** log2 of record bytes per address byte. */
  readonly recordShift: number;
}

/** A frequent operation, inside the main function. */
export class HotTarget extends RecordTarget {
  readonly #frame: MainFrame;

  constructor(code: FunctionWriter, imports: ReadonlyMap<string, number>, frame: MainFrame) {
    super(code, imports, frame.record);
    this.#frame = frame;
  }

  pc(): void {
    const { code } = this;
    code.get(this.#frame.pageAddress);
    code.get(this.#frame.record);
    code.get(this.#frame.page);
    code.operator("i32.sub");
    code.i32(this.#frame.recordShift);
    code.operator("i32.shr_u");
    code.operator("i64.extend_i32_u");
    code.operator("i64.add");
  }

  /** Goes on with the following instruction. */
  finish(): void {
    const { code } = this;
    code.get(this.#frame.record);
    code.i32(recordBytes);
    code.operator("i32.add");
    code.set(this.#frame.record);
    code.branch(this.#frame.next);
  }

  jump(pushTarget: () => void): void {
    pushTarget();
    this.code.set(this.#frame.target);
    this.code.branch(this.#frame.fetch);
  }

  jumpRelative(pushDistance: () => void): void {
    const { code } = this;
    const distance = code.takeLocal("i32");
    const destination = code.takeLocal("i32");
    pushDistance();
    code.tee(distance);
    code.i32(this.#frame.recordShift);
    code.operator("i32.shl");
    code.get(this.#frame.record);
    code.operator("i32.add");
    code.tee(destination);
    code.get(this.#frame.page);
    code.operator("i32.sub");
    code.i32(0x1000 << this.#frame.recordShift);
    code.operator("i32.lt_u");
    code.if();
    code.get(destination);
    code.set(this.#frame.record);
    code.branch(this.#frame.next);
    code.end();
    this.jump(() => {
      this.pc();
      code.get(distance);
      code.operator("i64.extend_i32_s");
      code.operator("i64.add");
    });
    code.releaseLocal("i32", distance);
    code.releaseLocal("i32", destination);
  }

  override publish(): void {
    const { code } = this;
    code.i32(0);
    code.get(this.#frame.budget);
    code.store("i32.store", engineState.budget.place.address);
    code.i32(0);
    this.pc();
    code.store("i64.store", engineState.pc.place.address);
  }

  override resume(): void {
    const { code } = this;
    code.i32(0);
    code.load("i32.load", engineState.budget.place.address);
    code.set(this.#frame.budget);
    code.i32(0);
    code.load("i32.load", engineState.status.place.address);
    code.branchIf(this.#frame.abandoned);
  }

  protected override abandon(): void {
    this.code.branch(this.#frame.abandoned);
  }

  protected override pushTlb(): void {
    this.code.get(this.#frame.tlb);
  }
}
