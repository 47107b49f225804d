import { type AddressRange, guestPhysical } from "../../address.ts";
import { BOOT_MAP, PC_MAP } from "../../board/x86PcMap.ts";
import { BootImageError } from "../bootError.ts";
import type { BootPiece } from "../bootPlan.ts";
import type { MultibootAddresses, MultibootImage } from "./image.ts";
import { pcMemoryMap } from "./memoryMap.ts";
import { commandLinePiece, piece } from "./pieces.ts";
import { endOf, segmentPieces } from "./planElf.ts";
import type { ProtocolPlan, X86BootRequest } from "./protocol.ts";

/** What EAX has when a Multiboot kernel is entered. */
const LOADER_MAGIC = 0x2bad_b002n;

/** Multiboot information (specification 3.3): which fields are there, and where the rest is. */
const FLAGS = { memory: 1, commandLine: 4, modules: 8, memoryMap: 0x40, loaderName: 0x200 } as const;
const PLACE = { modules: 0x100, memoryMap: 0x200, name: 0x400, bytes: 0x408 } as const;
/** An entry of the memory map, without the size that is before it. */
const ENTRY_BYTES = 20;
const MODULE_BYTES = 16;

/** Multiboot, version 1: 32-bit protected mode, EBX has the information. An initial RAM disk is its only module. */
export function planMultiboot(request: X86BootRequest, image: MultibootImage): ProtocolPlan {
  const { elf, addresses } = image;
  const loaded = elf === undefined ? [plainPiece(image)] : segmentPieces(elf);
  const entry = elf?.entry ?? BigInt(addresses?.entry ?? 0);
  const { initrd } = request;
  const module: AddressRange | undefined =
    initrd === undefined || initrd.length === 0
      ? undefined
      : { base: guestPhysical(behind(endOf(loaded))), size: BigInt(initrd.length) };
  const places = placesBeside(loaded);
  return {
    protocol: `Multiboot, ${elf === undefined ? "plain" : `ELF of ${elf.bits} bits`}`,
    pieces: [
      ...loaded,
      commandLinePiece(commandLineOf(request), BOOT_MAP.commandLineBytes, places.commandLine),
      piece("Multiboot information", places.info, information(request.ram, module, places)),
      ...(module === undefined ? [] : [piece("initrd", module.base, initrd ?? new Uint8Array())]),
    ],
    entry: { mode: "protected", registers: { rip: entry, rax: LOADER_MAGIC, rbx: places.info } },
  };
}

/** Boot loaders but GRUB 2 put the image's name first, as programs have theirs; kernels skip it, or parse it as such. */
const commandLineOf = ({ name, commandLine }: X86BootRequest): string =>
  [name?.replaceAll(" ", "_"), commandLine].filter((part) => part !== undefined && part !== "").join(" ");

/** Where the information goes, and the command line. */
interface Places {
  readonly info: bigint;
  readonly commandLine: bigint;
}

/** Low, where nothing of a kernel is. */
function placesBeside(loaded: readonly BootPiece[]): Places {
  const { info, end } = BOOT_MAP.multiboot;
  const isTaken = loaded.some(({ address, size }) => address < end && address + size > info);
  return isTaken ? BOOT_MAP : BOOT_MAP.multiboot;
}

/** Modules are above 1 MiB, whatever the kernel leaves free below. */
const behind = (end: bigint): bigint => (end < PC_MAP.highMemory ? PC_MAP.highMemory : end);

function plainPiece({ bytes, headerAt, addresses }: MultibootImage): BootPiece {
  if (addresses === undefined) throw new BootImageError("the Multiboot image says nowhere where it goes");
  const { load, loadEnd, bssEnd, header }: MultibootAddresses = addresses;
  const from = headerAt - (header - load);
  const size = loadEnd === 0 ? bytes.length - from : loadEnd - load;
  if (size <= 0 || from + size > bytes.length)
    throw new BootImageError("the Multiboot header asks for more bytes than the file has");
  if (addresses.entry < load || addresses.entry >= load + size)
    throw new BootImageError(
      `the Multiboot header's entry point 0x${addresses.entry.toString(16)} is outside what it loads`,
    );
  const part = bytes.subarray(from, from + size);
  const needed = bssEnd === 0 ? size : bssEnd - load;
  if (needed < size) throw new BootImageError("the Multiboot header's bss ends before its data does");
  return {
    what: "kernel",
    address: guestPhysical(BigInt(load)),
    bytes: part,
    size: BigInt(needed),
    zeroed: true,
  };
}

function information(ram: AddressRange, module: AddressRange | undefined, places: Places): Uint8Array {
  const bytes = new Uint8Array(PLACE.bytes);
  const view = new DataView(bytes.buffer);
  const info = Number(places.info);
  const map = pcMemoryMap(ram);
  const kibibytes = (size: bigint): number => Number(size >> 10n);
  const high = ram.size - PC_MAP.highMemory;
  const { memory, commandLine, modules, memoryMap, loaderName } = FLAGS;
  const words: readonly (readonly [number, number])[] = [
    [0, memory | commandLine | memoryMap | loaderName | (module === undefined ? 0 : modules)],
    [4, kibibytes(PC_MAP.lowMemoryEnd)],
    [8, kibibytes(high > 0n ? high : 0n)],
    [16, Number(places.commandLine)],
    [20, module === undefined ? 0 : 1],
    [24, info + PLACE.modules],
    [44, map.length * (ENTRY_BYTES + 4)],
    [48, info + PLACE.memoryMap],
    [64, info + PLACE.name],
  ];
  for (const [at, value] of words) view.setUint32(at, value, true);
  if (module !== undefined) {
    view.setUint32(PLACE.modules, Number(module.base), true);
    view.setUint32(PLACE.modules + 4, Number(module.base + module.size), true);
    // Its string is the zero behind the entry.
    view.setUint32(PLACE.modules + 8, info + PLACE.modules + MODULE_BYTES, true);
  }
  map.forEach(({ base, size, type }, i) => {
    const at = PLACE.memoryMap + i * (ENTRY_BYTES + 4);
    view.setUint32(at, ENTRY_BYTES, true);
    view.setBigUint64(at + 4, base, true);
    view.setBigUint64(at + 12, size, true);
    view.setUint32(at + 20, type, true);
  });
  bytes.set(new TextEncoder().encode("vmexit\0"), PLACE.name);
  return bytes;
}
