import { after } from "../../awaitable.ts";
import { parseBreakpointName, parseBreakpointRequest } from "../../packets/breakpoints.ts";
import { refuse } from "../../refusal.ts";
import type { PacketEntry, PacketHandler } from "../context.ts";

const MALFORMED = refuse("invalid", "malformed breakpoint packet");
const NO_EXPRESSIONS = refuse("unsupported", "this target evaluates no conditions; gdb has to");

/** `Z`: plants a breakpoint. Planting it twice is planting it once, with the newer conditions. */
const insert: PacketHandler = (session, packet) => {
  const { reply } = session;
  const request = parseBreakpointRequest(packet);
  if (request === undefined) return reply.refuse(MALFORMED);
  const capability = session.target.breakpoints;
  if (request === "unknown" || capability?.kinds.has(request.kind) !== true) return reply.unsupported();
  if (!capability.evaluatesExpressions && (request.conditions.length > 0 || request.commands !== undefined)) {
    return reply.refuse(NO_EXPRESSIONS);
  }
  return after(capability.insert(request), (outcome) => {
    if (outcome !== "done") return reply.refuse(outcome);
    if (session.planted.add(request)) return reply.ok();
    return after(capability.remove(request.kind, request.address, request.length), () => undefined);
  });
};

/** `z`: removes a breakpoint. One that is not there is removed already. */
const remove: PacketHandler = (session, packet) => {
  const { planted, reply } = session;
  const name = parseBreakpointName(packet);
  if (name === undefined || (name !== "unknown" && !packet.done)) return reply.refuse(MALFORMED);
  const capability = session.target.breakpoints;
  if (name === "unknown" || capability?.kinds.has(name.kind) !== true) return reply.unsupported();
  if (!planted.has(name)) return reply.ok();
  return after(capability.remove(name.kind, name.address, name.length), (outcome) => {
    if (outcome !== "done") return reply.refuse(outcome);
    planted.delete(name);
    reply.ok();
  });
};

/** gdb: "Packets": Z0–Z4, z0–z4. */
export const BREAKPOINT_PACKETS: readonly PacketEntry[] = [
  { name: "Z", when: "stopped", handle: insert },
  { name: "z", when: "stopped", handle: remove },
];
