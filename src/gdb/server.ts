import { lstat, unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { formatGdbAddress, type GdbAddress, GdbServerError } from "./address.ts";
import { PacketPolling, type PollingHost } from "./packetPolling.ts";
import { refuse } from "./refusal.ts";
import { Reply } from "./session/reply.ts";
import { GdbSession, type SessionOptions } from "./session/session.ts";
import type { Target } from "./target.ts";

/** How a server is set up. */
export interface GdbServerOptions extends SessionOptions {
  /** Gets what the target threw: faults of ours. The client has got an error reply. */
  readonly fault: (error: unknown) => void;
  /** A client has come (true) or gone (false). */
  readonly client?: (connected: boolean) => void;
}

/** Bytes from the client that may wait for the target before we stop reading. */
const MOST_BACKLOG = 1 << 20;
/** Connections at once, those being refused included. */
const MOST_CONNECTIONS = 8;
/** Milliseconds in which a client to be refused may ask something, and so learn why. */
const REFUSAL_PATIENCE = 5000;
/** Milliseconds that a client waits for the place of one who may have hung up: the two are heard of in any order. */
const SUCCESSION = 250;

const thisProcess: PollingHost = {
  now: () => performance.now(),
  immediate: (callback) => setImmediate(callback),
};

/** Listens for gdb and LLDB; one client at a time, one after the other. */
export class GdbServer {
  readonly #server: Server;
  readonly #target: Target;
  readonly #options: GdbServerOptions;
  readonly #address: GdbAddress;
  #client: Socket | undefined;
  /** Those who wait for the client's place, and what gives it to them. */
  readonly #waiting = new Map<Socket, () => void>();
  /** All there are: the client's, and those of the ones who wait or are being refused. */
  readonly #connections = new Set<Socket>();

  private constructor(server: Server, target: Target, address: GdbAddress, options: GdbServerOptions) {
    this.#server = server;
    this.#target = target;
    this.#address = address;
    this.#options = options;
    server.maxConnections = MOST_CONNECTIONS;
    server.on("connection", (socket) => this.#accept(socket));
  }

  /** Starts listening. Throws {@link GdbServerError} with one clear line if that cannot be. */
  static async listen(target: Target, address: GdbAddress, options: GdbServerOptions): Promise<GdbServer> {
    const server = createServer();
    try {
      await listenOn(server, address);
    } catch (error) {
      if (address.kind !== "unix" || codeOf(error) !== "EADDRINUSE" || !(await isStale(address.path))) {
        throw new GdbServerError(explain(error, address), { cause: error });
      }
      // The socket of a server that was killed.
      await unlink(address.path);
      await listenOn(server, address);
    }
    const bound = server.address();
    const actual =
      address.kind === "tcp" && bound !== null && typeof bound === "object"
        ? { ...address, port: bound.port }
        : address;
    return new GdbServer(server, target, actual, options);
  }

  /** Where it listens, with the port that was taken for 0. */
  get address(): GdbAddress {
    return this.#address;
  }

  /** Whether a client is connected. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Ends every connection and stops listening. The guest stays as it is. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", () => {
      // A reset connection; "close" follows.
    });
    if (this.#client === undefined) this.#serve(socket);
    else this.#wait(socket);
  }

  #wait(socket: Socket): void {
    const leave = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(socket);
    };
    const timer = setTimeout(() => {
      leave();
      refuseClient(socket);
    }, SUCCESSION);
    socket.once("close", leave);
    this.#waiting.set(socket, () => {
      leave();
      this.#serve(socket);
    });
  }

  #serve(socket: Socket): void {
    this.#client = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    const session = new GdbSession(
      this.#target,
      {
        send: (bytes) => {
          const room = socket.write(bytes);
          if (!room || session.backlog > MOST_BACKLOG) socket.pause();
          else if (socket.isPaused()) socket.resume();
          return room;
        },
        hangUp: () => socket.destroySoon(),
        fault: this.#options.fault,
      },
      this.#options,
    );
    const polling = new PacketPolling(thisProcess);
    socket.on("data", (chunk: Uint8Array) => {
      session.receive(chunk);
      polling.packetCame();
      if (session.backlog > MOST_BACKLOG) socket.pause();
    });
    socket.on("drain", () => {
      session.resume();
      if (session.backlog <= MOST_BACKLOG && !socket.writableNeedDrain) socket.resume();
    });
    socket.on("close", async () => {
      await session.close();
      this.#client = undefined;
      this.#options.client?.(false);
      const [next] = this.#waiting.values();
      next?.();
    });
    this.#options.client?.(true);
  }
}

/** Answers a second client's first packet with the reason, and hangs up. */
function refuseClient(socket: Socket): void {
  const reply = new Reply();
  reply.errorStyle = "gdb-text";
  reply.raw(new Uint8Array([0x2b]));
  reply.refuse(refuse("running", "another debugger is connected to this guest; detach it first"));
  socket.setTimeout(REFUSAL_PATIENCE, () => socket.destroy());
  socket.once("data", () => {
    socket.write(reply.take().bytes);
    socket.destroySoon();
  });
}

function listenOn(server: Server, address: GdbAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const listening = (): void => {
      server.off("error", reject);
      resolve();
    };
    if (address.kind === "unix") server.listen({ path: address.path }, listening);
    else server.listen({ host: address.host, port: address.port }, listening);
  });
}

/** Whether `path` is a socket on which nobody listens. */
async function isStale(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => resolve(codeOf(error) === "ECONNREFUSED"));
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function explain(error: unknown, address: GdbAddress): string {
  const place = formatGdbAddress(address);
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return address.kind === "tcp"
        ? `gdb: ${place} is in use; choose another port, or 0 for any free one`
        : `gdb: another server listens on ${place}; choose another path`;
    case "EACCES":
      return `gdb: not allowed to listen on ${place}; choose ${address.kind === "tcp" ? "a port above 1023" : "another path"}`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `gdb: ${place} is no address of this machine; leave the host out to listen on loopback`;
    case "ENOENT":
      return `gdb: the folder of ${place} does not exist`;
    default:
      return `gdb: cannot listen on ${place}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
