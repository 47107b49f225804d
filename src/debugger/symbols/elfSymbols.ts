import { BoundedReader } from "./boundedReader.ts";
import { type ElfFile, type ElfSection, sectionBytes } from "./elf.ts";
import {
  ELF64_SIZE,
  SECTION_FLAG,
  SECTION_INDEX,
  SECTION_TYPE,
  SYMBOL_BINDING,
  SYMBOL_TYPE,
} from "./elfConstants.ts";
import { ElfError } from "./elfError.ts";
import type { KernelSymbol } from "./symbol.ts";
import { decodeName } from "./text.ts";

/** One entry of a symbol table. `section` is the real index (SHN_XINDEX resolved) or a reserved one. */
export interface ElfSymbol {
  readonly name: string;
  readonly value: bigint;
  readonly size: bigint;
  readonly type: number;
  readonly binding: number;
  readonly section: number;
}

function extendedIndexes(elf: ElfFile, table: ElfSection): BoundedReader | undefined {
  const section = elf.sections.find(
    (candidate) => candidate.type === SECTION_TYPE.SYMTAB_SHNDX && candidate.link === table.index,
  );
  if (section === undefined) return undefined;
  return new BoundedReader(
    sectionBytes(elf, section),
    elf.littleEndian,
    (what, where, problem) => new ElfError(what, (where ?? 0) + section.offset, problem),
  );
}

/**
 * The entries of `.symtab` (`which` = "symtab") or `.dynsym`, without the empty entry 0; empty when the file has none.
 * @throws ElfError when the table, its string table or any name is out of bounds.
 */
export function elfSymbols(elf: ElfFile, which: "symtab" | "dynsym"): ElfSymbol[] {
  const wanted = which === "symtab" ? SECTION_TYPE.SYMTAB : SECTION_TYPE.DYNSYM;
  const table = elf.sections.find((section) => section.type === wanted);
  if (table === undefined) return [];
  const what = `symbol table (section ${table.index})`;
  const entrySize = table.entrySize === 0 ? ELF64_SIZE.SYMBOL : table.entrySize;
  if (entrySize < ELF64_SIZE.SYMBOL)
    throw new ElfError(what, table.offset, `entries of ${entrySize} bytes are too small`);
  elf.reader.require(table.offset, table.size, what);
  const strings = elf.sections[table.link];
  if (strings === undefined || strings.type !== SECTION_TYPE.STRTAB) {
    throw new ElfError(what, table.offset, `sh_link ${table.link} is not a string table`);
  }
  const names = new StringTable(sectionBytes(elf, strings), strings);
  const extended = extendedIndexes(elf, table);
  const { reader } = elf;
  const symbols: ElfSymbol[] = [];
  const count = Math.floor(table.size / entrySize);
  for (let index = 1; index < count; index++) {
    const at = table.offset + index * entrySize;
    const nameOffset = reader.u32(at, what);
    const info = reader.u8(at + 4, what);
    const section = reader.u16(at + 6, what);
    symbols.push({
      name: names.name(nameOffset, index),
      value: reader.u64(at + 8, what),
      size: reader.u64(at + 16, what),
      type: info & 15,
      binding: info >> 4,
      section:
        section === SECTION_INDEX.XINDEX && extended !== undefined ? extended.u32(index * 4, what) : section,
    });
  }
  return symbols;
}

/**
 * Names out of one string table. Overlapping names are legal (tails are shared), so what may be decoded in all is
 * limited to a multiple of the table: a hostile table must not make a small file cost unbounded time.
 */
class StringTable {
  readonly #bytes: Uint8Array;
  readonly #section: ElfSection;
  readonly #decoder = new TextDecoder();
  readonly #names = new Map<number, string>([[0, ""]]);
  #budget: number;

  constructor(bytes: Uint8Array, section: ElfSection) {
    this.#bytes = bytes;
    this.#section = section;
    this.#budget = bytes.length * 8 + 65_536;
  }

  name(offset: number, index: number): string {
    const known = this.#names.get(offset);
    if (known !== undefined) return known;
    const what = `name of symbol ${index}`;
    const end = this.#bytes.indexOf(0, offset);
    if (offset >= this.#bytes.length || end < 0) {
      throw new ElfError(
        what,
        this.#section.offset,
        `offset 0x${offset.toString(16)} has no string in the string table`,
      );
    }
    this.#budget -= end - offset;
    if (this.#budget < 0)
      throw new ElfError(what, this.#section.offset, "the string table's names overlap without end");
    const name = decodeName(this.#bytes.subarray(offset, end), this.#decoder);
    this.#names.set(offset, name);
    return name;
  }
}

function letter(elf: ElfFile, symbol: ElfSymbol): string | undefined {
  const isGlobal = symbol.binding !== SYMBOL_BINDING.LOCAL;
  const cased = (low: string): string => (isGlobal ? low.toUpperCase() : low);
  if (symbol.section === SECTION_INDEX.UNDEF) return undefined;
  if (symbol.binding === SYMBOL_BINDING.WEAK) return symbol.type === SYMBOL_TYPE.OBJECT ? "V" : "W";
  if (symbol.section === SECTION_INDEX.ABS) return cased("a");
  const section = elf.sections[symbol.section];
  if (section === undefined) return cased("d");
  if ((section.flags & BigInt(SECTION_FLAG.EXECINSTR)) !== 0n) return cased("t");
  if (section.type === SECTION_TYPE.NOBITS) return cased("b");
  return (section.flags & BigInt(SECTION_FLAG.WRITE)) !== 0n ? cased("d") : cased("r");
}

/**
 * The named, defined symbols of a file with a full symbol table (a `vmlinux`), as the debugger keeps them, in
 * order of address. Section, file and mapping symbols (`$x`, `$d`: AAELF64 "Mapping symbols") are left out.
 * @throws ElfError as `elfSymbols`.
 */
export function kernelSymbolsOfElf(elf: ElfFile): KernelSymbol[] {
  const symbols: KernelSymbol[] = [];
  for (const symbol of elfSymbols(elf, "symtab")) {
    if (symbol.name === "" || symbol.type === SYMBOL_TYPE.SECTION || symbol.type === SYMBOL_TYPE.FILE)
      continue;
    if (/^\$[xda](\.|$)/.test(symbol.name)) continue;
    const type = letter(elf, symbol);
    if (type !== undefined) symbols.push({ name: symbol.name, type, address: symbol.value });
  }
  return symbols.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}
