import { type AddressRange, guestPhysical } from "../../address.ts";
import { BOOT_MAP, PC_MAP } from "../../board/x86PcMap.ts";
import type { BootPiece } from "../bootPlan.ts";
import type { X86Elf } from "./image.ts";
import { pcMemoryMap } from "./memoryMap.ts";
import { commandLinePiece, piece } from "./pieces.ts";
import { placeInitrd } from "./planBzImage.ts";
import type { ProtocolPlan, X86BootRequest } from "./protocol.ts";
import { zeroPage } from "./zeroPage.ts";

/** The segments of an ELF file as pieces. */
export function segmentPieces({ segments }: X86Elf): readonly BootPiece[] {
  return segments.map(({ address, bytes, memorySize }, index) => ({
    what: `ELF image's segment ${index}`,
    address: guestPhysical(address),
    bytes,
    size: memorySize,
    zeroed: true,
  }));
}

/** The address behind the last of some pieces, rounded up to a page. */
export function endOf(pieces: readonly BootPiece[]): bigint {
  const end = pieces.reduce<bigint>(
    (most, { address, size }) => (address + size > most ? address + size : most),
    0n,
  );
  return (end + 0xfffn) & ~0xfffn;
}

/**
 * An ELF file: by PVH's note in 32-bit protected mode; without it at its entry point, 64 bits in long mode with what Linux takes
 * for its zero page in RSI, 32 bits in protected mode.
 */
export function planElf(request: X86BootRequest, image: X86Elf): ProtocolPlan {
  const { ram } = request;
  const segments = segmentPieces(image);
  const initrd = placeInitrd(request, endOf(segments), undefined);
  const common = [
    ...segments,
    commandLinePiece(request.commandLine ?? ""),
    ...(initrd === undefined ? [] : [piece("initrd", initrd.base, request.initrd ?? new Uint8Array())]),
  ];
  if (image.pvhEntry !== undefined) {
    return {
      protocol: "ELF, PVH",
      pieces: [...common, piece("PVH start info", BOOT_MAP.info, startInfo(ram, initrd))],
      entry: {
        mode: "protected",
        registers: { rip: image.pvhEntry, rbx: BOOT_MAP.info, rsp: BOOT_MAP.stackEnd },
      },
    };
  }
  const page = piece("zero page", BOOT_MAP.zeroPage, zeroPage({ ram, initrd }));
  return {
    protocol: image.bits === 64 ? "ELF, long mode" : "ELF, 32-bit protected mode",
    pieces: [...common, page],
    entry: {
      mode: image.bits === 64 ? "long" : "protected",
      registers: { rip: image.entry, rsi: BOOT_MAP.zeroPage, rsp: BOOT_MAP.stackEnd },
    },
  };
}

/** Xen's include/public/arch-x86/hvm/start_info.h. */
const START_INFO_MAGIC = 0x336e_c578;
const PLACE = { modules: 0x100, memoryMap: 0x200, bytes: 0x400 } as const;
const ENTRY_BYTES = 24;

function startInfo(ram: AddressRange, initrd: AddressRange | undefined): Uint8Array {
  const bytes = new Uint8Array(PLACE.bytes);
  const view = new DataView(bytes.buffer);
  const map = pcMemoryMap(ram);
  view.setUint32(0, START_INFO_MAGIC, true);
  view.setUint32(4, 1, true);
  view.setUint32(12, initrd === undefined ? 0 : 1, true);
  if (initrd !== undefined) view.setBigUint64(16, BOOT_MAP.info + BigInt(PLACE.modules), true);
  view.setBigUint64(24, BOOT_MAP.commandLine, true);
  view.setBigUint64(32, PC_MAP.acpi, true);
  view.setBigUint64(40, BOOT_MAP.info + BigInt(PLACE.memoryMap), true);
  view.setUint32(48, map.length, true);
  if (initrd !== undefined) {
    view.setBigUint64(PLACE.modules, initrd.base, true);
    view.setBigUint64(PLACE.modules + 8, initrd.size, true);
  }
  map.forEach(({ base, size, type }, i) => {
    const at = PLACE.memoryMap + i * ENTRY_BYTES;
    view.setBigUint64(at, base, true);
    view.setBigUint64(at + 8, size, true);
    view.setUint32(at + 16, type, true);
  });
  return bytes;
}
