import { refuse } from "../../refusal.ts";
import type { PacketEntry, PacketHandler } from "../context.ts";

/** `qqemu.Supported`: which of these the target has. */
const list: PacketHandler = ({ reply, target }) => {
  const names: string[] = [];
  if (target.stepPolicy !== undefined) names.push("sstepbits", "sstep");
  if (target.physicalMemory !== undefined) names.push("PhyMemMode");
  if (names.length === 0) reply.unsupported();
  else reply.send(names.join(";"));
};

/** `qqemu.PhyMemMode`: do memory packets mean guest-physical addresses? */
const readMode: PacketHandler = ({ client, reply, target }) => {
  if (target.physicalMemory === undefined) reply.unsupported();
  else reply.send(client.physical ? "1" : "0");
};

/** `Qqemu.PhyMemMode:1` or `:0`. */
const writeMode: PacketHandler = ({ client, reply, target }, packet) => {
  if (target.physicalMemory === undefined) return reply.unsupported();
  const mode = packet.accept(":") ? packet.hexNumber() : undefined;
  if (mode === undefined || mode > 1 || !packet.done) {
    return reply.refuse(refuse("invalid", "Qqemu.PhyMemMode takes 0 or 1"));
  }
  client.physical = mode === 1;
  reply.ok();
};

/** `qqemu.sstepbits`: what can be held back while stepping. */
const stepBits: PacketHandler = ({ reply, target }) => {
  const policy = target.stepPolicy;
  if (policy === undefined) return reply.unsupported();
  const words = Object.entries(policy.bits).map(([name, value]) => `${name}=${value.toString(16)}`);
  reply.send(words.join(","));
};

/** `qqemu.sstep`: what is held back. */
const readStep: PacketHandler = ({ reply, target }) => {
  const policy = target.stepPolicy;
  if (policy === undefined) reply.unsupported();
  else reply.send(`0x${policy.get().toString(16)}`);
};

/** `Qqemu.sstep=hex`. */
const writeStep: PacketHandler = ({ reply, target }, packet) => {
  const policy = target.stepPolicy;
  if (policy === undefined) return reply.unsupported();
  const bits = packet.accept("=0x") || packet.accept("=") ? packet.hexNumber() : undefined;
  if (bits === undefined || !packet.done) {
    return reply.refuse(refuse("invalid", "Qqemu.sstep takes a hex number"));
  }
  const outcome = policy.set(bits);
  if (outcome === "done") reply.ok();
  else reply.refuse(outcome);
};

/** QEMU's own packets (QEMU: "GDB usage"), for scripts that use them through `maintenance packet`. */
export const QEMU_PACKETS: readonly PacketEntry[] = [
  { name: "qqemu.Supported", when: "always", handle: list },
  { name: "qqemu.PhyMemMode", when: "always", handle: readMode },
  { name: "Qqemu.PhyMemMode", when: "always", handle: writeMode },
  { name: "qqemu.sstepbits", when: "always", handle: stepBits },
  { name: "qqemu.sstep", when: "always", handle: readStep },
  { name: "Qqemu.sstep", when: "always", handle: writeStep },
];
