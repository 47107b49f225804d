import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FrameEvent, PacketReader } from "../../src/gdb/framing.ts";
import { frame, toBytes, toText } from "./support/rsp.ts";

interface Seen {
  readonly event: FrameEvent;
  readonly payload: string;
}

function readAll(reader: PacketReader): readonly Seen[] {
  const seen: Seen[] = [];
  for (;;) {
    const event = reader.next();
    if (event === undefined) return seen;
    const payload = event === "packet" ? toText(reader.payload.subarray(0, reader.length)) : "";
    seen.push({ event, payload });
  }
}

function readText(text: string, limit = 64): readonly Seen[] {
  const reader = new PacketReader(limit);
  reader.feed(toBytes(text));
  return readAll(reader);
}

/** Cuts `bytes` at the given places, taken modulo what is left. */
function cut(bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % Math.max(1, sizes.length)] ?? bytes.length);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe("PacketReader", () => {
  it("reads a packet, acknowledgements and Ctrl-C", () => {
    expect(readText("+$OK#9a-\x03").map(({ event }) => event)).toEqual([
      "ack",
      "packet",
      "nack",
      "interrupt",
    ]);
  });

  it("takes checksums in either case and tells a wrong one", () => {
    expect(readText("$OK#9A")).toEqual([{ event: "packet", payload: "OK" }]);
    expect(readText("$OK#9b").map(({ event }) => event)).toEqual(["damaged"]);
    expect(readText("$OK#zz").map(({ event }) => event)).toEqual(["damaged"]);
  });

  it("treats 0x03 inside of a packet as data", () => {
    const payload = "X0,1:\x03";
    expect(readText(toText(frame(payload)))).toEqual([{ event: "packet", payload }]);
  });

  it("begins anew at a $ inside of a packet", () => {
    expect(readText("$half$OK#9a")).toEqual([{ event: "packet", payload: "OK" }]);
  });

  it("skips what is between packets", () => {
    expect(readText("noise\r\n$OK#9a more $g#67").map(({ payload }) => payload)).toEqual(["OK", "g"]);
  });

  it("reports a packet over the limit and reads the next one", () => {
    const long = "a".repeat(65);
    expect(readText(toText(frame(long)) + toText(frame("g"))).map(({ event }) => event)).toEqual([
      "oversized",
      "packet",
    ]);
    expect(readText(toText(frame("a".repeat(64))))).toEqual([{ event: "packet", payload: "a".repeat(64) }]);
  });

  it("gives any payloads back, however the stream is cut", () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
    fc.assert(
      fc.property(payloads, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sent, sizes) => {
        const stream = Uint8Array.from(sent.flatMap((payload) => [...frame(payload)]));
        const reader = new PacketReader(64);
        const seen: Seen[] = [];
        for (const chunk of cut(stream, sizes)) {
          reader.feed(chunk);
          seen.push(...readAll(reader));
        }
        expect(seen).toEqual(sent.map((payload) => ({ event: "packet", payload: toText(payload) })));
      }),
    );
  });

  it("survives any bytes, keeps nothing of them, and finds the next packet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const reader = new PacketReader(16);
        reader.feed(noise);
        readAll(reader);
        expect(reader.backlog).toBe(0);
        expect(reader.length).toBeLessThanOrEqual(16);
        // The first # ends whatever the noise began.
        reader.feed(toBytes("#00"));
        readAll(reader);
        reader.feed(frame("g"));
        expect(readAll(reader)).toEqual([{ event: "packet", payload: "g" }]);
      }),
    );
  });
});
