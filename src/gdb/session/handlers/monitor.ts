import { after } from "../../awaitable.ts";
import { refuse } from "../../refusal.ts";
import type { PacketEntry, PacketHandler } from "../context.ts";

/** `qRcmd,hex`: a monitor command. Its output comes as `O` packets while it works. */
const command: PacketHandler = (session, packet) => {
  const { reply, target } = session;
  const { monitor } = target;
  if (monitor === undefined) return reply.unsupported();
  const line = packet.accept(",") ? packet.hexText() : undefined;
  if (line === undefined) return reply.refuse(refuse("invalid", "malformed qRcmd packet"));
  const work = session.abortable((signal) => monitor.execute(line, (text) => session.print(text), signal));
  return after(work, (outcome) => {
    if (outcome === "done") return reply.ok();
    // gdb before 16 shows a number only.
    if (reply.errorStyle === "number") session.print(`${outcome.detail}\n`);
    reply.refuse(outcome);
  });
};

/** gdb: "General Query Packets": qRcmd. */
export const MONITOR_PACKETS: readonly PacketEntry[] = [{ name: "qRcmd", when: "always", handle: command }];
