import type { PacketCursor } from "../../packets/cursor.ts";
import { isOurProcess, parseThreadSelector, writeThreadId } from "../../packets/threadId.ts";
import { refuse } from "../../refusal.ts";
import type { ThreadId } from "../../target.ts";
import type { PacketEntry, PacketHandler, SessionContext } from "../context.ts";

const MALFORMED = refuse("invalid", "malformed thread-id");

/** The one vCPU a packet names, or undefined after having replied with the error. */
function namedThread(session: SessionContext, packet: PacketCursor): ThreadId | undefined {
  const selector = parseThreadSelector(packet);
  if (selector === undefined || !packet.done) {
    session.reply.refuse(MALFORMED);
    return undefined;
  }
  if (!isOurProcess(selector.process)) {
    session.reply.refuse(refuse("no-thread", "there is no such process"));
    return undefined;
  }
  const thread = session.threads.resolve(selector.thread);
  if (typeof thread === "number") return thread;
  session.reply.refuse(thread);
  return undefined;
}

/** `H op thread-id`. */
const select: PacketHandler = (session, packet) => {
  const { reply, threads } = session;
  const operation = String.fromCharCode(packet.take() & 0x7f);
  const selector = parseThreadSelector(packet);
  if (selector === undefined || !packet.done) return reply.refuse(MALFORMED);
  const { thread } = selector;
  if (!isOurProcess(selector.process) || (typeof thread === "number" && !threads.exists(thread))) {
    return reply.refuse(refuse("no-thread", "there is no such thread"));
  }
  if (operation === "g") threads.general = thread;
  else if (operation === "c") threads.resume = thread;
  else return reply.refuse(refuse("invalid", `H has no operation ${operation}`));
  reply.ok();
};

/** `T thread-id`: is it alive? */
const alive: PacketHandler = (session, packet) => {
  if (namedThread(session, packet) !== undefined) session.reply.ok();
};

/** `qC`: the current thread. */
const current: PacketHandler = (session) => {
  const { client, reply } = session;
  const thread = session.threads.resolve();
  if (typeof thread !== "number") return reply.refuse(thread);
  writeThreadId(reply.begin().text("QC"), thread, client.multiprocess).end();
};

/** `qfThreadInfo`: all threads at once. */
const list: PacketHandler = (session) => {
  const { client, reply, target } = session;
  const threads = client.attached ? target.threads() : [];
  reply.begin().text(threads.length > 0 ? "m" : "l");
  threads.forEach((thread, index) => {
    if (index > 0) reply.text(",");
    writeThreadId(reply, thread.id, client.multiprocess);
  });
  reply.end();
};

/** `qThreadExtraInfo,thread-id`: one line on it. */
const describe: PacketHandler = (session, packet) => {
  const { reply, target } = session;
  packet.accept(",");
  const id = namedThread(session, packet);
  if (id === undefined) return;
  const thread = target.threads().find((candidate) => candidate.id === id);
  const detail = thread?.detail;
  reply
    .begin()
    .hexText(`${thread?.name ?? ""}${detail === undefined ? "" : ` ${detail}`}`)
    .end();
};

/** gdb: "Packets" and "General Query Packets": threads. */
export const THREAD_PACKETS: readonly PacketEntry[] = [
  { name: "H", when: "always", handle: select },
  { name: "T", when: "always", handle: alive },
  { name: "qC", when: "always", handle: current },
  { name: "qfThreadInfo", when: "always", handle: list },
  { name: "qsThreadInfo", when: "always", handle: (session) => session.reply.send("l") },
  { name: "qThreadExtraInfo", when: "always", handle: describe },
];
