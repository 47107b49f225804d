import type { PacketCursor } from "../packets/cursor.ts";
import type { PacketEntry } from "./context.ts";
import { BREAKPOINT_PACKETS } from "./handlers/breakpoints.ts";
import { LLDB_PACKETS } from "./handlers/lldb.ts";
import { MEMORY_PACKETS } from "./handlers/memory.ts";
import { MONITOR_PACKETS } from "./handlers/monitor.ts";
import { PROCESS_PACKETS } from "./handlers/process.ts";
import { QEMU_PACKETS } from "./handlers/qemu.ts";
import { REGISTER_PACKETS } from "./handlers/registers.ts";
import { RESUME_PACKETS } from "./handlers/resume.ts";
import { SUPPORTED_PACKETS } from "./handlers/supported.ts";
import { THREAD_PACKETS } from "./handlers/threads.ts";
import { TRANSFER_PACKETS } from "./handlers/transfer.ts";

/** Every packet there is, by name. */
export const PACKETS: ReadonlyMap<string, PacketEntry> = new Map(
  [
    ...RESUME_PACKETS,
    ...REGISTER_PACKETS,
    ...MEMORY_PACKETS,
    ...BREAKPOINT_PACKETS,
    ...THREAD_PACKETS,
    ...PROCESS_PACKETS,
    ...SUPPORTED_PACKETS,
    ...TRANSFER_PACKETS,
    ...MONITOR_PACKETS,
    ...QEMU_PACKETS,
    ...LLDB_PACKETS,
  ].map((entry) => [entry.name, entry]),
);

/** First letters of the packets whose name is longer than one letter. */
const LONG_NAMES = new Set(["b", "j", "q", "v", "Q"].map((letter) => letter.charCodeAt(0)));

const SINGLE_LETTER: readonly (PacketEntry | undefined)[] = Array.from({ length: 128 }, (_, code) =>
  PACKETS.get(String.fromCharCode(code)),
);

/** Names followed by hex digits at once, some of which are letters too. */
const NAMES_BEFORE_DIGITS = ["qRegisterInfo", "qThreadStopInfo"] as const;

/** Finds a packet's entry and moves the cursor behind its name; undefined: there is no such packet. */
export function findPacket(packet: PacketCursor): PacketEntry | undefined {
  const first = packet.peek();
  if (!LONG_NAMES.has(first)) {
    const entry = SINGLE_LETTER[first];
    packet.take();
    return entry;
  }
  for (const name of NAMES_BEFORE_DIGITS) if (packet.accept(name)) return PACKETS.get(name);
  return PACKETS.get(packet.name());
}
