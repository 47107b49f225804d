import { recordBytes } from "../layout.ts";
import type { OperandSlot } from "../operation.ts";
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
  /** Label: a jump has got to `record`; count that, and execute it. */
  readonly head: number;
  /** Label: execute the instruction `record` points at. */
  readonly next: number;
  /** Handler number being dispatched. */
  readonly number: number;
  /** Label: call the operation's function by `number`. */
  readonly call: number;
  /** log2 of record bytes per address byte. */
  readonly recordShift: number;
}

/** Pushes the guest-virtual address of the current instruction. */
export function pushPc(
  code: FunctionWriter,
  frame: Pick<MainFrame, "record" | "page" | "pageAddress" | "recordShift">,
): void {
  code.get(frame.pageAddress);
  code.get(frame.record);
  code.get(frame.page);
  code.operator("i32.sub");
  code.i32(frame.recordShift);
  code.operator("i32.shr_u");
  code.operator("i64.extend_i32_u");
  code.operator("i64.add");
}

/** A frequent operation, inside the main function. */
export class HotTarget extends RecordTarget {
  readonly #frame: MainFrame;
  #function = 0;

  constructor(code: FunctionWriter, imports: ReadonlyMap<string, number>, frame: MainFrame) {
    super(code, imports, frame.record);
    this.#frame = frame;
  }

  /** The frequent operation whose code follows, and the handler number of its function. */
  beginHot(slots: readonly OperandSlot[], functionNumber: number): void {
    this.begin(slots);
    this.#function = functionNumber;
  }

  pc(): void {
    pushPc(this.code, this.#frame);
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
    code.branch(this.#frame.head);
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

  // Whatever needs TypeScript, or the second-level TLB, is left to the operation's function: it starts the instruction anew. All
  // that can go wrong in an operation comes before its first effect that could not be repeated.
  host(): void {
    this.#leave();
  }

  raise(): void {
    this.#leave();
  }

  protected override loadMissed(): void {
    this.#leave();
  }

  protected override storeMissed(): void {
    this.#leave();
  }

  #leave(): void {
    this.code.i32(this.#function);
    this.code.set(this.#frame.number);
    this.code.branch(this.#frame.call);
  }

  protected override pushTlb(): void {
    this.code.get(this.#frame.tlb);
  }
}
