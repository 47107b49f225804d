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
/** LOADED_HIGH: the kernel goes above 1 MiB, and its first byte there is its 32-bit entry point. */
const LOADED_HIGH = 1;
/** Version 2.10 tells how much memory the kernel needs, and where; 2.12 has `xloadflags`. */
const VERSION = { LEAST: 0x20a, XLOADFLAGS: 0x20c } as const;
/** Where kernels are loaded that cannot be moved. */
const FIXED_ADDRESS = 0x10_0000n;
const MAGIC = 0x5372_6448;

/** Whether the bytes are a Linux kernel for x86 with a setup header. */
export function isBzImage(bytes: Uint8Array): boolean {
  if (bytes.length < SETUP.INIT_SIZE + 4) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint32(SETUP.MAGIC, true) === MAGIC && view.getUint16(SETUP.BOOT_FLAG, true) === 0xaa55;
}

/** Reads the header of a bzImage. @throws BootImageError if it can only be entered in real mode, or is cut off */
export function readBzImage(bytes: Uint8Array): BzImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint16(SETUP.VERSION, true);
  if (version < VERSION.LEAST || (view.getUint8(SETUP.LOADFLAGS) & LOADED_HIGH) === 0)
    throw new BootImageError(
      `the bzImage is of boot protocol ${version >> 8}.${String(version & 0xff).padStart(2, "0")}, which starts in real mode and wants ` +
        "a BIOS: give a kernel with 2.10 or later (2009)",
    );
  const has64 = version >= VERSION.XLOADFLAGS && (view.getUint16(SETUP.XLOADFLAGS, true) & KERNEL_64) !== 0;
  const relocatable = view.getUint8(SETUP.RELOCATABLE) !== 0;
  // boot.rst: 0 means 4.
  const setupBytes = ((view.getUint8(SETUP.SETUP_SECTS) || 4) + 1) * SECTOR;
  if (setupBytes >= bytes.length)
    throw new BootImageError("the bzImage is cut off: it ends with its setup code");
  return {
    kind: "bzimage",
    bits: has64 ? 64 : 32,
    bytes,
    setupBytes,
    preferredAddress: has64 || relocatable ? view.getBigUint64(SETUP.PREF_ADDRESS, true) : FIXED_ADDRESS,
    alignment: BigInt(view.getUint32(SETUP.KERNEL_ALIGNMENT, true) || 0x20_0000),
    relocatable,
    initSize: BigInt(view.getUint32(SETUP.INIT_SIZE, true)),
    commandLineBytes: view.getUint32(SETUP.CMDLINE_SIZE, true),
    initrdMaximum: BigInt(view.getUint32(SETUP.INITRD_ADDR_MAX, true)),
  };
}
