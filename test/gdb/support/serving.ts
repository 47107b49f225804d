import { connect, type Socket } from "node:net";
import { type GdbAddress, parseGdbAddress } from "../../../src/gdb/address.ts";
import { GdbServer } from "../../../src/gdb/server.ts";
import type { SessionOptions } from "../../../src/gdb/session/session.ts";
import type { Target } from "../../../src/gdb/target.ts";
import { decodeStream, frame } from "./rsp.ts";

/** A server on a free port, or wherever `place` says. */
export function serve(target: Target, place = "0", options: SessionOptions = {}): Promise<GdbServer> {
  return GdbServer.listen(target, parseGdbAddress(place), {
    ...options,
    fault: (error) => {
      throw error;
    },
  });
}

/** A client over a socket. */
export class SocketClient {
  readonly #socket: Socket;
  /** Whole packets not yet asked for. */
  #packets: string[] = [];
  /** What has come of the next packet. */
  #partial = new Uint8Array(0);
  #closed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static connect(address: GdbAddress): Promise<SocketClient> {
    return new Promise((resolve, reject) => {
      const socket = address.kind === "unix" ? connect({ path: address.path }) : connect(address);
      const client = new SocketClient(socket);
      socket.once("connect", () => resolve(client));
      socket.once("error", reject);
    });
  }

  send(payload: string): void {
    this.#socket.write(frame(payload));
  }

  /** The next `count` packets; fewer if the connection ends before. */
  async packets(count: number): Promise<readonly string[]> {
    while (this.#packets.length < count && !this.#closed) await this.#more();
    return this.#packets.splice(0, count);
  }

  async ask(payload: string): Promise<string | undefined> {
    this.send(payload);
    return (await this.packets(1))[0];
  }

  /** Waits until the other side has hung up. */
  async closed(): Promise<void> {
    while (!this.#closed) await this.#more();
  }

  async end(): Promise<void> {
    this.#socket.end();
    await this.closed();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #receive(chunk: Uint8Array): void {
    const all = new Uint8Array(this.#partial.length + chunk.length);
    all.set(this.#partial);
    all.set(chunk, this.#partial.length);
    // A packet ends two digits after its #.
    const hash = all.length < 3 ? -1 : all.lastIndexOf(0x23, all.length - 3);
    const end = hash < 0 ? 0 : hash + 3;
    this.#partial = all.slice(end);
    this.#packets.push(...decodeStream(all.subarray(0, end)).filter((packet) => packet !== "+"));
    this.#wake();
  }
}
