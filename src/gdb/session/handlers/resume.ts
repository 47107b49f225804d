import { after } from "../../awaitable.ts";
import type { PacketCursor } from "../../packets/cursor.ts";
import type { ThreadSelector } from "../../packets/threadId.ts";
import { parseVCont, type ThreadAction, VCONT_ACTIONS } from "../../packets/vcont.ts";
import { refuse } from "../../refusal.ts";
import type { ResumeAction, Target, ThreadId, ThreadResume } from "../../target.ts";
import type { PacketEntry, PacketHandler, SessionContext } from "../context.ts";

const MALFORMED = refuse("invalid", "malformed resume packet");
const NOTHING_RUNS = refuse("invalid", "no thread would run");
const STOP: ResumeAction = { kind: "stop" };

/**
 * What each vCPU does: the leftmost action that names it, or nothing (gdb: "vCont": threads without an action stay
 * as they are). "any" names the current thread.
 */
export function planResume(
  target: Target,
  actions: readonly ThreadAction[],
  current: ThreadId,
): readonly ThreadResume[] {
  return target.threads().map(({ id }) => {
    for (const { action, threads } of actions) {
      if (threads === "all" || threads === id || (threads === "any" && id === current)) {
        return { thread: id, action };
      }
    }
    return { thread: id, action: STOP };
  });
}

function resume(session: SessionContext, actions: readonly ThreadAction[]) {
  const { reply, target } = session;
  const current = session.threads.resolve();
  if (typeof current !== "number") return reply.refuse(current);
  for (const { threads } of actions) {
    if (typeof threads === "number" && !session.threads.exists(threads)) {
      return reply.refuse(refuse("no-thread", `there is no thread ${threads}`));
    }
  }
  const plan = planResume(target, actions, current);
  if (plan.every(({ action }) => action.kind === "stop")) return reply.refuse(NOTHING_RUNS);
  return session.run(() => target.resume(plan));
}

/** `vCont?` and `vCont;…`. */
const vCont: PacketHandler = (session, packet) => {
  if (packet.accept("?")) return session.reply.send(VCONT_ACTIONS);
  const actions = parseVCont(packet);
  return actions === undefined ? session.reply.refuse(MALFORMED) : resume(session, actions);
};

/** Parses `[addr]` or, with a signal, `sig[;addr]`. */
function parseLegacy(
  packet: PacketCursor,
  withSignal: boolean,
): { readonly signal: number; readonly address: bigint | undefined } | undefined {
  let signal = 0;
  if (withSignal) {
    const number = packet.hexNumber();
    if (number === undefined || (!packet.done && !packet.accept(";"))) return undefined;
    signal = number;
  }
  if (packet.done) return { signal, address: undefined };
  const address = packet.hexBigInt();
  return address === undefined || !packet.done ? undefined : { signal, address };
}

/** `c`, `C`, `s`, `S`: act on the thread of `Hc`; on all, with only the current one stepping, if that is not one. */
function legacy(kind: "continue" | "step", withSignal: boolean): PacketHandler {
  return (session, packet) => {
    const { registers, reply, target } = session;
    const request = parseLegacy(packet, withSignal);
    if (request === undefined) return reply.refuse(MALFORMED);
    const chosen: ThreadSelector = session.threads.resume;
    const thread = session.threads.resolve(typeof chosen === "number" ? chosen : undefined);
    if (typeof thread !== "number") return reply.refuse(thread);
    const actions: ThreadAction[] = [{ action: { kind, signal: request.signal }, threads: thread }];
    if (typeof chosen !== "number") actions.push({ action: { kind: "continue", signal: 0 }, threads: "all" });
    if (request.address === undefined) return resume(session, actions);
    const { pc } = registers;
    const bytes = registers.bytesOf(request.address, pc.bytes);
    return after(target.writeRegister(thread, pc.register.regnum, bytes), (outcome) =>
      outcome === "done" ? resume(session, actions) : reply.refuse(outcome),
    );
  };
}

/** `bc` and `bs`. */
function reverse(kind: "continue" | "step"): PacketHandler {
  return (session) => {
    const { reply } = session;
    const capability = session.target.reverse;
    if (capability === undefined) return reply.unsupported();
    const chosen = session.threads.resume;
    const thread = session.threads.resolve(typeof chosen === "number" ? chosen : undefined);
    if (typeof thread !== "number") return reply.refuse(thread);
    return session.run(() => capability.resume(thread, kind));
  };
}

/** `?`: why the guest is stopped. Changes nothing. */
const status: PacketHandler = (session) => {
  if (!session.client.attached) return session.reply.send("W00");
  return after(session.halt(), (event) => session.sendStop(event));
};

/** gdb: "Packets": ?, vCont, c, C, s, S, bc, bs. */
export const RESUME_PACKETS: readonly PacketEntry[] = [
  { name: "?", when: "always", handle: status },
  { name: "vCont", when: "stopped", handle: vCont },
  { name: "c", when: "stopped", handle: legacy("continue", false) },
  { name: "C", when: "stopped", handle: legacy("continue", true) },
  { name: "s", when: "stopped", handle: legacy("step", false) },
  { name: "S", when: "stopped", handle: legacy("step", true) },
  { name: "bc", when: "stopped", handle: reverse("continue") },
  { name: "bs", when: "stopped", handle: reverse("step") },
];
