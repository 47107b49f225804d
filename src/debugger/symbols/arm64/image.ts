import { KernelImageError } from "../kernelImageError.ts";

/** The header of an arm64 `Image` (Linux Documentation/arch/arm64/booting.rst, "Call the kernel image"). */
export interface Arm64ImageHeader {
  /** Distance of the image's first byte from a 2 MiB boundary of RAM, in bytes. */
  readonly textOffset: bigint;
  /** Bytes of memory the kernel occupies from its first byte, its zeroed data included; 0 before Linux 3.17. */
  readonly memorySize: number;
  readonly littleEndian: boolean;
  /** Bytes per translation granule, undefined when the header does not say. */
  readonly pageSize: 4096 | 16384 | 65536 | undefined;
}

const MAGIC = [0x41, 0x52, 0x4d, 0x64]; // "ARM\x64" at byte 56
const HEADER_SIZE = 64;
/** No kernel is larger: the region the image is linked into is 2 GiB at most. */
const LARGEST_MEMORY_SIZE = 2 ** 31;

const OTHER_FORMATS: readonly {
  readonly at: number;
  readonly bytes: readonly number[];
  readonly is: string;
}[] = [
  { at: 0, bytes: [0x1f, 0x8b], is: "gzip data: decompress it first" },
  { at: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd], is: "zstd data: decompress it first" },
  { at: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], is: "xz data: decompress it first" },
  { at: 4, bytes: [0x7a, 0x69, 0x6d, 0x67], is: "an EFI zboot image: extract its payload first" },
  { at: 0, bytes: [0x7f, 0x45, 0x4c, 0x46], is: "an ELF file: read its symbol table instead" },
  { at: 0x202, bytes: [0x48, 0x64, 0x72, 0x53], is: "an x86 bzImage" },
];

function matches(bytes: Uint8Array, at: number, expected: readonly number[]): boolean {
  return expected.every((byte, index) => bytes[at + index] === byte);
}

/**
 * Reads the header of a raw arm64 kernel image.
 * @param image the whole `Image`, decompressed.
 * @throws KernelImageError when the bytes are something else or too short.
 */
export function parseArm64Image(image: Uint8Array): Arm64ImageHeader {
  for (const { at, bytes, is } of OTHER_FORMATS) {
    if (matches(image, at, bytes)) throw new KernelImageError(`The kernel image is ${is}.`);
  }
  if (image.length < HEADER_SIZE || !matches(image, 56, MAGIC)) {
    throw new KernelImageError('The kernel image is not an arm64 Image: "ARMd" is missing at byte 56.');
  }
  const view = new DataView(image.buffer, image.byteOffset, HEADER_SIZE);
  // The header's own fields are little-endian whatever the kernel is.
  const flags = view.getBigUint64(24, true);
  const memorySize = view.getBigUint64(16, true);
  if (memorySize > BigInt(LARGEST_MEMORY_SIZE)) {
    throw new KernelImageError(
      `The kernel image claims to occupy 0x${memorySize.toString(16)} bytes of memory.`,
    );
  }
  const granules = [undefined, 4096, 16384, 65536] as const;
  return {
    textOffset: view.getBigUint64(8, true),
    memorySize: Number(memorySize),
    littleEndian: (flags & 1n) === 0n,
    pageSize: granules[Number((flags >> 1n) & 3n)],
  };
}
