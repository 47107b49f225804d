import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBreakpointName, parseBreakpointRequest } from "../../../src/gdb/packets/breakpoints.ts";
import { PacketCursor } from "../../../src/gdb/packets/cursor.ts";
import {
  parseMemoryRead,
  parseMemoryWriteBinary,
  parseMemoryWriteHex,
} from "../../../src/gdb/packets/memory.ts";
import {
  parseRegisterRead,
  parseRegistersWrite,
  parseRegisterWrite,
} from "../../../src/gdb/packets/registers.ts";
import { parseRun } from "../../../src/gdb/packets/run.ts";
import { formatSupported, parseSupported } from "../../../src/gdb/packets/supported.ts";
import { parseThreadSelector } from "../../../src/gdb/packets/threadId.ts";
import { parseTransfer } from "../../../src/gdb/packets/transfer.ts";
import { parseVCont } from "../../../src/gdb/packets/vcont.ts";
import { toBytes } from "../support/rsp.ts";

function on<T>(parse: (packet: PacketCursor) => T, text: string): T {
  return parse(new PacketCursor(toBytes(text)));
}

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const length = fc.integer({ min: 0, max: 300 });

describe("hex numbers", () => {
  it("cover 64 bits and no more", () => {
    fc.assert(
      fc.property(u64, (value) => {
        expect(on((packet) => packet.hexBigInt(), value.toString(16))).toBe(value);
      }),
    );
    expect(on((packet) => packet.hexBigInt(), "10000000000000000")).toBeUndefined();
    expect(on((packet) => packet.hexBigInt(), "00000000000000000001")).toBe(1n);
    expect(on((packet) => packet.hexBigInt(), "x")).toBeUndefined();
  });

  it("as plain numbers are exact or refused", () => {
    expect(on((packet) => packet.hexNumber(), "1fffffffffffff")).toBe(Number.MAX_SAFE_INTEGER);
    expect(on((packet) => packet.hexNumber(), "20000000000000")).toBeUndefined();
  });
});

describe("m, M and X", () => {
  it("read back any address, length and data", () => {
    fc.assert(
      fc.property(u64, length, fc.uint8Array({ minLength: 1 }), (address, count, bytes) => {
        const at = address.toString(16);
        expect(on(parseMemoryRead, `${at},${count.toString(16)}`)).toEqual({ address, length: count });
        const size = bytes.length.toString(16);
        const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
        expect(on(parseMemoryWriteHex, `${at},${size}:${hex}`)).toEqual({ address, bytes });
        const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
        expect(on(parseMemoryWriteBinary, `${at},${size}:${binary}`)).toEqual({ address, bytes });
      }),
    );
  });

  it.each(["", "1", "1,", ",1", "1,1x", "1,1:"])("m refuses %j", (text) => {
    expect(on(parseMemoryRead, text)).toBeUndefined();
  });

  it.each(["0,2:00", "0,1:0000", "0,1:0g", "0,1", "0:00"])("M refuses %j", (text) => {
    expect(on(parseMemoryWriteHex, text)).toBeUndefined();
  });

  it("X refuses data of another length than said", () => {
    expect(on(parseMemoryWriteBinary, "0,2:a")).toBeUndefined();
    expect(on(parseMemoryWriteBinary, "0,0:")).toEqual({ address: 0n, bytes: new Uint8Array(0) });
  });
});

describe("p, P and G", () => {
  it("take a register and LLDB's thread suffix", () => {
    expect(on(parseRegisterRead, "20")).toEqual({ regnum: 0x20, thread: undefined });
    expect(on(parseRegisterRead, "20;thread:000a;")).toEqual({ regnum: 0x20, thread: 10 });
    expect(on(parseRegisterRead, "20;thread:p1.2;")).toEqual({ regnum: 0x20, thread: 2 });
    expect(on(parseRegisterWrite, "1=0102;thread:2;")).toEqual({
      regnum: 1,
      bytes: Uint8Array.of(1, 2),
      thread: 2,
    });
    expect(on(parseRegistersWrite, "00xx;thread:3;")).toEqual({ digits: toBytes("00xx"), thread: 3 });
    expect(on(parseRegistersWrite, "00xx")).toEqual({ digits: toBytes("00xx"), thread: undefined });
  });

  it.each(["", "x", "1;thread", "1;thread:", "1;thread:1;x"])("p refuses %j", (text) => {
    expect(on(parseRegisterRead, text)).toBeUndefined();
  });

  it.each(["", "1", "1=0", "=00", "1=00x"])("P refuses %j", (text) => {
    expect(on(parseRegisterWrite, text)).toBeUndefined();
  });
});

describe("Z and z", () => {
  it("take the five kinds", () => {
    const kinds = ["0", "1", "2", "3", "4"].map((type) => on(parseBreakpointName, `${type},1000,8`));
    expect(kinds).toEqual(
      ["software", "hardware", "watch-write", "watch-read", "watch-access"].map((kind) => ({
        kind,
        address: 0x1000n,
        length: 8,
      })),
    );
    expect(on(parseBreakpointName, "5,1000,4")).toBe("unknown");
    expect(on(parseBreakpointName, "0,1000")).toBeUndefined();
  });

  it("take conditions and commands, as gdb writes them and as its manual does", () => {
    const gdb = on(parseBreakpointRequest, "0,10,4;X2,2701X1,27;cmds:1,X1,27");
    expect(gdb).toEqual({
      kind: "software",
      address: 0x10n,
      length: 4,
      conditions: [Uint8Array.of(0x27, 1), Uint8Array.of(0x27)],
      commands: { persist: true, expressions: [Uint8Array.of(0x27)] },
    });
    expect(on(parseBreakpointRequest, "0,10,4;X1,27;X1,28")).toMatchObject({
      conditions: [Uint8Array.of(0x27), Uint8Array.of(0x28)],
      commands: undefined,
    });
    expect(on(parseBreakpointRequest, "0,10,4;cmds:0,X1,27")).toMatchObject({
      conditions: [],
      commands: { persist: false },
    });
  });

  it.each(["0,10,4;", "0,10,4;X", "0,10,4;X2,27", "0,10,4;Y", "0,10,4;cmds:", "0,10,4;cmds:0,X9,27"])(
    "refuse %j",
    (text) => {
      expect(on(parseBreakpointRequest, text)).toBeUndefined();
    },
  );
});

describe("vCont", () => {
  it("takes actions in order, with and without threads", () => {
    expect(on(parseVCont, ";s:p1.2;C05:1;r1000,1010:-1;t;c")).toEqual([
      { action: { kind: "step", signal: 0 }, threads: 2 },
      { action: { kind: "continue", signal: 5 }, threads: 1 },
      { action: { kind: "range-step", start: 0x1000n, end: 0x1010n }, threads: "all" },
      { action: { kind: "stop" }, threads: "all" },
      { action: { kind: "continue", signal: 0 }, threads: "all" },
    ]);
  });

  it("leaves out actions for other processes", () => {
    expect(on(parseVCont, ";c:p7.1;s:p1.-1")).toEqual([
      { action: { kind: "step", signal: 0 }, threads: "all" },
    ]);
  });

  it.each(["", ";", ";x", ";c:", ";C", ";r1000", ";r1000,", ";c;", "c", ";c:p1.x"])("refuses %j", (text) => {
    expect(on(parseVCont, text)).toBeUndefined();
  });
});

describe("thread-ids", () => {
  it.each([
    ["1", { process: "any", thread: 1 }],
    ["0", { process: "any", thread: "any" }],
    ["-1", { process: "any", thread: "all" }],
    ["p1.a", { process: 1, thread: 10 }],
    ["p1", { process: 1, thread: "all" }],
    ["p0.0", { process: "any", thread: "any" }],
    ["p-1.-1", { process: "all", thread: "all" }],
    ["p", undefined],
    ["x", undefined],
  ])("%s", (text, expected) => {
    expect(on(parseThreadSelector, text)).toEqual(expected);
  });
});

describe("qSupported, qXfer and vRun", () => {
  it("qSupported reads what it writes", () => {
    const text = "PacketSize=20000;multiprocess+;qRelocInsn-";
    expect(formatSupported(on(parseSupported, `:${text};nonsense;;`))).toBe(text);
  });

  it("qXfer takes object, annex, offset and length", () => {
    expect(on(parseTransfer, ":features:read:target.xml:10,20")).toEqual({
      object: "features",
      annex: "target.xml",
      offset: 16,
      length: 32,
    });
    expect(on(parseTransfer, ":features:write:target.xml:10:ab")).toBe("unsupported");
    expect(on(parseTransfer, ":features:read:target.xml:10")).toBeUndefined();
  });

  it("vRun takes words", () => {
    expect(on(parseRun, ";612f62;63")).toEqual(["a/b", "c"]);
    expect(on(parseRun, ";")).toEqual([""]);
    expect(on(parseRun, ";6")).toBeUndefined();
  });
});

describe("every parser", () => {
  it("survives any bytes", () => {
    const parsers = [
      parseMemoryRead,
      parseMemoryWriteHex,
      parseMemoryWriteBinary,
      parseRegisterRead,
      parseRegisterWrite,
      parseRegistersWrite,
      parseBreakpointName,
      parseBreakpointRequest,
      parseVCont,
      parseThreadSelector,
      parseSupported,
      parseTransfer,
      parseRun,
    ];
    const like = fc.string({ unit: fc.constantFrom(...":;,.=-+pXcsrtCS0123456789abcdef"), maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(like, fc.string({ maxLength: 60 })), (text) => {
        for (const parse of parsers) on<unknown>(parse, text);
      }),
      { numRuns: 500 },
    );
  });
});
