import type { Target } from "../ir/lower.ts";
import type { Access, HeldNode, HostNode, Node, Place, Statement } from "../ir/node.ts";
import { engineState } from "../layout.ts";
import type { OperandSlot } from "../operation.ts";
import { pushHostAddress, pushTlbHolds, pushTlbHoldsPlain } from "../tlbLookUp.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import { type LoadName, plainLoad, plainStore, type StoreName, stores } from "../wasm/operators.ts";
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
  abstract host(call: HostNode, pushArguments: () => void): void;
  abstract raise(call: HostNode, pushArguments: () => void): void;
  /** The first-level TLB does not answer a load: leaves the value on the stack, or goes elsewhere. Arguments are locals. */
  protected abstract loadMissed(operator: LoadName, access: Access, address: number, entry: number): void;
  /** The same for a store. */
  protected abstract storeMissed(
    operator: StoreName,
    access: Access,
    address: number,
    entry: number,
    value: number,
  ): void;
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
    this.loadMissed(operator, access, address, entry);
    code.end();
    code.releaseLocal("i32", entry);
    code.releaseLocal("i64", address);
  }

  held(node: HeldNode, pushAddress: () => void): void {
    pushTlbHoldsPlain(this.code, () => this.pushTlb(), pushAddress, node.access);
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
    this.storeMissed(operator, access, address, entry, value);
    code.end();
    code.releaseLocal(type, value);
    code.releaseLocal("i32", entry);
    code.releaseLocal("i64", address);
  }

  guard(statement: Extract<Statement, { kind: "guard" }>, pushArguments: () => void): void {
    this.read(statement.field, "i32", 0);
    this.code.if();
    this.raise(statement.raise, pushArguments);
    this.code.end();
  }

  condition(): boolean {
    return false;
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
}
