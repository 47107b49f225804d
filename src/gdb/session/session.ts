import { type Awaitable, after } from "../awaitable.ts";
import { PacketReader } from "../framing.ts";
import { PacketCursor } from "../packets/cursor.ts";
import { type Outcome, type Refusal, refuse } from "../refusal.ts";
import { RegisterFile } from "../registerFile.ts";
import type { StopEvent, Target, TargetEvent } from "../target.ts";
import { ClientState } from "./client.ts";
import type { RunLengthPolicy, SessionContext } from "./context.ts";
import { PlantedBreakpoints } from "./plantedBreakpoints.ts";
import { RegisterBlock } from "./registerBlock.ts";
import { Reply } from "./reply.ts";
import { StopWriter } from "./stopWriter.ts";
import { findPacket } from "./table.ts";
import { ThreadSelection } from "./threadSelection.ts";

/** Where a session's effects go. */
export interface SessionHost {
  /**
   * Bytes for the client. The array is the host's to keep.
   * @returns whether there is room for more; if not, no packet is worked on until `resume`
   */
  send(bytes: Uint8Array): boolean;
  /** The session is over: end the connection once all is sent. */
  hangUp(): void;
  /** The target threw: a fault of ours, not the client's. The client has got an error reply. */
  fault(error: unknown): void;
}

/** How a session is set up. */
export interface SessionOptions {
  /** The longest packet in bytes; at least 0x1000. */
  readonly packetSize?: number;
  /** Whether replies are compressed by run-length encoding; left out: for clients known to read it. */
  readonly runLengthEncoding?: RunLengthPolicy;
}

const DEFAULT_PACKET_SIZE = 0x20000;
/** Bytes of replies that are collected before they are sent. */
const MOST_COLLECTED = 0x10000;
const ACK = new Uint8Array([0x2b]);
const NACK = new Uint8Array([0x2d]);
const INTERRUPT = 0x03;

const OVERSIZED = refuse("too-long", "the packet is longer than PacketSize");
const RUNNING = refuse("running", "the guest is running");
const GONE = refuse("not-attached", "the guest has ended, or was detached from");
const BROKEN = refuse("failed", "internal error; see the server's log");

/**
 * One client's session: bytes in, bytes out, target operations in between. No I/O of its own.
 * Packets are carried out one after the other; while one waits for the target, later bytes are kept.
 */
export class GdbSession {
  readonly #host: SessionHost;
  readonly #target: Target;
  readonly #reader: PacketReader;
  readonly #cursor = new PacketCursor(new Uint8Array(0));
  readonly #reply = new Reply();
  readonly #client = new ClientState();
  readonly #planted = new PlantedBreakpoints();
  readonly #threads: ThreadSelection;
  #registers: RegisterFile;
  #generalBlock: RegisterBlock;
  #stops: StopWriter;
  readonly #context: SessionContext;
  readonly #unsubscribe: () => void;

  /** The client waits for a stop reply. */
  #awaitingStop = false;
  /** Promises packets or stops are waiting for. */
  #underWay = 0;
  #pumping = false;
  /** The host has no room for replies. */
  #isFull = false;
  #closed = false;
  #stopWaiters: ((event: StopEvent) => void)[] = [];
  #abort: AbortController | undefined;
  /** The last packet sent, for a client that asks for it again. */
  #lastFrame: Uint8Array = new Uint8Array(0);

  /** Takes hold of the target: a running guest is stopped, and no packet is answered until it has. */
  constructor(target: Target, host: SessionHost, options: SessionOptions = {}) {
    const packetSize = Math.max(options.packetSize ?? DEFAULT_PACKET_SIZE, 0x1000);
    this.#target = target;
    this.#host = host;
    this.#reader = new PacketReader(packetSize);
    const runLengthPolicy = options.runLengthEncoding ?? "known-clients";
    this.#reply.runLengthEncoding = runLengthPolicy === "always";
    this.#threads = new ThreadSelection(target);
    this.#registers = new RegisterFile(target.architecture);
    this.#generalBlock = new RegisterBlock(this.#registers.general);
    this.#stops = new StopWriter(target, this.#registers, this.#client, this.#reply);
    const self = this;
    this.#context = {
      target,
      get registers() {
        return self.#registers;
      },
      get generalBlock() {
        return self.#generalBlock;
      },
      adoptDescription: () => this.#adoptDescription(),
      client: this.#client,
      threads: this.#threads,
      planted: this.#planted,
      reply: this.#reply,
      packetSize,
      runLengthPolicy,
      scratch: new Uint8Array(Math.max(packetSize, this.#registers.largest)),
      threadsDocument: new Uint8Array(0),
      run: (start) => this.#run(start),
      halt: () => this.#halt(),
      sendStop: (event) => this.#stops.send(event),
      forgetRun: () => {
        this.#awaitingStop = false;
      },
      removePlanted: () => this.#removePlanted(),
      print: (text) => this.#print(text),
      abortable: (work) => this.#abortable(work),
      hangUp: () => this.#hangUp(),
    };
    this.#unsubscribe = target.subscribe((event) => this.#onEvent(event));
    this.#track(() => after(this.#halt(), (event) => this.#selectStopped(event)));
  }

  /** Bytes received and not yet worked on; a host should stop reading when they grow. */
  get backlog(): number {
    return this.#reader.backlog;
  }

  /** Takes bytes from the client, in chunks of any size. A chunk may be kept; it must not change afterwards. */
  receive(chunk: Uint8Array): void {
    if (this.#closed) return;
    if (this.#abort !== undefined && chunk.includes(INTERRUPT)) this.#abort.abort();
    this.#reader.feed(chunk);
    this.#pump();
  }

  /** The host has room again. */
  resume(): void {
    this.#isFull = false;
    this.#pump();
  }

  /** The connection is gone. What the client planted is removed; the guest stays as it is, running or stopped. */
  close(): Awaitable<void> {
    if (this.#closed) return undefined;
    this.#closed = true;
    this.#unsubscribe();
    this.#abort?.abort();
    this.#planted.close();
    return this.#removePlanted();
  }

  /** The client is about to learn what registers there are: from now on it is told of these. */
  #adoptDescription(): void {
    const { architecture } = this.#target;
    if (architecture === this.#registers.architecture) return;
    this.#registers = new RegisterFile(architecture);
    this.#generalBlock = new RegisterBlock(this.#registers.general);
    this.#stops = new StopWriter(this.#target, this.#registers, this.#client, this.#reply);
  }

  /** Works on what has come in until a packet has to wait for the target. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#underWay === 0 && !this.#isFull && !this.#closed) {
      const event = this.#reader.next();
      if (event === undefined) break;
      switch (event) {
        case "packet":
          if (!this.#client.noAck) this.#reply.raw(ACK);
          this.#dispatch();
          break;
        case "damaged":
          // Without acknowledgements there is no way to ask for it again; and nothing but us damages TCP.
          if (this.#client.noAck) this.#dispatch();
          else this.#reply.raw(NACK);
          break;
        case "oversized":
          if (!this.#client.noAck) this.#reply.raw(ACK);
          this.#reply.refuse(OVERSIZED);
          break;
        case "nack":
          if (!this.#client.noAck) this.#reply.raw(this.#lastFrame);
          break;
        case "interrupt":
          if (this.#awaitingStop) this.#target.interrupt();
          break;
        case "ack":
          break;
      }
      if (this.#reply.pending >= MOST_COLLECTED) this.#flush(true);
    }
    this.#pumping = false;
    this.#flush();
  }

  #dispatch(): void {
    this.#cursor.reset(this.#reader.payload, this.#reader.length);
    const entry = findPacket(this.#cursor);
    if (entry === undefined) {
      this.#reply.unsupported();
      return;
    }
    const refusal = entry.when === "stopped" ? this.#whyNotStopped() : undefined;
    if (refusal === undefined) this.#track(() => entry.handle(this.#context, this.#cursor));
    else this.#reply.refuse(refusal);
  }

  #whyNotStopped(): Refusal | undefined {
    if (!this.#client.attached) return GONE;
    if (this.#awaitingStop) return RUNNING;
    const { kind } = this.#target.status();
    if (kind === "stopped") return undefined;
    return kind === "running" ? RUNNING : GONE;
  }

  /** Does `work`; packets wait until it is done. A throw is a fault of the target: the client gets an error. */
  #track(work: () => Awaitable<void>): void {
    try {
      const result = work();
      if (!(result instanceof Promise)) return;
      this.#underWay++;
      result
        .catch((error: unknown) => this.#broken(error))
        .then(() => {
          this.#underWay--;
          this.#pump();
        });
    } catch (error) {
      this.#broken(error);
    }
  }

  #broken(error: unknown): void {
    this.#awaitingStop = false;
    this.#reply.abandon();
    this.#reply.refuse(BROKEN);
    this.#host.fault(error);
  }

  #run(start: () => Awaitable<Outcome>): Awaitable<void> {
    this.#awaitingStop = true;
    return after(start(), (outcome) => {
      if (outcome === "done") return;
      this.#awaitingStop = false;
      this.#reply.refuse(outcome);
    });
  }

  #halt(): Awaitable<StopEvent> {
    const status = this.#target.status();
    if (status.kind !== "running") return status;
    return new Promise((resolve) => {
      this.#stopWaiters.push(resolve);
      this.#target.interrupt();
    });
  }

  #onEvent(event: TargetEvent): void {
    if (this.#closed) return;
    if (event.kind === "output") {
      if (this.#awaitingStop) this.#print(event.text);
      return;
    }
    this.#selectStopped(event);
    const waiters = this.#stopWaiters;
    if (waiters.length > 0) {
      this.#stopWaiters = [];
      for (const resolve of waiters) resolve(event);
    }
    if (!this.#awaitingStop) return;
    this.#awaitingStop = false;
    this.#track(() => this.#stops.send(event));
    this.#flush();
  }

  #selectStopped(event: StopEvent): void {
    if (event.kind === "stopped") this.#threads.general = event.thread;
  }

  #print(text: string): void {
    // Half of a packet is what fits in hex.
    const most = this.#context.packetSize >> 1;
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += most - 1) {
      this.#reply
        .begin()
        .text("O")
        .hexBytes(bytes, at, Math.min(at + most - 1, bytes.length))
        .end();
    }
    this.#flush();
  }

  #abortable<T>(work: (signal: AbortSignal) => Awaitable<T>): Awaitable<T> {
    const abort = new AbortController();
    const result = work(abort.signal);
    if (!(result instanceof Promise)) return result;
    this.#abort = abort;
    return result.finally(() => {
      this.#abort = undefined;
    });
  }

  async #removePlanted(): Promise<void> {
    for (const { kind, address, length } of this.#planted.drain()) {
      try {
        // A refusal means it is not there any more, which is what is wanted.
        await this.#target.breakpoints?.remove(kind, address, length);
      } catch (error) {
        this.#host.fault(error);
      }
    }
  }

  #hangUp(): void {
    this.#flush(true);
    this.#host.hangUp();
  }

  /** Sends what is finished; in the midst of a batch of packets only if `now`. */
  #flush(now = false): void {
    if (this.#closed || this.#reply.pending === 0 || (this.#pumping && !now)) return;
    const { bytes, lastFrame } = this.#reply.take();
    if (!this.#client.noAck && lastFrame !== undefined) this.#lastFrame = bytes.subarray(lastFrame);
    this.#isFull = !this.#host.send(bytes);
  }
}
