import { engineState } from "../layout.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import type { Signature } from "../wasm/types.ts";
import { RecordTarget } from "./recordTarget.ts";

/** What a handler function returns. */
export const coldResult = { next: 0, abandoned: 1, jumped: 2 } as const;

/** A handler outside the main function: (record, pc) → `coldResult`. PC and budget are published by the caller. */
export const coldSignature: Signature = { params: ["i32", "i64"], result: "i32" };

/** A rarely used operation, as a function of its own. */
export class ColdTarget extends RecordTarget {
  constructor(code: FunctionWriter, imports: ReadonlyMap<string, number>) {
    super(code, imports, 0);
  }

  pc(): void {
    this.code.get(1);
  }

  jump(pushTarget: () => void): void {
    this.code.i32(0);
    pushTarget();
    this.code.store("i64.store", engineState.pc.place.address);
    this.code.i32(coldResult.jumped);
    this.code.return();
  }

  jumpRelative(pushDistance: () => void): void {
    this.jump(() => {
      this.pc();
      pushDistance();
      this.code.operator("i64.extend_i32_s");
      this.code.operator("i64.add");
    });
  }

  protected override publish(): void {}

  protected override resume(): void {
    this.code.i32(0);
    this.code.load("i32.load", engineState.status.place.address);
    this.code.if();
    this.abandon();
    this.code.end();
  }

  protected override abandon(): void {
    this.code.i32(coldResult.abandoned);
    this.code.return();
  }

  protected override pushTlb(): void {
    this.code.i32(0);
    this.code.load("i32.load", engineState.tlb.place.address);
  }
}
