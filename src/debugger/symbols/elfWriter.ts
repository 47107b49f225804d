import { ELF64_SIZE, SECTION_INDEX, SECTION_TYPE, SYMBOL_BINDING } from "./elfConstants.ts";
import { ElfError } from "./elfError.ts";

/** A section to write. `contents` is its bytes, or for NOBITS its size in memory. */
export interface ElfSectionSpec {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly align: number;
  readonly contents: Uint8Array | bigint;
}

/** A symbol to write. `section` is an index into the given sections, or "absolute". */
export interface ElfSymbolSpec {
  readonly name: string;
  readonly value: bigint;
  readonly size: bigint;
  readonly type: number;
  readonly binding: number;
  readonly section: number | "absolute";
}

/** A loadable segment to write that covers one of the given sections; `flags` as p_flags. */
export interface ElfSegmentSpec {
  readonly type: number;
  readonly flags: number;
  readonly section: number;
}

/** Everything that goes into a written file. `littleEndian` defaults to true. */
export interface ElfSpec {
  readonly type: number;
  readonly machine: number;
  readonly entry: bigint;
  readonly littleEndian?: boolean;
  readonly sections: readonly ElfSectionSpec[];
  readonly segments: readonly ElfSegmentSpec[];
  readonly symbols: readonly ElfSymbolSpec[];
}

class StringTableBuilder {
  readonly #offsets = new Map<string, number>([["", 0]]);
  readonly #parts: Uint8Array[] = [new Uint8Array(1)];
  readonly #encoder = new TextEncoder();
  #size = 1;

  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    if (text.includes("\0"))
      throw new ElfError("string table", undefined, `the name ${JSON.stringify(text)} contains a NUL`);
    const offset = this.#size;
    const bytes = this.#encoder.encode(text);
    this.#parts.push(bytes, new Uint8Array(1));
    this.#size += bytes.length + 1;
    this.#offsets.set(text, offset);
    return offset;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

function alignUp(value: number, align: number): number {
  return align <= 1 ? value : Math.ceil(value / align) * align;
}

function encodeSymbols(
  spec: ElfSpec,
  strings: StringTableBuilder,
  littleEndian: boolean,
): [Uint8Array, number] {
  // gABI "Symbol Table": all local symbols come first, sh_info is the index of the first other one.
  const ordered = [
    ...spec.symbols.filter((symbol) => symbol.binding === SYMBOL_BINDING.LOCAL),
    ...spec.symbols.filter((symbol) => symbol.binding !== SYMBOL_BINDING.LOCAL),
  ];
  const firstGlobal = 1 + ordered.findIndex((symbol) => symbol.binding !== SYMBOL_BINDING.LOCAL);
  const table = new Uint8Array((ordered.length + 1) * ELF64_SIZE.SYMBOL);
  const view = new DataView(table.buffer);
  ordered.forEach((symbol, index) => {
    const at = (index + 1) * ELF64_SIZE.SYMBOL;
    if (symbol.section !== "absolute" && spec.sections[symbol.section] === undefined) {
      throw new ElfError(
        `symbol ${symbol.name}`,
        undefined,
        `there is no section ${symbol.section} to put it in`,
      );
    }
    view.setUint32(at, strings.add(symbol.name), littleEndian);
    view.setUint8(at + 4, (symbol.binding << 4) | (symbol.type & 15));
    view.setUint16(
      at + 6,
      symbol.section === "absolute" ? SECTION_INDEX.ABS : symbol.section + 1,
      littleEndian,
    );
    view.setBigUint64(at + 8, symbol.value, littleEndian);
    view.setBigUint64(at + 16, symbol.size, littleEndian);
  });
  return [table, firstGlobal === 0 ? ordered.length + 1 : firstGlobal];
}

interface PlacedSection {
  readonly name: number;
  readonly spec: ElfSectionSpec;
  readonly offset: number;
  readonly size: bigint;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

/**
 * Writes an ELF64 file: header, program headers, the sections' contents, `.symtab`, `.strtab`, `.shstrtab`, section
 * headers. File offsets are congruent to addresses modulo each section's alignment, as loaders want.
 * @throws ElfError for a name with a NUL, or a symbol or segment of a section that is not there.
 */
export function writeElf(spec: ElfSpec): Uint8Array {
  const littleEndian = spec.littleEndian ?? true;
  const names = new StringTableBuilder();
  const strings = new StringTableBuilder();
  const [symbolTable, firstGlobal] = encodeSymbols(spec, strings, littleEndian);
  const sectionCount = spec.sections.length + 4;
  if (sectionCount >= SECTION_INDEX.LORESERVE)
    throw new ElfError("section table", undefined, "too many sections");
  const plain = { flags: 0, address: 0n };
  const own: { spec: ElfSectionSpec; link: number; info: number; entrySize: number }[] = [
    ...spec.sections.map((section) => ({ spec: section, link: 0, info: 0, entrySize: 0 })),
    {
      spec: { ...plain, name: ".symtab", type: SECTION_TYPE.SYMTAB, align: 8, contents: symbolTable },
      link: spec.sections.length + 2,
      info: firstGlobal,
      entrySize: ELF64_SIZE.SYMBOL,
    },
    {
      spec: { ...plain, name: ".strtab", type: SECTION_TYPE.STRTAB, align: 1, contents: strings.bytes() },
      link: 0,
      info: 0,
      entrySize: 0,
    },
  ];
  for (const { spec: section } of own) names.add(section.name);
  names.add(".shstrtab");
  own.push({
    spec: { ...plain, name: ".shstrtab", type: SECTION_TYPE.STRTAB, align: 1, contents: names.bytes() },
    link: 0,
    info: 0,
    entrySize: 0,
  });

  let at = ELF64_SIZE.FILE_HEADER + spec.segments.length * ELF64_SIZE.SEGMENT_HEADER;
  const placed: PlacedSection[] = own.map(({ spec: section, link, info, entrySize }) => {
    const offset = alignUp(at, section.align);
    const inFile = typeof section.contents === "bigint" ? 0 : section.contents.length;
    const size = typeof section.contents === "bigint" ? section.contents : BigInt(inFile);
    at = offset + inFile;
    return { name: names.add(section.name), spec: section, offset, size, link, info, entrySize };
  });
  const headersAt = alignUp(at, 8);
  const file = new Uint8Array(headersAt + sectionCount * ELF64_SIZE.SECTION_HEADER);
  const view = new DataView(file.buffer);

  file.set([0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1]);
  view.setUint16(16, spec.type, littleEndian);
  view.setUint16(18, spec.machine, littleEndian);
  view.setUint32(20, 1, littleEndian);
  view.setBigUint64(24, spec.entry, littleEndian);
  view.setBigUint64(32, spec.segments.length === 0 ? 0n : BigInt(ELF64_SIZE.FILE_HEADER), littleEndian);
  view.setBigUint64(40, BigInt(headersAt), littleEndian);
  view.setUint16(52, ELF64_SIZE.FILE_HEADER, littleEndian);
  view.setUint16(54, ELF64_SIZE.SEGMENT_HEADER, littleEndian);
  view.setUint16(56, spec.segments.length, littleEndian);
  view.setUint16(58, ELF64_SIZE.SECTION_HEADER, littleEndian);
  view.setUint16(60, sectionCount, littleEndian);
  view.setUint16(62, sectionCount - 1, littleEndian);

  spec.segments.forEach((segment, index) => {
    const section = segment.section < spec.sections.length ? placed[segment.section] : undefined;
    if (section === undefined) {
      throw new ElfError(
        `program header ${index}`,
        undefined,
        `there is no section ${segment.section} to load`,
      );
    }
    const header = ELF64_SIZE.FILE_HEADER + index * ELF64_SIZE.SEGMENT_HEADER;
    const inFile = typeof section.spec.contents === "bigint" ? 0n : section.size;
    view.setUint32(header, segment.type, littleEndian);
    view.setUint32(header + 4, segment.flags, littleEndian);
    view.setBigUint64(header + 8, BigInt(section.offset), littleEndian);
    view.setBigUint64(header + 16, section.spec.address, littleEndian);
    view.setBigUint64(header + 24, section.spec.address, littleEndian);
    view.setBigUint64(header + 32, inFile, littleEndian);
    view.setBigUint64(header + 40, section.size, littleEndian);
    view.setBigUint64(header + 48, BigInt(section.spec.align), littleEndian);
  });

  placed.forEach((section, index) => {
    if (typeof section.spec.contents !== "bigint") file.set(section.spec.contents, section.offset);
    const header = headersAt + (index + 1) * ELF64_SIZE.SECTION_HEADER;
    view.setUint32(header, section.name, littleEndian);
    view.setUint32(header + 4, section.spec.type, littleEndian);
    view.setBigUint64(header + 8, BigInt(section.spec.flags), littleEndian);
    view.setBigUint64(header + 16, section.spec.address, littleEndian);
    view.setBigUint64(header + 24, BigInt(section.offset), littleEndian);
    view.setBigUint64(header + 32, section.size, littleEndian);
    view.setUint32(header + 40, section.link, littleEndian);
    view.setUint32(header + 44, section.info, littleEndian);
    view.setBigUint64(header + 48, BigInt(section.spec.align), littleEndian);
    view.setBigUint64(header + 56, BigInt(section.entrySize), littleEndian);
  });
  return file;
}
