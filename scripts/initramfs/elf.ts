/** Where a section of an ELF file lies: in the file, and in memory once loaded. */
export type Section = { readonly offset: number; readonly size: number; readonly address: number };

/** ELF-64, little-endian: places in its header, and sizes (System V ABI, chapter 4). */
const elf = { sectionHeaders: 40, count: 60, names: 62, headerBytes: 64, symbolBytes: 24 } as const;

const viewOf = (file: Uint8Array): DataView => new DataView(file.buffer, file.byteOffset, file.byteLength);
const text = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);
const stringAt = (file: Uint8Array, at: number): string => text(file.subarray(at, file.indexOf(0, at)));

/** The sections of a 64-bit little-endian ELF file by name. @throws Error for another kind of file. */
export function sectionsOf(file: Uint8Array): ReadonlyMap<string, Section> {
  const data = viewOf(file);
  if (file.byteLength < elf.headerBytes || text(file.subarray(1, 4)) !== "ELF")
    throw new Error("not an ELF file (compressed?)");
  const headers = Number(data.getBigUint64(elf.sectionHeaders, true));
  const word = (n: number, at: number): number =>
    Number(data.getBigUint64(headers + n * elf.headerBytes + at, true));
  const names = word(data.getUint16(elf.names, true), 24);
  return new Map(
    Array.from({ length: data.getUint16(elf.count, true) }, (_, n) => [
      stringAt(file, names + data.getUint32(headers + n * elf.headerBytes, true)),
      { address: word(n, 16), offset: word(n, 24), size: word(n, 32) },
    ]),
  );
}

/** The bytes of a section, not a copy. @throws Error when there is none. */
export function sectionBytes(file: Uint8Array, name: string): Uint8Array {
  const section = sectionsOf(file).get(name);
  if (section === undefined) throw new Error(`an ELF file has no section ${name}`);
  return file.subarray(section.offset, section.offset + section.size);
}

/** Where the code of a symbol in .text lies in the file. @throws Error when there is no such symbol. */
export function fileOffsetOf(file: Uint8Array, symbol: string): number {
  const sections = sectionsOf(file);
  const [symbols, strings, code] = [".symtab", ".strtab", ".text"].map((name) => sections.get(name));
  if (symbols === undefined || strings === undefined || code === undefined)
    throw new Error("an ELF file has no symbols");
  const data = viewOf(file);
  for (let at = symbols.offset; at < symbols.offset + symbols.size; at += elf.symbolBytes) {
    if (stringAt(file, strings.offset + data.getUint32(at, true)) !== symbol) continue;
    return Number(data.getBigUint64(at + 8, true)) - code.address + code.offset;
  }
  throw new Error(`an ELF file has no symbol ${symbol}`);
}
