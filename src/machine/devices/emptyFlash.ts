import type { AccessSize, MmioDevice } from "../device.ts";

/**
 * The bank of firmware where no memory slot holds its contents: reads as zero, ignores writes, and answers no CFI query (JESD68.01), so that
 * firmware that looks for a flash chip finds none instead of an external abort.
 */
export class EmptyFlash implements MmioDevice {
  readonly name = "flash";

  read(_offset: number, _size: AccessSize, _cpu: number): bigint {
    return 0n;
  }

  write(_offset: number, _size: AccessSize, _value: bigint, _cpu: number): void {}
}
