import { type AddressRange, guestPhysical } from "../address.ts";

function range(base: bigint, size: bigint): AddressRange {
  return { base: guestPhysical(base), size };
}

/** Where things are on QEMU's `virt` board for arm64, whose guests therefore run here too. */
export const VIRT_MAP = {
  /** Firmware. */
  flash: range(0x0000_0000n, 0x0400_0000n),
  /** The second bank, where firmware keeps its variables. */
  variables: range(0x0400_0000n, 0x0400_0000n),
  gicDistributor: range(0x0800_0000n, 0x0001_0000n),
  gicCpuInterface: range(0x0801_0000n, 0x0001_0000n),
  gicRedistributors: range(0x080a_0000n, 0x00f6_0000n),
  uart: range(0x0900_0000n, 0x1000n),
  rtc: range(0x0901_0000n, 0x1000n),
  /** 32 virtio-mmio transports. */
  virtio: range(0x0a00_0000n, 0x4000n),
  /** RAM begins here; its size is the user's. */
  ramBase: guestPhysical(0x4000_0000n),
} as const;

/** The most RAM that fits below 4 GiB: 3 GiB. */
export const MAXIMUM_RAM_BYTES = 3 * 1024 ** 3;

/** Shared peripheral interrupts, as device trees count them: INTID − 32. */
export const VIRT_SPI = { uart: 1, rtc: 2 } as const;

/** Private peripheral interrupts by INTID. */
export const VIRT_PPI = {
  pmu: 23,
  hypervisorTimer: 26,
  virtualTimer: 27,
  securePhysicalTimer: 29,
  physicalTimer: 30,
} as const;
