import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AddressRange, guestPhysical } from "../../../src/machine/address.ts";
import { BootImageError, BootLayoutError } from "../../../src/machine/boot/bootError.ts";
import type { PlainImage } from "../../../src/machine/boot/bootImage.ts";
import { applyBootPlan, type BootMachine } from "../../../src/machine/boot/bootPlan.ts";
import { classifyImage } from "../../../src/machine/boot/classify.ts";
import { planBoot } from "../../../src/machine/boot/planBoot.ts";
import { planFirmware } from "../../../src/machine/boot/planFirmware.ts";
import { LinearGuestMemory } from "../../../src/machine/guestMemory.ts";
import { arm64Image, elf, text } from "./images.ts";

const RAM = 0x4000_0000n;
const U_BOOT = "/usr/lib/u-boot/qemu_arm64";
const MIB = 1n << 20n;
const DTB = new Uint8Array(1000).fill(0xdd);

function machine(mebibytes: bigint): BootMachine {
  return {
    ram: { base: guestPhysical(RAM), size: mebibytes * MIB },
    flash: { base: guestPhysical(0n), size: 64n * MIB },
  };
}

function open(bytes: Uint8Array): PlainImage {
  const image = classifyImage(bytes);
  if (image.kind === "compressed") throw new Error("compressed");
  return image;
}

const plan = (mebibytes: bigint, bytes: Uint8Array, initrd?: Uint8Array) =>
  planBoot(machine(mebibytes), { image: open(bytes), deviceTree: () => DTB, ...(initrd && { initrd }) });

describe("the layout of a Linux boot", () => {
  it("puts kernel, initrd and device tree where QEMU puts them", () => {
    const seen: (AddressRange | undefined)[] = [];
    const initrd = new Uint8Array(5 * 2 ** 20 + 7);
    const result = planBoot(machine(1024n), {
      image: open(arm64Image({ imageSize: 0x200_0000n })),
      initrd,
      deviceTree: (range) => {
        seen.push(range);
        return DTB;
      },
    });
    expect(result.entry).toEqual({ pc: RAM + 2n * MIB, x0: RAM + 134n * MIB });
    expect(result.initrd).toEqual({ base: RAM + 128n * MIB, size: BigInt(initrd.length) });
    expect(result.deviceTree).toEqual({ base: RAM + 134n * MIB, size: 1000n });
    expect(seen).toEqual([result.initrd]);
    expect(result.rom).toBeUndefined();
  });

  it("honours text_offset, and puts the initrd half way into a small RAM", () => {
    const result = plan(64n, arm64Image({ textOffset: 0x8_0000n }), new Uint8Array(100));
    expect(result.entry.pc).toBe(RAM + 0x8_0000n);
    expect(result.initrd?.base).toBe(RAM + 32n * MIB);
  });

  it("moves the initrd behind a kernel that reaches so far", () => {
    const result = plan(64n, arm64Image({ imageSize: 40n * MIB }), new Uint8Array(100));
    expect(result.initrd?.base).toBe(RAM + 42n * MIB);
    expect(result.deviceTree?.base).toBe(RAM + 44n * MIB);
  });

  it("starts a flat binary at RAM + 0x80000 by the same protocol", () => {
    const result = plan(64n, Uint8Array.of(1, 2, 3, 4));
    expect(result.entry).toEqual({ pc: RAM + 0x8_0000n, x0: result.deviceTree?.base });
    expect(result.initrd).toBeUndefined();
  });

  const unfit: { what: string; make: () => unknown; says: RegExp }[] = [
    {
      what: "a kernel larger than RAM",
      make: () => plan(16n, arm64Image({ imageSize: 32n * MIB })),
      says: /kernel \(33554432 bytes\) would go to 0x40200000–0x42200000, outside the guest's RAM at 0x40000000–0x41000000/,
    },
    {
      what: "a kernel at the end of the world",
      make: () => plan(16n, arm64Image({ textOffset: (1n << 64n) - 4096n })),
      says: /the kernel .* outside the guest's RAM/,
    },
    {
      what: "an initrd larger than what is left",
      make: () => plan(16n, arm64Image(), new Uint8Array(9 * 2 ** 20)),
      says: /the initrd \(9437184 bytes\) would go to 0x40800000/,
    },
    {
      what: "no room for the device tree",
      make: () => plan(16n, arm64Image(), new Uint8Array(8 * 2 ** 20)),
      says: /the device tree \(1000 bytes\) would go to 0x41000000/,
    },
    {
      what: "too large a device tree",
      make: () =>
        planBoot(machine(64n), { image: open(arm64Image()), deviceTree: () => new Uint8Array(2 ** 21 + 1) }),
      says: /device tree has 2097153 bytes; Linux takes at most 2097152/,
    },
    {
      what: "a flat binary in 512 KiB of RAM",
      make: () => plan(0n, Uint8Array.of(1)),
      says: /the kernel \(1 bytes\)/,
    },
  ];
  it.each(unfit)("refuses $what", ({ make, says }) => {
    expect(make).toThrow(BootLayoutError);
    expect(make).toThrow(says);
  });

  it("keeps every piece in RAM, apart, and where arm64 Linux can take it, or says what does not fit", () => {
    const sizes = fc.record({
      ram: fc.bigInt({ min: 1n, max: 3072n }),
      textOffset: fc.constantFrom(0n, 0x8_0000n, 0x20_0000n),
      imageSize: fc.bigInt({ min: 0n, max: 1n << 28n }),
      initrd: fc.nat(1 << 20),
    });
    fc.assert(
      fc.property(sizes, ({ ram, textOffset, imageSize, initrd }) => {
        let result: ReturnType<typeof plan>;
        try {
          result = plan(ram, arm64Image({ textOffset, imageSize }), new Uint8Array(initrd));
        } catch (error) {
          expect(error).toBeInstanceOf(BootLayoutError);
          return;
        }
        const sorted = [...result.pieces].sort((a, b) => Number(a.address - b.address));
        for (const [index, piece] of sorted.entries()) {
          expect(piece.address).toBeGreaterThanOrEqual(RAM);
          expect(piece.address + piece.size).toBeLessThanOrEqual(
            sorted[index + 1]?.address ?? RAM + ram * MIB,
          );
        }
        expect(result.entry.x0 % (2n * MIB)).toBe(0n);
        const offset = imageSize === 0n ? 0x8_0000n : textOffset;
        expect((result.entry.pc - offset) % (2n * MIB)).toBe(0n);
      }),
    );
  });
});

describe("the layout of a bare-metal boot", () => {
  const code = (physical: bigint, memorySize = 64n) => ({
    physical,
    bytes: new Uint8Array(64).fill(7),
    memorySize,
  });

  it("loads an ELF file's segments, starts at its entry with x0 = 0, and puts the device tree at the start of RAM", () => {
    const result = plan(16n, elf(0x4010_0000n, [code(0x4010_0000n), code(0x4020_0000n, 8192n)]));
    expect(result.entry).toEqual({ pc: 0x4010_0000n, x0: 0n });
    expect(result.deviceTree).toEqual({ base: RAM, size: 1000n });
    expect(result.pieces.map((piece) => [piece.what, piece.address, piece.size])).toEqual([
      ["segment 0", 0x4010_0000n, 64n],
      ["segment 1", 0x4020_0000n, 8192n],
      ["device tree", RAM, 1000n],
    ]);
  });

  it("leaves the device tree out where the program itself takes the start of RAM", () => {
    for (const start of [RAM, RAM + 999n]) {
      const result = plan(16n, elf(start, [code(start)]));
      expect(result.deviceTree).toBeUndefined();
      expect(result.pieces).toHaveLength(1);
    }
    expect(plan(16n, elf(RAM + 1000n, [code(RAM + 1000n)])).deviceTree).toBeDefined();
  });

  it("asks for ROM where segments go to flash", () => {
    const result = plan(16n, elf(0n, [code(0n), code(0x1_0010n)]));
    expect(result.rom).toEqual({ base: 0n, size: 0x2_0000n });
    expect(result.entry.pc).toBe(0n);
  });

  const unfit: {
    what: string;
    make: () => unknown;
    error: typeof BootImageError | typeof BootLayoutError;
    says: RegExp;
  }[] = [
    {
      what: "a vmlinux",
      make: () => plan(16n, elf(0xffff_8000_0800_0000n, [code(0xffff_8000_0800_0000n)])),
      error: BootImageError,
      says: /arch\/arm64\/boot\/Image instead of vmlinux/,
    },
    {
      what: "a segment outside memory",
      make: () => plan(16n, elf(0x800_0000n, [code(0x800_0000n)])),
      error: BootLayoutError,
      says: /ELF image's segment 0 \(64 bytes\) would go to 0x8000000/,
    },
    {
      what: "a bss larger than RAM",
      make: () => plan(16n, elf(RAM, [code(RAM, 1n << 40n)])),
      error: BootLayoutError,
      says: /segment 0 \(1099511627776 bytes\)/,
    },
    {
      what: "segments on top of each other",
      make: () => plan(16n, elf(RAM, [code(RAM), code(RAM + 63n)])),
      error: BootLayoutError,
      says: /segment 0 .* and the segment 1 .* overlap/,
    },
    {
      what: "an entry point outside memory",
      make: () => plan(16n, elf(0xffff_0000_0000_0000n, [code(RAM)])),
      error: BootImageError,
      says: /entry point 0xffff000000000000/,
    },
    {
      what: "an initrd for an ELF file",
      make: () => plan(16n, elf(RAM, [code(RAM)]), text("cpio")),
      error: BootImageError,
      says: /without an initrd/,
    },
  ];
  it.each(unfit)("refuses $what", ({ make, error, says }) => {
    expect(make).toThrow(error);
    expect(make).toThrow(says);
  });

  it("zeroes what a segment's file bytes leave, also where memory was used before", () => {
    const owner = { buffer: new ArrayBuffer(0x1_0000) };
    const memory = new LinearGuestMemory(owner, [{ base: guestPhysical(RAM), size: 0x1_0000, offset: 0 }]);
    new Uint8Array(owner.buffer).fill(0xee);
    const small = {
      ram: { base: guestPhysical(RAM), size: 0x1_0000n },
      flash: { base: guestPhysical(0n), size: 0n },
    };
    applyBootPlan(
      planBoot(small, {
        image: open(elf(RAM + 0x2000n, [code(RAM + 0x2000n, 0x100n)])),
        deviceTree: () => DTB,
      }),
      memory,
    );
    expect([...memory.read(guestPhysical(RAM + 0x203fn), 3)]).toEqual([7, 0, 0]);
    expect([...memory.read(guestPhysical(RAM + 0x20ffn), 2)]).toEqual([0, 0xee]);
    expect(memory.read(guestPhysical(RAM), 1)[0]).toBe(0xdd);
  });
});

describe("the layout of a firmware boot", () => {
  it("maps firmware read-only at 0, starts it there, and puts the device tree at the start of RAM", () => {
    const firmware = new Uint8Array(0x1_0001);
    const result = planFirmware(machine(16n), firmware, DTB);
    expect(result.entry).toEqual({ pc: 0n, x0: 0n });
    expect(result.rom).toEqual({ base: 0n, size: 0x2_0000n });
    expect(result.deviceTree?.base).toBe(RAM);
  });

  it.skipIf(!existsSync(U_BOOT))(
    "places Debian's U-Boot (package u-boot-qemu), and refuses its ELF form as firmware",
    () => {
      const firmware = new Uint8Array(readFileSync(`${U_BOOT}/u-boot.bin`));
      const result = planFirmware(machine(128n), firmware, DTB);
      expect(result.rom?.size).toBeGreaterThanOrEqual(BigInt(firmware.length));
      const asElf = new Uint8Array(readFileSync(`${U_BOOT}/uboot.elf`));
      expect(() => planFirmware(machine(128n), asElf, DTB)).toThrow(BootImageError);
      const asKernel = planBoot(machine(128n), { image: open(asElf), deviceTree: () => DTB });
      expect([asKernel.entry.pc, asKernel.deviceTree?.base, asKernel.rom?.base]).toEqual([0n, RAM, 0n]);
    },
  );

  it("refuses what is no raw image or does not fit", () => {
    expect(() => planFirmware(machine(16n), new Uint8Array(0), DTB)).toThrow(/empty/);
    expect(() => planFirmware(machine(16n), elf(0n, []), DTB)).toThrow(/u-boot.bin/);
    expect(() => planFirmware(machine(16n), new Uint8Array(2 ** 26 + 1), DTB)).toThrow(
      /flash at 0x0 has 67108864/,
    );
    expect(() => planFirmware(machine(0n), new Uint8Array(1), DTB)).toThrow(BootLayoutError);
  });
});
