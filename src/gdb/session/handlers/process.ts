import { after } from "../../awaitable.ts";
import { parseRun } from "../../packets/run.ts";
import { PROCESS_ID } from "../../packets/threadId.ts";
import { refuse } from "../../refusal.ts";
import type { PacketEntry, PacketHandler, SessionContext } from "../context.ts";

const NO_PROCESS = refuse("no-thread", "there is no such process");

/** `!`: the connection outlives the guest. */
const extend: PacketHandler = ({ client, reply }) => {
  client.extended = true;
  reply.ok();
};

/** `D` or `D;pid`: lets go of the guest, which runs on. */
const detach: PacketHandler = async (session, packet) => {
  const { client, reply, target } = session;
  if (packet.accept(";") && packet.hexNumber() !== PROCESS_ID) return reply.refuse(NO_PROCESS);
  session.forgetRun();
  await session.removePlanted();
  const outcome = client.attached ? await target.detach() : "done";
  if (outcome !== "done") return reply.refuse(outcome);
  client.attached = false;
  reply.ok();
};

/** Ends the machine; without that capability the client just leaves. */
async function end(session: SessionContext): Promise<void> {
  const { target } = session;
  session.forgetRun();
  await session.removePlanted();
  await target.kill?.kill();
  session.client.attached = false;
}

/** `k`: has no reply. */
const kill: PacketHandler = async (session) => {
  await end(session);
  if (!session.client.extended) session.hangUp();
};

/** `vKill;pid`. */
const vKill: PacketHandler = async (session, packet) => {
  const { reply } = session;
  if (session.target.kill === undefined) return reply.unsupported();
  if (!packet.accept(";") || packet.hexNumber() !== PROCESS_ID) return reply.refuse(NO_PROCESS);
  await end(session);
  reply.ok();
};

/** `vRun;file;argument…`: starts the machine anew. */
const run: PacketHandler = async (session, packet) => {
  const { client, reply, target } = session;
  if (target.restart === undefined) return reply.unsupported();
  const words = parseRun(packet);
  if (words === undefined) return reply.refuse(refuse("invalid", "malformed vRun packet"));
  const outcome = await target.restart.restart(words);
  if (outcome !== "done") return reply.refuse(outcome);
  client.attached = true;
  return session.sendStop(await session.halt());
};

/** `R`: starts the machine anew; has no reply, the client asks with `?`. */
const restart: PacketHandler = async (session) => {
  const { client, target } = session;
  if (target.restart === undefined) return session.reply.unsupported();
  if ((await target.restart.restart([])) === "done") client.attached = true;
};

/** `vAttach;pid`: takes hold of the guest again after a detach. */
const attach: PacketHandler = (session, packet) => {
  const { client, reply } = session;
  if (!packet.accept(";") || packet.hexNumber() !== PROCESS_ID) return reply.refuse(NO_PROCESS);
  client.attached = true;
  return after(session.halt(), (event) => session.sendStop(event));
};

/** `qAttached`: 1, so that a gdb that quits detaches instead of killing the machine. */
const attached: PacketHandler = ({ reply }) => reply.send("1");

/** `vCtrlC`: as 0x03, but answered. */
const interrupt: PacketHandler = ({ reply, target }) => {
  target.interrupt();
  reply.ok();
};

/** gdb: "Packets": the life of the guest. */
export const PROCESS_PACKETS: readonly PacketEntry[] = [
  { name: "!", when: "always", handle: extend },
  { name: "D", when: "always", handle: detach },
  { name: "k", when: "always", handle: kill },
  { name: "vKill", when: "always", handle: vKill },
  { name: "vRun", when: "always", handle: run },
  { name: "R", when: "always", handle: restart },
  { name: "vAttach", when: "always", handle: attach },
  { name: "qAttached", when: "always", handle: attached },
  { name: "vCtrlC", when: "always", handle: interrupt },
];
