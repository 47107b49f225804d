import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Keyboard, type KeyboardEvent } from "../../../src/cli/run/keyboard.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (events: readonly KeyboardEvent[]): string =>
  events
    .map((event) => (event.kind === "data" ? String.fromCharCode(...event.bytes) : `<${event.kind}>`))
    .join("");

describe("a keyboard", () => {
  it.each([
    ["plain keys\r", "plain keys\r"],
    ["\x03\x1b[A\x7f\xff", "\x03\x1b[A\x7f\xff"],
    ["a\x01xb", "a<quit>b"],
    ["\x01X", "<quit>"],
    ["\x01h\x01?", "<help><help>"],
    ["a\x01bc", "a<break>c"],
    ["a\x01\x01b", "a\x01b"],
    ["a\x01zb", "ab"],
  ])("makes %j into %j", (typed, expected) => {
    expect(text(new Keyboard().feed(bytes(typed)))).toBe(expected);
  });

  it("does not care how what is typed is cut into chunks", () => {
    const keys = fc.array(fc.constantFrom(..."ab\x01\x01xhz"), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(keys), (chunks) => {
        const pieces = new Keyboard();
        const whole = new Keyboard();
        const inPieces = chunks.map((chunk) => text(pieces.feed(bytes(chunk.join(""))))).join("");
        expect(inPieces).toBe(text(whole.feed(bytes(chunks.flat().join("")))));
      }),
    );
  });
});
