import { type AddressRange, guestPhysical, hex } from "../address.ts";
import { BootImageError, BootLayoutError } from "./bootError.ts";
import type { Arm64Image, ElfImage, FlatImage, PlainImage } from "./bootImage.ts";
import type { BootMachine, BootPiece, BootPlan } from "./bootPlan.ts";
import { alignUp, checkApart, checkInRam, isInside } from "./placement.ts";

const MIB = 1n << 20n;
const PAGE = 4096n;
/** Linux booting.rst: the image is placed from a 2 MiB boundary, and a device tree has at most 2 MiB. */
const BLOCK = 2n * MIB;
/** As on QEMU, whose loader stub has the first page of RAM: an Image that asks for that page goes one block up. */
const LOADER_PAGE = 4096n;
/** As on QEMU: a flat binary goes where old kernels wanted to be. */
const FLAT_OFFSET = 0x8_0000n;
/** As on QEMU: the initial RAM disk goes half way into RAM, but not further than this. */
const INITRD_OFFSET = 128n * MIB;
/** Physical addresses have at most 52 bits; above them only a kernel's virtual addresses are. */
const VIRTUAL = 1n << 52n;

/** What to boot with. */
export interface BootRequest {
  readonly image: PlainImage;
  /** The initial RAM disk's bytes. */
  readonly initrd?: Uint8Array;
  /** Makes the device tree blob, told where the initial RAM disk is. */
  readonly deviceTree: (initrd: AddressRange | undefined) => Uint8Array;
}

/**
 * Works out where everything goes and how the guest starts, by QEMU's conventions: an Image or flat binary by the Linux boot
 * protocol with the device tree's address in x0; an ELF file at its entry point with x0 = 0 and the device tree at the start of RAM
 * if there is room.
 * @throws BootLayoutError if something does not fit, naming what, its size and where; BootImageError if an ELF file's addresses are
 * virtual or it is given a RAM disk.
 */
export function planBoot(machine: BootMachine, request: BootRequest): BootPlan {
  const { image } = request;
  switch (image.kind) {
    case "arm64-image":
      return planLinux(machine, request, imageAddress(machine, image), image.bytes, image.imageSize);
    case "flat":
      return planLinux(machine, request, machine.ram.base + FLAT_OFFSET, image.bytes, flatSize(image));
    case "elf":
      return planElf(machine, request, image);
    default:
      return image satisfies never;
  }
}

function flatSize(image: FlatImage): bigint {
  return BigInt(image.bytes.length);
}

function imageAddress({ ram }: BootMachine, { textOffset }: Arm64Image): bigint {
  const base = alignUp(ram.base, BLOCK);
  return base + (textOffset < LOADER_PAGE ? textOffset + BLOCK : textOffset);
}

function planLinux(
  { ram }: BootMachine,
  request: BootRequest,
  kernelAt: bigint,
  bytes: Uint8Array,
  kernelSize: bigint,
): BootPlan {
  checkInRam("kernel", kernelAt, kernelSize, ram);
  const pieces: BootPiece[] = [
    { what: "kernel", address: guestPhysical(kernelAt), bytes, size: kernelSize, zeroed: false },
  ];
  const kernelEnd = kernelAt + kernelSize;
  const half = ram.size / 2n;
  const usual = ram.base + (half < INITRD_OFFSET ? half : INITRD_OFFSET);
  const initrdAt = alignUp(usual > kernelEnd ? usual : kernelEnd, PAGE);

  let initrd: AddressRange | undefined;
  if (request.initrd !== undefined && request.initrd.length > 0) {
    initrd = { base: guestPhysical(initrdAt), size: BigInt(request.initrd.length) };
    checkInRam("initrd", initrd.base, initrd.size, ram);
    pieces.push({
      what: "initrd",
      address: initrd.base,
      bytes: request.initrd,
      size: initrd.size,
      zeroed: false,
    });
  }
  const blob = request.deviceTree(initrd);
  const treeAt = alignUp(initrdAt + (initrd?.size ?? 0n), BLOCK);
  const deviceTree = { base: guestPhysical(treeAt), size: BigInt(blob.length) };
  if (deviceTree.size > BLOCK) {
    throw new BootLayoutError(`the device tree has ${blob.length} bytes; Linux takes at most ${BLOCK}`);
  }
  checkInRam("device tree", deviceTree.base, deviceTree.size, ram);
  pieces.push(treePiece(deviceTree, blob));
  checkApart(pieces);
  return {
    pieces,
    entry: { pc: guestPhysical(kernelAt), x0: treeAt },
    deviceTree,
    ...(initrd && { initrd }),
  };
}

function treePiece(range: AddressRange, bytes: Uint8Array): BootPiece {
  return { what: "device tree", address: range.base, bytes, size: range.size, zeroed: false };
}

function planElf(machine: BootMachine, request: BootRequest, image: ElfImage): BootPlan {
  if (request.initrd !== undefined && request.initrd.length > 0) {
    throw new BootImageError(
      "an ELF image is started without an initrd: give an Image, or leave the initrd out",
    );
  }
  const { ram, flash } = machine;
  const pieces = image.segments.map((segment, index): BootPiece => {
    const { physicalAddress: at, memorySize: size } = segment;
    if (at >= VIRTUAL) {
      throw new BootImageError(
        `the ELF image's segment ${index} asks for physical address ${hex(at)}, which is a virtual one: for Linux give ` +
          "arch/arm64/boot/Image instead of vmlinux",
      );
    }
    if (!isInside(flash, at, size)) checkInRam(`ELF image's segment ${index}`, at, size, ram);
    return { what: `segment ${index}`, address: guestPhysical(at), bytes: segment.bytes, size, zeroed: true };
  });
  if (!isInside(ram, image.entry, 4n) && !isInside(flash, image.entry, 4n)) {
    throw new BootImageError(
      `the ELF image's entry point ${hex(image.entry)} is neither in one of its executable segments nor in memory`,
    );
  }
  checkApart(pieces);
  const blob = request.deviceTree(undefined);
  const deviceTree = { base: ram.base, size: BigInt(blob.length) };
  const isFree =
    isInside(ram, deviceTree.base, deviceTree.size) &&
    pieces.every(
      (piece) => piece.address >= ram.base + deviceTree.size || piece.address + piece.size <= ram.base,
    );
  const inFlash = pieces.filter((piece) => piece.address < ram.base);
  return {
    pieces: isFree ? [...pieces, treePiece(deviceTree, blob)] : pieces,
    entry: { pc: guestPhysical(image.entry), x0: 0n },
    ...(inFlash.length > 0 && { rom: romFor(flash, inFlash) }),
    ...(isFree && { deviceTree }),
  };
}

/** Read-only memory from the start of flash that holds the pieces, in whole 64 KiB. */
export function romFor(flash: AddressRange, pieces: readonly BootPiece[]): AddressRange {
  let size = 0n;
  for (const piece of pieces) {
    const end = piece.address + piece.size - flash.base;
    if (end > size) size = end;
  }
  return { base: flash.base, size: alignUp(size, 0x1_0000n) };
}
