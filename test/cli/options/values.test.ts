import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseClock } from "../../../src/cli/options/clock.ts";
import { parseMemorySize } from "../../../src/cli/options/memorySize.ts";
import { parseUnsigned64, parseWholeNumber } from "../../../src/cli/options/wholeNumber.ts";
import { completeGdb } from "../../../src/cli/run/options.ts";
import { UserError } from "../../../src/cli/userError.ts";

describe("a size", () => {
  it.each([
    ["512M", 512 << 20],
    ["1G", 1 << 30],
    ["3G", 3 * 2 ** 30],
    ["2048K", 2 << 20],
    ["64m", 64 << 20],
    ["64MiB", 64 << 20],
    ["64MB", 64 << 20],
  ])("%s is %i bytes", (text, bytes) => {
    expect(parseMemorySize("--memory", text)).toBe(bytes);
  });

  it("is a multiple of 4096 between 1 MiB and 3 GiB, or refused in one line that repeats it", () => {
    const anything = fc.oneof(fc.string({ unit: "grapheme-ascii" }), fc.stringMatching(/^\d{1,6}[KMGkmg]$/));
    fc.assert(
      fc.property(anything, (text) => {
        try {
          const bytes = parseMemorySize("--memory", text);
          expect(bytes % 4096).toBe(0);
          expect(bytes).toBeGreaterThanOrEqual(1 << 20);
          expect(bytes).toBeLessThanOrEqual(3 * 2 ** 30);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
          expect((error as Error).message.startsWith(`--memory ${text}: `)).toBe(true);
        }
      }),
    );
  });
});

describe("a number", () => {
  it("is decimal, within bounds, and may have its thousands apart", () => {
    expect(parseWholeNumber("--limit", "1_000_000", 1, 1e9)).toBe(1_000_000);
    for (const text of ["", "0", "1e3", "-1", "+1", "1.5", " 1", "_1", "1_", "1__0", "1000000001"]) {
      expect(() => parseWholeNumber("--limit", text, 1, 1e9), text).toThrow(UserError);
    }
  });

  it("of 64 bits is decimal or hexadecimal", () => {
    expect(parseUnsigned64("--seed", "0xffffffffffffffff")).toBe(2n ** 64n - 1n);
    expect(parseUnsigned64("--seed", "18446744073709551615")).toBe(2n ** 64n - 1n);
    for (const text of ["18446744073709551616", "-1", "0x", "ff", "1n"]) {
      expect(() => parseUnsigned64("--seed", text), text).toThrow(UserError);
    }
  });
});

describe("a time", () => {
  it("is seconds since 1970 or now", () => {
    expect(parseClock("--rtc", "0", 5_999)).toBe(0n);
    expect(parseClock("--rtc", "now", 5_999)).toBe(5n);
    expect(() => parseClock("--rtc", "4294967296", 0)).toThrow(UserError);
  });
});

describe("--gdb without an address", () => {
  it("means port 1234 wherever it stands", () => {
    expect(completeGdb(["run", "--gdb", "image"])).toEqual(["run", "--gdb=1234", "image"]);
    expect(completeGdb(["run", "image", "--gdb"])).toEqual(["run", "image", "--gdb=1234"]);
    expect(completeGdb(["run", "--gdb", "--wait", "image"])).toEqual([
      "run",
      "--gdb=1234",
      "--wait",
      "image",
    ]);
  });

  it("is not one with an address behind it", () => {
    for (const address of ["0", "4321", "localhost:1", "[::1]:99", ":5", "unix:/tmp/socket"]) {
      const args = ["run", "--gdb", address, "image"];
      expect(completeGdb(args)).toEqual(args);
    }
    expect(completeGdb(["run", "--gdb=7", "image"])).toEqual(["run", "--gdb=7", "image"]);
  });
});
