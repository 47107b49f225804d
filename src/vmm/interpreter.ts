import { type Interpreter, writeInterpreter } from "../engine/interpreter/interpreter.ts";
import { anyMemoryPages } from "../engine/memory.ts";
import type { InstructionSet, OperandSlot } from "../engine/operation.ts";

export type { Interpreter } from "../engine/interpreter/interpreter.ts";

/** Generates the interpreter of an instruction set, fit for machines of any memory size. */
export function makeInterpreter(set: InstructionSet): Interpreter {
  return writeInterpreter(set, anyMemoryPages);
}

/** What stands before the module in a file. */
interface Header {
  readonly fingerprint: string;
  readonly handlers: readonly number[];
  readonly slots: readonly (readonly OperandSlot[])[];
}

/** Bytes of the header's length, little-endian, at the file's beginning. */
const LENGTH_BYTES = 4;

/**
 * An interpreter as a file: length of the header, header in JSON, WebAssembly module.
 * @param fingerprint of the sources it was generated from
 */
export function writeInterpreterFile(interpreter: Interpreter, fingerprint: string): Uint8Array {
  const header: Header = {
    fingerprint,
    handlers: [...interpreter.handlers],
    slots: interpreter.slots,
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(LENGTH_BYTES + text.length + interpreter.module.length);
  new DataView(file.buffer).setUint32(0, text.length, true);
  file.set(text, LENGTH_BYTES);
  file.set(interpreter.module, LENGTH_BYTES + text.length);
  return file;
}

/** Reads what `writeInterpreterFile` wrote; undefined if it is damaged or of other sources. */
export function readInterpreter(file: Uint8Array<ArrayBuffer>, fingerprint: string): Interpreter | undefined {
  if (file.length < LENGTH_BYTES) return undefined;
  const moduleAt = LENGTH_BYTES + new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  let header: Header;
  try {
    header = JSON.parse(new TextDecoder().decode(file.subarray(LENGTH_BYTES, moduleAt)));
  } catch {
    return undefined;
  }
  if (header.fingerprint !== fingerprint || file.length <= moduleAt) return undefined;
  return {
    module: file.subarray(moduleAt),
    handlers: Uint16Array.from(header.handlers),
    slots: header.slots,
  };
}
