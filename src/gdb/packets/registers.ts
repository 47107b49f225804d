import type { ThreadId } from "../target.ts";
import type { PacketCursor } from "./cursor.ts";

/** `p n` and `g`. `thread` is LLDB's `;thread:` suffix, if there was one. */
export interface RegisterRead {
  readonly regnum: number;
  readonly thread: ThreadId | undefined;
}

/** `P n=hex`. */
export interface RegisterWrite extends RegisterRead {
  readonly bytes: Uint8Array;
}

/** `G hex`: all registers of the `g` packet one after the other. */
export interface RegistersWrite {
  /** Hex digits, or `x` for a register to leave alone; valid as long as the packet is. */
  readonly digits: Uint8Array;
  readonly thread: ThreadId | undefined;
}

const SEMICOLON = 0x3b;

/** LLDB's thread suffix (`QThreadSuffixSupported`): `;thread:<hex id>;`. "malformed" if it is something else. */
export function parseThreadSuffix(packet: PacketCursor): ThreadId | undefined | "malformed" {
  packet.accept(";");
  if (packet.done) return undefined;
  if (!packet.accept("thread:")) return "malformed";
  if (packet.accept("p")) {
    packet.hexNumber();
    packet.accept(".");
  }
  const thread = packet.hexNumber();
  packet.accept(";");
  return thread === undefined || !packet.done ? "malformed" : thread;
}

/** Parses what follows the letter of `p`. */
export function parseRegisterRead(packet: PacketCursor): RegisterRead | undefined {
  const regnum = packet.hexNumber();
  if (regnum === undefined) return undefined;
  const thread = parseThreadSuffix(packet);
  return thread === "malformed" ? undefined : { regnum, thread };
}

/** Parses what follows the letter of `P`. */
export function parseRegisterWrite(packet: PacketCursor): RegisterWrite | undefined {
  const regnum = packet.hexNumber();
  if (regnum === undefined || !packet.accept("=")) return undefined;
  const bytes = packet.hexBytes();
  if (bytes === undefined) return undefined;
  const thread = parseThreadSuffix(packet);
  return thread === "malformed" ? undefined : { regnum, bytes, thread };
}

/** Parses what follows the letter of `G`. */
export function parseRegistersWrite(packet: PacketCursor): RegistersWrite | undefined {
  const all = packet.rest();
  const semicolon = all.indexOf(SEMICOLON);
  if (semicolon < 0) return { digits: all, thread: undefined };
  packet.reset(all.subarray(semicolon), all.length - semicolon);
  const thread = parseThreadSuffix(packet);
  return thread === "malformed" ? undefined : { digits: all.subarray(0, semicolon), thread };
}
