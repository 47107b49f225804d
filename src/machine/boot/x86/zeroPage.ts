import type { AddressRange } from "../../address.ts";
import { BOOT_MAP, PC_MAP } from "../../board/x86PcMap.ts";
import { SETUP } from "./bzImage.ts";
import { pcMemoryMap } from "./memoryMap.ts";

/** Other fields of Linux's boot_params (Documentation/arch/x86/zero-page.rst). */
const PARAMS = { ACPI_RSDP: 0x70, E820_ENTRIES: 0x1e8, VID_MODE: 0x1fa, E820_TABLE: 0x2d0 } as const;
const BYTES = 4096;
const E820_ENTRY_BYTES = 20;

const MAGIC = 0x5372_6448;
const BOOT_FLAG = 0xaa55;
/** A boot loader without a number of its own. */
const UNKNOWN_LOADER = 0xff;
const NORMAL_VIDEO = 0xffff;
const DEFAULT_ALIGNMENT = 0x100_0000;

/** What goes into a zero page. */
export interface ZeroPageOptions {
  readonly ram: AddressRange;
  readonly initrd: AddressRange | undefined;
  /** The kernel file, for its setup header; left out, one is made up for a kernel that comes without. */
  readonly setup?: Uint8Array | undefined;
}

/** Linux's boot_params. The command line is at `BOOT_MAP.commandLine`. */
export function zeroPage({ ram, initrd, setup }: ZeroPageOptions): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  if (setup === undefined) {
    view.setUint16(SETUP.BOOT_FLAG, BOOT_FLAG, true);
    view.setUint32(SETUP.MAGIC, MAGIC, true);
    view.setUint32(SETUP.KERNEL_ALIGNMENT, DEFAULT_ALIGNMENT, true);
    view.setUint32(SETUP.CMDLINE_SIZE, BOOT_MAP.commandLineBytes - 1, true);
  } else {
    const end = SETUP.MAGIC + (setup[SETUP.JUMP_LENGTH] ?? 0);
    bytes.set(setup.subarray(SETUP.BEGIN, end), SETUP.BEGIN);
  }
  view.setUint16(PARAMS.VID_MODE, NORMAL_VIDEO, true);
  view.setUint8(SETUP.TYPE_OF_LOADER, UNKNOWN_LOADER);
  view.setUint32(SETUP.CMD_LINE_PTR, Number(BOOT_MAP.commandLine), true);
  view.setBigUint64(PARAMS.ACPI_RSDP, PC_MAP.acpi, true);
  if (initrd !== undefined) {
    view.setUint32(SETUP.RAMDISK_IMAGE, Number(initrd.base), true);
    view.setUint32(SETUP.RAMDISK_SIZE, Number(initrd.size), true);
  }
  const map = pcMemoryMap(ram);
  view.setUint8(PARAMS.E820_ENTRIES, map.length);
  map.forEach(({ base, size, type }, i) => {
    const at = PARAMS.E820_TABLE + i * E820_ENTRY_BYTES;
    view.setBigUint64(at, base, true);
    view.setBigUint64(at + 8, size, true);
    view.setUint32(at + 16, type, true);
  });
  return bytes;
}
