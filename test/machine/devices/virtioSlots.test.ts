import { describe, expect, it } from "vitest";
import { guestPhysical } from "../../../src/machine/address.ts";
import { arm64VirtBoard } from "../../../src/machine/board/arm64Virt.ts";
import { VirtualTime } from "../virtualTime.ts";

const FIRST = 0x0a00_0000n;
const LAST = 0x0a00_3e00n;
const MAGIC = 0x7472_6976n;

describe("the virtio-mmio transports", () => {
  const { bus } = arm64VirtBoard({
    memoryBytes: 1 << 20,
    cpus: 1,
    gicVersion: 3,
    scheduler: new VirtualTime(),
    transmit: () => {},
  });
  const read = (address: bigint, size: 1 | 4 = 4) => bus.read(guestPhysical(address), size, 0);

  it.each([FIRST, 0x0a00_0200n, LAST])("have at 0x%s one that says it has no device", (slot) => {
    expect(read(slot)).toBe(MAGIC);
    expect(read(slot + 4n)).toBe(1n);
    expect(read(slot + 8n)).toBe(0n);
    expect(read(slot + 0x100n)).toBe(0n);
  });

  it("end after 32", () => {
    expect(read(LAST + 0x200n)).toBeUndefined();
    expect(read(FIRST - 4n)).toBeUndefined();
  });

  it("take writes and remember none", () => {
    expect(bus.write(guestPhysical(FIRST + 0x70n), 4, 1n, 0)).toBe(true);
    expect(read(FIRST + 0x70n)).toBe(0n);
    expect(bus.write(guestPhysical(FIRST), 4, 1n, 0)).toBe(true);
    expect(read(FIRST)).toBe(MAGIC);
  });
});
