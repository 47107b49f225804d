import { BootImageError } from "./bootError.ts";
import type { CompressedImage } from "./bootImage.ts";
import { hasMagic } from "./signatures.ts";

/** Linux drivers/firmware/efi/libstub/zboot-header.S: fields of the DOS header of a compressed EFI kernel. */
const ZBOOT = { TYPE: 4, PAYLOAD_OFFSET: 8, PAYLOAD_SIZE: 12, COMPRESSION: 24, COMPRESSION_END: 56 } as const;
const ZBOOT_HEADER_SIZE = 64;
/** PE format: where the DOS header says where the PE header is. */
const PE_OFFSET = 0x3c;

/** Whether the bytes are a PE/COFF file, which is what EFI starts. */
export function isPe(bytes: Uint8Array): boolean {
  if (!hasMagic(bytes, 0, [0x4d, 0x5a]) || bytes.length < ZBOOT_HEADER_SIZE) return false;
  const at = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(PE_OFFSET, true);
  return hasMagic(bytes, at, [0x50, 0x45, 0, 0]);
}

/** Whether the bytes are a Linux kernel that unpacks itself under EFI (CONFIG_EFI_ZBOOT). */
export function isEfiZboot(bytes: Uint8Array): boolean {
  return hasMagic(bytes, 0, [0x4d, 0x5a]) && hasMagic(bytes, ZBOOT.TYPE, [0x7a, 0x69, 0x6d, 0x67]);
}

/**
 * Finds the compressed kernel inside an EFI zboot image.
 * @throws BootImageError if the image is cut off or its compression is not gzip.
 */
export function readEfiZboot(bytes: Uint8Array): CompressedImage {
  if (bytes.length < ZBOOT_HEADER_SIZE) {
    throw new BootImageError(
      `the EFI zboot image is cut off: its header has ${ZBOOT_HEADER_SIZE} bytes, here are ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = view.getUint32(ZBOOT.PAYLOAD_OFFSET, true);
  const size = view.getUint32(ZBOOT.PAYLOAD_SIZE, true);
  let compression = "";
  for (const byte of bytes.subarray(ZBOOT.COMPRESSION, ZBOOT.COMPRESSION_END)) {
    if (byte === 0) break;
    compression += String.fromCharCode(byte);
  }
  if (compression !== "gzip") {
    throw new BootImageError(
      `the EFI zboot image is compressed with ${JSON.stringify(compression)}; only gzip is unpacked here: give the plain Image`,
    );
  }
  if (start + size > bytes.length) {
    throw new BootImageError(
      `the EFI zboot image is cut off: its payload ends at byte ${start + size}, here are ${bytes.length}`,
    );
  }
  return { kind: "compressed", container: "EFI zboot", payload: bytes.subarray(start, start + size) };
}
