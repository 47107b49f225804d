import type { ThreadId } from "../target.ts";
import type { PacketWriter } from "../writer.ts";
import type { PacketCursor } from "./cursor.ts";

/** The only process: the machine. */
export const PROCESS_ID = 1;

/** The threads a packet means: one, or any (`0`), or all (`-1`). */
export type ThreadSelector = ThreadId | "any" | "all";

/** A thread-id: `p<pid>.<tid>`, `p<pid>` (all its threads) or `<tid>`; undefined if malformed. */
export function parseThreadSelector(
  packet: PacketCursor,
): { readonly process: ThreadSelector; readonly thread: ThreadSelector } | undefined {
  if (!packet.accept("p")) {
    const thread = parsePart(packet);
    return thread === undefined ? undefined : { process: "any", thread };
  }
  const process = parsePart(packet);
  if (process === undefined) return undefined;
  if (!packet.accept(".")) return { process, thread: "all" };
  const thread = parsePart(packet);
  return thread === undefined ? undefined : { process, thread };
}

function parsePart(packet: PacketCursor): ThreadSelector | undefined {
  if (packet.accept("-1")) return "all";
  const id = packet.hexNumber();
  return id === 0 ? "any" : id;
}

/** Whether a selector's process part means our only process. */
export function isOurProcess(process: ThreadSelector): boolean {
  return process === "any" || process === "all" || process === PROCESS_ID;
}

/** Appends a thread-id, in the form the client asked for. */
export function writeThreadId(reply: PacketWriter, thread: ThreadId, multiprocess: boolean): PacketWriter {
  if (multiprocess) reply.text("p").hex(PROCESS_ID).text(".");
  return reply.hex(thread);
}
