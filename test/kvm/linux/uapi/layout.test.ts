import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode, struct, union } from "../../../../src/kvm/linux/uapi/layout.ts";
import { kvmRegs, kvmSregs } from "../../../../src/kvm/linux/uapi/x86_64/structures.ts";

describe("a layout", () => {
  it("aligns members naturally and pads the end", () => {
    const layout = struct("s", { a: "u8", b: "u32", c: ["u8", 3], d: "u64", e: "u16" });
    expect(layout.offsets).toEqual({ a: 0, b: 4, c: 8, d: 16, e: 24 });
    expect(layout.size).toBe(32);
  });

  it("aligns 128-bit members to 16 bytes", () => {
    expect(struct("s", { a: "u64", b: ["u128", 2] }).offsets.b).toBe(16);
  });

  it("lays a union's members over each other, as large as the largest", () => {
    const layout = union({ a: "u8", b: ["u32", 3], c: "u64" });
    expect(layout.offsets).toEqual({ a: 0, b: 0, c: 0 });
    expect(layout.size).toBe(16);
  });

  it("reads back what it wrote, little-endian, at any place", () => {
    const inner = struct(undefined, { x: "u16", y: "s32" });
    const layout = struct("s", { a: "u64", b: [inner, 2], c: ["u8", 4], d: "u128", e: ["s64", 1] });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.nat(9),
        (a, y, d, c, at) => {
          const view = new DataView(new ArrayBuffer(layout.size + at));
          const value = {
            a,
            b: [
              { x: 1, y },
              { x: 0xffff, y: -1 },
            ],
            c,
            d,
            e: [-5n],
          };
          encode(layout, view, value, at);
          expect(decode(layout, view, at)).toEqual(value);
          expect(view.getUint8(at)).toBe(Number(a & 0xffn));
        },
      ),
    );
  });

  it("writes only the members it is given", () => {
    const view = new DataView(new ArrayBuffer(kvmSregs.size));
    encode(kvmSregs, view, { cr0: 0x11n, cs: { ...decode(kvmSregs, view).cs, l: 1 } });
    encode(kvmSregs, view, { cr3: 0x1000n });
    expect(decode(kvmSregs, view)).toMatchObject({ cr0: 0x11n, cr3: 0x1000n, cs: { l: 1, base: 0n } });
    expect(kvmRegs.offsets.rip).toBe(128);
  });
});
