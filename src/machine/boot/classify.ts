import { isArm64Image, readArm64Image } from "./arm64Image.ts";
import { BootImageError } from "./bootError.ts";
import type { BootImage } from "./bootImage.ts";
import { isEfiZboot, isPe, readEfiZboot } from "./efi.ts";
import { isElf, readElf } from "./elf.ts";
import { FOREIGN_SIGNATURES, hasMagic } from "./signatures.ts";

/**
 * Recognizes a guest image by its bytes. What has no known form is a flat binary.
 * @throws BootImageError if the image is empty, damaged, or of a form that is known and cannot be booted.
 */
export function classifyImage(bytes: Uint8Array): BootImage {
  if (bytes.length === 0) throw new BootImageError("the image is empty");
  if (isEfiZboot(bytes)) return readEfiZboot(bytes);
  if (isArm64Image(bytes)) return readArm64Image(bytes);
  if (isElf(bytes)) return readElf(bytes);
  if (hasMagic(bytes, 0, [0x1f, 0x8b])) return { kind: "compressed", container: "gzip", payload: bytes };
  const foreign = FOREIGN_SIGNATURES.find(({ offset, magic }) => hasMagic(bytes, offset, magic));
  if (foreign) throw new BootImageError(`the image is ${foreign.is}`);
  if (isPe(bytes))
    throw new BootImageError("the image is an EFI program, which needs EFI firmware to start it");
  return { kind: "flat", bytes };
}
