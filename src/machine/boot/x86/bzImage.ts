import { BootImageError } from "../bootError.ts";
import type { BzImage } from "./image.ts";

/** Fields of the setup header, by offset in the file (Documentation/arch/x86/boot.rst). */
export const SETUP = {
  BEGIN: 0x1f1,
  SETUP_SECTS: 0x1f1,
  BOOT_FLAG: 0x1fe,
  JUMP_LENGTH: 0x201,
  MAGIC: 0x202,
  VERSION: 0x206,
  TYPE_OF_LOADER: 0x210,
  LOADFLAGS: 0x211,
  RAMDISK_IMAGE: 0x218,
  RAMDISK_SIZE: 0x21c,
  CMD_LINE_PTR: 0x228,
  INITRD_ADDR_MAX: 0x22c,
  KERNEL_ALIGNMENT: 0x230,
  RELOCATABLE: 0x234,
  XLOADFLAGS: 0x236,
  CMDLINE_SIZE: 0x238,
  PREF_ADDRESS: 0x258,
  INIT_SIZE: 0x260,
} as const;

const SECTOR = 512;
/** XLF_KERNEL_64: there is a 64-bit entry point, 0x200 behind the load address. */
const KERNEL_64 = 1;
/** Version 2.12 has `xloadflags`. */
const LEAST_VERSION = 0x20c;
const MAGIC = 0x5372_6448;

/** Whether the bytes are a Linux kernel for x86 with a setup header. */
export function isBzImage(bytes: Uint8Array): boolean {
  if (bytes.length < SETUP.INIT_SIZE + 4) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint32(SETUP.MAGIC, true) === MAGIC && view.getUint16(SETUP.BOOT_FLAG, true) === 0xaa55;
}

/** Reads the header of a bzImage. @throws BootImageError if the kernel has no 64-bit entry point or is cut off */
export function readBzImage(bytes: Uint8Array): BzImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint16(SETUP.VERSION, true);
  if (version < LEAST_VERSION || (view.getUint16(SETUP.XLOADFLAGS, true) & KERNEL_64) === 0)
    throw new BootImageError(
      "the bzImage has no 64-bit entry point: give a kernel for x86-64, of 2013 or later",
    );
  // boot.rst: 0 means 4.
  const setupBytes = ((view.getUint8(SETUP.SETUP_SECTS) || 4) + 1) * SECTOR;
  if (setupBytes >= bytes.length)
    throw new BootImageError("the bzImage is cut off: it ends with its setup code");
  return {
    kind: "bzimage",
    bytes,
    setupBytes,
    preferredAddress: view.getBigUint64(SETUP.PREF_ADDRESS, true),
    alignment: BigInt(view.getUint32(SETUP.KERNEL_ALIGNMENT, true) || 0x20_0000),
    relocatable: view.getUint8(SETUP.RELOCATABLE) !== 0,
    initSize: BigInt(view.getUint32(SETUP.INIT_SIZE, true)),
    commandLineBytes: view.getUint32(SETUP.CMDLINE_SIZE, true),
    initrdMaximum: BigInt(view.getUint32(SETUP.INITRD_ADDR_MAX, true)),
  };
}
