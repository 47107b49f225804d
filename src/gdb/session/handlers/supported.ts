import { type FeatureValue, formatSupported, parseSupported } from "../../packets/supported.ts";
import { refuse } from "../../refusal.ts";
import type { PacketEntry, PacketHandler, SessionContext } from "../context.ts";

/** What we offer, given what the target can do. */
function offered({ packetSize, target }: SessionContext): ReadonlyMap<string, FeatureValue> {
  const features = new Map<string, FeatureValue>([
    ["PacketSize", packetSize.toString(16)],
    ["QStartNoAckMode", true],
    ["multiprocess", true],
    ["vContSupported", true],
    ["swbreak", true],
    ["hwbreak", true],
    ["binary-upload", true],
    ["error-message", true],
    ["qXfer:features:read", true],
    ["qXfer:threads:read", true],
  ]);
  if (target.memoryMap !== undefined) features.set("qXfer:memory-map:read", true);
  if (target.breakpoints?.evaluatesExpressions === true) {
    features.set("ConditionalBreakpoints", true);
    features.set("BreakpointCommands", true);
  }
  if (target.reverse !== undefined) {
    features.set("ReverseStep", true);
    features.set("ReverseContinue", true);
  }
  return features;
}

/** `qSupported`: who can do what. */
const supported: PacketHandler = (session, packet) => {
  const { client, reply } = session;
  const asked = parseSupported(packet);
  client.multiprocess = asked.get("multiprocess") === true;
  client.swbreak = asked.get("swbreak") === true;
  client.hwbreak = asked.get("hwbreak") === true;
  if (asked.get("error-message") === true) reply.errorStyle = "gdb-text";
  // gdb and LLDB name themselves by this one; both read run-length encoding, small clients often do not.
  if (session.runLengthPolicy === "known-clients") reply.runLengthEncoding = asked.has("xmlRegisters");
  reply.send(formatSupported(offered(session)));
};

/** `QStartNoAckMode`. */
const noAckMode: PacketHandler = ({ client, reply }) => {
  client.noAck = true;
  reply.ok();
};

/** `QNonStop:0` or `1`: all vCPUs stop together, always. */
const nonStop: PacketHandler = ({ reply }, packet) => {
  if (packet.accept(":0") && packet.done) reply.ok();
  else reply.refuse(refuse("unsupported", "non-stop mode is not offered: all vCPUs stop together"));
};

/** `qOffsets`. */
const offsets: PacketHandler = ({ reply, target }) => {
  const moved = target.offsets?.();
  if (moved === undefined) return reply.unsupported();
  reply.begin().text("Text=").hex(moved.text).text(";Data=").hex(moved.data);
  reply.text(";Bss=").hex(moved.bss).end();
};

/** gdb: "General Query Packets": what both sides can do. */
export const SUPPORTED_PACKETS: readonly PacketEntry[] = [
  { name: "qSupported", when: "always", handle: supported },
  { name: "QStartNoAckMode", when: "always", handle: noAckMode },
  { name: "QNonStop", when: "always", handle: nonStop },
  { name: "qSymbol", when: "always", handle: ({ reply }) => reply.ok() },
  { name: "qOffsets", when: "always", handle: offsets },
];
