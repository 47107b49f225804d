import { describe, expect, it } from "vitest";
import { formatPrintf } from "../../../src/gdb/agent/printf.ts";

function format(text: string, ...values: readonly bigint[]): string {
  return formatPrintf(text, values, () => new TextEncoder().encode("abc"));
}

describe("printf for dprintf", () => {
  it.each([
    ["%d", [-5n], "-5"],
    ["%d", [0xffff_ffffn], "-1"],
    ["%ld", [0xffff_ffffn], "4294967295"],
    ["%u", [-1n], "4294967295"],
    ["%lu", [-1n], "18446744073709551615"],
    ["%hhx", [0x1234n], "34"],
    ["%#x|%#o|%X", [255n, 8n, 255n], "0xff|010|FF"],
    ["%5d|%-5d|%05d|%+d|% d", [42n, 42n, -42n, 42n, 42n], "   42|42   |-0042|+42| 42"],
    ["%.3d|%8.3d|%08.3d", [7n, 7n, 7n], "007|     007|     007"],
    ["%#010x", [0xabn], "0x000000ab"],
    ["%c%c", [0x68n, 0x69n], "hi"],
    ["%s|%6s|%-6s|%.2s", [1n, 1n, 1n, 1n], "abc|   abc|abc   |ab"],
    ["%p", [0xffff_0000_0000_0000n], "0xffff000000000000"],
    ["100%% \\t\\x41\\101\\\\n\\n", [], "100% \tAA\\n\n"],
    ["%d %d", [1n], "1 0"],
    ["%y", [1n], "%y"],
  ] as const)("%s", (text, values, expected) => {
    expect(format(text, ...values)).toBe(expected);
  });

  it("does not pad for ever", () => {
    expect(format("%999999999d", 1n).length).toBe(256);
  });
});
