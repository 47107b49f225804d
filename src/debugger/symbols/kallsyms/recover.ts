import { parseArm64Image } from "../arm64/image.ts";
import type { KernelSymbol } from "../symbol.ts";
import { decodeName } from "../text.ts";
import { type AddressEncoding, type AddressTable, findAddresses } from "./addresses.ts";
import { KallsymsBlob, SearchBudget } from "./blob.ts";
import { KALLSYMS_STAGES, KallsymsError, type KallsymsStage } from "./kallsymsError.ts";
import { voteLinkAddress } from "./linkAddress.ts";
import { expandNames, findNames, type NameTable } from "./names.ts";
import { findRelativeRelocations, type RelativeRelocations } from "./relocations.ts";
import { findTokenTables, type TokenTable } from "./tokenTable.ts";

/** What a kernel image says about its own symbols. */
export interface KernelSymbols {
  /** In order of address; several symbols may share one. Link-time addresses. */
  readonly symbols: readonly KernelSymbol[];
  /** Link-time address of the image's first byte, which is `_text`. */
  readonly textBase: bigint;
  /** Bytes of memory from `textBase` on that the kernel occupies, its zeroed data included. */
  readonly memorySize: number;
  /** How and where in the image it was written: for reports and tests. */
  readonly layout: KallsymsLayout;
}

/** Image offsets of the parts of the table. */
export interface KallsymsLayout {
  readonly encoding: AddressEncoding;
  readonly addresses: number;
  readonly count: number;
  readonly names: number;
  readonly markers: number;
  readonly tokenTable: number;
  readonly tokenIndex: number;
}

/** AAELF64 "Dynamic relocations". */
const R_AARCH64_RELATIVE = 1027;
/** Structures that pass for a token table are rare; after so many the image is not worth more time. */
const MOST_TOKEN_TABLES = 8;
/** Symbols that kernels have; a table with fewer than two of them is some other table. */
const ANCHORS = [
  "_text",
  "_stext",
  "_etext",
  "_sinittext",
  "_einittext",
  "start_kernel",
  "vectors",
  "swapper_pg_dir",
];
/** The names that the branch in the image's header has led to. */
const ENTRY_POINTS = ["primary_entry", "stext"];

function nameSymbols(names: readonly string[], addresses: readonly bigint[]): KernelSymbol[] {
  const decoder = new TextDecoder();
  return names.map((text, index) => {
    const raw = text.slice(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is the test for pure ASCII
    const name = /^[\x00-\x7f]*$/.test(raw)
      ? raw
      : decodeName(
          Uint8Array.from(raw, (character) => character.charCodeAt(0)),
          decoder,
        );
    return { name, type: text[0] ?? "?", address: addresses[index] ?? 0n };
  });
}

/** Image offset that the branch among the header's two instructions leads to (booting.rst: code0, code1). */
function entryOffset(blob: KallsymsBlob): number | undefined {
  for (const at of [0, 4]) {
    // Instructions are little-endian in kernels of either endianness.
    const word = blob.view.getUint32(at, true);
    if (word >>> 26 === 0b000101) return at + ((word << 6) >> 4);
  }
  return undefined;
}

function linkAddress(
  blob: KallsymsBlob,
  table: AddressTable,
  symbols: readonly KernelSymbol[],
  relocations: RelativeRelocations | undefined,
): bigint {
  if (table.relativeTo === "image") {
    const base = relocations?.base ?? voteLinkAddress(blob, table.values.map(Number));
    if (base !== undefined) return base;
    throw new KallsymsError(
      "link address",
      "the symbols are found, but nothing tells the address the kernel is linked to",
    );
  }
  const text = symbols.find((symbol) => symbol.name === "_text");
  if (text !== undefined) return text.address;
  const entry = symbols.find((symbol) => ENTRY_POINTS.includes(symbol.name));
  const offset = entryOffset(blob);
  if (entry !== undefined && offset !== undefined && offset > 0) return entry.address - BigInt(offset);
  if (relocations !== undefined) return relocations.base;
  throw new KallsymsError(
    "link address",
    "the symbols are found, but neither _text, the entry point nor relocations tell where the image begins",
  );
}

function validate(symbols: readonly KernelSymbol[], textBase: bigint, size: number): void {
  const anchors = new Map<string, bigint>();
  for (const { name, address } of symbols) if (ANCHORS.includes(name)) anchors.set(name, address);
  const fail = (problem: string): never => {
    throw new KallsymsError("validation", problem);
  };
  if (anchors.size < 2) fail(`a table of ${symbols.length} symbols has at most one of ${ANCHORS.join(", ")}`);
  const end = textBase + BigInt(size);
  for (const [name, address] of anchors) {
    if (address < textBase || address > end) {
      fail(`${name} at 0x${address.toString(16)} is outside the kernel at 0x${textBase.toString(16)}`);
    }
  }
  const ordered = ["_text", "_stext", "_etext", "_sinittext", "_einittext"].filter((name) =>
    anchors.has(name),
  );
  ordered.reduce((before, name) => {
    if ((anchors.get(name) ?? 0n) < (anchors.get(before) ?? 0n)) fail(`${name} is below ${before}`);
    return name;
  }, ordered[0] ?? "");
}

function recoverFrom(
  blob: KallsymsBlob,
  tokens: TokenTable,
  budget: SearchBudget,
  memorySize: number,
  relocations: () => RelativeRelocations | undefined,
): KernelSymbols {
  const names: NameTable | undefined = findNames(blob, tokens, budget);
  if (names === undefined) {
    throw new KallsymsError(
      "names",
      `there are no names before the token table at image offset 0x${tokens.start.toString(16)}`,
    );
  }
  const texts = expandNames(blob, names, tokens.tokens);
  if (texts === undefined) throw new KallsymsError("names", "the names do not expand to sensible text");
  const table = findAddresses(blob, names, tokens, relocations);
  if (table === undefined) {
    throw new KallsymsError("addresses", `the addresses of the ${names.count} names are in no known form`);
  }
  const found = nameSymbols(texts, table.values);
  const textBase = linkAddress(blob, table, found, relocations());
  const symbols =
    table.relativeTo === "image"
      ? found.map((symbol) => ({ ...symbol, address: symbol.address + textBase }))
      : found;
  validate(symbols, textBase, memorySize);
  return {
    symbols,
    textBase,
    memorySize,
    layout: {
      encoding: table.encoding,
      addresses: table.at,
      count: names.count,
      names: names.start,
      markers: names.markers,
      tokenTable: tokens.start,
      tokenIndex: tokens.index,
    },
  };
}

/**
 * Recovers the symbols of a stripped arm64 kernel from the table it carries for its own backtraces
 * (CONFIG_KALLSYMS). The table is found by its structure, not by version: both orders of its parts (before and
 * since Linux 6.4), all four ways to write addresses, names longer than 127 bytes, markers of either width.
 * Without CONFIG_KALLSYMS_ALL a kernel carries only the symbols of its text.
 * @param image the raw `Image`, decompressed.
 * @throws KernelImageError when the bytes are no arm64 Image; KallsymsError when no table is recovered from it.
 */
export function recoverKallsyms(image: Uint8Array): KernelSymbols {
  const header = parseArm64Image(image);
  const blob = new KallsymsBlob(image, header.littleEndian);
  return recoverAny(blob, Math.max(header.memorySize, image.length));
}

/**
 * The same of a kernel that is no `Image`, such as an x86 `vmlinux` without its symbol table, from its bytes as they are in memory.
 * @param image little-endian; the first byte is that of `_text`
 * @param memorySize bytes of memory that the kernel occupies
 * @throws KallsymsError when no table is recovered from it
 */
export function recoverLoadedKallsyms(image: Uint8Array, memorySize: number): KernelSymbols {
  return recoverAny(new KallsymsBlob(image, true), memorySize);
}

function recoverAny(blob: KallsymsBlob, memorySize: number): KernelSymbols {
  let known: { value: RelativeRelocations | undefined } | undefined;
  const relocations = (): RelativeRelocations | undefined => {
    known ??= { value: findRelativeRelocations(blob, R_AARCH64_RELATIVE) };
    return known.value;
  };
  let failure = new KallsymsError(
    "token table",
    "the image has no token table: it was built without CONFIG_KALLSYMS, or is not a whole kernel",
  );
  const depth = (stage: KallsymsStage): number => KALLSYMS_STAGES.indexOf(stage);
  const budget = new SearchBudget(1_000_000 + blob.length * 4);
  let tried = 0;
  for (const tokens of findTokenTables(blob)) {
    try {
      return recoverFrom(blob, tokens, budget, memorySize, relocations);
    } catch (error) {
      if (!(error instanceof KallsymsError)) throw error;
      if (depth(error.stage) >= depth(failure.stage)) failure = error;
    }
    if (++tried === MOST_TOKEN_TABLES) break;
  }
  throw failure;
}
