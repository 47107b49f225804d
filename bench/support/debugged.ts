import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { BenchError, type Command, start } from "./process.ts";
import { RemoteClient } from "./remote.ts";

/** A guest that a gdb server holds at its first instruction, and a client connected to it. */
export interface DebuggedGuest {
  readonly client: RemoteClient;
  readonly features: string;
  /** Ends the process, running or not. */
  close(): Promise<void>;
}

/** Starts vmexit with a gdb server; `command` is a `vmexit run`. */
export async function debugVmexit(command: Command): Promise<DebuggedGuest> {
  const child = start([...command, "--gdb", "127.0.0.1:0", "--wait"]);
  child.stdout?.resume();
  const port = await new Promise<number>((resolve, reject) => {
    let text = "";
    child.stderr?.on("data", (chunk) => {
      text += String(chunk);
      const found = /target remote 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    child.on("close", () => reject(new BenchError(`vmexit has no gdb server: ${text}`)));
    child.on("error", (error) => reject(new BenchError(error.message)));
  });
  return introduce(child, port);
}

/** Starts QEMU with its gdb server. */
export async function debugQemu(command: Command): Promise<DebuggedGuest> {
  const port = await freePort();
  const child = start([...command, "-gdb", `tcp:127.0.0.1:${port}`, "-S"]);
  child.stdout?.resume();
  child.stderr?.resume();
  return introduce(child, port);
}

async function introduce(child: ChildProcess, port: number): Promise<DebuggedGuest> {
  const client = await RemoteClient.connect(port);
  const features = await client.introduce();
  return {
    client,
    features,
    close: async () => {
      client.close();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
      child.kill("SIGKILL");
      await closed;
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
