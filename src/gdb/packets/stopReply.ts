import type { StopEvent, StopReason, ThreadId } from "../target.ts";
import type { PacketWriter } from "../writer.ts";
import { PROCESS_ID, writeThreadId } from "./threadId.ts";

/** gdb's signal numbers (gdb: include/gdb/signals.def) that we send ourselves. */
const SIGINT = 2;
const SIGTRAP = 5;

/** What the client understands in a stop reply. */
export interface StopReplyStyle {
  readonly multiprocess: boolean;
  readonly swbreak: boolean;
  readonly hwbreak: boolean;
  /** LLDB's `reason:` and `threads:`. */
  readonly reasons: boolean;
}

/** The gdb signal number a stop is reported with. */
export function signalOf(reason: StopReason): number {
  switch (reason.kind) {
    case "interrupt":
      return SIGINT;
    case "signal":
      return reason.signal;
    case "breakpoint":
    case "watchpoint":
    case "step":
    case "replay-log":
      return SIGTRAP;
  }
}

/** LLDB's word for a stop, as in `reason:` and in `jThreadsInfo`; undefined: what the signal says is all. */
export function lldbReasonOf(reason: StopReason): string | undefined {
  switch (reason.kind) {
    case "breakpoint":
      return "breakpoint";
    case "watchpoint":
      return "watchpoint";
    case "step":
      return "trace";
    case "signal":
      return reason.signal === 0 ? undefined : "exception";
    case "interrupt":
    case "replay-log":
      return undefined;
  }
}

function byteHex(value: number): string {
  return (value & 0xff).toString(16).padStart(2, "0");
}

/** Appends the reply for a guest that has ended: `W` or `X`. */
export function writeEndReply(
  reply: PacketWriter,
  event: Exclude<StopEvent, { readonly kind: "stopped" }>,
  multiprocess: boolean,
): void {
  if (event.kind === "exited") reply.text("W").text(byteHex(event.status));
  else reply.text("X").text(byteHex(event.signal));
  if (multiprocess) reply.text(";process:").hex(PROCESS_ID);
}

/** Appends the head of a `T` reply: signal, reason and thread. Registers and more pairs may follow. */
export function writeStopHead(
  reply: PacketWriter,
  thread: ThreadId,
  reason: StopReason,
  style: StopReplyStyle,
): void {
  reply.text("T").text(byteHex(signalOf(reason)));
  writeReason(reply, reason, style);
  writeThreadId(reply.text("thread:"), thread, style.multiprocess).text(";");
}

const WATCH_KEYS = { write: "watch", read: "rwatch", access: "awatch" } as const;

function writeReason(reply: PacketWriter, reason: StopReason, style: StopReplyStyle): void {
  switch (reason.kind) {
    case "breakpoint":
      if (reason.breakpoint === "software" ? style.swbreak : style.hwbreak) {
        reply.text(reason.breakpoint === "software" ? "swbreak:;" : "hwbreak:;");
      }
      break;
    case "watchpoint":
      // LLDB makes its own reason of this; one of ours would hide the address.
      reply.text(WATCH_KEYS[reason.access]).text(":").hex(reason.address).text(";");
      return;
    case "replay-log":
      reply.text("replaylog:").text(reason.edge).text(";");
      break;
    case "signal":
      if (style.reasons && reason.description !== "")
        reply.text("description:").hexText(reason.description).text(";");
      break;
    case "step":
    case "interrupt":
      break;
  }
  const lldb = style.reasons ? lldbReasonOf(reason) : undefined;
  if (lldb !== undefined) reply.text("reason:").text(lldb).text(";");
}
