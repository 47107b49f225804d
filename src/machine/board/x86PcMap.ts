/** The memory map, ports and interrupts of the PC. */

/** Where PCI and the interrupt controllers begin; RAM ends here at the latest. */
const RAM_END = 0xc000_0000;

/** Guest-physical addresses. */
export const PC_MAP = {
  /** Below it is memory that firmware tells as free; above it the video memory and ROMs of old, RAM here but reserved. */
  lowMemoryEnd: 0x9_fc00n,
  /** RAM that is free again begins here. */
  highMemory: 0x10_0000n,
  maximumRamBytes: RAM_END,
  /** ACPI's tables: in the range that is searched for them. */
  acpi: 0xe_0000n,
  acpiEnd: 0xf_0000n,
  /** Intel's MultiProcessor table, where a BIOS's ROM would be. */
  mpTable: 0xf_0000n,
  ioApic: 0xfec0_0000,
  localApic: 0xfee0_0000,
  /** Memory of QEMU's pc-testdev. */
  testMemory: 0xff00_0000,
  /** Firmware ends here. */
  firmwareEnd: 0x1_0000_0000n,
} as const;

/** Where a boot loader of ours leaves what it hands over: below the end of low memory, where guests are rarely linked. */
export const BOOT_MAP = {
  base: 0x9_0000n,
  gdt: 0x9_0000n,
  /** Linux's boot_params, "zero page". */
  zeroPage: 0x9_1000n,
  /** What PVH and Multiboot hand over. */
  info: 0x9_2000n,
  commandLine: 0x9_3000n,
  /** Bytes there, with the zero at the end. */
  commandLineBytes: 0x2000,
  stackEnd: 0x9_8000n,
  pageTables: 0x9_8000n,
  end: 0x9_e000n,
  biosData: 0x400n,
  /** What Multiboot hands over, unless the kernel goes there: kernels use the end of low memory before they have read it all. */
  multiboot: { info: 0x9000n, commandLine: 0xa000n, end: 0xc000n },
} as const;

/** First ports. */
export const PC_PORTS = {
  serial: 0x3f8,
  rtc: 0x70,
  i8042Data: 0x60,
  i8042Status: 0x64,
  systemControlA: 0x92,
  pciAddress: 0xcf8,
  resetControl: 0xcf9,
  debugExit: 0xf4,
  fwCfg: 0x510,
  test: 0xe0,
  testBytes: 0xe8,
  testInterrupts: 0x2000,
  acpiPm: 0x600,
} as const;

/** ISA interrupts, which are the I/O APIC's inputs of the same numbers; it has `count` inputs. */
export const PC_IRQ = { serial: 4, acpi: 9, count: 24 } as const;
