import type { AddressRange } from "../../address.ts";
import { guestPhysical } from "../../address.ts";
import { BOOT_MAP, PC_MAP } from "../../board/x86PcMap.ts";
import { BootLayoutError } from "../bootError.ts";
import type { BootPiece } from "../bootPlan.ts";
import { checkApart, checkInRam } from "../placement.ts";
import type { X86Image } from "./image.ts";
import { identityMap } from "./pageTables.ts";
import { planBzImage } from "./planBzImage.ts";
import { planElf } from "./planElf.ts";
import { planMultiboot } from "./planMultiboot.ts";

/** The registers a boot protocol speaks of. */
export type X86EntryRegister = "rax" | "rbx" | "rcx" | "rdx" | "rsi" | "rdi" | "rbp" | "rsp" | "rip";

/**
 * How the first CPU starts; every other register is as at reset, every other CPU waits for INIT and SIPI. Interrupts are off.
 * `real`: all segments at 0. `protected`: flat 32-bit segments, no paging. `long`: flat 64-bit segments, the first 4 GiB mapped onto
 * themselves. The last two by the descriptors at `BOOT_MAP.gdt`. `reset`: as the processor itself does.
 */
export interface X86Entry {
  readonly mode: "reset" | "real" | "protected" | "long";
  readonly registers: Readonly<Partial<Record<X86EntryRegister, bigint>>>;
}

/** Everything needed to start an x86 guest. */
export interface X86BootPlan {
  readonly pieces: readonly BootPiece[];
  readonly entry: X86Entry;
  /** What the guest was started as, in a few words for the user. */
  readonly protocol: string;
  /** Memory outside RAM that pieces go to and that the guest may only read: to be provided before the plan is applied. */
  readonly rom?: AddressRange | undefined;
}

/** What to boot with. */
export interface X86BootRequest {
  readonly image: X86Image;
  readonly ram: AddressRange;
  readonly initrd?: Uint8Array | undefined;
  readonly commandLine?: string | undefined;
  /** ACPI's tables, for `PC_MAP.acpi`. */
  readonly acpi: Uint8Array;
}

/** What a protocol makes of a request, without what all have in common. */
export interface ProtocolPlan {
  readonly pieces: readonly BootPiece[];
  readonly entry: X86Entry;
  readonly protocol: string;
}

/** Selectors in the descriptor table at `BOOT_MAP.gdt`: Linux wants 0x10 and 0x18 for 64-bit code and data. */
export const BOOT_SELECTORS = { code32: 0x08, code64: 0x10, data: 0x18 } as const;
const DESCRIPTORS = [0n, 0x00cf_9b00_0000_ffffn, 0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn] as const;
/** The last byte of that table. */
export const BOOT_GDT_LIMIT = DESCRIPTORS.length * 8 - 1;

const MAPPED = 4n << 30n;
/** Where a PC's firmware loads boot sectors. */
const BOOT_SECTOR = 0x7c00n;
const FIRST_DISK = 0x80n;

/** A piece that is known to fit its place. */
export function piece(what: string, address: bigint, bytes: Uint8Array): BootPiece {
  return { what, address: guestPhysical(address), bytes, size: BigInt(bytes.length), zeroed: false };
}

/** The command line with its zero, for `BOOT_MAP.commandLine`. @throws BootLayoutError if it is too long */
export function commandLinePiece(text: string, most: number = BOOT_MAP.commandLineBytes): BootPiece {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const room = Math.min(most, BOOT_MAP.commandLineBytes);
  if (bytes.length > room)
    throw new BootLayoutError(`the command line has ${bytes.length - 1} bytes; this guest takes ${room - 1}`);
  return piece("command line", BOOT_MAP.commandLine, bytes);
}

/**
 * Works out where everything goes and how the guest starts.
 * @throws BootLayoutError if something does not fit; BootImageError if the image cannot be started with what it is given
 */
export function planX86Boot(request: X86BootRequest): X86BootPlan {
  const plan = protocolPlan(request);
  const own = [
    piece("descriptor table", BOOT_MAP.gdt, new Uint8Array(BigUint64Array.from(DESCRIPTORS).buffer)),
    piece("page tables", BOOT_MAP.pageTables, identityMap(BOOT_MAP.pageTables, MAPPED)),
    piece("ACPI tables", PC_MAP.acpi, request.acpi),
  ];
  const pieces = plan.entry.mode === "real" ? plan.pieces : [...plan.pieces, ...own];
  for (const { what, address, size } of pieces) checkInRam(what, address, size, request.ram);
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
