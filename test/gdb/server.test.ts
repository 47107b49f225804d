import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { GdbServerError } from "../../src/gdb/address.ts";
import type { GdbServer } from "../../src/gdb/server.ts";
import { counterProgram } from "./support/assembler.ts";
import { SocketClient, serve } from "./support/serving.ts";
import { TinyMachine } from "./support/tinyMachine.ts";

const open: GdbServer[] = [];
const folders: string[] = [];

async function start(place?: string, machine = new TinyMachine(counterProgram(0))) {
  const server = await serve(machine, place);
  open.push(server);
  return { server, machine };
}

function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "vmexit-gdb-"));
  folders.push(folder);
  return join(folder, "guest.gdb");
}

afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Waits until the server knows that its client has gone. */
async function idle(server: GdbServer): Promise<void> {
  while (server.connected) await new Promise((resolve) => setImmediate(resolve));
}

describe("the gdb server", () => {
  it("listens on loopback and tells the port it took", async () => {
    const { server } = await start();
    expect(server.address).toMatchObject({ kind: "tcp", host: "127.0.0.1" });
    const client = await SocketClient.connect(server.address);
    expect(await client.ask("qAttached")).toBe("1");
  });

  it("listens on a unix socket, in place of one that nobody serves any more", async () => {
    const path = socketPath();
    // A server that is killed leaves its socket behind.
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    expect(existsSync(path)).toBe(true);
    const { server } = await start(`unix:${path}`);
    const client = await SocketClient.connect(server.address);
    expect(await client.ask("qAttached")).toBe("1");
    await expect(serve(new TinyMachine(counterProgram(0)), `unix:${path}`)).rejects.toThrow(
      /another server listens/,
    );
  });

  it("leaves a file that is no socket alone", async () => {
    const path = socketPath();
    writeFileSync(path, "mine");
    await expect(serve(new TinyMachine(counterProgram(0)), `unix:${path}`)).rejects.toThrow(GdbServerError);
    expect(existsSync(path)).toBe(true);
  });

  it("says in one line that a port is in use", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const bound = other.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    await expect(serve(new TinyMachine(counterProgram(0)), String(port))).rejects.toThrow(
      `gdb: 127.0.0.1:${port} is in use; choose another port, or 0 for any free one`,
    );
    other.close();
  });

  it("gives a client the place of one who hangs up as it comes: nobody hears of both in their order", async () => {
    const { server } = await start();
    const first = await SocketClient.connect(server.address);
    await first.ask("Z0,40000008,4");
    const second = await SocketClient.connect(server.address);
    const answer = second.ask("?");
    await first.end();
    expect(await answer).toMatch(/^T/);
    await second.end();
    await idle(server);
    const third = await SocketClient.connect(server.address);
    expect(await third.ask("qC")).toBe("QC1");
  });

  it("gives no place to one who has hung up while it waited", async () => {
    const { server } = await start();
    const first = await SocketClient.connect(server.address);
    await first.ask("?");
    const second = await SocketClient.connect(server.address);
    await second.end();
    await first.end();
    await idle(server);
    const third = await SocketClient.connect(server.address);
    expect(await third.ask("qC")).toBe("QC1");
  });

  it("refuses a second client with the reason, and the first goes on", async () => {
    const { server } = await start();
    const first = await SocketClient.connect(server.address);
    await first.ask("QStartNoAckMode");
    const second = await SocketClient.connect(server.address);
    expect(await second.ask("qSupported")).toMatch(/^E\.another debugger is connected/);
    await second.closed();
    expect(await first.ask("qC")).toBe("QC1");
  });

  it("closes although a client that was to be refused never said anything", async () => {
    const { server } = await start();
    const first = await SocketClient.connect(server.address);
    const silent = await SocketClient.connect(server.address);
    await first.ask("?");
    await server.close();
    open.pop();
    await Promise.all([first.closed(), silent.closed()]);
    await expect(SocketClient.connect(server.address)).rejects.toThrow(/ECONNREFUSED/);
  });

  it("takes the next client when one has gone, with the guest as it was and no breakpoints", async () => {
    const { server, machine } = await start();
    const first = await SocketClient.connect(server.address);
    await first.ask("Z0,40000008,4");
    expect(await first.ask("vCont;c")).toMatch(/^T05/);
    await first.end();
    await idle(server);
    expect(machine.planted.size).toBe(0);
    const second = await SocketClient.connect(server.address);
    expect(await second.ask("?")).toContain("20:0800004000000000");
    await second.end();
  });

  it("stops a guest that the next client finds running", async () => {
    const { server, machine } = await start();
    const first = await SocketClient.connect(server.address);
    first.send("vCont;c");
    await first.end();
    await idle(server);
    expect(machine.status().kind).toBe("running");
    const second = await SocketClient.connect(server.address);
    expect(await second.ask("?")).toMatch(/^T02/);
  });

  it("hangs up after k", async () => {
    const { server, machine } = await start();
    const client = await SocketClient.connect(server.address);
    client.send("k");
    await client.closed();
    expect(machine.log).toContain("kill");
  });

  it("carries megabytes both ways", async () => {
    const { server } = await start();
    const client = await SocketClient.connect(server.address);
    for (let turn = 0; turn < 64; turn++) client.send("m40000000,8000");
    const replies = await client.packets(64);
    expect(replies.map((reply) => reply.length)).toEqual(replies.map(() => 0x10000));
  });
});
