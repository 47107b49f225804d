import { packAccess } from "../access.ts";
import type { Access, HostNode } from "../ir/node.ts";
import { engineState } from "../layout.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import { type LoadName, loads, type StoreName, stores } from "../wasm/operators.ts";
import type { Signature, ValueType } from "../wasm/types.ts";
import { RecordTarget } from "./recordTarget.ts";

/** What a handler function returns. */
export const coldResult = { next: 0, abandoned: 1, jumped: 2 } as const;

/** A handler outside the main function: (record, pc) → `coldResult`. PC and budget are published by the caller. */
export const coldSignature: Signature = { params: ["i32", "i64"], result: "i32" };

/** An operation as a function of its own: rare ones, and what the main function leaves out of the frequent ones. */
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

  host(call: HostNode, pushArguments: () => void): void {
    pushArguments();
    this.#call(call.name);
    if (call.result === undefined) {
      this.#leaveIfAbandoned();
      return;
    }
    const result = this.code.takeLocal(call.result);
    this.code.set(result);
    this.#leaveIfAbandoned();
    this.code.get(result);
    this.code.releaseLocal(call.result, result);
  }

  raise(call: HostNode, pushArguments: () => void): void {
    pushArguments();
    this.#call(call.name);
    this.#abandon();
  }

  protected override loadMissed(operator: LoadName, access: Access, address: number, entry: number): void {
    const { code } = this;
    const { type } = loads[operator];
    this.#pushSlowAddress(address, entry, access);
    code.tee(entry);
    code.if(type);
    code.get(entry);
    code.load(operator, 0);
    code.else();
    code.get(address);
    code.i32(packAccess(access));
    this.#call("loadSlow");
    this.#fromBits(operator, type);
    const result = code.takeLocal(type);
    code.set(result);
    this.#leaveIfAbandoned();
    code.get(result);
    code.end();
    code.releaseLocal(type, result);
  }

  protected override storeMissed(
    operator: StoreName,
    access: Access,
    address: number,
    entry: number,
    value: number,
  ): void {
    const { code } = this;
    this.#pushSlowAddress(address, entry, access);
    code.tee(entry);
    code.if();
    code.get(entry);
    code.get(value);
    code.store(operator, 0);
    code.else();
    code.get(address);
    code.i32(packAccess(access));
    this.#pushBits(stores[operator].type, value);
    this.#call("storeSlow");
    this.#leaveIfAbandoned();
    code.end();
  }

  /** After a call: TypeScript may have abandoned the instruction. */
  #leaveIfAbandoned(): void {
    this.code.i32(0);
    this.code.load("i32.load", engineState.status.place.address);
    this.code.if();
    this.#abandon();
    this.code.end();
  }

  #abandon(): void {
    this.code.i32(coldResult.abandoned);
    this.code.return();
  }

  protected override pushTlb(): void {
    this.code.i32(0);
    this.code.load("i32.load", engineState.tlb.place.address);
  }

  #pushSlowAddress(address: number, entry: number, access: Access): void {
    this.code.get(address);
    this.code.get(entry);
    this.code.i32(packAccess(access));
    this.#call("slowAddress");
  }

  /** Turns the slow path's raw bits into what the load operator would have left. */
  #fromBits(operator: LoadName, type: ValueType): void {
    const code = this.code;
    switch (type) {
      case "i32":
        code.operator("i32.wrap_i64");
        if (operator === "i32.load8_s") code.operator("i32.extend8_s");
        if (operator === "i32.load16_s") code.operator("i32.extend16_s");
        break;
      case "i64":
        if (operator === "i64.load8_s") code.operator("i64.extend8_s");
        if (operator === "i64.load16_s") code.operator("i64.extend16_s");
        if (operator === "i64.load32_s") code.operator("i64.extend32_s");
        break;
      case "f32":
        code.operator("i32.wrap_i64");
        code.operator("f32.reinterpret_i32");
        break;
      case "f64":
        code.operator("f64.reinterpret_i64");
        break;
      case "v128":
        code.operator("i64x2.splat");
        if (loads[operator].bytes === 16) {
          code.i32(0);
          code.load("i64.load", engineState.wideHigh.place.address);
          code.laneOperator("i64x2.replace_lane", 1);
        }
        break;
    }
  }

  /** Pushes a stored value as two i64 halves. */
  #pushBits(type: ValueType, value: number): void {
    const code = this.code;
    code.get(value);
    switch (type) {
      case "i32":
        code.operator("i64.extend_i32_u");
        break;
      case "i64":
        break;
      case "f32":
        code.operator("i32.reinterpret_f32");
        code.operator("i64.extend_i32_u");
        break;
      case "f64":
        code.operator("i64.reinterpret_f64");
        break;
      case "v128":
        code.laneOperator("i64x2.extract_lane", 0);
        code.get(value);
        code.laneOperator("i64x2.extract_lane", 1);
        return;
    }
    code.i64(0n);
  }

  #call(name: string): void {
    const index = this.imports.get(name);
    if (index === undefined) throw new RangeError(`no host call ${name}`);
    this.code.call(index);
  }
}
