import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guestPhysical } from "../../src/machine/address.ts";
import { Bus } from "../../src/machine/bus.ts";
import type { AccessSize, MmioDevice } from "../../src/machine/device.ts";

class Recorder implements MmioDevice {
  readonly accesses: string[] = [];
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  read(offset: number, size: AccessSize, cpu: number): bigint {
    this.accesses.push(`cpu${cpu} read ${size} at ${offset}`);
    return BigInt(offset);
  }

  write(offset: number, size: AccessSize, value: bigint, cpu: number): void {
    this.accesses.push(`cpu${cpu} write ${size} at ${offset}: ${value}`);
  }
}

describe("the bus", () => {
  it("hands an access to the device with the offset, the size and the CPU", () => {
    const bus = new Bus();
    const device = new Recorder("a");
    bus.map(guestPhysical(0x900_0000n), 0x1000n, device);
    expect(bus.read(guestPhysical(0x900_0018n), 4, 3)).toBe(0x18n);
    expect(bus.write(guestPhysical(0x900_0ff8n), 8, 7n, 1)).toBe(true);
    expect(device.accesses).toEqual(["cpu3 read 4 at 24", "cpu1 write 8 at 4088: 7"]);
  });

  it("leaves an access that no device answers whole to the caller", () => {
    const bus = new Bus();
    const device = new Recorder("a");
    bus.map(guestPhysical(0x1000n), 0x1000n, device);
    expect(bus.read(guestPhysical(0xfffn), 1, 0)).toBeUndefined();
    expect(bus.read(guestPhysical(0xffcn), 8, 0)).toBeUndefined();
    expect(bus.read(guestPhysical(0x1ffcn), 8, 0)).toBeUndefined();
    expect(bus.write(guestPhysical(0x2000n), 4, 1n, 0)).toBe(false);
    expect(device.accesses).toEqual([]);
  });

  it("refuses overlapping and empty ranges by name", () => {
    const bus = new Bus();
    bus.map(guestPhysical(0x1000n), 0x1000n, new Recorder("first"));
    expect(() => bus.map(guestPhysical(0x1fffn), 1n, new Recorder("second"))).toThrow(
      /second .* overlaps first/,
    );
    expect(() => bus.map(guestPhysical(0x800n), 0x10_0000n, new Recorder("second"))).toThrow(/overlaps/);
    expect(() => bus.map(guestPhysical(0x3000n), 0n, new Recorder("second"))).toThrow(/empty/);
  });

  it("finds exactly the device whose range holds the address, whatever the order of mapping", () => {
    const slots = fc.uniqueArray(fc.integer({ min: 0, max: 63 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(slots, fc.integer({ min: 0, max: 64 * 16 - 1 }), (mapped, address) => {
        const bus = new Bus();
        for (const slot of mapped) bus.map(guestPhysical(BigInt(slot * 16)), 16n, new Recorder(`${slot}`));
        const expected = mapped.includes(address >> 4) ? `${address >> 4}` : undefined;
        expect(bus.find(guestPhysical(BigInt(address)))?.device.name).toBe(expected);
        expect(bus.mappings.map((m) => m.base)).toEqual(
          [...bus.mappings.map((m) => m.base)].sort((a, b) => Number(a - b)),
        );
      }),
    );
  });
});
