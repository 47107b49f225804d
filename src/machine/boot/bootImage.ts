/** The forms of guest images that can be started. */

/** A part of an ELF file that belongs in memory. */
export interface ElfSegment {
  readonly physicalAddress: bigint;
  readonly virtualAddress: bigint;
  readonly bytes: Uint8Array;
  /** At least as many as `bytes`; the rest is zero. */
  readonly memorySize: bigint;
  readonly executable: boolean;
}

/** Linux's arm64 boot image (Documentation/arch/arm64/booting.rst). */
export interface Arm64Image {
  readonly kind: "arm64-image";
  readonly bytes: Uint8Array;
  /** Where it goes, from a 2 MiB boundary. */
  readonly textOffset: bigint;
  /** Memory it needs from there, bss included. */
  readonly imageSize: bigint;
  /** Whether it is an EFI program too. */
  readonly efiStub: boolean;
}

/** An executable for bare metal. */
export interface ElfImage {
  readonly kind: "elf";
  readonly segments: readonly ElfSegment[];
  /** Physical. */
  readonly entry: bigint;
}

/** Bytes that say nothing about themselves: started at their first. */
export interface FlatImage {
  readonly kind: "flat";
  readonly bytes: Uint8Array;
}

/** An image wrapped in gzip. */
export interface CompressedImage {
  readonly kind: "compressed";
  readonly container: "gzip" | "EFI zboot";
  /** A gzip stream. */
  readonly payload: Uint8Array;
}

/** An image that can be placed in memory. */
export type PlainImage = Arm64Image | ElfImage | FlatImage;
/** Whatever bytes can be recognized as. */
export type BootImage = PlainImage | CompressedImage;
