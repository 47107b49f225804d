import { BootImageError } from "../bootError.ts";
import { hasMagic } from "../signatures.ts";
import { isBzImage, readBzImage } from "./bzImage.ts";
import { isX86Elf, readX86Elf } from "./elf.ts";
import type { X86Image } from "./image.ts";
import { findMultibootHeader, hasMultiboot2Header, readMultiboot } from "./multiboot.ts";

const SECTOR = 512;

/** Whether the bytes say that they are an x86 guest. */
export function isX86Image(bytes: Uint8Array): boolean {
  return (
    isX86Elf(bytes) ||
    isBzImage(bytes) ||
    findMultibootHeader(bytes) !== undefined ||
    hasMultiboot2Header(bytes) ||
    isBootSector(bytes)
  );
}

function isBootSector(bytes: Uint8Array): boolean {
  return bytes.length >= SECTOR && hasMagic(bytes, SECTOR - 2, [0x55, 0xaa]);
}

/**
 * Recognizes an x86 guest by its bytes. What has no known form is a boot sector.
 * @throws BootImageError if the image is empty, damaged, or of a form that is known and cannot be booted
 */
export function classifyX86Image(bytes: Uint8Array): X86Image {
  if (bytes.length === 0) throw new BootImageError("the image is empty");
  if (isBzImage(bytes)) return readBzImage(bytes);
  const header = findMultibootHeader(bytes);
  if (header !== undefined) return readMultiboot(bytes, header);
  const elf = isX86Elf(bytes) ? readX86Elf(bytes) : undefined;
  // Its entry point is not what it looks like: it is Multiboot's.
  if (elf?.pvhEntry === undefined && hasMultiboot2Header(bytes))
    throw new BootImageError(
      "the image is a Multiboot 2 kernel, which cannot be started here: give one for Multiboot 1, or with a PVH note",
    );
  if (elf !== undefined) return elf;
  if (hasMagic(bytes, 0, [0x7f, 0x45, 0x4c, 0x46]))
    throw new BootImageError("the ELF image is for another architecture; this machine is x86-64");
  return { kind: "flat", bytes };
}
