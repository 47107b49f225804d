import { disassembleA64 } from "../../isa/arm64/disassemble.ts";
import { hex } from "./number.ts";

/** Code that can be shown. */
export interface CodeView {
  /** Bytes at an address; undefined where there are none. */
  read(address: bigint, length: number): Uint8Array | undefined;
  /** `name+0xoffset`; undefined where no symbol is. */
  describe(address: bigint): string | undefined;
}

const INSTRUCTION_BYTES = 4;

/**
 * Disassembles A64 code, a line each: address, word, instruction, and what a branch leads to.
 * @param count instructions
 * @param mark the address to point an arrow at
 */
export function showDisassembly(view: CodeView, address: bigint, count: number, mark?: bigint): string[] {
  const lines: string[] = [];
  let name: string | undefined;
  for (let n = 0; n < count; n++) {
    const at = address + BigInt(n * INSTRUCTION_BYTES);
    const bytes = view.read(at, INSTRUCTION_BYTES);
    if (bytes === undefined) {
      lines.push(`   ${hex(at, 16)}  (no memory)`);
      break;
    }
    const place = view.describe(at);
    const label = place?.replace(/\+0x[0-9a-f]+$/, "");
    if (label !== name && label !== undefined) lines.push(`${place}:`);
    name = label;
    const word = new DataView(bytes.buffer, bytes.byteOffset, INSTRUCTION_BYTES).getUint32(0, true);
    lines.push(`${at === mark ? "=>" : "  "} ${hex(at, 16)}  ${showInstruction(view, word, at)}`);
  }
  return lines;
}

function showInstruction(view: CodeView, word: number, address: bigint): string {
  const { mnemonic, operands } = disassembleA64(word, address);
  const target = /0x[0-9a-f]+$/.exec(operands)?.[0];
  const place = target !== undefined && !/[[#]/.test(operands) ? view.describe(BigInt(target)) : undefined;
  const text = operands === "" ? mnemonic : `${mnemonic.padEnd(7)} ${operands}`;
  return `${word.toString(16).padStart(8, "0")}  ${text}${place === undefined ? "" : `  <${place}>`}`;
}
