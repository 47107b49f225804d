import { after } from "../../awaitable.ts";
import { hexValue } from "../../hex.ts";
import { PacketCursor } from "../../packets/cursor.ts";
import {
  parseRegisterRead,
  parseRegistersWrite,
  parseRegisterWrite,
  parseThreadSuffix,
} from "../../packets/registers.ts";
import { refuse } from "../../refusal.ts";
import type { PacketEntry, PacketHandler } from "../context.ts";

const MALFORMED = refuse("invalid", "malformed register packet");

/** `g`: all general registers. */
const readAll: PacketHandler = (session, packet) => {
  const { reply, target, threads } = session;
  const suffix = parseThreadSuffix(packet);
  if (suffix === "malformed") return reply.refuse(MALFORMED);
  const thread = threads.resolve(suffix);
  if (typeof thread !== "number") return reply.refuse(thread);
  return after(session.generalBlock.read(target, thread), () => {
    reply.begin();
    session.generalBlock.write(reply);
    reply.end();
  });
};

/** `G`: writes all general registers; digits `x` leave a register alone. */
const writeAll: PacketHandler = async (session, packet) => {
  const { reply, registers, target, threads } = session;
  const write = parseRegistersWrite(packet);
  if (write === undefined) return reply.refuse(MALFORMED);
  const thread = threads.resolve(write.thread);
  if (typeof thread !== "number") return reply.refuse(thread);
  const { digits } = write;
  if (digits.length !== registers.generalBytes * 2) {
    return reply.refuse(refuse("invalid", `G needs ${registers.generalBytes} bytes`));
  }
  const values: { readonly regnum: number; readonly bytes: Uint8Array }[] = [];
  for (const placed of registers.general) {
    const part = digits.subarray(placed.offset * 2, (placed.offset + placed.bytes) * 2);
    if (part.every((digit) => digit === 0x78)) continue;
    const bytes = part.every((digit) => hexValue(digit) >= 0) ? new PacketCursor(part).hexBytes() : undefined;
    if (bytes === undefined) return reply.refuse(MALFORMED);
    values.push({ regnum: placed.register.regnum, bytes });
  }
  for (const { regnum, bytes } of values) {
    const outcome = await target.writeRegister(thread, regnum, bytes);
    if (outcome !== "done") return reply.refuse(outcome);
  }
  reply.ok();
};

/** `p`: one register. */
const readOne: PacketHandler = (session, packet) => {
  const { reply, scratch } = session;
  const read = parseRegisterRead(packet);
  if (read === undefined) return reply.refuse(MALFORMED);
  const thread = session.threads.resolve(read.thread);
  if (typeof thread !== "number") return reply.refuse(thread);
  const placed = session.registers.get(read.regnum);
  if (placed === undefined) return reply.refuse(refuse("invalid", `there is no register ${read.regnum}`));
  const into = scratch.subarray(0, placed.bytes);
  return after(session.target.readRegister(thread, read.regnum, into), (outcome) => {
    if (outcome === "done") reply.begin().hexBytes(into).end();
    else if (outcome === "unavailable") {
      reply
        .begin()
        .unavailable(placed.bytes * 2)
        .end();
    } else reply.refuse(outcome);
  });
};

/** `P`: writes one register. */
const writeOne: PacketHandler = (session, packet) => {
  const { reply } = session;
  const write = parseRegisterWrite(packet);
  if (write === undefined) return reply.refuse(MALFORMED);
  const thread = session.threads.resolve(write.thread);
  if (typeof thread !== "number") return reply.refuse(thread);
  const placed = session.registers.get(write.regnum);
  if (placed === undefined) return reply.refuse(refuse("invalid", `there is no register ${write.regnum}`));
  if (write.bytes.length !== placed.bytes) {
    const { name } = placed.register;
    return reply.refuse(refuse("invalid", `${name} has ${placed.bytes} bytes, not ${write.bytes.length}`));
  }
  return after(session.target.writeRegister(thread, write.regnum, write.bytes), (outcome) => {
    if (outcome === "done") reply.ok();
    else reply.refuse(outcome);
  });
};

/** gdb: "Packets": g, G, p, P. */
export const REGISTER_PACKETS: readonly PacketEntry[] = [
  { name: "g", when: "stopped", handle: readAll },
  { name: "G", when: "stopped", handle: writeAll },
  { name: "p", when: "stopped", handle: readOne },
  { name: "P", when: "stopped", handle: writeOne },
];
