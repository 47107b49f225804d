import type { BreakpointCommands, BreakpointKind, BreakpointRequest } from "../target.ts";
import type { PacketCursor } from "./cursor.ts";

const KINDS: readonly BreakpointKind[] = [
  "software",
  "hardware",
  "watch-write",
  "watch-read",
  "watch-access",
];

/** What `z` names. */
export type BreakpointName = Pick<BreakpointRequest, "kind" | "address" | "length">;

/** Parses what follows the letter of `z`: `type,addr,kind`. "unknown" for a type that does not exist. */
export function parseBreakpointName(packet: PacketCursor): BreakpointName | "unknown" | undefined {
  const type = packet.hexNumber();
  if (type === undefined || !packet.accept(",")) return undefined;
  const kind = KINDS[type];
  if (kind === undefined) return "unknown";
  const address = packet.hexBigInt();
  if (address === undefined || !packet.accept(",")) return undefined;
  const length = packet.hexNumber();
  return length === undefined ? undefined : { kind, address, length };
}

/**
 * Parses what follows the letter of `Z`: `type,addr,kind` and then `;X<len>,<bytecode>…` for conditions and
 * `;cmds:<persist>,X<len>,<bytecode>…` for commands, in this order.
 */
export function parseBreakpointRequest(packet: PacketCursor): BreakpointRequest | "unknown" | undefined {
  const name = parseBreakpointName(packet);
  if (name === undefined || name === "unknown") return name;
  const conditions: Uint8Array[] = [];
  let commands: BreakpointCommands | undefined;
  while (!packet.done) {
    // gdb 13 puts a semicolon before each list and none inside of one.
    packet.accept(";");
    if (packet.accept("cmds:")) {
      const persist = packet.hexNumber();
      if (persist === undefined || !packet.accept(",")) return undefined;
      const expressions: Uint8Array[] = [];
      if (!parseExpressions(packet, expressions)) return undefined;
      commands = { persist: persist !== 0, expressions };
    } else {
      const before = conditions.length;
      if (!parseExpressions(packet, conditions) || conditions.length === before) return undefined;
    }
  }
  return { ...name, conditions, commands };
}

function parseExpressions(packet: PacketCursor, into: Uint8Array[]): boolean {
  while (packet.accept("X")) {
    const length = packet.hexNumber();
    if (length === undefined || !packet.accept(",")) return false;
    const bytecode = packet.hexBytes(length);
    if (bytecode === undefined) return false;
    into.push(bytecode);
    if (!packet.accept(",") && packet.peek() !== 0x58) break;
  }
  return true;
}
