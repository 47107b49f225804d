import { ByteWriter } from "../../../src/engine/wasm/bytes.ts";

function count(bytes: Uint8Array, write: (w: ByteWriter) => void): number {
  const writer = new ByteWriter();
  write(writer);
  const wanted = writer.finish();
  let found = 0;
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) found++;
  }
  return found;
}

/** How often a module has `i64.const value`. */
export function constants(module: Uint8Array, value: bigint): number {
  return count(module, (w) => {
    w.byte(0x42);
    w.signed64(value);
  });
}

function accesses(module: Uint8Array, opcode: number, address: number): number {
  return count(module, (w) => {
    w.byte(opcode);
    w.byte(0);
    w.unsigned(address);
  });
}

/** How often a module has an `i64.load` from this fixed address. */
export const loadsOf = (module: Uint8Array, address: number): number => accesses(module, 0x29, address);

/** How often a module has an `i32.load` from this fixed address. */
export const wordLoadsOf = (module: Uint8Array, address: number): number => accesses(module, 0x28, address);

/** How often a module has an `i64.store` to this fixed address. */
export const storesTo = (module: Uint8Array, address: number): number => accesses(module, 0x37, address);
