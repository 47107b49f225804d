import type { Utf8Decoder } from "../text.ts";
import { FORM, LINE_CONTENT } from "./constants.ts";
import { DwarfCursor } from "./cursor.ts";

/** The sections that line tables are made of. */
export interface LineSections {
  /** `.debug_line`. */
  readonly line: Uint8Array;
  /** `.debug_line_str` and `.debug_str`, where the file has them. */
  readonly lineStrings?: Uint8Array;
  readonly strings?: Uint8Array;
  readonly littleEndian: boolean;
}

/** A file of a unit: its path as far as the unit tells it (since version 5 from the compilation directory on). */
export interface LineFile {
  readonly path: string;
}

/** The header of one unit's line number program (DWARF 5, 6.2.4). */
export interface LineHeader {
  readonly offset: number;
  readonly version: number;
  /** Offset of the first instruction, and behind the last. */
  readonly program: number;
  readonly end: number;
  readonly minimumInstructionLength: number;
  readonly maximumOperations: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Number of operands of each standard opcode, index 0 unused. */
  readonly operands: readonly number[];
  readonly directories: readonly string[];
  /** By the number that programs use: from 1 on before version 5, with a hole at 0. */
  readonly files: readonly (LineFile | undefined)[];
}

/** Joins a file's name with its directory. Before version 5 directory 0, where the compiler ran, is not known here. */
export function filePath(name: string, directory: number, directories: readonly string[]): string {
  if (name.startsWith("/")) return name;
  const own = directories[directory] ?? "";
  const inOwn = own === "" ? name : `${own}/${name}`;
  if (inOwn.startsWith("/") || directory === 0) return inOwn;
  const compiler = directories[0] ?? "";
  return compiler === "" ? inOwn : `${compiler}/${inOwn}`;
}

type Content = { path: string; directory: number };

class HeaderReader {
  readonly cursor: DwarfCursor;
  readonly #sections: LineSections;
  readonly #decoder: Utf8Decoder;
  readonly #offsetSize: 4 | 8;

  constructor(cursor: DwarfCursor, sections: LineSections, decoder: Utf8Decoder, offsetSize: 4 | 8) {
    this.cursor = cursor;
    this.#sections = sections;
    this.#decoder = decoder;
    this.#offsetSize = offsetSize;
  }

  /** Directories and files up to version 4: lists of strings that an empty one ends. */
  oldTables(): { directories: string[]; files: (LineFile | undefined)[] } {
    const { cursor } = this;
    const directories = [""];
    for (let name = cursor.string(this.#decoder); name !== ""; name = cursor.string(this.#decoder)) {
      directories.push(name);
    }
    const files: (LineFile | undefined)[] = [undefined];
    for (let name = cursor.string(this.#decoder); name !== ""; name = cursor.string(this.#decoder)) {
      const directory = cursor.uleb();
      cursor.uleb(); // time of modification
      cursor.uleb(); // size
      files.push({ path: filePath(name, directory, directories) });
    }
    return { directories, files };
  }

  /** Directories and files since version 5 (6.2.4.1): entries in a format that the header describes. */
  newTables(): { directories: string[]; files: LineFile[] } {
    const directories = this.#entries().map(({ path }) => path);
    const files = this.#entries().map(({ path, directory }) => ({
      path: filePath(path, directory, directories),
    }));
    return { directories, files };
  }

  #entries(): Content[] {
    const { cursor } = this;
    const format = Array.from({ length: cursor.u8() }, () => ({
      content: cursor.uleb(),
      form: cursor.uleb(),
    }));
    const from = cursor.at;
    const count = cursor.uleb();
    // Every form takes a byte at least.
    if (count > 0 && (format.length === 0 || count > cursor.end - cursor.at)) {
      throw cursor.fault(`${count} entries do not fit into the header`, from);
    }
    return Array.from({ length: count }, () => {
      const entry = { path: "", directory: 0 };
      for (const { content, form } of format) {
        const value = this.#form(form);
        if (content === LINE_CONTENT.PATH && typeof value === "string") entry.path = value;
        if (content === LINE_CONTENT.DIRECTORY_INDEX && typeof value === "number") entry.directory = value;
      }
      return entry;
    });
  }

  #form(form: number): string | number | undefined {
    const { cursor } = this;
    switch (form) {
      case FORM.STRING:
        return cursor.string(this.#decoder);
      case FORM.LINE_STRP:
        return this.#indirect(this.#sections.lineStrings, ".debug_line_str");
      case FORM.STRP:
        return this.#indirect(this.#sections.strings, ".debug_str");
      case FORM.UDATA:
        return cursor.uleb();
      case FORM.SDATA:
        return cursor.sleb();
      case FORM.DATA1:
        return cursor.u8();
      case FORM.DATA2:
        return cursor.u16();
      case FORM.DATA4:
        return cursor.u32();
      case FORM.DATA8:
        cursor.skip(8);
        return undefined;
      case FORM.DATA16:
        cursor.skip(16);
        return undefined;
      case FORM.BLOCK:
        cursor.skip(cursor.uleb());
        return undefined;
      case FORM.BLOCK1:
        cursor.skip(cursor.u8());
        return undefined;
      case FORM.BLOCK2:
        cursor.skip(cursor.u16());
        return undefined;
      case FORM.BLOCK4:
        cursor.skip(cursor.u32());
        return undefined;
      default:
        throw cursor.fault(`the form 0x${form.toString(16)} is not read in line tables`);
    }
  }

  #indirect(bytes: Uint8Array | undefined, section: string): string {
    const from = this.cursor.at;
    const offset = this.cursor.offset(this.#offsetSize);
    if (bytes === undefined) throw this.cursor.fault(`a name is in ${section}, which is missing`, from);
    if (offset >= bytes.length) throw this.cursor.fault(`a name is outside ${section}`, from);
    return new DwarfCursor(bytes, section, this.cursor.littleEndian, offset).string(this.#decoder);
  }
}

/** Where a unit lies: found even when the rest of its header cannot be read. */
export interface LineUnitExtent {
  readonly offset: number;
  /** Offset behind the unit's length field, and behind the unit. */
  readonly body: number;
  readonly end: number;
  readonly offsetSize: 4 | 8;
}

/** Reads a unit's length (7.4). @throws DwarfError when it reaches past the section: then nothing after it is found. */
export function readExtent(sections: LineSections, offset: number): LineUnitExtent {
  const cursor = new DwarfCursor(sections.line, ".debug_line", sections.littleEndian, offset);
  const first = cursor.u32();
  if (first >= 0xfffffff0 && first !== 0xffffffff)
    throw cursor.fault(`the length 0x${first.toString(16)} is reserved`, offset);
  const offsetSize = first === 0xffffffff ? 8 : 4;
  const length = offsetSize === 8 ? cursor.offset(8) : first;
  const body = cursor.at;
  cursor.skip(length);
  return { offset, body, end: cursor.at, offsetSize };
}

/** Reads a unit's header. @throws DwarfError when it is not version 2 to 5, or damaged. */
export function readHeader(sections: LineSections, extent: LineUnitExtent, decoder: Utf8Decoder): LineHeader {
  const { body, end, offsetSize } = extent;
  const cursor = new DwarfCursor(sections.line, ".debug_line", sections.littleEndian, body, end);
  const version = cursor.u16();
  if (version < 2 || version > 5) throw cursor.fault(`version ${version} is not 2 to 5`, body);
  if (version >= 5) {
    cursor.skip(1); // address size: DW_LNE_set_address says its own
    if (cursor.u8() !== 0) throw cursor.fault("segment selectors are not supported");
  }
  const headerLength = cursor.offset(offsetSize);
  const program = cursor.at + headerLength;
  if (program > end) throw cursor.fault("the header is longer than the unit");
  const minimumInstructionLength = cursor.u8();
  const maximumOperations = version >= 4 ? Math.max(1, cursor.u8()) : 1;
  const defaultIsStatement = cursor.u8() !== 0;
  const lineBase = cursor.i8();
  const lineRange = cursor.u8();
  const opcodeBase = cursor.u8();
  if (opcodeBase === 0) throw cursor.fault("opcode_base is 0");
  if (lineRange === 0) throw cursor.fault("line_range is 0");
  const operands = [0, ...Array.from({ length: opcodeBase - 1 }, () => cursor.u8())];
  cursor.end = program;
  const reader = new HeaderReader(cursor, sections, decoder, offsetSize);
  return {
    offset: extent.offset,
    version,
    program,
    end,
    minimumInstructionLength,
    maximumOperations,
    defaultIsStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operands,
    ...(version >= 5 ? reader.newTables() : reader.oldTables()),
  };
}
