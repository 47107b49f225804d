import { hexValue } from "./hex.ts";

/** What {@link PacketReader.next} found. */
export type FrameEvent =
  /** A whole packet: `reader.payload`, `reader.length`. */
  | "packet"
  /** `+`: the client has our packet. */
  | "ack"
  /** `-`: the client wants our packet again. */
  | "nack"
  /** 0x03 between packets: Ctrl-C. */
  | "interrupt"
  /** A packet whose checksum is wrong. Its payload is there all the same. */
  | "damaged"
  /** A packet longer than the limit; its payload is lost. */
  | "oversized";

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const PLUS = 0x2b;
const MINUS = 0x2d;
const INTERRUPT = 0x03;

/** Where in a packet the next byte belongs. */
const STATE = { outside: 0, payload: 1, escaped: 2, checksumHigh: 3, checksumLow: 4 } as const;

/**
 * Cuts a byte stream into packets `$payload#checksum`, acknowledgements and interrupts.
 * Payloads are unescaped (`}` followed by the byte xor 0x20). Bytes between packets that mean nothing are skipped,
 * and a `$` inside a packet begins a new one, so that the reader finds its way back after any garbage.
 * Memory is bounded: one payload buffer, and the chunks fed and not yet read.
 */
export class PacketReader {
  /** Holds the last packet's unescaped bytes, valid until the next call of `next`. */
  readonly payload: Uint8Array;
  /** How many bytes of `payload` the last packet has. */
  length = 0;

  #state: number = STATE.outside;
  #oversized = false;
  #sum = 0;
  #checksumHigh = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  #position = 0;
  #waiting: Uint8Array[] = [];

  /** `limit`: the longest unescaped payload in bytes that is taken. */
  constructor(limit: number) {
    this.payload = new Uint8Array(limit);
  }

  /** Bytes fed and not yet read. */
  get backlog(): number {
    let bytes = this.#chunk.length - this.#position;
    for (const chunk of this.#waiting) bytes += chunk.length;
    return bytes;
  }

  /** Adds bytes from the wire. The chunk is kept, not copied, until it is read. */
  feed(chunk: Uint8Array): void {
    if (this.#position === this.#chunk.length && this.#waiting.length === 0) {
      this.#chunk = chunk;
      this.#position = 0;
    } else {
      this.#waiting.push(chunk);
    }
  }

  /** The next thing in the stream, or undefined when more bytes are needed. */
  next(): FrameEvent | undefined {
    for (;;) {
      const event = this.#scan();
      if (event !== undefined) return event;
      const chunk = this.#waiting.shift();
      if (chunk === undefined) return undefined;
      this.#chunk = chunk;
      this.#position = 0;
    }
  }

  #scan(): FrameEvent | undefined {
    const chunk = this.#chunk;
    const end = chunk.length;
    while (this.#position < end) {
      if (this.#state === STATE.payload) {
        this.#scanPayload(chunk, end);
        continue;
      }
      const byte = chunk[this.#position++] ?? 0;
      switch (this.#state) {
        case STATE.outside:
          if (byte === DOLLAR) this.#begin();
          else if (byte === PLUS) return "ack";
          else if (byte === MINUS) return "nack";
          else if (byte === INTERRUPT) return "interrupt";
          break;
        case STATE.escaped:
          this.#sum += byte;
          this.#append(byte ^ 0x20);
          this.#state = STATE.payload;
          break;
        case STATE.checksumHigh:
          this.#checksumHigh = hexValue(byte);
          this.#state = STATE.checksumLow;
          break;
        default: {
          this.#state = STATE.outside;
          const low = hexValue(byte);
          const sum = this.#checksumHigh < 0 || low < 0 ? -1 : this.#checksumHigh * 16 + low;
          if (this.#oversized) return "oversized";
          return sum === (this.#sum & 0xff) ? "packet" : "damaged";
        }
      }
    }
    return undefined;
  }

  #begin(): void {
    this.#state = STATE.payload;
    this.#oversized = false;
    this.#sum = 0;
    this.length = 0;
  }

  #append(byte: number): void {
    if (this.length < this.payload.length) this.payload[this.length++] = byte;
    else this.#oversized = true;
  }

  /** The hot loop: plain bytes of a payload. */
  #scanPayload(chunk: Uint8Array, end: number): void {
    const { payload } = this;
    const limit = payload.length;
    let { length } = this;
    let sum = this.#sum;
    let position = this.#position;
    while (position < end) {
      const byte = chunk[position++] ?? 0;
      if (byte === HASH) {
        this.#state = STATE.checksumHigh;
        break;
      }
      if (byte === DOLLAR) {
        this.#oversized = false;
        sum = 0;
        length = 0;
        continue;
      }
      sum = (sum + byte) & 0xff;
      if (byte === ESCAPE) {
        this.#state = STATE.escaped;
        break;
      }
      if (length < limit) payload[length++] = byte;
      else this.#oversized = true;
    }
    this.length = length;
    this.#sum = sum;
    this.#position = position;
  }
}
