import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KallsymsError } from "../../../src/debugger/symbols/kallsyms/kallsymsError.ts";
import { recoverKallsyms } from "../../../src/debugger/symbols/kallsyms/recover.ts";
import { KernelImageError } from "../../../src/debugger/symbols/kernelImageError.ts";
import { type EncoderOptions, fakeKernel, modern } from "./support/kallsymsEncoder.ts";

const kernels: readonly [string, EncoderOptions][] = [
  [
    "4.4: pointers, wide markers, labels 256 apart",
    {
      ...modern,
      order: "classic",
      encoding: "absolute",
      align: 256,
      markerSize: 8,
      sequences: 0,
      relocated: false,
    },
  ],
  [
    "4.9: base-relative, wide markers, labels 256 apart",
    { ...modern, order: "classic", align: 256, markerSize: 8, sequences: 0, relocated: false },
  ],
  [
    "4.20: base-relative, markers of 4 bytes",
    { ...modern, order: "classic", sequences: 0, relocated: false },
  ],
  ["5.10: the base is only in the relocations", { ...modern, order: "classic", sequences: 0 }],
  ["6.2: sequences before the tokens", { ...modern, order: "classic", sequences: 4 }],
  ["6.3: sequences of 3 bytes before the tokens", { ...modern, order: "classic", sequences: 3 }],
  ["6.4: addresses behind the tokens", modern],
  ["6.4 without relocations", { ...modern, relocated: false }],
  [
    "absolute, per-CPU, before 6.4",
    { ...modern, order: "classic", encoding: "base-relative-percpu", sequences: 0 },
  ],
  ["absolute, per-CPU, since 6.4", { ...modern, encoding: "base-relative-percpu" }],
  ["pointers behind the tokens, in relocations", { ...modern, encoding: "absolute" }],
  ["7.0: place-relative, labels 4 apart", { ...modern, encoding: "place-relative", align: 4 }],
  ["7.0 without relocations", { ...modern, encoding: "place-relative", align: 4, relocated: false }],
  ["big-endian", { ...modern, littleEndian: false }],
  [
    "big-endian 4.9",
    {
      ...modern,
      order: "classic",
      align: 256,
      markerSize: 8,
      sequences: 0,
      relocated: false,
      littleEndian: false,
    },
  ],
];

describe("kallsyms recovery", () => {
  it.each(kernels)("recovers every symbol of a kernel like %s", (_, options) => {
    const kernel = fakeKernel(options);
    const found = recoverKallsyms(kernel.image);
    expect(found.textBase).toBe(kernel.textBase);
    expect(found.layout.encoding).toBe(options.encoding);
    expect(found.symbols).toEqual(kernel.symbols);
  });

  it.each(kernels)("finds where the image begins without _text in a kernel like %s", (_, options) => {
    const kernel = fakeKernel(options, false);
    const found = recoverKallsyms(kernel.image);
    expect(found.textBase).toBe(kernel.textBase);
    expect(found.symbols).toEqual(kernel.symbols);
  });

  it("finds a link address that is not a multiple of 2 MiB", () => {
    const kernel = fakeKernel({ ...modern, encoding: "place-relative" }, true, 0xffffffc008080000n);
    expect(recoverKallsyms(kernel.image).textBase).toBe(0xffffffc008080000n);
  });

  it("reads an image at an odd place in its buffer", () => {
    const kernel = fakeKernel(modern);
    const buffer = new Uint8Array(kernel.image.length + 3);
    buffer.set(kernel.image, 3);
    expect(recoverKallsyms(buffer.subarray(3)).symbols).toEqual(kernel.symbols);
  });

  it("passes over structures that look like a token table", () => {
    const kernel = fakeKernel(modern);
    // A valid index behind 256 one-letter tokens, before the real one.
    const decoy = new DataView(kernel.image.buffer, 0x8000, 0x800);
    for (let code = 0; code < 256; code++) {
      decoy.setUint8(code * 2, 0x61);
      decoy.setUint8(code * 2 + 1, 0);
      decoy.setUint16(512 + code * 2, code * 2, true);
    }
    expect(recoverKallsyms(kernel.image).symbols).toEqual(kernel.symbols);
  });

  it("says that a kernel has no table", () => {
    const kernel = fakeKernel(modern);
    const { tokenIndex } = recoverKallsyms(kernel.image).layout;
    kernel.image.fill(0xff, tokenIndex, tokenIndex + 512);
    expect(() => recoverKallsyms(kernel.image)).toThrow(/CONFIG_KALLSYMS/);
  });

  it("names the stage that failed", () => {
    const stageOf = (damage: (image: Uint8Array) => void): string => {
      const kernel = fakeKernel(modern);
      damage(kernel.image);
      try {
        recoverKallsyms(kernel.image);
        return "none";
      } catch (error) {
        return error instanceof KallsymsError ? error.stage : String(error);
      }
    };
    const { layout } = recoverKallsyms(fakeKernel(modern).image);
    expect(stageOf((image) => image.fill(0, layout.names, layout.names + 100))).toBe("names");
    expect(stageOf((image) => image.fill(0x55, layout.addresses + 8, layout.addresses + 12))).toBe(
      "addresses",
    );
  });

  it("refuses other files by name", () => {
    expect(() => recoverKallsyms(new Uint8Array(0))).toThrow(KernelImageError);
    expect(() => recoverKallsyms(Uint8Array.of(0x1f, 0x8b, 8, 0))).toThrow(/gzip/);
    expect(() => recoverKallsyms(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46))).toThrow(/ELF/);
    expect(() => recoverKallsyms(Uint8Array.of(0x4d, 0x5a, 0, 0, 0x7a, 0x69, 0x6d, 0x67))).toThrow(/zboot/);
  });
});

describe("kallsyms recovery from damaged images", () => {
  const attempt = (image: Uint8Array): void => {
    try {
      recoverKallsyms(image);
    } catch (error) {
      if (!(error instanceof KallsymsError || error instanceof KernelImageError)) throw error;
    }
  };
  const kernels = [
    modern,
    { ...modern, order: "classic", sequences: 3 },
    { ...modern, encoding: "place-relative", align: 4 },
  ] as const;
  const images = kernels.map((options) => fakeKernel(options).image);
  const layouts = images.map((image) => recoverKallsyms(image).layout);

  it("a truncated image ends in a named error", () => {
    fc.assert(
      fc.property(fc.nat(images.length - 1), fc.double({ min: 0, max: 1, noNaN: true }), (which, share) => {
        const image = images[which] ?? new Uint8Array();
        attempt(image.slice(0, Math.floor(image.length * share)));
      }),
      { numRuns: 60 },
    );
  });

  it("overwritten bytes end in a named error or in symbols", () => {
    const places = fc.array(fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 40 })), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.nat(images.length - 1), places, (which, writes) => {
        const image = (images[which] ?? new Uint8Array()).slice();
        const from = layouts[which]?.names ?? 0;
        for (const [at, bytes] of writes) {
          const place = from + (at % (image.length - from - bytes.length));
          image.set(bytes, place);
        }
        attempt(image);
      }),
      { numRuns: 120 },
    );
  });

  it("an image full of what looks like the beginning of a table comes to an end", () => {
    const image = new Uint8Array(1 << 20);
    image.set((images[0] ?? new Uint8Array()).subarray(0, 64));
    const view = new DataView(image.buffer);
    // Endless indexes, endless markers.
    for (let at = 64; at + 2 <= image.length; at += 2) view.setUint16(at, ((at / 2) % 256) * 3, true);
    attempt(image);
    for (let at = 64; at + 4 <= image.length; at += 4) view.setUint32(at, ((at / 4) % 64) * 2000, true);
    const tokens = layouts[0];
    if (tokens === undefined) throw new Error("no layout");
    image.set(
      (images[0] ?? new Uint8Array()).subarray(tokens.tokenTable, tokens.tokenIndex + 512),
      image.length - 8192,
    );
    attempt(image);
  });
});
