/** Guest images made for tests. */

const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));

/** What an ELF image for a test is made of. */
export interface ElfOptions {
  readonly bits: 32 | 64;
  readonly address?: bigint;
  readonly virtualAddress?: bigint;
  readonly entry?: bigint;
  readonly bytes?: Uint8Array;
  readonly memorySize?: bigint;
  readonly machine?: number;
  readonly type?: number;
  /** The address in a note XEN_ELFNOTE_PHYS32_ENTRY. */
  readonly pvhEntry?: bigint;
}

/** An ELF executable with one segment, and a note if one is wanted. */
export function elf(options: ElfOptions): Uint8Array {
  const { bits, bytes = new Uint8Array(64).fill(0x90) } = options;
  const wide = bits === 64;
  const address = options.address ?? 0x10_0000n;
  const header = wide ? 64 : 52;
  const entryBytes = wide ? 56 : 32;
  const count = options.pvhEntry === undefined ? 1 : 2;
  const bytesAt = 256;
  const noteAt = bytesAt + bytes.length;
  const file = new Uint8Array(noteAt + 24);
  const view = new DataView(file.buffer);
  const word = (at: number, value: bigint): void => {
    if (wide) view.setBigUint64(at, value, true);
    else view.setUint32(at, Number(value), true);
  };
  file.set([0x7f, ...ascii("ELF"), wide ? 2 : 1, 1, 1]);
  view.setUint16(16, options.type ?? 2, true);
  view.setUint16(18, options.machine ?? (wide ? 62 : 3), true);
  word(24, options.entry ?? address);
  word(wide ? 32 : 28, BigInt(header));
  view.setUint16(wide ? 54 : 42, entryBytes, true);
  view.setUint16(wide ? 56 : 44, count, true);
  const segment = (index: number, type: number, from: number, size: number, at: bigint): void => {
    const base = header + index * entryBytes;
    view.setUint32(base, type, true);
    const fields = wide
      ? { offset: 8, virtual: 16, physical: 24, fileSize: 32, memorySize: 40 }
      : { offset: 4, virtual: 8, physical: 12, fileSize: 16, memorySize: 20 };
    word(base + fields.offset, BigInt(from));
    word(base + fields.virtual, type === 1 ? (options.virtualAddress ?? at) : at);
    word(base + fields.physical, at);
    word(base + fields.fileSize, BigInt(size));
    word(base + fields.memorySize, type === 1 ? (options.memorySize ?? BigInt(size)) : BigInt(size));
  };
  segment(0, 1, bytesAt, bytes.length, address);
  file.set(bytes, bytesAt);
  if (options.pvhEntry !== undefined) {
    segment(1, 4, noteAt, 24, 0n);
    view.setUint32(noteAt, 4, true);
    view.setUint32(noteAt + 4, 8, true);
    view.setUint32(noteAt + 8, 18, true);
    file.set([...ascii("Xen"), 0], noteAt + 12);
    view.setBigUint64(noteAt + 16, options.pvhEntry, true);
  }
  return file;
}

/** A Multiboot header. @param flags its feature flags @param addresses the five addresses of an image without ELF */
export function multibootHeader(flags: number, addresses: readonly number[] = []): Uint8Array {
  const magic = 0x1bad_b002;
  const words = [magic, flags, -(magic + flags) >>> 0, ...addresses];
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** A bzImage of two setup sectors, and a kernel of so many bytes of 0x90. */
export function bzImage(kernelBytes = 4096, change: (view: DataView) => void = () => {}): Uint8Array {
  const setup = 3 * 512;
  const bytes = new Uint8Array(setup + kernelBytes).fill(0x90, setup);
  const view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 2);
  view.setUint16(0x1fe, 0xaa55, true);
  // JMP over the header, whose end it tells.
  view.setUint8(0x200, 0xeb);
  view.setUint8(0x201, 0x66);
  bytes.set(ascii("HdrS"), 0x202);
  view.setUint16(0x206, 0x20f, true);
  view.setUint8(0x211, 1);
  view.setUint32(0x22c, 0x7fff_ffff, true);
  view.setUint32(0x230, 0x20_0000, true);
  view.setUint8(0x234, 1);
  view.setUint16(0x236, 1, true);
  view.setUint32(0x238, 2047, true);
  view.setBigUint64(0x258, 0x100_0000n, true);
  view.setUint32(0x260, 0x10_0000, true);
  change(view);
  return bytes;
}
