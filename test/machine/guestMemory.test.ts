import { describe, expect, it } from "vitest";
import { AddressError, guestPhysical, guestVirtual } from "../../src/machine/address.ts";
import { GuestMemoryError, LinearGuestMemory } from "../../src/machine/guestMemory.ts";

function memory() {
  const owner: { buffer: ArrayBuffer } = { buffer: new ArrayBuffer(0x1_0000) };
  const regions = [
    { base: guestPhysical(0x4000_0000n), size: 0x100, offset: 0x1000 },
    { base: guestPhysical(0x4000_0100n), size: 0x100, offset: 0x400 },
    { base: guestPhysical(0n), size: 0x10, offset: 0 },
  ];
  return { owner, memory: new LinearGuestMemory(owner, regions) };
}

describe("guest memory", () => {
  it("reads back what was written, across regions that touch", () => {
    const { owner, memory: ram } = memory();
    ram.write(guestPhysical(0x4000_00fen), Uint8Array.of(1, 2, 3, 4));
    expect([...ram.read(guestPhysical(0x4000_00fdn), 6)]).toEqual([0, 1, 2, 3, 4, 0]);
    const raw = new Uint8Array(owner.buffer);
    expect([raw[0x10ff], raw[0x400]]).toEqual([2, 3]);
  });

  it("looks the buffer up anew after its WebAssembly memory has grown and detached the old one", () => {
    const { owner, memory: ram } = memory();
    ram.write(guestPhysical(0n), Uint8Array.of(9));
    owner.buffer = structuredClone(owner.buffer, { transfer: [owner.buffer] });
    expect(ram.read(guestPhysical(0n), 1)[0]).toBe(9);
  });

  it("refuses an access that is not all memory, naming the first address that is not, and writes nothing of it", () => {
    const { memory: ram } = memory();
    expect(() => ram.read(guestPhysical(0x4000_01ffn), 2)).toThrow(/0x40000200 .*not guest memory/);
    expect(() => ram.write(guestPhysical(0xfn), Uint8Array.of(1, 2))).toThrow(GuestMemoryError);
    expect(ram.read(guestPhysical(0xfn), 1)[0]).toBe(0);
  });

  it("refuses regions that overlap or lie outside the buffer", () => {
    const owner = { buffer: new ArrayBuffer(0x100) };
    const region = (base: bigint, size: number, offset: number) => ({
      base: guestPhysical(base),
      size,
      offset,
    });
    expect(() => new LinearGuestMemory(owner, [region(0n, 0x20, 0), region(0x1fn, 0x20, 0x20)])).toThrow(
      /overlap/,
    );
    expect(() => new LinearGuestMemory(owner, [region(0n, 0x20, 0xf0)])).toThrow(/past its buffer/);
  });

  it("brands only values that can be addresses", () => {
    expect(guestPhysical((1n << 52n) - 1n)).toBe((1n << 52n) - 1n);
    expect(() => guestPhysical(1n << 52n)).toThrow(AddressError);
    expect(() => guestPhysical(-1n)).toThrow(AddressError);
    expect(guestVirtual((1n << 64n) - 1n)).toBe((1n << 64n) - 1n);
    expect(() => guestVirtual(1n << 64n)).toThrow(AddressError);
  });
});
