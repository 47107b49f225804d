import type { StopReplyStyle } from "../packets/stopReply.ts";

/** What the client has told about itself, and the modes it has switched. Starts as the oldest gdb there is. */
export class ClientState implements StopReplyStyle {
  /** Thread-ids are `p<pid>.<tid>`. */
  multiprocess = false;
  swbreak = false;
  hwbreak = false;
  /** Packets are no longer acknowledged. */
  noAck = false;
  /** The connection outlives the guest (`!`). */
  extended = false;
  /** LLDB: stop replies say the reason in LLDB's words. */
  reasons = false;
  /** LLDB: stop replies list all threads and their PCs. */
  listThreads = false;
  /** LLDB before 20: `x` replies carry no `b` in front. */
  bareBinary = false;
  /** Memory packets mean guest-physical addresses. */
  physical = false;
  /** The client holds the guest: not detached, not killed. */
  attached = true;
}
