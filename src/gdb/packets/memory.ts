import type { PacketCursor } from "./cursor.ts";

/** `m addr,length` and `x addr,length`. */
export interface MemoryRead {
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
}

/** `M addr,length:hex` and `X addr,length:binary`. */
export interface MemoryWrite {
  readonly address: bigint;
  /** For `X`, valid as long as the packet is. */
  readonly bytes: Uint8Array;
}

/** Parses what follows the letter of `m` and `x`; undefined if malformed. */
export function parseMemoryRead(packet: PacketCursor): MemoryRead | undefined {
  const range = parseRange(packet);
  return range !== undefined && packet.done ? range : undefined;
}

/** Parses what follows the letter of `M`; undefined if malformed or if the data has another length than said. */
export function parseMemoryWriteHex(packet: PacketCursor): MemoryWrite | undefined {
  const range = parseRange(packet);
  if (range === undefined || !packet.accept(":")) return undefined;
  const bytes = packet.hexBytes(range.length);
  return bytes === undefined || !packet.done ? undefined : { address: range.address, bytes };
}

/** Parses what follows the letter of `X`; undefined if malformed or if the data has another length than said. */
export function parseMemoryWriteBinary(packet: PacketCursor): MemoryWrite | undefined {
  const range = parseRange(packet);
  if (range === undefined || !packet.accept(":") || packet.left !== range.length) return undefined;
  return { address: range.address, bytes: packet.rest() };
}

function parseRange(packet: PacketCursor): MemoryRead | undefined {
  const address = packet.hexBigInt();
  if (address === undefined || !packet.accept(",")) return undefined;
  const length = packet.hexNumber();
  return length === undefined ? undefined : { address, length };
}
