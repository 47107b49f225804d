// Apart from interpreter.ts, which needs all that generates interpreters.
import type { Interpreter } from "../engine/interpreter/interpreter.ts";
import type { OperandSlot } from "../engine/operation.ts";

export type { Interpreter } from "../engine/interpreter/interpreter.ts";

/** What stands first in a file. */
interface Header {
  readonly fingerprint: string;
  readonly operations: number;
  readonly moduleBytes: number;
  /** Every list of operand slots there is; most operations share theirs with others. */
  readonly layouts: readonly (readonly OperandSlot[])[];
}

/** Bytes of the header's length, little-endian, at the file's beginning. */
const LENGTH_BYTES = 4;
/** Of each operation: handler number and number of its layout, 16 bits each, little-endian. */
const OPERATION_BYTES = 4;

/**
 * An interpreter as a file: length of the header, header in JSON, operations, WebAssembly module.
 * @param fingerprint of the sources it was generated from
 */
export function writeInterpreterFile(interpreter: Interpreter, fingerprint: string): Uint8Array {
  const { handlers, slots, module } = interpreter;
  const layouts = new Map<string, readonly OperandSlot[]>();
  for (const layout of slots) layouts.set(JSON.stringify(layout), layout);
  const names = [...layouts.keys()];
  const header: Header = {
    fingerprint,
    operations: slots.length,
    moduleBytes: module.length,
    layouts: [...layouts.values()],
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const operationsAt = LENGTH_BYTES + text.length;
  const moduleAt = operationsAt + OPERATION_BYTES * slots.length;
  const file = new Uint8Array(moduleAt + module.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, text.length, true);
  file.set(text, LENGTH_BYTES);
  slots.forEach((layout, i) => {
    view.setUint16(operationsAt + OPERATION_BYTES * i, handlers[i] ?? 0, true);
    view.setUint16(operationsAt + OPERATION_BYTES * i + 2, names.indexOf(JSON.stringify(layout)), true);
  });
  file.set(module, moduleAt);
  return file;
}

/** Reads what `writeInterpreterFile` wrote; undefined if it is damaged or of other sources. */
export function readInterpreter(file: Uint8Array<ArrayBuffer>, fingerprint: string): Interpreter | undefined {
  const header = readHeader(file);
  if (header?.header.fingerprint !== fingerprint) return undefined;
  const { operations, moduleBytes, layouts } = header.header;
  const moduleAt = header.end + OPERATION_BYTES * operations;
  if (file.length !== moduleAt + moduleBytes) return undefined;
  const view = new DataView(file.buffer, file.byteOffset);
  const handlers = new Uint16Array(operations);
  const slots: (readonly OperandSlot[])[] = [];
  for (let i = 0; i < operations; i++) {
    const at = header.end + OPERATION_BYTES * i;
    handlers[i] = view.getUint16(at, true);
    slots.push(layouts[view.getUint16(at + 2, true)] ?? []);
  }
  return { module: file.subarray(moduleAt), handlers, slots };
}

/** The fingerprint in a file that `writeInterpreterFile` wrote; undefined if it is damaged. */
export function fingerprintOf(file: Uint8Array<ArrayBuffer>): string | undefined {
  return readHeader(file)?.header.fingerprint;
}

function readHeader(
  file: Uint8Array<ArrayBuffer>,
): { readonly header: Header; readonly end: number } | undefined {
  if (file.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  try {
    return { header: JSON.parse(new TextDecoder().decode(file.subarray(LENGTH_BYTES, end))), end };
  } catch {
    return undefined;
  }
}
