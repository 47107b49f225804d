import type { Builder, FlagModel } from "./ir/builder.ts";
import type { Signature, ValueType } from "./wasm/types.ts";

/** What a decoded operand is: the 16-bit address of a register, or an integer. */
export type OperandKind = "register" | "i32" | "i64";

/** One guest operation: what the interpreter has a handler for and the region compiler a translation. */
export interface Operation {
  readonly name: string;
  readonly operands: readonly OperandKind[];
  /** Says what the operation does. */
  readonly meaning: (b: Builder) => void;
  /** Worth a place in the interpreter's main function. */
  readonly hot: boolean;
}

/** A decoded instruction: the operation's number and its operands in order. */
export interface DecodedInstruction {
  readonly operation: number;
  readonly operands: readonly (number | bigint)[];
}

/** A piece of guest state that compiled code may keep in a WebAssembly local while it runs. */
export interface CachedState {
  /** Address in the state window. */
  readonly address: number;
  /** The type it is mostly read and written as. */
  readonly type: ValueType;
}

/** Everything the engine needs to know of an instruction set. */
export interface InstructionSet {
  readonly name: string;
  readonly operations: readonly Operation[];
  /** Number of the operation that raises the undefined-instruction exception. */
  readonly undefinedOperation: number;
  readonly flags: FlagModel;
  /** Registers and flags, as far as compiled regions keep them in locals; no two overlap. Other state stays in memory. */
  readonly cachedState: readonly CachedState[];
  /** Calls out of WebAssembly that the operations make, by name. */
  readonly hostCalls: Readonly<Record<string, Signature>>;
  /** Bytes between instruction addresses; each has a decoded record. */
  readonly instructionBytes: 4;
  /** Decodes one instruction word; undefined means the word is not an instruction. */
  decode(word: number): DecodedInstruction | undefined;
}

/** Where each operand of an operation lies in a record. */
export interface OperandSlot {
  readonly kind: OperandKind;
  readonly offset: number;
}

/**
 * Packs operands into the fourteen bytes after a record's handler number: 64-bit ones at 8, 32-bit ones at 12, 8, 4,
 * register addresses in what is left from 2 upwards. Throws when they do not fit: a mistake in the instruction set.
 */
export function packOperands(operation: Pick<Operation, "name" | "operands">): readonly OperandSlot[] {
  const used = new Array<boolean>(16).fill(false);
  used[0] = used[1] = true;
  const slots: (OperandSlot | undefined)[] = operation.operands.map(() => undefined);
  const place = (kind: OperandKind, bytes: number, candidates: readonly number[]): void => {
    operation.operands.forEach((operand, i) => {
      if (operand !== kind) return;
      const offset = candidates.find((at) => !used.slice(at, at + bytes).includes(true));
      if (offset === undefined) throw new RangeError(`operands of ${operation.name} do not fit a record`);
      used.fill(true, offset, offset + bytes);
      slots[i] = { kind, offset };
    });
  };
  place("i64", 8, [8]);
  place("i32", 4, [12, 8, 4]);
  place("register", 2, [2, 4, 6, 8, 10, 12, 14]);
  return slots.map((slot) => slot ?? { kind: "i32", offset: 0 });
}
