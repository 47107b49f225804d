import { describe, expect, it } from "vitest";
import { formatGdbAddress, GdbServerError, parseGdbAddress } from "../../src/gdb/address.ts";

describe("gdb addresses", () => {
  it.each([
    ["1234", { kind: "tcp", host: "127.0.0.1", port: 1234 }, "127.0.0.1:1234"],
    [":1234", { kind: "tcp", host: "127.0.0.1", port: 1234 }, "127.0.0.1:1234"],
    ["tcp::1234", { kind: "tcp", host: "127.0.0.1", port: 1234 }, "127.0.0.1:1234"],
    ["0", { kind: "tcp", host: "127.0.0.1", port: 0 }, "127.0.0.1:0"],
    ["0.0.0.0:99", { kind: "tcp", host: "0.0.0.0", port: 99 }, "0.0.0.0:99"],
    ["[::1]:99", { kind: "tcp", host: "::1", port: 99 }, "[::1]:99"],
    ["unix:/tmp/a.sock", { kind: "unix", path: "/tmp/a.sock" }, "/tmp/a.sock"],
  ] as const)("%s", (text, address, printed) => {
    expect(parseGdbAddress(text)).toEqual(address);
    expect(formatGdbAddress(parseGdbAddress(text))).toBe(printed);
  });

  it.each(["", "host", "host:", "65536", "1:2:3", "-1", "12x", "unix:"])(
    "%j is refused in one line",
    (text) => {
      expect(() => parseGdbAddress(text)).toThrow(GdbServerError);
      expect(() => parseGdbAddress(text)).toThrow(/^gdb: [^\n]+$/);
    },
  );
});
