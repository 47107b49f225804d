// Runs in a browser's worker: fetches the guest, runs it, and sends what came of it to the server of the test.
import { runGuest } from "./runGuest.ts";

const send = (body: unknown): Promise<Response> =>
  fetch("/result", { method: "POST", body: JSON.stringify(body) });

try {
  const response = await fetch("/guest.elf");
  await send(await runGuest(new Uint8Array(await response.arrayBuffer())));
} catch (error) {
  await send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
