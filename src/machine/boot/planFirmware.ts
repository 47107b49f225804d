import { hex } from "../address.ts";
import { BootImageError, BootLayoutError } from "./bootError.ts";
import type { BootMachine, BootPiece, BootPlan } from "./bootPlan.ts";
import { isElf } from "./elf.ts";
import { checkInRam } from "./placement.ts";
import { romFor } from "./planBoot.ts";

/**
 * Firmware such as U-Boot's u-boot.bin: read-only at the start of flash, started at its first byte as after reset, with the device
 * tree at the start of RAM (QEMU's `-bios`).
 * @param deviceTree the blob.
 * @throws BootImageError if it is an ELF file or empty; BootLayoutError if something does not fit.
 */
export function planFirmware(machine: BootMachine, firmware: Uint8Array, deviceTree: Uint8Array): BootPlan {
  const { ram, flash } = machine;
  if (firmware.length === 0) throw new BootImageError("the firmware image is empty");
  if (isElf(firmware)) {
    throw new BootImageError(
      "the firmware is an ELF file: give the raw image (u-boot.bin), or boot it as a kernel",
    );
  }
  if (BigInt(firmware.length) > flash.size) {
    throw new BootLayoutError(
      `the firmware has ${firmware.length} bytes, flash at ${hex(flash.base)} has ${flash.size}`,
    );
  }
  const rom: BootPiece = {
    what: "firmware",
    address: flash.base,
    bytes: firmware,
    size: BigInt(firmware.length),
    zeroed: false,
  };
  const tree = { base: ram.base, size: BigInt(deviceTree.length) };
  checkInRam("device tree", tree.base, tree.size, ram);
  return {
    pieces: [
      rom,
      { what: "device tree", address: tree.base, bytes: deviceTree, size: tree.size, zeroed: false },
    ],
    entry: { pc: flash.base, x0: 0n },
    rom: romFor(flash, [rom]),
    deviceTree: tree,
  };
}
