import type { PacketWriter } from "../writer.ts";
import type { PacketCursor } from "./cursor.ts";

/** `qXfer:object:read:annex:offset,length`. */
export interface TransferRead {
  readonly object: string;
  readonly annex: string;
  readonly offset: number;
  readonly length: number;
}

/** Parses what follows `qXfer`. "unsupported" for anything but a read; undefined if malformed. */
export function parseTransfer(packet: PacketCursor): TransferRead | "unsupported" | undefined {
  if (!packet.accept(":")) return undefined;
  const object = packet.until(":");
  if (packet.until(":") !== "read") return "unsupported";
  const annex = packet.until(":");
  const offset = packet.hexNumber();
  if (offset === undefined || !packet.accept(",")) return undefined;
  const length = packet.hexNumber();
  return length === undefined || !packet.done ? undefined : { object, annex, offset, length };
}

/** Appends the part of `document` that was asked for: `m` if more follows, `l` if not. `most` bytes at most. */
export function writeTransfer(
  reply: PacketWriter,
  document: Uint8Array,
  read: TransferRead,
  most: number,
): void {
  const start = Math.min(read.offset, document.length);
  const end = Math.min(start + Math.min(read.length, most), document.length);
  reply.text(end < document.length ? "m" : "l").binary(document, start, end);
}
