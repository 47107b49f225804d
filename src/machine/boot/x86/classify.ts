import { BootImageError } from "../bootError.ts";
import { hasMagic } from "../signatures.ts";
import { isBzImage, readBzImage } from "./bzImage.ts";
import { isX86Elf, readX86Elf } from "./elf.ts";
import type { X86Image } from "./image.ts";
import { findMultibootHeader, readMultiboot } from "./multiboot.ts";

const SECTOR = 512;

/** Whether the bytes say that they are an x86 guest. */
export function isX86Image(bytes: Uint8Array): boolean {
  return (
    isX86Elf(bytes) || isBzImage(bytes) || findMultibootHeader(bytes) !== undefined || isBootSector(bytes)
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
  if (isX86Elf(bytes)) return readX86Elf(bytes);
  if (hasMagic(bytes, 0, [0x7f, 0x45, 0x4c, 0x46]))
    throw new BootImageError("the ELF image is for another architecture; this machine is x86-64");
  return { kind: "flat", bytes };
}
