import { arm64FrameConvention, arm64FrameRows } from "./arm64/frameRows.ts";
import { type FrameRow, type FunctionFrames, writeDebugFrame } from "./dwarf/debugFrame.ts";
import {
  ELF_MACHINE,
  ELF_TYPE,
  SECTION_FLAG,
  SECTION_TYPE,
  SEGMENT_FLAG,
  SEGMENT_TYPE,
  SYMBOL_BINDING,
  SYMBOL_TYPE,
} from "./elfConstants.ts";
import { type ElfSectionSpec, type ElfSegmentSpec, type ElfSymbolSpec, writeElf } from "./elfWriter.ts";
import { sectionMarker } from "./sectionMarker.ts";
import { isTextSymbol, type KernelSymbol } from "./symbol.ts";

/** What a symbol file is made of. */
export interface SymbolElfOptions {
  /** Link-time address of the image's first byte. */
  readonly textBase: bigint;
  /** Bytes of memory from `textBase` on that belong to the program. */
  readonly memorySize: number;
  /** e_machine; AArch64 when left out. */
  readonly machine?: number;
  /** The image's bytes, loaded at `textBase`. Without them the file has symbols but nothing to disassemble. */
  readonly image?: Uint8Array;
  /** Default true. */
  readonly littleEndian?: boolean;
}

interface Region {
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly flags: number;
}

const READ = SECTION_FLAG.ALLOC;
const CODE = SECTION_FLAG.ALLOC | SECTION_FLAG.EXECINSTR;
const DATA = SECTION_FLAG.ALLOC | SECTION_FLAG.WRITE;

/** Where regions of a Linux image begin (vmlinux.lds), and what they hold; those a kernel does not name are merged. */
const BOUNDARIES: readonly { readonly symbol: string; readonly section: string; readonly flags: number }[] = [
  { symbol: "_stext", section: ".text", flags: CODE },
  { symbol: "_etext", section: ".rodata", flags: READ },
  { symbol: "_sinittext", section: ".init.text", flags: CODE },
  { symbol: "_einittext", section: ".init.data", flags: DATA },
  { symbol: "_sdata", section: ".data", flags: DATA },
  { symbol: "__bss_start", section: ".bss", flags: DATA },
];

function splitRegions(symbols: readonly KernelSymbol[], options: SymbolElfOptions): Region[] {
  const start = options.textBase;
  const end = start + BigInt(options.memorySize);
  const addresses = new Map<string, bigint>();
  for (const { name, address } of symbols) if (!addresses.has(name)) addresses.set(name, address);
  const cuts: { at: bigint; name: string; flags: number }[] = [];
  for (const { symbol, section, flags } of BOUNDARIES) {
    const at = addresses.get(symbol);
    if (at !== undefined && at > start && at < end) cuts.push({ at, name: section, flags });
  }
  cuts.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  cuts.unshift({ at: start, name: cuts[0]?.name === ".text" ? ".head.text" : ".text", flags: CODE });
  return cuts
    .map(({ at, name, flags }, index) => ({ name, flags, start: at, end: cuts[index + 1]?.at ?? end }))
    .filter((region) => region.end > region.start);
}

/** Splits the region in which the image's bytes end: the rest is zeroed memory. */
function splitAtImageEnd(regions: readonly Region[], imageEnd: bigint): Region[] {
  const zeroed = regions.some(({ name }) => name === ".bss") ? ".bss.pad" : ".bss";
  return regions.flatMap((region) => {
    if (region.end <= imageEnd || region.start >= imageEnd) return [region];
    return [
      { ...region, end: imageEnd },
      { ...region, name: zeroed, flags: DATA, start: imageEnd },
    ];
  });
}

function toSection(region: Region, { image, textBase }: SymbolElfOptions): ElfSectionSpec {
  const from = Number(region.start - textBase);
  const size = Number(region.end - region.start);
  const base = {
    name: region.name,
    flags: region.flags,
    address: region.start,
    align: region.flags === CODE ? 4 : 1,
  };
  if (image === undefined || from >= image.length) {
    return { ...base, type: SECTION_TYPE.NOBITS, contents: BigInt(size) };
  }
  return { ...base, type: SECTION_TYPE.PROGBITS, contents: image.subarray(from, from + size) };
}

function symbolKind(symbol: KernelSymbol, region: Region | undefined): number {
  if (region === undefined || sectionMarker(symbol) !== undefined) return SYMBOL_TYPE.NOTYPE;
  const isWeak = symbol.type === "W" || symbol.type === "w";
  if (isTextSymbol(symbol.type) || (isWeak && region.flags === CODE)) return SYMBOL_TYPE.FUNC;
  return symbol.type === "A" || symbol.type === "a" ? SYMBOL_TYPE.NOTYPE : SYMBOL_TYPE.OBJECT;
}

function symbolBinding({ type }: KernelSymbol): number {
  if ("WwVv".includes(type)) return SYMBOL_BINDING.WEAK;
  return type === type.toUpperCase() ? SYMBOL_BINDING.GLOBAL : SYMBOL_BINDING.LOCAL;
}

function placeSymbols(symbols: readonly KernelSymbol[], regions: readonly Region[]): ElfSymbolSpec[] {
  const sorted = [...symbols].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  const placed: ElfSymbolSpec[] = [];
  let next: bigint | undefined;
  let above: bigint | undefined;
  for (let index = sorted.length - 1; index >= 0; index--) {
    const symbol = sorted[index];
    if (symbol === undefined) continue;
    const { address } = symbol;
    if (above !== undefined && above > address) next = above;
    above = address;
    // An end marker belongs to the region it ends, so that it moves with it and does not name what comes after.
    const isEnd = sectionMarker(symbol) === "end";
    const section = regions.findIndex(({ start, end }) =>
      isEnd ? address > start && address <= end : address >= start && address < end,
    );
    const region = regions[section];
    const limit = region === undefined || (next !== undefined && next < region.end) ? next : region.end;
    placed.push({
      name: symbol.name,
      value: address,
      size: isEnd || region === undefined || limit === undefined ? 0n : limit - address,
      type: symbolKind(symbol, region),
      binding: symbolBinding(symbol),
      section: region === undefined ? "absolute" : section,
    });
  }
  return placed.reverse();
}

/** Larger ones are tables rather than functions. */
const largestFunction = 1n << 18n;
/** Parts of a function that the compiler has put elsewhere: entered by jumps, with the function's frame. */
const FRAGMENT = /^(.+)\.cold(\.\d+)?$/;

/** What nobody has called: Linux's entry points of the first thread, of other CPUs, of threads, and from EL0. */
const OUTERMOST =
  /^(__primary_switched|__secondary_switched|ret_from_fork|primary_entry|secondary_entry|el0t_(64|32)_(sync|irq|fiq|error))$/;
const noCaller: readonly FrameRow[] = [
  { at: 0, cfa: { register: 31, offset: 0 }, saved: new Map(), isLost: true },
];

/** How the callers of arm64 functions are found, by what their instructions do. */
function frames(
  placed: readonly ElfSymbolSpec[],
  { image, textBase }: SymbolElfOptions,
): readonly FunctionFrames[] {
  if (image === undefined) return [];
  const rowsByName = new Map<string, readonly FrameRow[]>();
  const found = new Map<bigint, FunctionFrames>();
  const add = ({ name, value, size, type }: ElfSymbolSpec, isFragment: boolean): void => {
    const offset = Number(value - textBase);
    if (type !== SYMBOL_TYPE.FUNC || size < 4n || size > largestFunction || found.has(value)) return;
    if (offset < 0 || offset % 4 !== 0 || offset + Number(size) > image.length) return;
    const within = isFragment ? rowsByName.get(FRAGMENT.exec(name)?.[1] ?? "") : undefined;
    if (isFragment && within === undefined) return;
    const rows = OUTERMOST.test(name)
      ? noCaller
      : arm64FrameRows(image.subarray(offset, offset + Number(size)), within);
    if (rows.length === 0) return;
    if (!isFragment) rowsByName.set(name, rows);
    found.set(value, { start: value, size: Number(size), rows });
  };
  for (const symbol of placed) if (!FRAGMENT.test(symbol.name)) add(symbol, false);
  for (const symbol of placed) if (FRAGMENT.test(symbol.name)) add(symbol, true);
  return [...found.values()].sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** `.debug_frame`, where the instructions can be read. */
function frameSection(
  placed: readonly ElfSymbolSpec[],
  options: SymbolElfOptions,
): readonly ElfSectionSpec[] {
  const isArm64 = (options.machine ?? ELF_MACHINE.AARCH64) === ELF_MACHINE.AARCH64;
  if (!isArm64 || options.littleEndian === false) return [];
  const functions = frames(placed, options);
  if (functions.length === 0) return [];
  const contents = writeDebugFrame(functions, arm64FrameConvention);
  return [{ name: ".debug_frame", type: SECTION_TYPE.PROGBITS, flags: 0, address: 0n, align: 8, contents }];
}

/**
 * Writes an ELF64 executable that debuggers load as the symbols of a program (`symbol-file`, `add-symbol-file -o`
 * of gdb, `target create` of lldb): sections of the kernel's regions, functions and objects with the distance to the
 * next symbol as size, and, when the image is given, its bytes, so that code can be disassembled without a target, and
 * (arm64) `.debug_frame` made from what the instructions do, so that debuggers find callers.
 * @param symbols with link-time addresses; those outside the program become absolute.
 * @throws ElfError when a name cannot be written.
 */
export function writeSymbolElf(symbols: readonly KernelSymbol[], options: SymbolElfOptions): Uint8Array {
  const imageEnd = options.textBase + BigInt(options.image?.length ?? 0);
  const whole = splitRegions(symbols, options);
  const regions = options.image === undefined ? whole : splitAtImageEnd(whole, imageEnd);
  const segments: ElfSegmentSpec[] = regions.map((region, section) => ({
    type: SEGMENT_TYPE.LOAD,
    flags:
      SEGMENT_FLAG.READ |
      (region.flags === CODE ? SEGMENT_FLAG.EXECUTE : 0) |
      (region.flags === DATA ? SEGMENT_FLAG.WRITE : 0),
    section,
  }));
  const placed = placeSymbols(symbols, regions);
  return writeElf({
    type: ELF_TYPE.EXEC,
    machine: options.machine ?? ELF_MACHINE.AARCH64,
    entry: options.textBase,
    littleEndian: options.littleEndian ?? true,
    sections: [...regions.map((region) => toSection(region, options)), ...frameSection(placed, options)],
    segments,
    symbols: placed,
  });
}
