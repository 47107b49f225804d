import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFdt } from "../../../src/machine/fdt/parse.ts";
import {
  bytes,
  cells,
  cellsOf,
  doubles,
  type Fdt,
  FdtError,
  type FdtNode,
  flag,
  node,
  nodeAt,
  propertyOf,
  strings,
  stringsOf,
  withChild,
  withProperties,
} from "../../../src/machine/fdt/tree.ts";
import { writeFdt } from "../../../src/machine/fdt/write.ts";

const SAMPLE: Fdt = {
  root: node(
    "",
    [cells("#address-cells", 2), strings("compatible", "a,b", "c"), flag("ranges")],
    [
      node("cpus", [], [node("cpu@0", [cells("reg", 0)]), node("cpu@1", [cells("reg", 1)])]),
      node("memory@40000000", [doubles("reg", 0x4000_0000n, 0x1000_0000n)]),
    ],
  ),
  reservations: [{ address: 0x4800_0000n, size: 0x1000n }],
  bootCpu: 0,
};

const hasDtc = spawnSync("dtc", ["--version"]).status === 0;

const propertyName = fc.stringMatching(/^[a-z,#_?+.-][a-z0-9,#_?+.-]{0,20}$/);
const nodeName = fc.stringMatching(/^[a-z][a-z0-9,_+.-]{0,12}(@[0-9a-f]{1,8})?$/);
const property = fc.record({ name: propertyName, value: fc.uint8Array({ maxLength: 33 }) });
const properties = fc.uniqueArray(property, { selector: (p) => p.name, maxLength: 6 });
const { tree } = fc.letrec<{ tree: FdtNode; children: FdtNode[] }>((tie) => ({
  tree: fc.record({ name: nodeName, properties, children: tie("children") }),
  children: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant<FdtNode[]>([]),
    fc.uniqueArray(tie("tree"), { selector: (n) => n.name, maxLength: 3 }),
  ),
}));
const value64 = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n });
const blobOf = fc.record({
  root: tree.map((root) => ({ ...root, name: "" })),
  reservations: fc.array(fc.record({ address: value64, size: value64 }), { maxLength: 4 }),
  bootCpu: fc.integer({ min: 0, max: 0xffff_ffff }),
});

describe("device tree blobs", () => {
  it("are read back as they were written, whatever the tree", () => {
    fc.assert(
      fc.property(blobOf, (fdt) => {
        expect(parseFdt(writeFdt(fdt))).toEqual(fdt);
      }),
    );
  });

  it("are laid out as version 17 says, each block at its alignment", () => {
    fc.assert(
      fc.property(blobOf, (fdt) => {
        const blob = writeFdt(fdt);
        const view = new DataView(blob.buffer);
        const field = (index: number) => view.getUint32(index * 4);
        expect([field(0), field(1), field(5), field(6)]).toEqual([0xd00dfeed, blob.length, 17, 16]);
        expect([field(2) % 4, field(4) % 8, blob.length % 8]).toEqual([0, 0, 0]);
        expect(field(2) + field(9)).toBe(field(3));
        expect(field(3) + field(8)).toBeLessThanOrEqual(blob.length);
      }),
    );
  });

  it("store each property name once", () => {
    const text = new TextDecoder("latin1").decode(writeFdt(SAMPLE));
    expect(text.split("reg\0").length - 1).toBe(1);
  });

  it("are refused with one clear error when cut off anywhere, and never read past their end", () => {
    const blob = writeFdt(SAMPLE);
    for (let length = 0; length < blob.length; length += 1) {
      expect(() => parseFdt(blob.slice(0, length))).toThrow(FdtError);
    }
  });

  it("give a tree or one clear error, never anything else, when bytes are changed", () => {
    const blob = writeFdt(SAMPLE);
    const change = fc.record({
      at: fc.integer({ min: 0, max: blob.length - 1 }),
      to: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const hostile = blob.slice();
        for (const { at, to } of changes) hostile[at] = to;
        try {
          // What is accepted is well-formed: it can be written again.
          writeFdt(parseFdt(hostile));
        } catch (error) {
          expect(error).toBeInstanceOf(FdtError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("may stand in a larger buffer and may hold NOPs", () => {
    const blob = writeFdt(SAMPLE);
    const around = new Uint8Array(blob.length + 100).fill(0xaa);
    around.set(blob, 30);
    expect(parseFdt(around.subarray(30))).toEqual(SAMPLE);

    const flat = writeFdt({ ...SAMPLE, root: node("", [flag("a"), flag("b")]) });
    const view = new DataView(flat.buffer);
    // The second property's three words become NOPs.
    const second = view.getUint32(8) + 8 + 12;
    for (let word = 0; word < 3; word += 1) view.setUint32(second + word * 4, 4);
    expect(parseFdt(flat).root.properties.map((p) => p.name)).toEqual(["a"]);
  });
});

describe("hostile device tree blobs", () => {
  const patched = (patch: (view: DataView, structure: number) => void) => {
    const blob = writeFdt(SAMPLE);
    const view = new DataView(blob.buffer);
    patch(view, view.getUint32(8));
    return blob;
  };
  const table: { what: string; blob: Uint8Array; says: RegExp }[] = [
    {
      what: "another magic number",
      blob: patched((v) => v.setUint32(0, 0xfeed)),
      says: /begins with 0xfeed/,
    },
    {
      what: "a total beyond the bytes",
      blob: patched((v) => v.setUint32(4, 0x7fff_ffff)),
      says: /says it has/,
    },
    { what: "a total of nothing", blob: patched((v) => v.setUint32(4, 0)), says: /says it has 0/ },
    {
      what: "a version of the future",
      blob: patched((v) => v.setUint32(24, 18)),
      says: /version 17 \(compatible with 18\)/,
    },
    { what: "a version of the past", blob: patched((v) => v.setUint32(20, 3)), says: /version 3/ },
    { what: "a structure in the header", blob: patched((v) => v.setUint32(8, 8)), says: /structure block/ },
    {
      what: "an unaligned structure",
      blob: patched((v, s) => v.setUint32(8, s + 2)),
      says: /structure block/,
    },
    {
      what: "a structure of 4 GiB",
      blob: patched((v) => v.setUint32(36, 0xffff_fffc)),
      says: /structure block/,
    },
    { what: "strings outside", blob: patched((v) => v.setUint32(32, 0xffff_ffff)), says: /strings block/ },
    { what: "strings over the structure", blob: patched((v, s) => v.setUint32(12, s)), says: /overlap/ },
    {
      what: "reservations without end",
      blob: patched((v) => v.setUint32(16, v.byteLength & ~7)),
      says: /reservations .* do not end/,
    },
    { what: "no root", blob: patched((v, s) => v.setUint32(s, 2)), says: /does not begin with a node/ },
    {
      what: "a property of 4 GiB",
      blob: patched((v, s) => v.setUint32(s + 12, 0xffff_fffc)),
      says: /cut off/,
    },
    {
      what: "a name outside the strings",
      blob: patched((v, s) => v.setUint32(s + 16, 0x1000)),
      says: /outside the strings/,
    },
    { what: "an unknown token", blob: patched((v, s) => v.setUint32(s + 8, 7)), says: /token 7/ },
    {
      what: "an early end",
      blob: patched((v, s) => v.setUint32(s + 8, 9)),
      says: /token 9/,
    },
  ];
  it.each(table)("with $what are refused", ({ blob, says }) => {
    expect(() => parseFdt(blob)).toThrow(FdtError);
    expect(() => parseFdt(blob)).toThrow(says);
  });

  it("deeper than any board are refused by reader and writer", () => {
    let deep = node("leaf", []);
    for (let i = 0; i < 64; i += 1) deep = node("n", [], [deep]);
    const root = { ...deep, name: "" };
    expect(() => writeFdt({ root, reservations: [], bootCpu: 0 })).toThrow(/64 nodes deep/);
    const words = [...Array(70).fill([1, 0x6100_0000]).flat(), 9];
    const blob = new Uint8Array(56 + words.length * 4);
    const view = new DataView(blob.buffer);
    const header = [0xd00dfeed, blob.length, 56, 56 + words.length * 4, 40, 17, 16, 0, 0, words.length * 4];
    for (const [index, word] of [...header, 0, 0, 0, 0, ...words].entries()) view.setUint32(index * 4, word);
    view.setUint32(60, 0);
    expect(() => parseFdt(blob)).toThrow(/more than 64 deep/);
  });
});

describe("device tree values", () => {
  it("are refused where they cannot be written", () => {
    expect(() => cells("x", -1)).toThrow(FdtError);
    expect(() => cells("x", 2 ** 32)).toThrow(/32 bits/);
    expect(() => doubles("x", 1n << 64n)).toThrow(/64 bits/);
    expect(() => strings("x", "a\0b")).toThrow(/NUL/);
    const write = (root: FdtNode) => () => writeFdt({ root, reservations: [], bootCpu: 0 });
    expect(write(node("named", []))).toThrow(/root .* no name/);
    expect(write(node("", [], [node("a/b", [])]))).toThrow(/cannot be the name/);
    expect(write(node("", [], [node("", [])]))).toThrow(/cannot be the name/);
    expect(write(node("", [flag("")]))).toThrow(/property/);
    expect(write(node("", [flag("a"), flag("a")]))).toThrow(/two properties named a/);
    expect(write(node("", [], [node("a", []), node("a", [])]))).toThrow(/two children named a/);
  });

  it("are found and changed by name and path", () => {
    const { root } = SAMPLE;
    expect(nodeAt(root, "/")).toBe(root);
    expect(nodeAt(root, "/cpus/cpu@1")?.name).toBe("cpu@1");
    expect(nodeAt(root, "/cpus/cpu@2/x")).toBeUndefined();
    expect(cellsOf(root, "#address-cells")).toEqual([2]);
    expect(stringsOf(root, "compatible")).toEqual(["a,b", "c"]);
    expect(propertyOf(root, "nothing")).toBeUndefined();
    const changed = withChild(
      withProperties(root, cells("#address-cells", 1), flag("new")),
      node("chosen", []),
    );
    expect(changed.properties.map((p) => p.name)).toEqual(["#address-cells", "compatible", "ranges", "new"]);
    expect(changed.children.map((c) => c.name)).toEqual(["cpus", "memory@40000000", "chosen"]);
    expect(withChild(changed, node("cpus", [])).children.map((c) => c.children.length)).toEqual([0, 0, 0]);
  });

  it("of the wrong form are named", () => {
    const odd = node("n", [bytes("x", Uint8Array.of(0xff, 2, 3))]);
    expect(() => cellsOf(odd, "x")).toThrow(/n: x has 3 bytes/);
    expect(() => stringsOf(odd, "x")).toThrow(/no NUL/);
    expect(() => stringsOf(node("n", [bytes("x", Uint8Array.of(0xff, 0))]), "x")).toThrow(/no UTF-8/);
  });
});

describe.skipIf(!hasDtc)("dtc, where it is installed (package device-tree-compiler)", () => {
  it("decompiles and recompiles what is written to the same tree", () => {
    fc.assert(
      fc.property(blobOf, (fdt) => {
        const source = spawnSync("dtc", ["-q", "-I", "dtb", "-O", "dts"], { input: writeFdt(fdt) });
        expect(source.status).toBe(0);
        const again = spawnSync("dtc", ["-q", "-f", "-I", "dts", "-O", "dtb"], { input: source.stdout });
        expect(parseFdt(new Uint8Array(again.stdout)).root).toEqual(fdt.root);
      }),
      { numRuns: 20 },
    );
  });
});
