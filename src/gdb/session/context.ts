import type { Awaitable } from "../awaitable.ts";
import type { PacketCursor } from "../packets/cursor.ts";
import type { Outcome } from "../refusal.ts";
import type { RegisterFile } from "../registerFile.ts";
import type { StopEvent, Target } from "../target.ts";
import type { ClientState } from "./client.ts";
import type { PlantedBreakpoints } from "./plantedBreakpoints.ts";
import type { RegisterBlock } from "./registerBlock.ts";
import type { Reply } from "./reply.ts";
import type { ThreadSelection } from "./threadSelection.ts";

/** When replies are compressed by run-length encoding. gdb spends less time on a compressed reply than on a long one. */
export type RunLengthPolicy = "never" | "known-clients" | "always";

/** A session as the packet handlers see it. */
export interface SessionContext {
  readonly target: Target;
  readonly registers: RegisterFile;
  readonly client: ClientState;
  readonly threads: ThreadSelection;
  readonly planted: PlantedBreakpoints;
  readonly reply: Reply;
  /** The longest payload in bytes either side sends. */
  readonly packetSize: number;
  readonly runLengthPolicy: RunLengthPolicy;
  /** Memory for one packet's data; holds nothing from one packet to the next. */
  readonly scratch: Uint8Array;
  /** The registers of the `g` packet. */
  readonly generalBlock: RegisterBlock;
  /** The client asks what registers there are: the target may have another description by now. */
  adoptDescription(): void;
  /** The thread list document being read in parts. */
  threadsDocument: Uint8Array;

  /** Resumes the guest by `start`; the reply is sent at the next stop, or at once when `start` is refused. */
  run(start: () => Awaitable<Outcome>): Awaitable<void>;
  /** Stops the guest if it runs, and waits until it has. */
  halt(): Awaitable<StopEvent>;
  /** Replies with the state the guest is in. */
  sendStop(event: StopEvent): Awaitable<void>;
  /** The guest is no longer run for this client: no stop reply will be sent. */
  forgetRun(): void;
  /** Takes away what the client has planted. */
  removePlanted(): Awaitable<void>;
  /** Sends console text: `O` packets, at once. */
  print(text: string): void;
  /** Runs `work` with a signal that aborts on Ctrl-C and when the client leaves. */
  abortable<T>(work: (signal: AbortSignal) => Awaitable<T>): Awaitable<T>;
  /** Sends what is to be sent and ends the connection. */
  hangUp(): void;
}

/** Carries out one packet; the cursor stands behind its name. Replies once, or has the guest run, or hangs up. */
export type PacketHandler = (session: SessionContext, packet: PacketCursor) => Awaitable<void>;

/** One packet in the table. */
export interface PacketEntry {
  /** The packet's name: its first letter, or the letters up to the first other character for longer ones. */
  readonly name: string;
  /** `stopped`: only while the client holds a guest that is stopped. */
  readonly when: "always" | "stopped";
  readonly handle: PacketHandler;
}
