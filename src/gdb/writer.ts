import { hexDigit, hexPair } from "./hex.ts";
import { compressRuns } from "./runLength.ts";

const DOLLAR = 0x24;
const HASH = 0x23;
const STAR = 0x2a;
const ESCAPE = 0x7d;

const ENCODER = new TextEncoder();

/**
 * Builds packets one after the other in one growing buffer, so that many replies leave in one write.
 * Between `begin` and `end` the other methods append to the packet's payload.
 */
export class PacketWriter {
  /** Compress replies of text and hex digits by run-length encoding (gdb: "Overview", `*`). */
  runLengthEncoding = false;

  #bytes = new Uint8Array(4096);
  #length = 0;
  #frame = 0;
  #lastFrame: number | undefined;
  #open = false;
  #binary = false;
  #count = 0;

  /** Packets ended since construction. */
  get count(): number {
    return this.#count;
  }

  /** Bytes waiting to be taken. */
  get pending(): number {
    return this.#length;
  }

  /** Starts a packet. */
  begin(): this {
    this.#frame = this.#length;
    this.#binary = false;
    this.#open = true;
    return this.byte(DOLLAR);
  }

  /** Ends the packet: compresses it if wanted, and adds the checksum. */
  end(): void {
    const start = this.#frame + 1;
    if (this.runLengthEncoding && !this.#binary) {
      this.#length = compressRuns(this.#bytes, start, this.#length);
    }
    let sum = 0;
    const end = this.#length;
    const bytes = this.#bytes;
    for (let at = start; at < end; at++) sum += bytes[at] ?? 0;
    this.byte(HASH)
      .byte(hexDigit(sum >> 4))
      .byte(hexDigit(sum));
    this.#lastFrame = this.#frame;
    this.#open = false;
    this.#count++;
  }

  /** Drops a packet that was begun and not ended, if there is one. */
  abandon(): void {
    if (this.#open) this.#length = this.#frame;
    this.#open = false;
  }

  /** Takes all bytes out; the caller owns them. `lastFrame` is where the last packet in them begins, if one does. */
  take(): { readonly bytes: Uint8Array; readonly lastFrame: number | undefined } {
    const taken = { bytes: this.#bytes.slice(0, this.#length), lastFrame: this.#lastFrame };
    this.#length = 0;
    this.#lastFrame = undefined;
    return taken;
  }

  /** Appends bytes as they are, outside of any packet. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** One byte, as it is. */
  byte(value: number): this {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** ASCII text that holds none of `# $ } *`. */
  text(value: string): this {
    const { length } = value;
    this.#reserve(length);
    for (let at = 0; at < length; at++) this.#bytes[this.#length++] = value.charCodeAt(at);
    return this;
  }

  /** A number or 64-bit value as hex digits, as few as possible. Not negative. */
  hex(value: number | bigint): this {
    return this.text(value.toString(16));
  }

  /** Bytes, two hex digits each. */
  hexBytes(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.#reserve((end - start) * 2);
    const target = this.#bytes;
    let length = this.#length;
    for (let at = start; at < end; at++) {
      const pair = hexPair(bytes[at] ?? 0);
      target[length] = pair;
      target[length + 1] = pair >> 8;
      length += 2;
    }
    this.#length = length;
    return this;
  }

  /** Text as UTF-8, two hex digits a byte. */
  hexText(value: string): this {
    return this.hexBytes(ENCODER.encode(value));
  }

  /** `count` times the letter x: bytes of a register that has no value. */
  unavailable(count: number): this {
    for (let at = 0; at < count; at++) this.byte(0x78);
    return this;
  }

  /** Binary data: `# $ } *` are escaped. */
  binary(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.#binary = true;
    this.#reserve((end - start) * 2);
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR) {
        this.#bytes[this.#length++] = ESCAPE;
        this.#bytes[this.#length++] = byte ^ 0x20;
      } else {
        this.#bytes[this.#length++] = byte;
      }
    }
    return this;
  }

  /** Any text as UTF-8, escaped. */
  anyText(value: string): this {
    return this.binary(ENCODER.encode(value));
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
