import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PacketWriter } from "../../src/gdb/writer.ts";
import { decodeStream, toText } from "./support/rsp.ts";

function written(build: (writer: PacketWriter) => void): string {
  const writer = new PacketWriter();
  build(writer);
  return toText(writer.take().bytes);
}

describe("PacketWriter", () => {
  it("adds the checksum", () => {
    expect(written((writer) => writer.begin().text("OK").end())).toBe("$OK#9a");
  });

  it("escapes binary data so that any bytes come back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeStream(toLatin(written((writer) => writer.begin().binary(bytes).end())))).toEqual([
          toText(bytes),
        ]);
      }),
    );
  });

  it("compresses runs so that any digits come back, and never to more bytes", () => {
    const runs = fc.array(fc.tuple(fc.constantFrom("0", "f", "x"), fc.integer({ min: 1, max: 250 })));
    fc.assert(
      fc.property(runs, (parts) => {
        const text = parts.map(([digit, count]) => digit.repeat(count)).join("");
        const writer = new PacketWriter();
        writer.runLengthEncoding = true;
        writer.begin().text(text).end();
        const { bytes } = writer.take();
        expect(bytes.length).toBeLessThanOrEqual(text.length + 4);
        // A client cuts the stream at these, wherever they stand.
        expect(toText(bytes).slice(1, -3)).not.toMatch(/[#$+-]/);
        expect(decodeStream(bytes)).toEqual([text]);
      }),
    );
  });

  it("encodes every length of run", () => {
    for (let count = 1; count < 300; count++) {
      const writer = new PacketWriter();
      writer.runLengthEncoding = true;
      writer.begin().text("0".repeat(count)).end();
      expect(decodeStream(writer.take().bytes)).toEqual(["0".repeat(count)]);
    }
  });

  it("leaves binary data uncompressed: a count would be read as data", () => {
    const writer = new PacketWriter();
    writer.runLengthEncoding = true;
    writer.begin().text("b").binary(new Uint8Array(32)).end();
    expect(writer.take().bytes.length).toBe(1 + 1 + 32 + 3);
  });

  it("grows, and batches packets into one array", () => {
    const writer = new PacketWriter();
    const bytes = new Uint8Array(100_000).fill(0xa5);
    writer.begin().hexBytes(bytes).end();
    writer.begin().text("OK").end();
    const { bytes: taken, lastFrame } = writer.take();
    expect(decodeStream(taken)).toEqual(["a5".repeat(100_000), "OK"]);
    expect(toText(taken.subarray(lastFrame))).toBe("$OK#9a");
    expect(writer.pending).toBe(0);
  });

  it("drops a packet that was begun, and none that was ended", () => {
    const text = written((writer) => {
      writer.begin().text("one").end();
      writer.begin().text("half");
      writer.abandon();
      writer.abandon();
      writer.begin().text("two").end();
    });
    expect(decodeStream(toLatin(text))).toEqual(["one", "two"]);
  });
});

function toLatin(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
