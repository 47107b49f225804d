/** Where a gdb server listens. */
export type GdbAddress =
  /** `port` 0 takes any free one. */
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** The server cannot do what the user asked for: a bad address, a port in use. `message` says what to do. */
export class GdbServerError extends Error {
  override readonly name = "GdbServerError";
}

/** Who can connect when no host is given: only this machine. */
const LOOPBACK = "127.0.0.1";

/**
 * Parses `[HOST:]PORT`, `[v6 address]:PORT` or `unix:PATH`; `tcp:` in front and an empty host are fine too.
 * Throws {@link GdbServerError}.
 */
export function parseGdbAddress(text: string): GdbAddress {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (path === "")
      throw new GdbServerError("gdb: unix: needs the path of a socket, such as unix:/tmp/guest.gdb");
    return { kind: "unix", path };
  }
  const place = text.startsWith("tcp:") ? text.slice("tcp:".length) : text;
  const parts = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?(\d{1,5})$/.exec(place);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65535) {
    throw new GdbServerError(
      `gdb: "${text}" is not an address; write PORT, HOST:PORT or unix:PATH (port 0 takes any free one)`,
    );
  }
  return { kind: "tcp", host: parts[1] || parts[2] || LOOPBACK, port };
}

/** The address as gdb's `target remote` takes it. */
export function formatGdbAddress(address: GdbAddress): string {
  if (address.kind === "unix") return address.path;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
