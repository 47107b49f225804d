import { after } from "../../awaitable.ts";
import { toHex } from "../../hex.ts";
import {
  formatHostInfo,
  formatMemoryRegion,
  formatProcessInfo,
  formatRegisterInfo,
} from "../../packets/lldb.ts";
import { lldbReasonOf, signalOf } from "../../packets/stopReply.ts";
import { parseThreadSelector } from "../../packets/threadId.ts";
import { refuse } from "../../refusal.ts";
import type { PacketEntry, PacketHandler } from "../context.ts";
import { RegisterBlock } from "../registerBlock.ts";

/** `QThreadSuffixSupported`: register packets may end in `;thread:id;`. Sent by LLDB only. */
const threadSuffix: PacketHandler = ({ client, reply }) => {
  client.reasons = true;
  reply.ok();
};

/** `QListThreadsInStopReply`. */
const listThreads: PacketHandler = ({ client, reply }) => {
  client.listThreads = true;
  reply.ok();
};

/** `QEnableErrorStrings`. */
const errorStrings: PacketHandler = ({ reply }) => {
  reply.errorStyle = "lldb-text";
  reply.ok();
};

/** `qRegisterInfo<n>`: the register numbered n; an error ends the list. */
const registerInfo: PacketHandler = ({ registers, reply }, packet) => {
  const regnum = packet.hexNumber();
  const placed = regnum === undefined || !packet.done ? undefined : registers.get(regnum);
  if (placed === undefined) reply.refuse(refuse("absent", "there are no more registers"));
  else reply.send(formatRegisterInfo(placed));
};

/** `qMemoryRegionInfo:addr`; without an address: is there such a packet? */
const memoryRegion: PacketHandler = (session, packet) => {
  const { reply, target } = session;
  if (target.memoryRegion === undefined) return reply.unsupported();
  if (packet.done) return reply.ok();
  const address = packet.accept(":") ? packet.hexBigInt() : undefined;
  if (address === undefined || !packet.done) {
    return reply.refuse(refuse("invalid", "qMemoryRegionInfo takes an address"));
  }
  const thread = session.threads.resolve();
  if (typeof thread !== "number") return reply.refuse(thread);
  return after(target.memoryRegion(thread, address), (region) => {
    if ("refused" in region) reply.refuse(region);
    else reply.send(formatMemoryRegion(region));
  });
};

/** `qWatchpointSupportInfo:`: how many there are. */
const watchpoints: PacketHandler = ({ reply, target }) => {
  const { breakpoints } = target;
  if (breakpoints?.watchpointCount === undefined) reply.unsupported();
  else reply.send(`num:${breakpoints.watchpointCount};`);
};

/** `jThreadsInfo`: all threads with why they stopped and the registers every view needs. */
const threadsInfo: PacketHandler = async (session) => {
  const { registers, reply, target } = session;
  const status = target.status();
  const block = new RegisterBlock(registers.expedited);
  const threads: Record<string, unknown>[] = [];
  for (const thread of target.threads()) {
    await block.read(target, thread.id);
    const values: Record<string, string> = {};
    block.registers.forEach((placed, index) => {
      const bytes = block.bytes(index);
      if (bytes !== undefined) values[String(placed.register.regnum)] = toHex(bytes);
    });
    const reason = status.kind === "stopped" && status.thread === thread.id ? status.reason : undefined;
    threads.push({
      tid: thread.id,
      name: thread.name,
      ...(reason === undefined ? {} : { signal: signalOf(reason), reason: lldbReasonOf(reason) ?? "signal" }),
      ...(reason?.kind === "signal" ? { description: reason.description } : {}),
      registers: values,
    });
  }
  reply.begin().anyText(JSON.stringify(threads)).end();
};

/** `qThreadStopInfo<id>`: the stop reply of one thread; signal 0 for one that stopped because another did. */
const threadStopInfo: PacketHandler = (session, packet) => {
  const { reply, target } = session;
  const selector = parseThreadSelector(packet);
  if (selector === undefined || !packet.done) return reply.refuse(refuse("invalid", "malformed thread-id"));
  const thread = session.threads.resolve(selector.thread);
  if (typeof thread !== "number") return reply.refuse(thread);
  const status = target.status();
  if (status.kind === "stopped" && status.thread === thread) return session.sendStop(status);
  const reason = { kind: "signal", signal: 0, description: "" } as const;
  return session.sendStop({ kind: "stopped", thread, reason });
};

/** LLDB: "GDB Remote Protocol Extensions". */
export const LLDB_PACKETS: readonly PacketEntry[] = [
  { name: "QThreadSuffixSupported", when: "always", handle: threadSuffix },
  { name: "QListThreadsInStopReply", when: "always", handle: listThreads },
  { name: "QEnableErrorStrings", when: "always", handle: errorStrings },
  {
    name: "qHostInfo",
    when: "always",
    handle: ({ registers, reply }) => reply.send(formatHostInfo(registers.architecture)),
  },
  {
    name: "qProcessInfo",
    when: "always",
    handle: ({ registers, reply }) => reply.send(formatProcessInfo(registers.architecture)),
  },
  { name: "qGDBServerVersion", when: "always", handle: ({ reply }) => reply.send("name:vmexit;version:1;") },
  { name: "qRegisterInfo", when: "always", handle: registerInfo },
  { name: "qMemoryRegionInfo", when: "stopped", handle: memoryRegion },
  { name: "qWatchpointSupportInfo", when: "always", handle: watchpoints },
  { name: "qThreadStopInfo", when: "stopped", handle: threadStopInfo },
  { name: "jThreadsInfo", when: "stopped", handle: threadsInfo },
];
