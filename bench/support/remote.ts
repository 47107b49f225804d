import { connect, type Socket } from "node:net";
import { BenchError } from "./process.ts";

const DOLLAR = 0x24;
const HASH = 0x23;

/** Where a gdb server listens on this machine: a TCP port or a Unix socket. */
export type ServerAddress = { readonly port: number } | { readonly path: string };

/** A client of gdb's remote protocol that does nothing but send a packet and wait for the reply to it. */
export class RemoteClient {
  readonly #socket: Socket;
  #acknowledge = true;
  #buffer: Buffer = Buffer.alloc(0);
  readonly #replies: string[] = [];
  #waiting: { resolve(reply: string): void; reject(error: Error): void } | undefined;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", () => {
      // "close" follows.
    });
    socket.on("close", () => {
      this.#closed = true;
      this.#waiting?.reject(new BenchError("the gdb server hung up"));
    });
  }

  /** Connects to a server on this machine; for some seconds again and again, since it may be starting. */
  static async connect(address: ServerAddress): Promise<RemoteClient> {
    for (let attempt = 0; ; attempt++) {
      try {
        return new RemoteClient(await open(address));
      } catch (error) {
        if (attempt === 200) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Introduces itself as gdb does and turns acknowledgements off where the server can. */
  async introduce(): Promise<void> {
    const features = await this.request(
      "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;ConditionalBreakpoints+",
    );
    if (features.includes("QStartNoAckMode+") && (await this.request("QStartNoAckMode")) === "OK")
      this.#acknowledge = false;
    await this.request("?");
  }

  /** The reply to a packet; for one that lets the guest run, the stop reply. Console output of the server is dropped. */
  request(payload: string): Promise<string> {
    this.send(payload);
    return this.reply();
  }

  /** Sends a packet. */
  send(payload: string): void {
    this.#socket.write(frame(payload), "latin1");
  }

  /** The next reply. */
  reply(): Promise<string> {
    const reply = this.#replies.shift();
    if (reply !== undefined) return Promise.resolve(reply);
    if (this.#closed) return Promise.reject(new BenchError("the gdb server hung up"));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** @throws BenchError unless the reply to a packet is OK */
  async must(payload: string): Promise<void> {
    const reply = await this.request(payload);
    if (reply !== "OK") throw new BenchError(`the gdb server answered ${payload} with "${reply}"`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const begin = this.#buffer.indexOf(DOLLAR);
      const end = this.#buffer.indexOf(HASH, begin);
      if (begin < 0 || end < 0 || end + 3 > this.#buffer.length) return;
      const payload = this.#buffer.toString("latin1", begin + 1, end);
      this.#buffer = this.#buffer.subarray(end + 3);
      if (this.#acknowledge) this.#socket.write("+");
      if (/^O([0-9a-f][0-9a-f])+$/.test(payload)) continue;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#replies.push(payload);
      else waiting.resolve(payload);
    }
  }
}

function frame(payload: string): string {
  let sum = 0;
  for (let i = 0; i < payload.length; i++) sum += payload.charCodeAt(i);
  return `$${payload}#${(sum & 0xff).toString(16).padStart(2, "0")}`;
}

function open(address: ServerAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect("path" in address ? address : { ...address, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}
