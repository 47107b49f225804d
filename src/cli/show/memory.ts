import { hex } from "./number.ts";

const ROW = 16;

/** Bytes as hexadecimal and text, sixteen in a line. */
export function showMemory(address: bigint, bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = bytes.subarray(at, at + ROW);
    const numbers = [...row].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = [...row]
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."))
      .join("");
    lines.push(`${hex(address + BigInt(at), 16)}  ${numbers.padEnd(ROW * 3 - 1)}  ${text}`);
  }
  return lines;
}
