import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that the server of a page has. */
export interface ServedFile {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** Headless, as root too, and without asking anything of the network. */
const OPTIONS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/**
 * Opens `/` of a server with these files in a headless Chromium and waits for what the page posts to `/result`, in JSON.
 * @throws Error when nothing comes within `timeout` milliseconds, or Chromium ends by itself
 */
export async function resultOfPage(
  files: Readonly<Record<string, ServedFile>>,
  timeout: number,
): Promise<unknown> {
  const profile = mkdtempSync(join(tmpdir(), "vmexit-chromium-"));
  let posted: (text: string) => void = () => {};
  const result = new Promise<string>((resolve) => {
    posted = resolve;
  });
  const server = createServer(async (request, response) => {
    if (request.url === "/result") {
      posted(await bodyOf(request));
      response.end();
      return;
    }
    const file = files[request.url ?? ""];
    response.writeHead(file === undefined ? 404 : 200, file && { "Content-Type": file.type });
    response.end(file?.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const page = `http://127.0.0.1:${port}/`;
  const browser = spawn("chromium", [...OPTIONS, `--user-data-dir=${profile}`, page], {
    stdio: ["ignore", "ignore", "pipe"],
    // A group of its own, so that its helper processes end with it and leave the profile alone.
    detached: true,
  });
  let said = "";
  browser.stderr.on("data", (chunk) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  const ended = once(browser, "exit");
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${timeout} ms: ${said}`)), timeout);
  });
  const gone = ended.then(([status]): never => {
    throw new Error(`chromium ended with ${status}: ${said}`);
  });
  try {
    return JSON.parse(await Promise.race([result, gone, late]));
  } finally {
    clearTimeout(timer);
    gone.catch(() => {});
    killGroup(browser.pid);
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}
