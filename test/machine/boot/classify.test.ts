import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BootImageError } from "../../../src/machine/boot/bootError.ts";
import { classifyImage } from "../../../src/machine/boot/classify.ts";
import { openImage } from "../../../src/machine/boot/open.ts";
import { arm64Image, efiZboot, elf, gzip, patched, text } from "./images.ts";

const LIMIT = 1 << 20;
const CODE = { physical: 0x4010_0000n, bytes: new Uint8Array(64).fill(1) };

function at(offset: number, ...magic: number[]): Uint8Array {
  return patched(new Uint8Array(0x400), offset, ...magic);
}

describe("recognizing images", () => {
  it("reads the header of an arm64 Image", () => {
    const bytes = arm64Image({ textOffset: 0x20_0000n, imageSize: 0x30_0000n });
    expect(classifyImage(bytes)).toEqual({
      kind: "arm64-image",
      bytes,
      textOffset: 0x20_0000n,
      imageSize: 0x30_0000n,
      efiStub: false,
    });
  });

  it("counts an Image with an EFI stub as an Image", () => {
    expect(classifyImage(arm64Image({ efi: true }))).toMatchObject({ kind: "arm64-image", efiStub: true });
  });

  it("puts an Image from before Linux 3.17 at its traditional offset, with the file's size", () => {
    const old = arm64Image({ textOffset: 0x1234n, imageSize: 0n, length: 8192 });
    expect(classifyImage(old)).toMatchObject({ textOffset: 0x8_0000n, imageSize: 8192n });
  });

  it("takes an ELF file's loadable segments and translates a virtual entry point", () => {
    const image = classifyImage(
      elf(0xffff_0000_0010_0010n, [
        { ...CODE, virtual: 0xffff_0000_0010_0000n, memorySize: 256n },
        { physical: 0x4020_0000n, bytes: new Uint8Array(0), memorySize: 4096n, flags: 6 },
        { physical: 0n, bytes: new Uint8Array(0) },
      ]),
    );
    expect(image).toMatchObject({ kind: "elf", entry: 0x4010_0010n });
    if (image.kind !== "elf") throw new Error("not an ELF image");
    expect(image.segments.map((s) => [s.physicalAddress, s.bytes.length, s.memorySize])).toEqual([
      [0x4010_0000n, 64, 256n],
      [0x4020_0000n, 0, 4096n],
    ]);
  });

  it("takes whatever it does not know for a flat binary", () => {
    expect(classifyImage(Uint8Array.of(1, 2, 3, 4))).toMatchObject({ kind: "flat" });
  });

  const foreign: { what: string; bytes: Uint8Array; says: RegExp }[] = [
    { what: "nothing", bytes: new Uint8Array(0), says: /empty/ },
    { what: "a uImage", bytes: at(0, 0x27, 0x05, 0x19, 0x56), says: /uImage/ },
    { what: "a FIT image", bytes: at(0, 0xd0, 0x0d, 0xfe, 0xed), says: /FIT image/ },
    { what: "a bzImage", bytes: at(0x202, ...text("HdrS")), says: /x86 bzImage; this machine is arm64/ },
    { what: "a zImage", bytes: at(0x24, 0x18, 0x28, 0x6f, 0x01), says: /32-bit Arm zImage/ },
    { what: "a RISC-V Image", bytes: at(0x38, ...text("RSC\x05")), says: /RISC-V/ },
    { what: "xz", bytes: at(0, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), says: /xz; unpack it first/ },
    { what: "zstd", bytes: at(0, 0x28, 0xb5, 0x2f, 0xfd), says: /zstd/ },
    { what: "an initrd", bytes: at(0, ...text("070701")), says: /initial RAM disk and no kernel/ },
    { what: "a Debian package", bytes: at(0, ...text("!<arch>\n")), says: /Debian package/ },
    {
      what: "an EFI program",
      bytes: patched(at(0, 0x4d, 0x5a), 0x3c, 0x80, 0, 0, 0, ...Array(64).fill(0), 0x50, 0x45),
      says: /EFI firmware/,
    },
    { what: "a cut-off Image", bytes: arm64Image().slice(0, 60), says: /cut off/ },
    { what: "a big-endian Image", bytes: arm64Image({ flags: 1n }), says: /big-endian/ },
    { what: "zboot with zstd", bytes: efiZboot(new Uint8Array(4), "zstd"), says: /compressed with "zstd"/ },
    { what: "zboot with xz", bytes: efiZboot(new Uint8Array(4), "xzkern"), says: /compressed with "xzkern"/ },
    {
      what: "a cut-off zboot",
      bytes: efiZboot(new Uint8Array(64)).slice(0, 140),
      says: /cut off: its payload ends at byte 192/,
    },
    { what: "a zboot header alone", bytes: efiZboot(new Uint8Array(0)).slice(0, 40), says: /cut off/ },
    { what: "a cut-off ELF header", bytes: elf(0n, []).slice(0, 20), says: /cut off/ },
    { what: "an ELF without segments", bytes: elf(0n, []), says: /no table of segments/ },
    {
      what: "an empty ELF",
      bytes: elf(0n, [{ physical: 0n, bytes: new Uint8Array(0) }]),
      says: /nothing to load/,
    },
    { what: "a 32-bit ELF", bytes: patched(elf(0n, [CODE]), 4, 1), says: /32 bits/ },
    { what: "a big-endian ELF", bytes: patched(elf(0n, [CODE]), 5, 2), says: /big-endian/ },
    {
      what: "an x86 ELF",
      bytes: patched(elf(0n, [CODE]), 18, 62),
      says: /for x86-64; this machine is arm64/,
    },
    { what: "an object file", bytes: patched(elf(0n, [CODE]), 16, 1), says: /link it first/ },
    {
      what: "a table outside",
      bytes: patched(elf(0n, [CODE]), 32, 0xff, 0xff, 0xff),
      says: /table of segments .* not inside/,
    },
    { what: "small table entries", bytes: patched(elf(0n, [CODE]), 54, 8), says: /table of segments/ },
    {
      what: "a cut-off segment",
      bytes: elf(0n, [CODE]).slice(0, -1),
      says: /segment 0 ends at byte 184, here are 183/,
    },
    {
      what: "a segment of 2^64",
      bytes: patched(elf(0n, [CODE]), 64 + 32, ...Array(8).fill(0xff)),
      says: /cut off/,
    },
    {
      what: "more file than memory",
      bytes: elf(0n, [{ ...CODE, memorySize: 3n }]),
      says: /64 bytes in the file and 3/,
    },
  ];
  it.each(foreign)("refuses $what by name", ({ bytes, says }) => {
    expect(() => classifyImage(bytes)).toThrow(BootImageError);
    expect(() => classifyImage(bytes)).toThrow(says);
  });

  it("answers any bytes with an image or one clear error", () => {
    const seeds = [arm64Image({ length: 80 }), elf(0n, [CODE]), efiZboot(gzip(text("x"))), gzip(text("y"))];
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
        fc.nat(200),
      )
      .map(([seed, changes, length]) => {
        const copy = seed.slice();
        for (const [offset, value] of changes) if (offset < copy.length) copy[offset] = value;
        return copy.slice(0, length);
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
        try {
          expect(classifyImage(bytes).kind).toBeTruthy();
        } catch (error) {
          expect(error).toBeInstanceOf(BootImageError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("opening images", () => {
  it("unpacks gzip and EFI zboot to what is inside", async () => {
    const inside = arm64Image({ length: 100_000 });
    for (const packed of [gzip(inside), efiZboot(gzip(inside))]) {
      const image = await openImage(packed, LIMIT);
      expect(image).toMatchObject({ kind: "arm64-image", bytes: inside });
    }
    expect(await openImage(gzip(elf(0n, [CODE])), LIMIT)).toMatchObject({ kind: "elf" });
    expect(await openImage(gzip(Uint8Array.of(1, 2, 3)), LIMIT)).toMatchObject({ kind: "flat" });
  });

  it("leaves plain images as they are", async () => {
    const bytes = arm64Image();
    expect(await openImage(bytes, LIMIT)).toEqual(classifyImage(bytes));
  });

  it("refuses damaged, cut-off, nested and endless compressed data", async () => {
    const packed = gzip(arm64Image({ length: 5000 }));
    const damaged = patched(packed, packed.length - 6, 0, 0, 0);
    await expect(openImage(damaged, LIMIT)).rejects.toThrow(/gzip image is damaged or cut off/);
    await expect(openImage(packed.slice(0, -10), LIMIT)).rejects.toThrow(BootImageError);
    await expect(openImage(packed.slice(0, 3), LIMIT)).rejects.toThrow(/damaged or cut off/);
    await expect(openImage(gzip(gzip(text("x"))), LIMIT)).rejects.toThrow(/another compressed image/);
    await expect(openImage(gzip(new Uint8Array(1 << 22)), LIMIT)).rejects.toThrow(
      /more than the 1048576 bytes/,
    );
    await expect(openImage(gzip(new Uint8Array(0)), LIMIT)).rejects.toThrow(/empty/);
  });
});
