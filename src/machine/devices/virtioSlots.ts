import type { AccessSize, MmioDevice } from "../device.ts";
import { readByWords } from "./wordAccess.ts";

/** Bytes from one transport's registers to the next one's. */
const STRIDE = 0x200;

/** Registers that a transport without a device answers (Virtio 1.2, 4.2.2). All others read as zero. */
const ANSWERS: ReadonlyMap<number, number> = new Map([
  // MagicValue: "virt".
  [0x000, 0x7472_6976],
  // Version: the legacy interface, as QEMU's board has it unless told otherwise.
  [0x004, 1],
  // VendorID: QEMU's, for which guests for its board look.
  [0x00c, 0x554d_4551],
]);

/**
 * The board's virtio-mmio transports with nothing behind them: DeviceID is 0, by which a driver knows that it is to look no
 * further (Virtio 1.2, 4.2.3.1.1). Guests for QEMU's `virt` search them at their fixed places, whatever the device tree says.
 */
export class EmptyVirtioSlots implements MmioDevice {
  readonly name = "virtio-mmio";

  read(offset: number, size: AccessSize, _cpu: number): bigint {
    return readByWords(offset, size, (at) => ANSWERS.get(at % STRIDE) ?? 0);
  }

  write(_offset: number, _size: AccessSize, _value: bigint, _cpu: number): void {}
}
