import { hexValue } from "../hex.ts";

const UTF8 = new TextDecoder();

/**
 * Reads a packet's payload from left to right. Methods that find something else than they look for return
 * undefined or false; how far the cursor has moved is then of no meaning.
 */
export class PacketCursor {
  #bytes: Uint8Array;
  #position = 0;
  #end: number;

  constructor(bytes: Uint8Array, end = bytes.length) {
    this.#bytes = bytes;
    this.#end = end;
  }

  /** Starts over on other bytes: the first `end` of `bytes`. */
  reset(bytes: Uint8Array, end: number): void {
    this.#bytes = bytes;
    this.#position = 0;
    this.#end = end;
  }

  /** Nothing is left. */
  get done(): boolean {
    return this.#position >= this.#end;
  }

  /** Bytes left. */
  get left(): number {
    return this.#end - this.#position;
  }

  /** The next byte without taking it, or -1. */
  peek(): number {
    return this.#position < this.#end ? (this.#bytes[this.#position] ?? -1) : -1;
  }

  /** Takes the next byte, or -1. */
  take(): number {
    return this.#position < this.#end ? (this.#bytes[this.#position++] ?? -1) : -1;
  }

  /** Takes `text` if it comes next. ASCII. */
  accept(text: string): boolean {
    if (this.left < text.length) return false;
    for (let at = 0; at < text.length; at++) {
      if (this.#bytes[this.#position + at] !== text.charCodeAt(at)) return false;
    }
    this.#position += text.length;
    return true;
  }

  /** A hex number up to 2^53 - 1. */
  hexNumber(): number | undefined {
    const start = this.#position;
    let value = 0;
    while (this.#position < this.#end) {
      const digit = hexValue(this.#bytes[this.#position] ?? 0);
      if (digit < 0) break;
      value = value * 16 + digit;
      if (value > Number.MAX_SAFE_INTEGER) return undefined;
      this.#position++;
    }
    return this.#position === start ? undefined : value;
  }

  /** A hex number up to 2^64 - 1. */
  hexBigInt(): bigint | undefined {
    const start = this.#position;
    let high = 0;
    let low = 0;
    while (this.#position < this.#end) {
      const digit = hexValue(this.#bytes[this.#position] ?? 0);
      if (digit < 0) break;
      if (high >>> 28 !== 0) return undefined;
      high = ((high << 4) | (low >>> 28)) >>> 0;
      low = ((low << 4) | digit) >>> 0;
      this.#position++;
    }
    if (this.#position === start) return undefined;
    return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
  }

  /** A decimal number up to 2^53 - 1. */
  decimal(): number | undefined {
    const start = this.#position;
    let value = 0;
    while (this.#position < this.#end) {
      const digit = (this.#bytes[this.#position] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > Number.MAX_SAFE_INTEGER) return undefined;
      this.#position++;
    }
    return this.#position === start ? undefined : value;
  }

  /** Hex pairs up to the first other byte, or `count` of them. Undefined for half a pair or too few. */
  hexBytes(count?: number): Uint8Array | undefined {
    let digits = 0;
    const most = count === undefined ? this.left : Math.min(this.left, count * 2);
    while (digits < most && hexValue(this.#bytes[this.#position + digits] ?? 0) >= 0) digits++;
    if (digits % 2 !== 0 || (count !== undefined && digits !== count * 2)) return undefined;
    const decoded = new Uint8Array(digits / 2);
    for (let at = 0; at < decoded.length; at++) {
      const high = hexValue(this.#bytes[this.#position++] ?? 0);
      decoded[at] = high * 16 + hexValue(this.#bytes[this.#position++] ?? 0);
    }
    return decoded;
  }

  /** Hex pairs to the end of the packet, as UTF-8 text. */
  hexText(): string | undefined {
    const bytes = this.hexBytes();
    return bytes === undefined || !this.done ? undefined : UTF8.decode(bytes);
  }

  /** Everything up to `stop` (a single ASCII character, taken too) or to the end, byte for byte. */
  until(stop: string): string {
    const code = stop.charCodeAt(0);
    let text = "";
    while (this.#position < this.#end) {
      const byte = this.#bytes[this.#position++] ?? 0;
      if (byte === code) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** The letters, digits excluded, and `.` that come next: a packet's name. */
  name(): string {
    let text = "";
    while (this.#position < this.#end) {
      const byte = this.#bytes[this.#position] ?? 0;
      const letter = byte | 0x20;
      if ((letter < 0x61 || letter > 0x7a) && byte !== 0x2e) break;
      text += String.fromCharCode(byte);
      this.#position++;
    }
    return text;
  }

  /** All bytes left, not copied: valid as long as the packet is. */
  rest(): Uint8Array {
    const rest = this.#bytes.subarray(this.#position, this.#end);
    this.#position = this.#end;
    return rest;
  }
}
