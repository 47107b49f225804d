import { beforeAll, describe, expect, it } from "vitest";
import { type KernelSymbols, recoverKallsyms } from "../../../src/debugger/symbols/kallsyms/recover.ts";
import {
  findKernelInMemory,
  type LinkedKernel,
  locateKernel,
  physicalBaseFromTtbr1,
} from "../../../src/debugger/symbols/kaslr.ts";
import { KernelText } from "../../../src/debugger/symbols/kernelText.ts";
import { SymbolTable } from "../../../src/debugger/symbols/symbolTable.ts";
import { fakeKernel, modern } from "./support/kallsymsEncoder.ts";
import { kernelWitness, readKernelImage } from "./support/kernelImage.ts";
import { FakeMemory } from "./support/memory.ts";

function linked(kernel: KernelSymbols, image: Uint8Array): LinkedKernel {
  return { symbols: SymbolTable.from(kernel.symbols), text: new KernelText(kernel, image) };
}

const NOP = 0xd503201f;
const SLIDE = 0x2a_b5e0_0000n;

/** What a boot does to the text: hints become other instructions, one in `every` words becomes a NOP. */
function booted(image: Uint8Array, every: number): Uint8Array {
  const running = image.slice();
  const view = new DataView(running.buffer);
  for (let at = 64; at + 4 <= running.length; at += 4) {
    if (view.getUint32(at, true) === NOP) view.setUint32(at, 0xaa1e03e9, true);
    else if ((at / 4) % every === 0) view.setUint32(at, NOP, true);
  }
  return running;
}

function placementTests(get: () => { kernel: LinkedKernel; image: Uint8Array; base: bigint }): void {
  const running = (): { memory: FakeMemory; base: bigint; link: bigint; kernel: LinkedKernel } => {
    const { kernel, image, base } = get();
    return {
      memory: new FakeMemory().map(base + SLIDE, booted(image, 19)),
      base: base + SLIDE,
      link: base,
      kernel,
    };
  };

  it("finds the slide from VBAR_EL1, in a text that the boot has patched", () => {
    const { kernel, memory, base } = running();
    const vectors = kernel.symbols.addressOf("vectors") ?? 0n;
    const found = locateKernel(kernel, { vectorBase: vectors + SLIDE }, memory.read);
    expect(found).toMatchObject({ slide: SLIDE, base, by: "vectors" });
    expect(found?.match.confidence).toBe("certain");
    expect(kernel.symbols.slid(found?.slide ?? 0n).describe(vectors + SLIDE + 4n)).toBe("vectors+0x4");
  });

  it("finds the slide from an address in the text when the vectors say nothing", () => {
    const { kernel, memory, base } = running();
    const start = kernel.symbols.addressOf("start_kernel") ?? 0n;
    const vectorBase = 0xffff_fbff_fdc0_0000n; // the trampoline's alias
    const found = locateKernel(
      kernel,
      { vectorBase, codeAddresses: [0x1000n, start + SLIDE + 8n] },
      memory.read,
    );
    expect(found).toMatchObject({ slide: SLIDE, base, by: "code" });
  });

  it("says no when the vectors are the kernel's but its text is not there", () => {
    const { kernel, base, link } = running();
    const vectors = (kernel.symbols.addressOf("vectors") ?? 0n) + SLIDE;
    const noise = new Uint8Array(1 << 20).map((_, index) => (index * 7919) >> 3);
    expect(
      locateKernel(kernel, { vectorBase: vectors }, new FakeMemory().map(base, noise).read),
    ).toBeUndefined();
    expect(locateKernel(kernel, { vectorBase: vectors }, () => undefined)).toBeUndefined();
    expect(kernel.text.compareAt(link, () => undefined).confidence).toBe("unreadable");
    expect(locateKernel(kernel, {}, () => undefined)).toBeUndefined();
  });

  it("is not misled by a page that is off", () => {
    const { kernel, memory } = running();
    const vectors = (kernel.symbols.addressOf("vectors") ?? 0n) + SLIDE + 0x1000n;
    expect(locateKernel(kernel, { vectorBase: vectors }, memory.read)).toBeUndefined();
  });

  it("finds the physical placement from the first PC, and from nothing at all", () => {
    const { kernel, image, base } = get();
    const physical = 0x4ab1_0000n;
    const memory = new FakeMemory().map(physical, image);
    const first = locateKernel(kernel, { codeAddresses: [physical] }, memory.read);
    expect(first).toMatchObject({ base: physical, slide: physical - base, by: "code" });
    const ranges = [
      { start: 0x0n, size: 0x100n },
      { start: 0x4000_0000n, size: 0x1000_0000n },
    ];
    expect(findKernelInMemory(kernel, ranges, memory.read)).toMatchObject({ base: physical, by: "scan" });
    expect(
      findKernelInMemory(kernel, [{ start: 0n, size: 1n << 60n }], () => undefined, 1000),
    ).toBeUndefined();
  });
}

describe("kernel placement, generated kernel", () => {
  const fake = fakeKernel(modern);
  const kernel = linked(recoverKallsyms(fake.image), fake.image);
  placementTests(() => ({ kernel, image: fake.image, base: fake.textBase }));

  it("finds the physical placement from TTBR1_EL1 when swapper_pg_dir has a name", () => {
    const physical = 0x4020_0000n;
    const found = recoverKallsyms(fake.image);
    const symbols = [
      ...found.symbols,
      { name: "swapper_pg_dir", type: "T", address: fake.textBase + 0x3_0000n },
    ];
    const named = { ...kernel, symbols: SymbolTable.from(symbols) };
    const { read } = new FakeMemory().map(physical, fake.image);
    const asidAndCnp = (0x12n << 48n) | 1n;
    expect(physicalBaseFromTtbr1(named, (physical + 0x3_0000n) | asidAndCnp, read)).toMatchObject({
      base: physical,
      by: "page-table",
    });
    expect(physicalBaseFromTtbr1(kernel, physical, read)).toBeUndefined();
  });
});

const witness = kernelWitness();
if (witness.path === undefined) console.warn(witness.skipReason);
describe.skipIf(witness.path === undefined)(`kernel placement, real kernel ${witness.skipReason}`, () => {
  let image: Uint8Array;
  let kernel: LinkedKernel;
  let base = 0n;
  beforeAll(() => {
    image = readKernelImage(witness.path ?? "");
    const symbols = recoverKallsyms(image);
    base = symbols.textBase;
    kernel = linked(symbols, image);
  });
  placementTests(() => ({ kernel, image, base }));
});
