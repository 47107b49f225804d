import { BootImageError } from "../bootError.ts";
import { isX86Elf, readX86Elf } from "./elf.ts";
import type { MultibootImage } from "./image.ts";

/** Multiboot Specification 0.6.96, 3.1: the header is in the first 8192 bytes, at a multiple of 4. */
const HEADER_MAGIC = 0x1bad_b002;
const SEARCHED = 8192;
const SMALLEST = 12;
/** Bits 0 to 15 are requirements: page-aligned modules, memory information, a video mode. */
const FLAG = { VIDEO: 4, KNOWN: 7, REQUIREMENTS: 0xffff, ADDRESSES: 1 << 16 } as const;

/** Offset of a Multiboot header, undefined when there is none. */
export function findMultibootHeader(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = Math.min(SEARCHED, bytes.length) - SMALLEST;
  for (let at = 0; at <= end; at += 4) {
    if (view.getUint32(at, true) !== HEADER_MAGIC) continue;
    const sum = HEADER_MAGIC + view.getUint32(at + 4, true) + view.getUint32(at + 8, true);
    if (sum >>> 0 === 0) return at;
  }
  return undefined;
}

/** Multiboot2 Specification 2.0, 3.1.1: in the first 32768 bytes, at a multiple of 8. */
const HEADER_MAGIC_2 = 0xe852_50d6;
const SEARCHED_2 = 32768;
const SMALLEST_2 = 16;

/** Whether there is a header of Multiboot 2 for x86. */
export function hasMultiboot2Header(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = Math.min(SEARCHED_2, bytes.length) - SMALLEST_2;
  for (let at = 0; at <= end; at += 8) {
    if (view.getUint32(at, true) !== HEADER_MAGIC_2 || view.getUint32(at + 4, true) !== 0) continue;
    const sum = HEADER_MAGIC_2 + view.getUint32(at + 8, true) + view.getUint32(at + 12, true);
    if (sum >>> 0 === 0) return true;
  }
  return false;
}

/** Reads a kernel whose Multiboot header is at `headerAt`. @throws BootImageError for what it requires and is not here */
export function readMultiboot(bytes: Uint8Array, headerAt: number): MultibootImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = view.getUint32(headerAt + 4, true);
  const unknown = flags & FLAG.REQUIREMENTS & ~FLAG.KNOWN;
  if (unknown !== 0)
    throw new BootImageError(
      `the Multiboot header requires features 0x${unknown.toString(16)}, which are not known`,
    );
  if ((flags & FLAG.VIDEO) !== 0)
    throw new BootImageError("the Multiboot header requires a video mode, and this machine has no display");
  if ((flags & FLAG.ADDRESSES) === 0) {
    if (!isX86Elf(bytes))
      throw new BootImageError("the Multiboot image is no ELF file, and its header gives no addresses");
    return { kind: "multiboot", bytes, headerAt, addresses: undefined, elf: readX86Elf(bytes) };
  }
  if (headerAt + 32 > bytes.length) throw new BootImageError("the Multiboot header is cut off");
  const field = (index: number): number => view.getUint32(headerAt + 12 + 4 * index, true);
  const [header, load, loadEnd, bssEnd, entry] = [field(0), field(1), field(2), field(3), field(4)];
  if (load > header || header - load > headerAt)
    throw new BootImageError("the Multiboot header's addresses do not fit the file");
  return {
    kind: "multiboot",
    bytes,
    headerAt,
    addresses: { header, load, loadEnd, bssEnd, entry },
    elf: undefined,
  };
}
