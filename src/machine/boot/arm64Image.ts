import { BootImageError } from "./bootError.ts";
import type { Arm64Image } from "./bootImage.ts";
import { hasMagic } from "./signatures.ts";

/** Linux booting.rst: the header's 64 bytes end in the magic number and a reserved word. */
const HEADER_SIZE = 64;
const MAGIC_OFFSET = 56;
const MAGIC = [0x41, 0x52, 0x4d, 0x64] as const;
const BIG_ENDIAN = 1n;
/** booting.rst: where image_size is 0 (before Linux 3.17) text_offset is not to be trusted and 0x80000 meant. */
const OLD_TEXT_OFFSET = 0x8_0000n;

/** Whether the bytes have the arm64 Image's magic number. */
export function isArm64Image(bytes: Uint8Array): boolean {
  return hasMagic(bytes, MAGIC_OFFSET, MAGIC);
}

/**
 * Reads the header of an arm64 Image.
 * @throws BootImageError if the header is cut off, or the kernel is big-endian.
 */
export function readArm64Image(bytes: Uint8Array): Arm64Image {
  if (bytes.length < HEADER_SIZE) {
    throw new BootImageError(
      `the arm64 Image is cut off: its header has ${HEADER_SIZE} bytes, here are ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const textOffset = view.getBigUint64(8, true);
  const imageSize = view.getBigUint64(16, true);
  if (view.getBigUint64(24, true) & BIG_ENDIAN) {
    throw new BootImageError("the arm64 Image is a big-endian kernel, which this CPU does not run");
  }
  const old = imageSize === 0n;
  const fileSize = BigInt(bytes.length);
  return {
    kind: "arm64-image",
    bytes,
    textOffset: old ? OLD_TEXT_OFFSET : textOffset,
    imageSize: imageSize > fileSize ? imageSize : fileSize,
    efiStub: hasMagic(bytes, 0, [0x4d, 0x5a]),
  };
}
