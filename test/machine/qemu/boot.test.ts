import { describe, expect, it } from "vitest";
import { guestPhysical } from "../../../src/machine/address.ts";
import { classifyImage } from "../../../src/machine/boot/classify.ts";
import { planBoot } from "../../../src/machine/boot/planBoot.ts";
import { planFirmware } from "../../../src/machine/boot/planFirmware.ts";
import { arm64Image, elf } from "../boot/images.ts";
import { Guest, runOnQemu } from "./guest.ts";
import { hasQemu } from "./qtest.ts";

const RAM = 0x4000_0000n;
const FDT_MAGIC = 0xedfe_0dd0n;

/** Shows where it runs, x0, and the first word at x0 (or at the start of RAM if x0 is 0). */
function reporter(deviceTree: bigint): Uint8Array {
  return new Guest().here(3).show(3).show(0).load(4, deviceTree).show(4).bytes();
}

function machine(mebibytes: number) {
  return {
    ram: { base: guestPhysical(RAM), size: BigInt(mebibytes) << 20n },
    flash: { base: guestPhysical(0n), size: 64n << 20n },
  };
}

/** An Image whose code begins behind its header. */
function imageOf(textOffset: bigint, imageSize: bigint, code: Uint8Array): Uint8Array {
  const image = arm64Image({ textOffset, imageSize, length: 64 + code.length });
  // B .+64
  image.set([0x10, 0, 0, 0x14], 0);
  image.set(code, 64);
  return image;
}

describe.skipIf(!hasQemu)("QEMU (package qemu-system-arm) as a witness of the layout", () => {
  const cases: {
    what: string;
    memory: number;
    initrd?: number;
    image: (code: Uint8Array) => Uint8Array;
    skip: bigint;
  }[] = [
    { what: "a flat binary", memory: 128, image: (code) => code, skip: 0n },
    { what: "a flat binary with an initrd", memory: 64, initrd: 5000, image: (code) => code, skip: 0n },
    { what: "an Image at offset 0", memory: 512, image: (code) => imageOf(0n, 0x10_0000n, code), skip: 64n },
    {
      what: "an Image at an offset, with an initrd",
      memory: 512,
      initrd: 3 * 2 ** 20,
      image: (code) => imageOf(0x8_0000n, 0x10_0000n, code),
      skip: 64n,
    },
    { what: "an old Image", memory: 96, image: (code) => imageOf(0x8_0000n, 0n, code), skip: 64n },
  ];
  it.each(cases)("starts $what in the same place with the same x0", ({ memory, initrd, image, skip }) => {
    const plan = (code: Uint8Array) =>
      planBoot(machine(memory), {
        image: plain(image(code)),
        deviceTree: () => new Uint8Array(1000),
        ...(initrd && { initrd: new Uint8Array(initrd) }),
      });
    const x0 = plan(reporter(0n)).entry.x0;
    const code = reporter(x0);
    const files = { "-kernel": image(code), ...(initrd && { "-initrd": new Uint8Array(initrd) }) };
    const [pc, first, word] = runOnQemu(["-M", "virt", "-m", `${memory}`], files);
    const { entry } = plan(code);
    expect([pc, first, word]).toEqual([entry.pc + skip, entry.x0, FDT_MAGIC]);
  });

  it("starts an ELF file at its translated entry with x0 = 0 and the device tree at the start of RAM", () => {
    const code = reporter(RAM);
    const file = elf(0xffff_0000_0000_0000n, [
      { physical: 0x4100_0000n, virtual: 0xffff_0000_0000_0000n, bytes: code },
    ]);
    const [pc, first, word] = runOnQemu(["-M", "virt", "-m", "64"], { "-kernel": file });
    const plan = planBoot(machine(64), { image: plain(file), deviceTree: () => new Uint8Array(1000) });
    expect([pc, first, word]).toEqual([plan.entry.pc, plan.entry.x0, FDT_MAGIC]);
    expect(plan.deviceTree?.base).toBe(RAM);
  });

  it("starts firmware at 0 with the device tree at the start of RAM", () => {
    const code = reporter(RAM);
    const [pc, first, word] = runOnQemu(["-M", "virt", "-m", "64"], { "-bios": code });
    const plan = planFirmware(machine(64), code, new Uint8Array(1000));
    expect([pc, first, word]).toEqual([plan.entry.pc, plan.entry.x0, FDT_MAGIC]);
    expect(plan.deviceTree?.base).toBe(RAM);
  });
});

function plain(bytes: Uint8Array) {
  const image = classifyImage(bytes);
  if (image.kind === "compressed") throw new Error("compressed");
  return image;
}
