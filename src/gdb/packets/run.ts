import type { PacketCursor } from "./cursor.ts";

/** Parses what follows `vRun`: `;filename;argument…`, each in hex. Returns the words, the file name first. */
export function parseRun(packet: PacketCursor): readonly string[] | undefined {
  const words: string[] = [];
  while (packet.accept(";")) {
    const bytes = packet.hexBytes();
    if (bytes === undefined) return undefined;
    words.push(new TextDecoder().decode(bytes));
  }
  return packet.done ? words : undefined;
}
