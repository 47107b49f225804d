import { type Awaitable, after } from "../../awaitable.ts";
import type { PacketCursor } from "../../packets/cursor.ts";
import {
  type MemoryRead,
  type MemoryWrite,
  parseMemoryRead,
  parseMemoryWriteBinary,
  parseMemoryWriteHex,
} from "../../packets/memory.ts";
import { refuse } from "../../refusal.ts";
import type { PacketEntry, PacketHandler, SessionContext } from "../context.ts";

const MALFORMED = refuse("invalid", "malformed memory packet");

function unmapped(session: SessionContext, address: bigint) {
  const space = session.client.physical ? "physical " : "";
  return refuse("unmapped", `${space}address 0x${address.toString(16)} is not mapped`);
}

function read(
  session: SessionContext,
  request: MemoryRead,
  most: number,
  send: (bytes: Uint8Array) => void,
): Awaitable<void> {
  const { reply, target } = session;
  const thread = session.threads.resolve();
  if (typeof thread !== "number") return reply.refuse(thread);
  const into = session.scratch.subarray(0, Math.min(request.length, most));
  const physical = session.client.physical ? target.physicalMemory : undefined;
  const count =
    physical === undefined
      ? target.readMemory(thread, request.address, into)
      : physical.read(request.address, into);
  return after(count, (bytes) => {
    if (bytes > 0) send(into.subarray(0, bytes));
    else reply.refuse(unmapped(session, request.address));
  });
}

/** `m`: reads memory; fewer bytes than asked for come when the rest is unmapped or too long for a packet. */
const readHex: PacketHandler = (session, packet) => {
  const { reply } = session;
  const request = parseMemoryRead(packet);
  if (request === undefined || request.length === 0) return reply.refuse(MALFORMED);
  return read(session, request, session.packetSize >> 1, (bytes) => reply.begin().hexBytes(bytes).end());
};

/** `x`: reads memory in binary. The reply begins with `b` (gdb 16, LLDB 20), or not (older LLDB). */
const readBinary: PacketHandler = (session, packet) => {
  const { client, reply } = session;
  const request = parseMemoryRead(packet);
  if (request === undefined) return reply.refuse(MALFORMED);
  if (request.length === 0) {
    // LLDB before 20 asks this way whether there is an x packet, and then expects bare data.
    if (request.address === 0n) {
      client.bareBinary = true;
      return reply.ok();
    }
    return reply.begin().text("b").end();
  }
  return read(session, request, session.packetSize - 1, (bytes) => {
    reply
      .begin()
      .text(client.bareBinary ? "" : "b")
      .binary(bytes)
      .end();
  });
};

function writer(parse: (packet: PacketCursor) => MemoryWrite | undefined): PacketHandler {
  return (session, packet) => {
    const { reply, target } = session;
    const request = parse(packet);
    if (request === undefined) return reply.refuse(MALFORMED);
    // gdb asks this way whether there is an X packet.
    if (request.bytes.length === 0) return reply.ok();
    const thread = session.threads.resolve();
    if (typeof thread !== "number") return reply.refuse(thread);
    const { address, bytes } = request;
    const physical = session.client.physical ? target.physicalMemory : undefined;
    const count =
      physical === undefined ? target.writeMemory(thread, address, bytes) : physical.write(address, bytes);
    return after(count, (written) => {
      if (written === bytes.length) reply.ok();
      else reply.refuse(unmapped(session, address + BigInt(written)));
    });
  };
}

/** gdb: "Packets": m, x, M, X. */
export const MEMORY_PACKETS: readonly PacketEntry[] = [
  { name: "m", when: "stopped", handle: readHex },
  { name: "x", when: "stopped", handle: readBinary },
  { name: "M", when: "stopped", handle: writer(parseMemoryWriteHex) },
  { name: "X", when: "stopped", handle: writer(parseMemoryWriteBinary) },
];
