import type { Target } from "../ir/lower.ts";
import type { Access, Node, Place, Statement } from "../ir/node.ts";
import { engineState } from "../layout.ts";
import { pushHostAddress, pushTlbHolds } from "../tlbLookUp.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import { plainLoad, plainStore } from "../wasm/operators.ts";
import type { ValueType } from "../wasm/types.ts";
import { type CachedFields, pushPart, setPart } from "./cachedFields.ts";
import type { FlagsStatement } from "./effects.ts";
import type { PendingFlags } from "./pendingFlags.ts";
import type { PlannedInstruction } from "./plan.ts";

/** Locals of a region's function. */
export interface RegionLocals {
  /** Local of each cached field that the region uses. */
  readonly fields: ReadonlyMap<number, number>;
  /** Base of the data TLB. */
  readonly tlb: number;
}

/** Where the code of one instruction branches to. */
export interface InstructionExits {
  /** Label: leave for the interpreter, this instruction has not happened. */
  readonly side: number | undefined;
  /** For each jump of the instruction: the label to go to, and whether that leaves PC to be stored first. */
  readonly jumps: readonly { readonly label: number; readonly storesPc: boolean }[];
}

/** The region compiler's half of lowering, for specialised meanings. */
export class RegionTarget implements Target {
  readonly code: FunctionWriter;
  readonly #fields: CachedFields;
  readonly #locals: RegionLocals;
  readonly #pending: PendingFlags;
  #instruction: PlannedInstruction | undefined;
  #exits: InstructionExits = { side: undefined, jumps: [] };
  #jumps = 0;

  constructor(code: FunctionWriter, fields: CachedFields, locals: RegionLocals, pending: PendingFlags) {
    this.code = code;
    this.#fields = fields;
    this.#locals = locals;
    this.#pending = pending;
  }

  /** The instruction that the following code is for. */
  begin(instruction: PlannedInstruction, exits: InstructionExits): void {
    this.#instruction = instruction;
    this.#exits = exits;
    this.#jumps = 0;
  }

  operand(): void {
    throw notSpecialised();
  }

  pc(): void {
    throw notSpecialised();
  }

  read(place: Place, type: ValueType, offset: number): void {
    const address = fixed(place) + offset;
    const at = this.#fields.find(address, type);
    if (at.kind === "field") {
      pushPart(this.code, this.#local(at.field), this.#fields.typeOf(at.field), type, at.offset);
      return;
    }
    this.code.i32(0);
    this.code.load(plainLoad[type], address);
  }

  write(place: Place, type: ValueType, offset: number, pushValue: () => void): void {
    const address = fixed(place) + offset;
    const at = this.#fields.find(address, type);
    if (at.kind === "field") {
      setPart(this.code, this.#local(at.field), this.#fields.typeOf(at.field), type, at.offset, pushValue);
      this.#pending.overwritten(at.field);
      return;
    }
    this.code.i32(0);
    pushValue();
    this.code.store(plainStore[type], address);
  }

  load(node: Extract<Node, { kind: "load" }>, pushAddress: () => void): void {
    const { code } = this;
    const address = code.takeLocal("i64");
    const entry = code.takeLocal("i32");
    pushAddress();
    code.set(address);
    this.#leaveUnlessHeld(address, entry, node.access);
    pushHostAddress(code, address, entry);
    code.load(node.operator, 0);
    code.releaseLocal("i32", entry);
    code.releaseLocal("i64", address);
  }

  store(
    statement: Extract<Statement, { kind: "store" }>,
    pushAddress: () => void,
    pushValue: () => void,
  ): void {
    const { code } = this;
    const address = code.takeLocal("i64");
    const entry = code.takeLocal("i32");
    pushAddress();
    code.set(address);
    this.#leaveUnlessHeld(address, entry, statement.access);
    pushHostAddress(code, address, entry);
    pushValue();
    code.store(statement.operator, 0);
    code.releaseLocal("i32", entry);
    code.releaseLocal("i64", address);
  }

  jump(pushTarget: () => void): void {
    const exit = this.#nextJump();
    if (exit.storesPc) {
      this.code.i32(0);
      pushTarget();
      this.code.store("i64.store", engineState.pc.place.address);
    }
    this.code.branch(exit.label);
  }

  jumpRelative(pushDistance: () => void): void {
    const from = this.#instruction?.address ?? 0n;
    this.jump(() => {
      this.code.i64(from);
      pushDistance();
      this.code.operator("i64.extend_i32_s");
      this.code.operator("i64.add");
    });
  }

  /** The interpreter executes the instruction from its start and makes the call. */
  host(): void {
    this.code.branch(this.#side());
  }

  raise(): void {
    this.code.branch(this.#side());
  }

  guard(statement: Extract<Statement, { kind: "guard" }>): void {
    this.read(statement.field, "i32", 0);
    this.code.branchIf(this.#side());
  }

  flags(statement: FlagsStatement, pushArgument: (index: number) => void): boolean {
    const instruction = this.#instruction;
    if (instruction?.effects.deferrable.has(statement) !== true) return false;
    const fieldOf = (write: Extract<Statement, { kind: "write" }>): number => {
      const at = this.#fields.find(fixed(write.place) + write.offset, write.type);
      if (at.kind !== "field") throw new RangeError("deferred flags are cached fields");
      return at.field;
    };
    this.#pending.defer(statement, instruction.meaning.nodeCount, fieldOf, pushArgument);
    return true;
  }

  #leaveUnlessHeld(address: number, entry: number, access: Access): void {
    const { code } = this;
    const pushTlb = (): void => {
      if (access.unprivileged) {
        code.i32(0);
        code.load("i32.load", engineState.unprivilegedTlb.place.address);
      } else {
        code.get(this.#locals.tlb);
      }
    };
    pushTlbHolds(code, pushTlb, address, entry, access);
    code.operator("i32.eqz");
    code.branchIf(this.#side());
  }

  #local(field: number): number {
    const local = this.#locals.fields.get(field);
    if (local === undefined) throw new RangeError(`the region has no local for field ${field}`);
    return local;
  }

  #side(): number {
    const { side } = this.#exits;
    if (side === undefined) throw new RangeError("the plan has no side exit for this instruction");
    return side;
  }

  #nextJump(): InstructionExits["jumps"][number] {
    const exit = this.#exits.jumps[this.#jumps++];
    if (exit === undefined) throw new RangeError("the plan lacks a jump of this instruction");
    return exit;
  }
}

function fixed(place: Place): number {
  if (place.kind !== "fixed") throw notSpecialised();
  return place.address;
}

function notSpecialised(): RangeError {
  return new RangeError("the instruction is not specialised");
}
