/** A file format that is not booted here, by bytes at a fixed place. */
export interface Signature {
  readonly offset: number;
  readonly magic: readonly number[];
  /** What it is and what to do, as the end of a sentence that begins with "the image is". */
  readonly is: string;
}

function text(value: string): number[] {
  return [...value].map((character) => character.charCodeAt(0));
}

const UNPACK = "unpack it first";

/** Formats that people give by mistake, so that they are told instead of seeing them run as code. */
export const FOREIGN_SIGNATURES: readonly Signature[] = [
  { offset: 0, magic: [0x27, 0x05, 0x19, 0x56], is: "a U-Boot uImage; give the Image it was made from" },
  {
    offset: 0,
    magic: [0xd0, 0x0d, 0xfe, 0xed],
    is: "a device tree blob or a FIT image; give the kernel inside it",
  },
  { offset: 0x202, magic: text("HdrS"), is: "an x86 bzImage; this machine is arm64" },
  { offset: 0x24, magic: [0x18, 0x28, 0x6f, 0x01], is: "a 32-bit Arm zImage; this machine is arm64" },
  { offset: 0x38, magic: text("RSC\x05"), is: "a RISC-V Image; this machine is arm64" },
  { offset: 0, magic: text("ANDROID!"), is: "an Android boot image; give the kernel inside it" },
  { offset: 0, magic: [0xfd, ...text("7zXZ"), 0], is: `compressed with xz; ${UNPACK}` },
  { offset: 0, magic: [0x28, 0xb5, 0x2f, 0xfd], is: `compressed with zstd; ${UNPACK}` },
  { offset: 0, magic: text("BZh"), is: `compressed with bzip2; ${UNPACK}` },
  { offset: 0, magic: [0x04, 0x22, 0x4d, 0x18], is: `compressed with lz4; ${UNPACK}` },
  { offset: 0, magic: [0x02, 0x21, 0x4c, 0x18], is: `compressed with lz4 (legacy); ${UNPACK}` },
  { offset: 0, magic: [0x89, ...text("LZO"), 0], is: `compressed with lzop; ${UNPACK}` },
  { offset: 0, magic: [0x5d, 0, 0], is: `compressed with lzma; ${UNPACK}` },
  { offset: 0, magic: text("PK\x03\x04"), is: `a zip archive; ${UNPACK}` },
  { offset: 0, magic: text("07070"), is: "a cpio archive, which is an initial RAM disk and no kernel" },
  {
    offset: 0,
    magic: text("!<arch>\n"),
    is: "an archive of object files or a Debian package; give the file inside it",
  },
  { offset: 0, magic: text("QFI\xfb"), is: "a qcow2 disk image and no kernel" },
];

/** Whether `magic` stands at `offset`. */
export function hasMagic(bytes: Uint8Array, offset: number, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[offset + index] === byte);
}
