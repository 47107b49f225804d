/** How long to look for the next packet before the process may sleep; KVM's `halt_poll_ns` is as long. */
const POLL_MILLISECONDS = 0.2;
/** Packets that follow each other in less than this are a conversation: the client waits for each of our replies. */
const CONVERSATION_MILLISECONDS = 1;
/** The most packets that are let pass without polling after it was in vain. */
const MOST_SKIPPED = 64;

/** Time and the event loop, as polling needs them. */
export interface PollingHost {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls back after the event loop has looked for input once; until then it does not sleep. */
  immediate(callback: () => void): void;
}

/**
 * Keeps the event loop awake for a moment after a packet of a conversation. To be woken from sleep takes a process longer than
 * a step and its reply take, and a client that steps waits for that at every packet. Where the packet does not come in time,
 * because the client is slow or needs our processor, it is tried more and more rarely.
 */
export class PacketPolling {
  readonly #host: PollingHost;
  #lastPacket = Number.NEGATIVE_INFINITY;
  #end = 0;
  #polls = false;
  /** Packets that are not polled for after the next time in vain. */
  #penalty = 1;
  #skips = 0;

  constructor(host: PollingHost) {
    this.#host = host;
  }

  /** Bytes from the client have been dealt with. */
  packetCame(): void {
    const now = this.#host.now();
    const converses = now - this.#lastPacket < CONVERSATION_MILLISECONDS;
    this.#lastPacket = now;
    if (this.#polls) this.#penalty = 1;
    if (!converses) return;
    if (this.#skips > 0) {
      this.#skips--;
      return;
    }
    this.#end = now + POLL_MILLISECONDS;
    if (this.#polls) return;
    this.#polls = true;
    this.#host.immediate(this.#poll);
  }

  readonly #poll = (): void => {
    if (this.#host.now() < this.#end) {
      this.#host.immediate(this.#poll);
      return;
    }
    this.#polls = false;
    this.#skips = this.#penalty;
    this.#penalty = Math.min(2 * this.#penalty, MOST_SKIPPED);
  };
}
