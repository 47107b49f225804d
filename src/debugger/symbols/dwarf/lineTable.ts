import { type ElfFile, findSection, sectionBytes } from "../elf.ts";
import type { SymbolTable } from "../symbolTable.ts";
import { DwarfError } from "./dwarfError.ts";
import { type LineFile, type LineHeader, type LineSections, readExtent, readHeader } from "./lineHeader.ts";
import { type LineRow, runLineProgram } from "./lineProgram.ts";

/** A place in the source, and the addresses `[address, end)` that it has been compiled to there. */
export interface SourceLocation {
  /** Path as the debug information gives it; relative when that does not tell the compilation directory. */
  readonly file: string;
  /** From 1 on; 0 when the compiler says that the code belongs to no line. */
  readonly line: number;
  /** From 1 on; 0 when unknown. */
  readonly column: number;
  readonly address: bigint;
  readonly end: bigint;
}

/** Addresses that begin the code of a line, in order. */
export interface LineAddresses {
  readonly file: string;
  /** The line asked for, or the next one below it that has code. */
  readonly line: number;
  readonly addresses: readonly bigint[];
}

interface Sequence {
  readonly base: bigint;
  readonly size: number;
  readonly unit: number;
  /** Ordinal of the sequence in its unit. */
  readonly ordinal: number;
}

interface DecodedUnit {
  readonly files: readonly (LineFile | undefined)[];
  readonly sequences: readonly {
    readonly base: bigint;
    readonly size: number;
    readonly rows: readonly LineRow[];
  }[];
}

/** Decoded units that are kept: a debugger asks again for the neighbourhood it is in. */
const KEPT_UNITS = 64;

/** The sections of an ELF file that line tables are made of; undefined when it has no `.debug_line`. */
export function lineSectionsOfElf(elf: ElfFile): LineSections | undefined {
  const bytes = (name: string): Uint8Array | undefined => {
    const section = findSection(elf, name);
    return section === undefined ? undefined : sectionBytes(elf, section);
  };
  const line = bytes(".debug_line");
  if (line === undefined) return undefined;
  const lineStrings = bytes(".debug_line_str");
  const strings = bytes(".debug_str");
  return {
    line,
    ...(lineStrings === undefined ? {} : { lineStrings }),
    ...(strings === undefined ? {} : { strings }),
    littleEndian: elf.littleEndian,
  };
}

/**
 * Source lines by address and addresses by source line, from `.debug_line` of versions 2 to 5. Addresses are
 * link-time. Units are decoded when they are asked for. Units that cannot be read are left out and listed in
 * `problems`.
 */
export class LineTable {
  readonly problems: readonly DwarfError[];
  readonly #sections: LineSections;
  readonly #headers: readonly LineHeader[];
  /** In order of address; `#reach[i]` is the highest end of sequences 0…i, as they may overlap. */
  readonly #sequences: readonly Sequence[];
  readonly #reach: readonly bigint[];
  readonly #unitsByName: ReadonlyMap<string, readonly number[]>;
  readonly #decoded = new Map<number, DecodedUnit>();
  readonly #decoder = new TextDecoder();

  private constructor(sections: LineSections) {
    this.#sections = sections;
    const problems: DwarfError[] = [];
    const headers: LineHeader[] = [];
    const sequences: Sequence[] = [];
    const unitsByName = new Map<string, number[]>();
    const attempt = (action: () => void): boolean => {
      try {
        action();
        return true;
      } catch (error) {
        if (!(error instanceof DwarfError)) throw error;
        problems.push(error);
        return false;
      }
    };
    for (let offset = 0; offset < sections.line.length; ) {
      const next = { end: sections.line.length };
      const isFound = attempt(() => {
        const extent = readExtent(sections, offset);
        next.end = extent.end;
        const header = readHeader(sections, extent, this.#decoder);
        const unit = headers.length;
        const found: Sequence[] = [];
        const files = runLineProgram(sections, header, this.#decoder, {
          endSequence: (base, size) => found.push({ base, size, unit, ordinal: found.length }),
        });
        headers.push(header);
        for (const sequence of found) if (sequence.size > 0) sequences.push(sequence);
        for (const name of new Set(files.map((file) => baseName(file?.path ?? "")))) {
          const units = unitsByName.get(name);
          if (units === undefined) unitsByName.set(name, [unit]);
          else units.push(unit);
        }
      });
      // A unit whose length is good can be passed over; without it there is no next one.
      if (!isFound && next.end <= offset) break;
      offset = next.end;
    }
    sequences.sort((a, b) => (a.base < b.base ? -1 : a.base > b.base ? 1 : a.size - b.size));
    let reach = 0n;
    this.#reach = sequences.map(({ base, size }) => {
      const end = base + BigInt(size);
      if (end > reach) reach = end;
      return reach;
    });
    this.problems = problems;
    this.#headers = headers;
    this.#sequences = sequences;
    this.#unitsByName = unitsByName;
  }

  /** Reads all headers and finds which addresses each unit covers. Never throws for damaged data: see `problems`. */
  static from(sections: LineSections): LineTable {
    return new LineTable(sections);
  }

  /** Number of units that could be read. */
  get units(): number {
    return this.#headers.length;
  }

  /** The source line of an address, undefined when no unit covers it. */
  locate(address: bigint): SourceLocation | undefined {
    for (let index = this.#lastAtOrBelow(address); index >= 0; index--) {
      if ((this.#reach[index] ?? 0n) <= address) return undefined;
      const sequence = this.#sequences[index];
      if (sequence === undefined || sequence.base + BigInt(sequence.size) <= address) continue;
      const unit = this.#unit(sequence.unit);
      const rows = unit?.sequences[sequence.ordinal]?.rows ?? [];
      const distance = Number(address - sequence.base);
      const at = lastRow(rows, distance);
      const row = rows[at];
      if (row === undefined) continue;
      let end = sequence.size;
      for (let next = at + 1; next < rows.length; next++) {
        const above = rows[next]?.distance ?? end;
        if (above > row.distance) {
          end = above;
          break;
        }
      }
      return {
        file: unit?.files[row.file]?.path ?? "",
        line: row.line,
        column: row.column,
        address: sequence.base + BigInt(row.distance),
        end: sequence.base + BigInt(end),
      };
    }
    return undefined;
  }

  /**
   * Where the code of a source line begins: the first address of each stretch of statements of that line, or of the
   * next line below that has code, in each file that `file` is the end of.
   * @param file a path or its last parts (`core.c`, `sched/core.c`).
   * @param line from 1 on.
   * @param symbols when given (link-time), only the lowest address in each function: what a breakpoint wants.
   */
  addressesOf(file: string, line: number, symbols?: SymbolTable): readonly LineAddresses[] {
    const best = new Map<string, { line: number; addresses: Set<bigint> }>();
    for (const index of this.#unitsByName.get(baseName(file)) ?? []) {
      const unit = this.#unit(index);
      if (unit === undefined) continue;
      const wanted = unit.files.map((entry) => entry !== undefined && isPathEnd(entry.path, file));
      for (const { base, size, rows } of unit.sequences) {
        if (size === 0) continue;
        let before = -1;
        for (const row of rows) {
          const isHere = wanted[row.file] === true && row.isStatement && row.line >= line;
          const path = isHere ? (unit.files[row.file]?.path ?? "") : "";
          if (isHere && row.line !== before) {
            const known = best.get(path);
            const address = base + BigInt(row.distance);
            if (known === undefined || row.line < known.line)
              best.set(path, { line: row.line, addresses: new Set([address]) });
            else if (row.line === known.line) known.addresses.add(address);
          }
          if (row.isStatement) before = wanted[row.file] === true ? row.line : -1;
        }
      }
    }
    return [...best].map(([path, found]) => ({
      file: path,
      line: found.line,
      addresses: firstOfEach(found.addresses, symbols),
    }));
  }

  /** Paths of all files that end with `file`, each once. */
  filesNamed(file: string): readonly string[] {
    const paths = new Set<string>();
    for (const index of this.#unitsByName.get(baseName(file)) ?? []) {
      for (const entry of this.#unit(index)?.files ?? []) {
        if (entry !== undefined && isPathEnd(entry.path, file)) paths.add(entry.path);
      }
    }
    return [...paths].sort();
  }

  #lastAtOrBelow(address: bigint): number {
    let low = 0;
    let high = this.#sequences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const sequence = this.#sequences[middle];
      if (sequence !== undefined && sequence.base <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #unit(index: number): DecodedUnit | undefined {
    const known = this.#decoded.get(index);
    if (known !== undefined) return known;
    const header = this.#headers[index];
    if (header === undefined) return undefined;
    const sequences: { base: bigint; size: number; rows: LineRow[] }[] = [];
    let rows: LineRow[] = [];
    const files = runLineProgram(this.#sections, header, this.#decoder, {
      row: (row) => rows.push(row),
      endSequence: (base, size) => {
        sequences.push({ base, size, rows: rows.sort((a, b) => a.distance - b.distance) });
        rows = [];
      },
    });
    const unit = { files, sequences };
    if (this.#decoded.size >= KEPT_UNITS) {
      const [oldest] = this.#decoded.keys();
      if (oldest !== undefined) this.#decoded.delete(oldest);
    }
    this.#decoded.set(index, unit);
    return unit;
  }
}

function firstOfEach(addresses: ReadonlySet<bigint>, symbols: SymbolTable | undefined): bigint[] {
  const sorted = [...addresses].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (symbols === undefined) return sorted;
  const functions = new Set<bigint>();
  return sorted.filter((address) => {
    const start = symbols.locate(address)?.symbol.address ?? address;
    if (functions.has(start)) return false;
    functions.add(start);
    return true;
  });
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isPathEnd(path: string, end: string): boolean {
  return path === end || path.endsWith(`/${end}`);
}

/** The last row at or below a distance: of several at one address the last one counts. */
function lastRow(rows: readonly LineRow[], distance: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.distance ?? 0) <= distance) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
