import { packAccess } from "../access.ts";
import type { Target } from "../ir/lower.ts";
import type { Access, HostNode, Node, Place, Statement } from "../ir/node.ts";
import { engineState } from "../layout.ts";
import type { OperandSlot } from "../operation.ts";
import { pushHostAddress, pushTlbHolds } from "../tlbLookUp.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import { type LoadName, loads, plainLoad, plainStore, stores } from "../wasm/operators.ts";
import type { ValueType } from "../wasm/types.ts";

/**
 * The interpreter's half of lowering: operands are loads from the decoded record, registers are memory. Subclasses say how
 * control leaves a handler.
 */
export abstract class RecordTarget implements Target {
  readonly code: FunctionWriter;
  protected readonly imports: ReadonlyMap<string, number>;
  /** Local that holds the address of the current record. */
  protected readonly record: number;
  #slots: readonly OperandSlot[] = [];

  constructor(code: FunctionWriter, imports: ReadonlyMap<string, number>, record: number) {
    this.code = code;
    this.imports = imports;
    this.record = record;
  }

  /** The operation whose operands the following code reads. */
  begin(slots: readonly OperandSlot[]): void {
    this.#slots = slots;
  }

  abstract pc(): void;
  abstract jump(pushTarget: () => void): void;
  abstract jumpRelative(pushDistance: () => void): void;
  /** Makes PC and budget visible to TypeScript, before a call. */
  protected abstract publish(): void;
  /** Takes back what TypeScript may have changed, and leaves if the instruction was abandoned. */
  protected abstract resume(): void;
  /** Leaves: the instruction was abandoned. */
  protected abstract abandon(): void;
  /** Pushes the base of the current data TLB. */
  protected abstract pushTlb(): void;

  operand(operand: number, type: "i32" | "i64"): void {
    const slot = this.#slot(operand);
    this.code.get(this.record);
    this.code.load(type === "i64" ? "i64.load" : "i32.load", slot.offset);
  }

  read(place: Place, type: ValueType, offset: number): void {
    const base = this.#pushPlace(place);
    this.code.load(plainLoad[type], base + offset);
  }

  write(place: Place, type: ValueType, offset: number, pushValue: () => void): void {
    const base = this.#pushPlace(place);
    pushValue();
    this.code.store(plainStore[type], base + offset);
  }

  load(node: Extract<Node, { kind: "load" }>, pushAddress: () => void): void {
    const code = this.code;
    const { operator, access, type } = node;
    const address = code.takeLocal("i64");
    const entry = code.takeLocal("i32");
    pushAddress();
    code.set(address);
    this.#lookUp(address, entry, access);
    code.if(type);
    pushHostAddress(code, address, entry);
    code.load(operator, 0);
    code.else();
    this.#pushSlowAddress(address, entry, access);
    code.tee(entry);
    code.if(type);
    code.get(entry);
    code.load(operator, 0);
    code.else();
    this.publish();
    code.get(address);
    code.i32(packAccess(access));
    this.#call("loadSlow");
    this.#fromBits(operator, type);
    const result = code.takeLocal(type);
    code.set(result);
    this.resume();
    code.get(result);
    code.end();
    code.end();
    code.releaseLocal(type, result);
    code.releaseLocal("i32", entry);
    code.releaseLocal("i64", address);
  }

  store(
    statement: Extract<Statement, { kind: "store" }>,
    pushAddress: () => void,
    pushValue: () => void,
  ): void {
    const code = this.code;
    const { operator, access } = statement;
    const type = stores[operator].type;
    const address = code.takeLocal("i64");
    const entry = code.takeLocal("i32");
    const value = code.takeLocal(type);
    pushAddress();
    code.set(address);
    pushValue();
    code.set(value);
    this.#lookUp(address, entry, access);
    code.if();
    pushHostAddress(code, address, entry);
    code.get(value);
    code.store(operator, 0);
    code.else();
    this.#pushSlowAddress(address, entry, access);
    code.tee(entry);
    code.if();
    code.get(entry);
    code.get(value);
    code.store(operator, 0);
    code.else();
    this.publish();
    code.get(address);
    code.i32(packAccess(access));
    this.#pushBits(type, value);
    this.#call("storeSlow");
    this.resume();
    code.end();
    code.end();
    code.releaseLocal(type, value);
    code.releaseLocal("i32", entry);
    code.releaseLocal("i64", address);
  }

  host(call: HostNode, pushArguments: () => void): void {
    this.publish();
    pushArguments();
    this.#call(call.name);
    if (call.result === undefined) {
      this.resume();
      return;
    }
    const result = this.code.takeLocal(call.result);
    this.code.set(result);
    this.resume();
    this.code.get(result);
    this.code.releaseLocal(call.result, result);
  }

  raise(call: HostNode, pushArguments: () => void): void {
    this.publish();
    pushArguments();
    this.#call(call.name);
    this.abandon();
  }

  guard(statement: Extract<Statement, { kind: "guard" }>, pushArguments: () => void): void {
    this.read(statement.field, "i32", 0);
    this.code.if();
    this.raise(statement.raise, pushArguments);
    this.code.end();
  }

  flags(): boolean {
    return false;
  }

  #slot(operand: number): OperandSlot {
    const slot = this.#slots[operand];
    if (slot === undefined) throw new RangeError(`the operation has no operand ${operand}`);
    return slot;
  }

  /** Pushes the variable part of a place's address; returns the constant part. */
  #pushPlace(place: Place): number {
    if (place.kind === "fixed") {
      this.code.i32(0);
      return place.address;
    }
    this.code.get(this.record);
    this.code.load("i32.load16_u", this.#slot(place.operand).offset);
    return 0;
  }

  /** Leaves 1 when the TLB holds the page for this access. */
  #lookUp(address: number, entry: number, access: Access): void {
    const pushTlb = (): void => {
      if (access.unprivileged) {
        this.code.i32(0);
        this.code.load("i32.load", engineState.unprivilegedTlb.place.address);
      } else {
        this.pushTlb();
      }
    };
    pushTlbHolds(this.code, pushTlb, address, entry, access);
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
