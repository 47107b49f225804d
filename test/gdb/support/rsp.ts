import { hexValue } from "../../../src/gdb/hex.ts";
import { GdbSession, type SessionOptions } from "../../../src/gdb/session/session.ts";
import type { Target } from "../../../src/gdb/target.ts";

/** Latin-1: one character a byte. */
export function toBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function toText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** `$payload#checksum`, with `# $ } *` escaped. */
export function frame(payload: string | Uint8Array): Uint8Array {
  const plain = typeof payload === "string" ? toBytes(payload) : payload;
  const escaped: number[] = [];
  for (const byte of plain) {
    if ([0x23, 0x24, 0x7d, 0x2a].includes(byte)) escaped.push(0x7d, byte ^ 0x20);
    else escaped.push(byte);
  }
  const sum = escaped.reduce((total, byte) => (total + byte) & 0xff, 0);
  return Uint8Array.from([0x24, ...escaped, ...toBytes(`#${sum.toString(16).padStart(2, "0")}`)]);
}

/** A reply's payload, expanded and unescaped, from `bytes` at `start` behind `$`; throws if it is not well-formed. */
function decode(bytes: Uint8Array, start: number): { readonly payload: string; readonly end: number } {
  let payload = "";
  let sum = 0;
  let at = start;
  for (; bytes[at] !== 0x23; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw new Error("a reply without an end");
    if (byte === 0x24) throw new Error("a bare $ in a reply");
    sum = (sum + byte) & 0xff;
    if (byte === 0x7d) {
      const escaped = bytes[++at] ?? 0;
      sum = (sum + escaped) & 0xff;
      payload += String.fromCharCode(escaped ^ 0x20);
    } else if (byte === 0x2a) {
      const count = bytes[++at] ?? 0;
      sum = (sum + count) & 0xff;
      payload += payload.slice(-1).repeat(count - 29);
    } else payload += String.fromCharCode(byte);
  }
  const sent = hexValue(bytes[at + 1] ?? 0) * 16 + hexValue(bytes[at + 2] ?? 0);
  if (sent !== sum) throw new Error(`checksum of "${payload}" is ${sum}, not ${sent}`);
  return { payload, end: at + 3 };
}

/** Everything in a stream from the server: payloads, and `+` and `-` by themselves. */
export function decodeStream(bytes: Uint8Array): readonly string[] {
  const found: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === 0x24) {
      const { payload, end } = decode(bytes, at + 1);
      found.push(payload);
      at = end;
    } else {
      found.push(String.fromCharCode(bytes[at] ?? 0));
      at++;
    }
  }
  return found;
}

/** A client in memory: asks a session and collects what it answers. */
export class MemoryClient {
  readonly session: GdbSession;
  readonly faults: unknown[] = [];
  hungUp = false;
  /** How many times the session sent something. */
  writes = 0;
  /** It reads what the session sends. */
  reads = true;
  #sent: number[] = [];

  constructor(target: Target, options: SessionOptions = {}) {
    this.session = new GdbSession(
      target,
      {
        send: (bytes) => {
          this.writes++;
          for (const byte of bytes) this.#sent.push(byte);
          return this.reads;
        },
        hangUp: () => {
          this.hungUp = true;
        },
        fault: (error) => this.faults.push(error),
      },
      options,
    );
  }

  /** A client past the handshake: no acknowledgements, and gdb's features. */
  static connect(target: Target, features = "multiprocess+;swbreak+;hwbreak+", options: SessionOptions = {}) {
    const client = new MemoryClient(target, options);
    client.ask(`qSupported:${features}`);
    client.ask("QStartNoAckMode");
    return client;
  }

  raw(bytes: Uint8Array | string): void {
    this.session.receive(typeof bytes === "string" ? toBytes(bytes) : bytes);
  }

  /** What has come since the last time. */
  take(): readonly string[] {
    const bytes = Uint8Array.from(this.#sent);
    this.#sent = [];
    return decodeStream(bytes);
  }

  /** Sends a packet and returns what the session has answered at once, without acknowledgements. */
  ask(payload: string | Uint8Array): string | undefined {
    this.raw(frame(payload));
    return this.take()
      .filter((reply) => reply !== "+")
      .at(-1);
  }

  /** Sends a packet and waits for the packet that is not console output. Returns all of them. */
  async wait(payload: string | Uint8Array): Promise<readonly string[]> {
    this.raw(frame(payload));
    return this.next();
  }

  /** Waits for the next packet that is not console output. */
  async next(): Promise<readonly string[]> {
    const found: string[] = [];
    for (let turn = 0; turn < 100_000; turn++) {
      found.push(...this.take().filter((reply) => reply !== "+"));
      const last = found.at(-1);
      if (last !== undefined && (last === "OK" || !last.startsWith("O"))) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`no reply; got ${JSON.stringify(found)}`);
  }
}
