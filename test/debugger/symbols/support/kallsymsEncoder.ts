import type { KernelSymbol } from "../../../../src/debugger/symbols/symbol.ts";

/** Every way in which kernels have written the table. */
export interface EncoderOptions {
  /** Order of the parts: "classic" before Linux 6.4, "modern" since. */
  readonly order: "classic" | "modern";
  readonly encoding: "absolute" | "base-relative" | "base-relative-percpu" | "place-relative";
  /** Alignment of labels in bytes. */
  readonly align: 4 | 8 | 256;
  readonly markerSize: 4 | 8;
  /** Bytes of one entry of kallsyms_seqs_of_names, 0 = not there. */
  readonly sequences: 0 | 3 | 4;
  /** Whether pointers are zero in the image and come from `.rela.dyn`. */
  readonly relocated: boolean;
  readonly littleEndian: boolean;
}

/** As Linux 6.4 and later write it on 64-bit machines. */
export const modern: EncoderOptions = {
  order: "modern",
  encoding: "base-relative",
  align: 8,
  markerSize: 4,
  sequences: 3,
  relocated: true,
  littleEndian: true,
};

export interface FakeKernel {
  readonly image: Uint8Array;
  readonly symbols: readonly KernelSymbol[];
  readonly textBase: bigint;
}

class Assembler {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  at = 0;
  readonly littleEndian: boolean;

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  #grow(size: number): void {
    while (this.at + size > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
  }

  align(to: number): number {
    const target = Math.ceil(this.at / to) * to;
    this.#grow(target - this.at);
    this.at = target;
    return target;
  }

  u8(value: number): void {
    this.#grow(1);
    this.#view.setUint8(this.at, value);
    this.at += 1;
  }

  u16(value: number): void {
    this.#grow(2);
    this.#view.setUint16(this.at, value, this.littleEndian);
    this.at += 2;
  }

  u32(value: number): void {
    this.#grow(4);
    this.#view.setInt32(this.at, value | 0, this.littleEndian);
    this.at += 4;
  }

  u64(value: bigint): void {
    this.#grow(8);
    this.#view.setBigUint64(this.at, BigInt.asUintN(64, value), this.littleEndian);
    this.at += 8;
  }

  instruction(word: number): void {
    this.#grow(4);
    this.#view.setUint32(this.at, word >>> 0, true);
    this.at += 4;
  }

  patch(at: number, write: (view: DataView) => void): void {
    if (at >= this.#bytes.length) throw new RangeError("patch outside");
    write(this.#view);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.at);
  }
}

/** Pair compression: unused byte values come to stand for the most frequent pairs, again and again. */
function compress(texts: readonly Uint8Array[]): { tokens: string[]; names: number[][] } {
  const names = texts.map((text) => [...text]);
  const used = new Set(names.flat());
  const expansion: (number[] | undefined)[] = Array.from({ length: 256 }, (_, code) =>
    used.has(code) ? [code] : undefined,
  );
  for (let code = 255; code >= 0; code--) {
    if (expansion[code] !== undefined) continue;
    const counts = new Uint32Array(65536);
    for (const name of names) {
      for (let at = 0; at + 1 < name.length; at++) {
        const pair = (name[at] ?? 0) * 256 + (name[at + 1] ?? 0);
        counts[pair] = (counts[pair] ?? 0) + 1;
      }
    }
    let best = -1;
    let most = 1;
    counts.forEach((count, pair) => {
      if (count > most) {
        best = pair;
        most = count;
      }
    });
    if (best < 0) break;
    const [first, second] = [best >> 8, best & 255];
    expansion[code] = [...(expansion[first] ?? []), ...(expansion[second] ?? [])];
    names.forEach((name, index) => {
      const shorter: number[] = [];
      for (let at = 0; at < name.length; at++) {
        if (name[at] === first && name[at + 1] === second) {
          shorter.push(code);
          at++;
        } else {
          shorter.push(name[at] ?? 0);
        }
      }
      names[index] = shorter;
    });
  }
  return { tokens: expansion.map((codes) => String.fromCharCode(...(codes ?? []))), names };
}

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}

const TEXT = 0x10000;
const FUNCTIONS = 1100;
const INIT = 0x40000;
const WORDS = [
  "sched",
  "irq",
  "vm",
  "page",
  "alloc",
  "free",
  "net",
  "tcp",
  "lock",
  "rcu",
  "timer",
  "file",
  "inode",
];

/** Symbols like a kernel's: text, init text, anchors, a very long name, aliases, and one that is not ASCII. */
function fakeSymbols(textBase: bigint, withText: boolean, withPercpu: boolean): KernelSymbol[] {
  const symbols: KernelSymbol[] = [];
  const add = (name: string, type: string, offset: number): void => {
    symbols.push({ name, type, address: textBase + BigInt(offset) });
  };
  if (withPercpu) {
    symbols.push({ name: "fixed_percpu_data", type: "A", address: 0n });
    symbols.push({ name: "cpu_number", type: "A", address: 0x1a0n });
  }
  if (withText) add("_text", "T", 0);
  add("_stext", "T", TEXT);
  add("vectors", "T", TEXT);
  const next = random(7);
  const pick = (): string => WORDS[next() % WORDS.length] ?? "";
  let at = TEXT;
  for (let index = 1; index <= FUNCTIONS; index++) {
    at += 32 + (next() % 40) * 4;
    add(`${pick()}_${pick()}_${pick()}_${index}`, index % 3 === 0 ? "T" : "t", at);
    if (index % 50 === 0) add(`alias_${index}`, "W", at);
  }
  let long = "_RNv";
  for (let index = 0; index < 90; index++)
    long += `${String.fromCharCode(97 + (next() % 26))}${next() % 10}Zq`;
  add(long, "t", at + 0x40);
  add("größe", "t", at + 0x80);
  add("_etext", "D", at + 0xc0);
  add("_sinittext", "T", INIT);
  add("primary_entry", "t", INIT + 0x20);
  add("start_kernel", "T", INIT + 0x100);
  add("_einittext", "T", INIT + 0x400);
  return symbols;
}

/** An arm64 `Image` with a kallsyms table written as `options` say, made independently of the code under test. */
export function fakeKernel(
  options: EncoderOptions,
  withText = true,
  textBase = 0xffff800008000000n,
): FakeKernel {
  const symbols = fakeSymbols(textBase, withText, options.encoding === "base-relative-percpu");
  const out = new Assembler(options.littleEndian);
  const next = random(99);
  const relocations: { place: number; addend: bigint }[] = [];

  out.instruction(0xfa405a4d); // ccmp: "MZ"
  out.instruction(0x14000000 | ((INIT + 0x20 - 4) >> 2));
  out.align(TEXT);
  out.at = 64;
  while (out.at < INIT + 0x400) {
    // Any data-processing instruction will do.
    out.instruction(next() % 16 === 0 ? 0xd503201f : 0x91000000 | (next() & 0x3fffff));
  }
  const pointer = (address: bigint): void => {
    if (options.relocated) {
      relocations.push({ place: out.at, addend: address });
      out.u64(0n);
    } else {
      out.u64(address);
    }
  };
  out.align(0x1000);
  for (let index = 0; index < 400; index++) {
    pointer(symbols[(next() % (symbols.length - 10)) + 5]?.address ?? textBase);
    if (index % 5 === 0) out.u64(BigInt(next()));
  }
  // Small increasing numbers after a zero are common in data and must not be taken for markers.
  out.align(options.align);
  for (const value of [0, 600, 1300, 5000, 90000, 3, 0, 0]) out.u32(value);

  const label = (): number => out.align(options.align);
  const encoder = new TextEncoder();
  const { tokens, names } = compress(symbols.map(({ name, type }) => encoder.encode(type + name)));
  const base = symbols.find(({ address }) => address >= textBase)?.address ?? textBase;

  const writeAddresses = (): void => {
    const start = label();
    symbols.forEach(({ address }, index) => {
      switch (options.encoding) {
        case "absolute":
          if (address >= textBase) pointer(address);
          else out.u64(address);
          break;
        case "base-relative":
          out.u32(Number(address - base));
          break;
        case "base-relative-percpu":
          out.u32(address < textBase ? Number(address) : Number(base - address) - 1);
          break;
        case "place-relative":
          out.u32(Number(address - textBase) - (start + index * 4));
          break;
      }
    });
    if (options.encoding === "base-relative" || options.encoding === "base-relative-percpu") {
      out.align(Math.max(8, options.align));
      pointer(base);
    }
  };
  const writeSequences = (): void => {
    if (options.sequences === 0) return;
    label();
    const order = symbols
      .map((_, index) => index)
      .sort((a, b) => ((symbols[a]?.name ?? "") < (symbols[b]?.name ?? "") ? -1 : 1));
    for (const index of order) {
      if (options.sequences === 4) out.u32(index);
      else for (const shift of [16, 8, 0]) out.u8((index >> shift) & 255);
    }
  };

  if (options.order === "classic") writeAddresses();
  label();
  if (options.markerSize === 8) out.u64(BigInt(symbols.length));
  else out.u32(symbols.length);
  const namesAt = label();
  const markers: number[] = [];
  names.forEach((codes, index) => {
    if (index % 256 === 0) markers.push(out.at - namesAt);
    if (codes.length > 0x7f) {
      out.u8((codes.length & 0x7f) | 0x80);
      out.u8(codes.length >> 7);
    } else {
      out.u8(codes.length);
    }
    for (const code of codes) out.u8(code);
  });
  label();
  for (const marker of markers) {
    if (options.markerSize === 8) out.u64(BigInt(marker));
    else out.u32(marker);
  }
  if (options.order === "classic") writeSequences();
  const tokensAt = label();
  const index: number[] = [];
  for (const token of tokens) {
    index.push(out.at - tokensAt);
    for (const character of token) out.u8(character.charCodeAt(0));
    out.u8(0);
  }
  label();
  for (const offset of index) out.u16(offset);
  if (options.order === "modern") {
    writeAddresses();
    writeSequences();
  }
  out.align(8);
  for (const { place, addend } of relocations) {
    out.u64(textBase + BigInt(place));
    out.u64(1027n);
    out.u64(addend);
  }
  out.align(0x1000);
  out.patch(8, (view) => {
    view.setBigUint64(8, 0n, true);
    view.setBigUint64(16, BigInt(out.at + 0x2000), true);
    view.setBigUint64(24, options.littleEndian ? 0x0an : 0x0bn, true);
    [0x41, 0x52, 0x4d, 0x64].forEach((byte, at) => {
      view.setUint8(56 + at, byte);
    });
  });
  return { image: out.done(), symbols, textBase };
}
