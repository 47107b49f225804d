import { guestPhysical } from "../../address.ts";
import { BOOT_MAP, PC_MAP } from "../../board/x86PcMap.ts";
import { BootLayoutError } from "../bootError.ts";
import { checkApart, checkInRam } from "../placement.ts";
import { biosData } from "./biosData.ts";
import { identityMap } from "./pageTables.ts";
import { piece } from "./pieces.ts";
import { planBzImage } from "./planBzImage.ts";
import { planElf } from "./planElf.ts";
import { planMultiboot } from "./planMultiboot.ts";
import type { ProtocolPlan, X86BootPlan, X86BootRequest } from "./protocol.ts";

/** Selectors in the descriptor table at `BOOT_MAP.gdt`: Linux wants them so. Code is of as many bits as the guest starts in. */
export const BOOT_SELECTORS = { code: 0x10, data: 0x18 } as const;
const CODE = { 32: 0x00cf_9b00_0000_ffffn, 64: 0x00af_9b00_0000_ffffn } as const;
const DATA = 0x00cf_9300_0000_ffffn;
const descriptors = (bits: 32 | 64): BigUint64Array => BigUint64Array.of(0n, CODE[32], CODE[bits], DATA);
/** The last byte of that table. */
export const BOOT_GDT_LIMIT = 31;

const MAPPED = 4n << 30n;
/** Where a PC's firmware loads boot sectors. */
const BOOT_SECTOR = 0x7c00n;
const FIRST_DISK = 0x80n;

/**
 * Works out where everything goes and how the guest starts.
 * @throws BootLayoutError if something does not fit; BootImageError if the image cannot be started with what it is given
 */
export function planX86Boot(request: X86BootRequest): X86BootPlan {
  const plan = protocolPlan(request);
  const bits = plan.entry.mode === "long" ? 64 : 32;
  const own = [
    piece("descriptor table", BOOT_MAP.gdt, new Uint8Array(descriptors(bits).buffer)),
    piece("page tables", BOOT_MAP.pageTables, identityMap(BOOT_MAP.pageTables, MAPPED)),
    piece("ACPI tables", PC_MAP.acpi, request.acpi),
    piece("MP table", PC_MAP.mpTable, request.mpTable),
  ];
  const pieces =
    plan.entry.mode === "real" ? plan.pieces : [...plan.pieces, ...own, ...biosData(plan.pieces)];
  for (const { what, address, size } of pieces)
    checkInRam(what, address, size, request.ram, BigInt(PC_MAP.maximumRamBytes));
  checkApart(pieces);
  return { ...plan, pieces };
}

function protocolPlan(request: X86BootRequest): ProtocolPlan {
  const { image } = request;
  switch (image.kind) {
    case "bzimage":
      return planBzImage(request, image);
    case "elf":
      return planElf(request, image);
    case "multiboot":
      return planMultiboot(request, image);
    case "flat":
      return {
        protocol: "boot sector, real mode at 0x7c00, without a BIOS",
        pieces: [piece("boot sector", BOOT_SECTOR, image.bytes)],
        entry: { mode: "real", registers: { rip: BOOT_SECTOR, rsp: BOOT_SECTOR, rdx: FIRST_DISK } },
      };
  }
}

const LARGEST_FIRMWARE = 16 << 20;
/** The end of firmware shows below 1 MiB too. */
const SHADOW = 0x2_0000;

/**
 * Firmware that ends at 4 GiB and starts 16 bytes before, as after reset; its last 128 KiB are below 1 MiB too.
 * @throws BootLayoutError if it is too large or no whole number of pages
 */
export function planX86Firmware(bytes: Uint8Array): X86BootPlan {
  if (bytes.length === 0 || bytes.length % 4096 !== 0 || bytes.length > LARGEST_FIRMWARE)
    throw new BootLayoutError(
      `${bytes.length} bytes of firmware: it has whole pages of 4096, and at most 16 MiB`,
    );
  const size = BigInt(bytes.length);
  const base = PC_MAP.firmwareEnd - size;
  const shadow = bytes.subarray(Math.max(0, bytes.length - SHADOW));
  return {
    protocol: "firmware, as after reset",
    pieces: [
      piece("firmware", base, bytes),
      piece("firmware below 1 MiB", PC_MAP.highMemory - BigInt(shadow.length), shadow),
    ],
    entry: { mode: "reset", registers: {} },
    rom: { base: guestPhysical(base), size },
  };
}
