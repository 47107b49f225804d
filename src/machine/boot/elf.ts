import { BootImageError } from "./bootError.ts";
import type { ElfImage, ElfSegment } from "./bootImage.ts";
import { hasMagic } from "./signatures.ts";

/** ELF-64 object file format: sizes, offsets and values of the headers. */
const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const TYPES = { EXEC: 2, DYN: 3 } as const;
const MACHINE_AARCH64 = 183;
const LOAD = 1;
const EXECUTE = 1;
/** e_phnum when the number does not fit: no executable for bare metal has so many. */
const TOO_MANY_HEADERS = 0xffff;

const MACHINE_NAMES: ReadonlyMap<number, string> = new Map([
  [3, "x86 (32 bits)"],
  [8, "MIPS"],
  [20, "PowerPC"],
  [21, "PowerPC (64 bits)"],
  [40, "Arm (32 bits)"],
  [62, "x86-64"],
  [243, "RISC-V"],
  [258, "LoongArch"],
]);

/** Whether the bytes begin as an ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return hasMagic(bytes, 0, [0x7f, 0x45, 0x4c, 0x46]);
}

/**
 * Reads an executable for bare metal: 64 bits, little endian, AArch64. Segments go to their physical addresses; an entry point
 * given as a virtual address is translated by the segment it lies in.
 * @throws BootImageError if it is another kind of ELF file, or cut off, or contradicts itself.
 */
export function readElf(bytes: Uint8Array): ElfImage {
  if (bytes.length < HEADER_SIZE) {
    throw new BootImageError(
      `the ELF image is cut off: its header has ${HEADER_SIZE} bytes, here are ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  checkKind(view);
  const entry = view.getBigUint64(24, true);
  const segments = readSegments(bytes, view);
  const holder = segments.find(
    (segment) =>
      segment.executable &&
      entry >= segment.virtualAddress &&
      entry < segment.virtualAddress + segment.memorySize,
  );
  return {
    kind: "elf",
    segments,
    entry: holder ? entry - holder.virtualAddress + holder.physicalAddress : entry,
  };
}

function checkKind(view: DataView): void {
  if (view.getUint8(4) !== CLASS_64)
    throw new BootImageError("the ELF image is of 32 bits; this machine is arm64");
  if (view.getUint8(5) !== LITTLE_ENDIAN) {
    throw new BootImageError("the ELF image is big-endian, which this machine does not run");
  }
  const machine = view.getUint16(18, true);
  if (machine !== MACHINE_AARCH64) {
    throw new BootImageError(
      `the ELF image is for ${MACHINE_NAMES.get(machine) ?? `machine ${machine}`}; this machine is arm64`,
    );
  }
  const type = view.getUint16(16, true);
  if (type !== TYPES.EXEC && type !== TYPES.DYN) {
    throw new BootImageError(`the ELF image is of type ${type}, no executable: link it first`);
  }
}

function readSegments(bytes: Uint8Array, view: DataView): ElfSegment[] {
  const tableAt = view.getBigUint64(32, true);
  const entrySize = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (count === 0 || count === TOO_MANY_HEADERS) {
    throw new BootImageError("the ELF image has no table of segments, or too long a one");
  }
  if (entrySize < PROGRAM_HEADER_SIZE || tableAt + BigInt(count * entrySize) > BigInt(bytes.length)) {
    throw new BootImageError(
      `the ELF image's table of segments (${count} of ${entrySize} bytes at ${tableAt}) is not inside its ${bytes.length} bytes`,
    );
  }
  const segments: ElfSegment[] = [];
  for (let index = 0; index < count; index += 1) {
    const segment = readSegment(bytes, view, Number(tableAt) + index * entrySize, index);
    if (segment) segments.push(segment);
  }
  if (segments.length === 0) throw new BootImageError("the ELF image has nothing to load into memory");
  return segments;
}

/** @returns undefined for a segment that needs no memory. */
function readSegment(bytes: Uint8Array, view: DataView, at: number, index: number): ElfSegment | undefined {
  if (view.getUint32(at, true) !== LOAD) return undefined;
  const offset = view.getBigUint64(at + 8, true);
  const fileSize = view.getBigUint64(at + 32, true);
  const memorySize = view.getBigUint64(at + 40, true);
  if (memorySize === 0n && fileSize === 0n) return undefined;
  if (offset + fileSize > BigInt(bytes.length)) {
    throw new BootImageError(
      `the ELF image is cut off: segment ${index} ends at byte ${offset + fileSize}, here are ${bytes.length}`,
    );
  }
  if (fileSize > memorySize) {
    throw new BootImageError(
      `the ELF image's segment ${index} has ${fileSize} bytes in the file and ${memorySize} in memory`,
    );
  }
  return {
    physicalAddress: view.getBigUint64(at + 24, true),
    virtualAddress: view.getBigUint64(at + 16, true),
    bytes: bytes.subarray(Number(offset), Number(offset + fileSize)),
    memorySize,
    executable: (view.getUint32(at + 4, true) & EXECUTE) !== 0,
  };
}
