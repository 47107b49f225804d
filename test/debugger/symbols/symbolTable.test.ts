import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SymbolTable } from "../../../src/debugger/symbols/symbolTable.ts";

const table = SymbolTable.from(
  [
    { name: "schedule", type: "T", address: 0x1100n },
    { name: "_stext", type: "T", address: 0x1000n },
    { name: "vectors", type: "T", address: 0x1000n },
    { name: "$x", type: "t", address: 0x1100n },
    { name: "init_once", type: "t", address: 0x1200n },
    { name: "init_once", type: "t", address: 0x1300n },
    { name: "__stop_tty", type: "T", address: 0x1340n },
    { name: "_etext", type: "D", address: 0x1400n },
    { name: "_sinittext", type: "T", address: 0x8000n },
    { name: "_einittext", type: "T", address: 0x8100n },
  ],
  0x9000n,
);

describe("SymbolTable", () => {
  it("gives every address of a name", () => {
    expect(table.named("init_once").map(({ address }) => address)).toEqual([0x1200n, 0x1300n]);
    expect(table.named("nothing")).toEqual([]);
    expect(table.addressOf("schedule")).toBe(0x1100n);
    expect(table.addressOf("nothing")).toBeUndefined();
  });

  it("prefers the global symbol of several with one name", () => {
    const both = SymbolTable.from([
      { name: "x", type: "t", address: 1n },
      { name: "x", type: "T", address: 2n },
    ]);
    expect(both.addressOf("x")).toBe(2n);
  });

  it("sizes symbols by the distance to the next address", () => {
    expect(table.named("schedule")[0]?.size).toBe(0x100);
    expect(table.named("vectors")[0]?.size).toBe(0x100);
    expect(table.named("_etext")[0]?.size).toBe(0);
  });

  it("describes an address as a name and a distance", () => {
    expect(table.describe(0x1000n)).toBe("vectors");
    expect(table.describe(0x1104n)).toBe("schedule+0x4");
    expect(table.describe(0x13ffn)).toBe("__stop_tty+0xbf");
    expect(table.describe(0x8004n)).toBe("_sinittext+0x4");
  });

  it("knows nothing about what is before, behind and between", () => {
    for (const address of [0n, 0xfffn, 0x1401n, 0x7fffn, 0x8101n, 2n ** 64n - 1n]) {
      expect(table.describe(address)).toBeUndefined();
    }
    expect(table.describe(0x1400n)).toBe("_etext");
  });

  it("moves with a slide, without changing what it came from", () => {
    const up = table.slid(0x1_0000n);
    expect(up.describe(0x1_1104n)).toBe("schedule+0x4");
    expect(up.locate(0x1_1104n)?.symbol.address).toBe(0x1_1100n);
    expect(up.addressOf("schedule")).toBe(0x1_1100n);
    expect(up.describe(0x1104n)).toBeUndefined();
    expect(up.slid(0n).describe(0x1104n)).toBe("schedule+0x4");
    expect(table.describe(0x1104n)).toBe("schedule+0x4");
    const down = SymbolTable.from(
      [{ name: "a", type: "T", address: 0xffff_8000_0800_0000n }],
      0xffff_8000_0800_1000n,
    ).slid(0x4000_0000n - 0xffff_8000_0800_0000n);
    expect(down.describe(0x4000_0010n)).toBe("a+0x10");
  });

  it("lists the symbols at an address", () => {
    expect(table.at(0x1000n).map(({ name }) => name)).toEqual(["_stext", "vectors"]);
    expect(table.at(0x1001n)).toEqual([]);
  });

  it("finds for any address the nearest symbol at or below it", () => {
    const addresses = fc.uniqueArray(fc.bigInt({ min: 0n, max: 1n << 20n }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(addresses, fc.bigInt({ min: 0n, max: 1n << 20n }), (all, wanted) => {
        const any = SymbolTable.from(
          all.map((address) => ({ name: `s${address}`, type: "t", address })),
          (1n << 20n) + 1n,
        );
        const below = all.filter((address) => address <= wanted).sort((a, b) => (a < b ? 1 : -1))[0];
        expect(any.locate(wanted)?.symbol.address).toBe(below);
      }),
    );
  });
});
