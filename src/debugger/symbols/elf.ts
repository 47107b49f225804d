import { BoundedReader } from "./boundedReader.ts";
import { ELF64_SIZE, SECTION_FLAG, SECTION_INDEX, SECTION_TYPE } from "./elfConstants.ts";
import { ElfError } from "./elfError.ts";
import { decodeName } from "./text.ts";

/** One section header. `address` is 0 for sections that are not loaded; `offset` and `size` are bytes. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: bigint;
  readonly entrySize: number;
}

/** One program header. */
export interface ElfSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly fileSize: number;
  readonly memorySize: bigint;
  readonly align: bigint;
}

/** A parsed ELF64 file: headers only; contents are read on demand from `reader`. */
export interface ElfFile {
  readonly reader: BoundedReader;
  readonly littleEndian: boolean;
  readonly type: number;
  readonly machine: number;
  readonly flags: number;
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
}

function fault(what: string, where: number | undefined, problem: string): ElfError {
  return new ElfError(what, where, problem);
}

function checkIdentification(bytes: Uint8Array): boolean {
  const what = "identification";
  if (bytes.length < 16) throw fault(what, 0, `the file has ${bytes.length} bytes, too few for any ELF`);
  if (bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    throw fault(what, 0, "the file does not start with 7f 45 4c 46: it is no ELF");
  }
  if (bytes[4] !== 2) throw fault(what, 4, `class ${bytes[4]} is not 2: only 64-bit files are read`);
  if (bytes[5] !== 1 && bytes[5] !== 2) {
    throw fault(what, 5, `data encoding ${bytes[5]} is neither 1 (little) nor 2 (big endian)`);
  }
  if (bytes[6] !== 1) throw fault(what, 6, `version ${bytes[6]} is not 1`);
  return bytes[5] === 1;
}

interface RawSection extends Omit<ElfSection, "name"> {
  readonly nameOffset: number;
}

function readSectionHeader(reader: BoundedReader, at: number, index: number): RawSection {
  const what = `section header ${index}`;
  reader.require(at, ELF64_SIZE.SECTION_HEADER, what);
  return {
    index,
    nameOffset: reader.u32(at, what),
    type: reader.u32(at + 4, what),
    flags: reader.u64(at + 8, what),
    address: reader.u64(at + 16, what),
    offset: reader.size64(at + 24, `${what} (sh_offset)`),
    size: reader.size64(at + 32, `${what} (sh_size)`),
    link: reader.u32(at + 40, what),
    info: reader.u32(at + 44, what),
    align: reader.u64(at + 48, what),
    entrySize: reader.size64(at + 56, `${what} (sh_entsize)`),
  };
}

function readSections(reader: BoundedReader): { sections: ElfSection[]; first: RawSection | undefined } {
  const tableOffset = reader.size64(40, "file header (e_shoff)");
  const entrySize = reader.u16(58, "file header (e_shentsize)");
  const count16 = reader.u16(60, "file header (e_shnum)");
  const nameIndex16 = reader.u16(62, "file header (e_shstrndx)");
  if (tableOffset === 0) return { sections: [], first: undefined };
  if (entrySize < ELF64_SIZE.SECTION_HEADER) {
    throw fault("file header (e_shentsize)", 58, `${entrySize} is less than ${ELF64_SIZE.SECTION_HEADER}`);
  }
  const first = readSectionHeader(reader, tableOffset, 0);
  // gABI "ELF Header": counts that do not fit 16 bits stand in section header 0.
  const count = count16 === 0 ? first.size : count16;
  const nameIndex = nameIndex16 === SECTION_INDEX.XINDEX ? first.link : nameIndex16;
  if (count > (reader.length - tableOffset) / entrySize) {
    throw fault(
      "section header table",
      tableOffset,
      `${count} entries of ${entrySize} bytes reach past the end`,
    );
  }
  const raw: RawSection[] = [];
  for (let index = 0; index < count; index++) {
    raw.push(readSectionHeader(reader, tableOffset + index * entrySize, index));
  }
  const decoder = new TextDecoder();
  const names = nameIndex === SECTION_INDEX.UNDEF ? undefined : raw[nameIndex];
  if (nameIndex !== SECTION_INDEX.UNDEF && (names === undefined || names.type === SECTION_TYPE.NOBITS)) {
    throw fault("file header (e_shstrndx)", 62, `${nameIndex} is not a section that holds names`);
  }
  if (names !== undefined) reader.require(names.offset, names.size, "section name table");
  const sections = raw.map(({ nameOffset, ...section }): ElfSection => {
    if (names === undefined) return { ...section, name: "" };
    const what = `name of section ${section.index}`;
    if (nameOffset >= names.size) {
      if (nameOffset === 0) return { ...section, name: "" };
      throw fault(
        what,
        names.offset,
        `offset 0x${nameOffset.toString(16)} is outside the section name table`,
      );
    }
    const text = reader.cString(names.offset + nameOffset, names.offset + names.size, what);
    return { ...section, name: decodeName(text, decoder) };
  });
  return { sections, first };
}

function readSegments(reader: BoundedReader, first: RawSection | undefined): ElfSegment[] {
  const tableOffset = reader.size64(32, "file header (e_phoff)");
  const entrySize = reader.u16(54, "file header (e_phentsize)");
  const count16 = reader.u16(56, "file header (e_phnum)");
  const count = count16 === 0xffff && first !== undefined ? first.info : count16;
  if (tableOffset === 0 || count === 0) return [];
  if (entrySize < ELF64_SIZE.SEGMENT_HEADER) {
    throw fault("file header (e_phentsize)", 54, `${entrySize} is less than ${ELF64_SIZE.SEGMENT_HEADER}`);
  }
  if (count > (reader.length - tableOffset) / entrySize) {
    throw fault(
      "program header table",
      tableOffset,
      `${count} entries of ${entrySize} bytes reach past the end`,
    );
  }
  const segments: ElfSegment[] = [];
  for (let index = 0; index < count; index++) {
    const at = tableOffset + index * entrySize;
    const what = `program header ${index}`;
    segments.push({
      type: reader.u32(at, what),
      flags: reader.u32(at + 4, what),
      offset: reader.size64(at + 8, `${what} (p_offset)`),
      virtualAddress: reader.u64(at + 16, what),
      physicalAddress: reader.u64(at + 24, what),
      fileSize: reader.size64(at + 32, `${what} (p_filesz)`),
      memorySize: reader.u64(at + 40, what),
      align: reader.u64(at + 48, what),
    });
  }
  return segments;
}

/**
 * Reads the headers of an ELF64 file of either endianness (gABI "Object Files").
 * @param bytes the whole file; kept, not copied.
 * @throws ElfError for anything that is not a well-formed ELF64 header, section or program header table.
 */
export function parseElf(bytes: Uint8Array): ElfFile {
  const littleEndian = checkIdentification(bytes);
  const reader = new BoundedReader(bytes, littleEndian, fault);
  reader.require(0, ELF64_SIZE.FILE_HEADER, "file header");
  const { sections, first } = readSections(reader);
  return {
    reader,
    littleEndian,
    type: reader.u16(16, "file header (e_type)"),
    machine: reader.u16(18, "file header (e_machine)"),
    entry: reader.u64(24, "file header (e_entry)"),
    flags: reader.u32(48, "file header (e_flags)"),
    segments: readSegments(reader, first),
    sections,
  };
}

/** The first section called `name`, undefined when there is none. */
export function findSection(elf: ElfFile, name: string): ElfSection | undefined {
  return elf.sections.find((section) => section.name === name);
}

/**
 * The contents of a section as they stand in the file (empty for NOBITS), shared, not copied.
 * @throws ElfError when the section reaches past the end of the file, or is compressed (which is not undone).
 */
export function sectionBytes(elf: ElfFile, section: ElfSection): Uint8Array {
  const what = `section ${section.index} (${section.name})`;
  if (section.type === SECTION_TYPE.NOBITS) return new Uint8Array(0);
  if ((section.flags & BigInt(SECTION_FLAG.COMPRESSED)) !== 0n) {
    throw fault(what, section.offset, "is compressed (SHF_COMPRESSED); decompress the file first (objcopy)");
  }
  return elf.reader.slice(section.offset, section.size, what);
}

/** The bytes of a segment as they stand in the file (p_filesz of them). @throws ElfError past the end of the file. */
export function segmentBytes(elf: ElfFile, segment: ElfSegment): Uint8Array {
  const what = `segment for address 0x${segment.virtualAddress.toString(16)}`;
  return elf.reader.slice(segment.offset, segment.fileSize, what);
}
