import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchError, type Command, start } from "./process.ts";
import { RemoteClient, type ServerAddress } from "./remote.ts";

/** A guest that a gdb server holds at its first instruction. */
export interface ServedGuest {
  readonly address: ServerAddress;
  /** Ends the process, running or not. */
  close(): Promise<void>;
}

/** The same, and a client connected to it. */
export interface DebuggedGuest extends ServedGuest {
  readonly client: RemoteClient;
}

/** How client and server are connected. */
export type Transport = "tcp" | "unix";

/** A new socket's path each time. */
const socketPath = (): string => join(tmpdir(), `vmexit-bench-${process.pid}-${randomUUID()}.sock`);

/** Starts vmexit with a gdb server; `command` is a `vmexit run`. */
export async function serveVmexit(command: Command, transport: Transport = "tcp"): Promise<ServedGuest> {
  const path = socketPath();
  const where = transport === "tcp" ? "127.0.0.1:0" : `unix:${path}`;
  const child = start([...command, "--gdb", where, "--wait"]);
  child.stdout?.resume();
  const port = await new Promise<number>((resolve, reject) => {
    let text = "";
    child.stderr?.on("data", (chunk) => {
      text += String(chunk);
      const found = /target remote (?:127\.0\.0\.1:(\d+)|\S+)/.exec(text);
      if (found !== null) resolve(Number(found[1] ?? 0));
    });
    child.on("close", () => reject(new BenchError(`vmexit has no gdb server: ${text}`)));
    child.on("error", (error) => reject(new BenchError(error.message)));
  });
  return served(child, transport === "tcp" ? { port } : { path });
}

/** Starts QEMU with its gdb server. */
export async function serveQemu(command: Command, transport: Transport = "tcp"): Promise<ServedGuest> {
  const address = transport === "tcp" ? { port: await freePort() } : { path: socketPath() };
  const where =
    "port" in address ? `tcp:127.0.0.1:${address.port}` : `unix:${address.path},server=on,wait=off`;
  const child = start([...command, "-gdb", where, "-S"]);
  child.stdout?.resume();
  child.stderr?.resume();
  return served(child, address);
}

/** Connects a client. */
export async function attach(guest: ServedGuest): Promise<DebuggedGuest> {
  const client = await RemoteClient.connect(guest.address);
  await client.introduce();
  const close = async (): Promise<void> => {
    client.close();
    await guest.close();
  };
  return { address: guest.address, client, close };
}

function served(child: ChildProcess, address: ServerAddress): ServedGuest {
  return {
    address,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
      child.kill("SIGKILL");
      await closed;
      if ("path" in address) rmSync(address.path, { force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new BenchError("no free port"));
      });
    });
  });
}
