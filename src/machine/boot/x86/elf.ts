import { BootImageError } from "../bootError.ts";
import type { X86Elf, X86Segment } from "./image.ts";

/** ELF object file format: values of the headers. */
const CLASS = { 32: 1, 64: 2 } as const;
const LITTLE_ENDIAN = 1;
const EXECUTABLE = 2;
const MACHINE = { I386: 3, X86_64: 62 } as const;
const SEGMENT = { LOAD: 1, NOTE: 4 } as const;

/** Xen's include/public/elfnote.h. */
const XEN_NOTE_PHYS32_ENTRY = 18;

/** Physical addresses have at most 52 bits; above them only a kernel's virtual addresses are. */
const VIRTUAL = 1n << 52n;

/** Places of what is needed in headers of 32 and 64 bits; `word` reads what is wider in the latter. */
interface Form {
  readonly bits: 32 | 64;
  readonly headerBytes: number;
  readonly entry: number;
  readonly tableAt: number;
  readonly entryBytes: number;
  readonly count: number;
  readonly programHeader: {
    readonly bytes: number;
    readonly offset: number;
    readonly virtual: number;
    readonly physical: number;
    readonly fileSize: number;
    readonly memorySize: number;
  };
}

const forms: Readonly<Record<number, Form>> = {
  [CLASS[32]]: {
    bits: 32,
    headerBytes: 52,
    entry: 24,
    tableAt: 28,
    entryBytes: 42,
    count: 44,
    programHeader: { bytes: 32, offset: 4, virtual: 8, physical: 12, fileSize: 16, memorySize: 20 },
  },
  [CLASS[64]]: {
    bits: 64,
    headerBytes: 64,
    entry: 24,
    tableAt: 32,
    entryBytes: 54,
    count: 56,
    programHeader: { bytes: 56, offset: 8, virtual: 16, physical: 24, fileSize: 32, memorySize: 40 },
  },
};

/** Whether the bytes are an ELF file for x86, of 32 or 64 bits. */
export function isX86Elf(bytes: Uint8Array): boolean {
  const isElf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  if (!isElf || bytes.length < 20 || bytes[5] !== LITTLE_ENDIAN) return false;
  const machine = (bytes[18] ?? 0) | ((bytes[19] ?? 0) << 8);
  return machine === MACHINE.I386 || machine === MACHINE.X86_64;
}

/**
 * Reads an x86 executable. Segments go to their physical addresses; an entry point given as a virtual address is translated by the
 * segment it lies in. @throws BootImageError if it is no executable, or cut off, or contradicts itself
 */
export function readX86Elf(bytes: Uint8Array): X86Elf {
  const form = forms[bytes[4] ?? 0];
  if (form === undefined || bytes.length < form.headerBytes)
    throw new BootImageError("the ELF image is cut off in its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number): bigint =>
    form.bits === 64 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
  const type = view.getUint16(16, true);
  if (type !== EXECUTABLE)
    throw new BootImageError(
      `the ELF image is of type ${type}, not an executable for fixed addresses: link it without -pie or -shared`,
    );
  const tableAt = word(form.tableAt);
  const entryBytes = view.getUint16(form.entryBytes, true);
  const count = view.getUint16(form.count, true);
  const tableEnd = tableAt + BigInt(count * entryBytes);
  if (count === 0 || entryBytes < form.programHeader.bytes || tableEnd > BigInt(bytes.length))
    throw new BootImageError("the ELF image has no table of segments inside the file");
  const segments: X86Segment[] = [];
  let pvhEntry: bigint | undefined;
  for (let index = 0; index < count; index++) {
    const at = Number(tableAt) + index * entryBytes;
    const kind = view.getUint32(at, true);
    if (kind !== SEGMENT.LOAD && kind !== SEGMENT.NOTE) continue;
    const { offset, virtual, physical, fileSize, memorySize } = form.programHeader;
    const [from, size, needed] = [word(at + offset), word(at + fileSize), word(at + memorySize)];
    if (from + size > BigInt(bytes.length))
      throw new BootImageError(
        `the ELF image is cut off: segment ${index} ends at byte ${from + size}, here are ${bytes.length}`,
      );
    const part = bytes.subarray(Number(from), Number(from + size));
    if (kind === SEGMENT.NOTE) {
      pvhEntry ??= pvhEntryIn(part);
      continue;
    }
    if (size > needed)
      throw new BootImageError(`the ELF image's segment ${index} is larger in the file than in memory`);
    if (needed === 0n) continue;
    const address = word(at + physical);
    if (address >= VIRTUAL)
      throw new BootImageError(
        `the ELF image's segment ${index} asks for physical address 0x${address.toString(16)}, which is a virtual one`,
      );
    segments.push({ address, virtualAddress: word(at + virtual), bytes: part, memorySize: needed });
  }
  if (segments.length === 0) throw new BootImageError("the ELF image has nothing to load into memory");
  if (pvhEntry !== undefined && !isIn(segments, pvhEntry))
    throw new BootImageError(
      `the ELF image's entry point for PVH, 0x${pvhEntry.toString(16)}, is in none of its segments`,
    );
  return {
    kind: "elf",
    bits: form.bits,
    segments,
    entry: physicalEntry(word(form.entry), segments),
    pvhEntry,
  };
}

const isIn = (segments: readonly X86Segment[], physical: bigint): boolean =>
  segments.some(({ address, memorySize }) => physical >= address && physical < address + memorySize);

/** An entry point is physical if a segment's physical addresses have it; else virtual. */
function physicalEntry(entry: bigint, segments: readonly X86Segment[]): bigint {
  if (isIn(segments, entry)) return entry;
  const holder = segments.find(
    ({ virtualAddress, memorySize }) => entry >= virtualAddress && entry < virtualAddress + memorySize,
  );
  if (holder === undefined)
    throw new BootImageError(
      `the ELF image's entry point 0x${entry.toString(16)} is in none of its segments`,
    );
  return entry - holder.virtualAddress + holder.address;
}

/** The address in Xen's note, of 4 or 8 bytes. Notes: name size, descriptor size, type, name, descriptor, each padded to 4. */
function pvhEntryIn(notes: Uint8Array): bigint | undefined {
  const view = new DataView(notes.buffer, notes.byteOffset, notes.length);
  for (let at = 0; at + 12 <= notes.length; ) {
    const [nameBytes, size] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const nameAt = at + 12;
    const descriptorAt = nameAt + ((nameBytes + 3) & ~3);
    const end = descriptorAt + ((size + 3) & ~3);
    if (descriptorAt + size > notes.length || end <= at) return undefined;
    const name = String.fromCharCode(...notes.subarray(nameAt, nameAt + Math.max(0, nameBytes - 1)));
    if (name === "Xen" && view.getUint32(at + 8, true) === XEN_NOTE_PHYS32_ENTRY && size >= 4)
      return size >= 8 ? view.getBigUint64(descriptorAt, true) : BigInt(view.getUint32(descriptorAt, true));
    at = end;
  }
  return undefined;
}
