import {
  fetchEntry,
  fetchTlbEntries,
  fetchTlbOffset,
  memoryMap,
  secondFetchTlb,
  secondTlb,
  tlbEntries,
  tlbEntry,
  watchedPieces,
} from "./layout.ts";
import type { EngineMemory, HostAddress } from "./memory.ts";
import { tlbIndex } from "./tlbLookUp.ts";

/** What a data TLB entry may be used for. */
export interface TlbRights {
  readonly read: boolean;
  readonly write: boolean;
  /** Whether misaligned accesses fault. */
  readonly strict: boolean;
  /** The address space the entry belongs to, −1 for all. */
  readonly asid: number;
  /** Part of the page is watched: accesses to the pieces of `watch` take the slow path. Default: no. */
  readonly watched?: boolean;
}

/** A piece of a page, by offsets: from `begin` to before `end`, 0 to 0x1000. */
export interface PagePiece {
  readonly begin: number;
  readonly end: number;
}

const nothing: PagePiece = { begin: 0, end: 0 };

/** The least piece that has them all in it; they are in order of `begin`. */
const hullOf = (sorted: readonly PagePiece[]): PagePiece => ({
  begin: sorted[0]?.begin ?? 0,
  end: Math.max(0, ...sorted.map(({ end }) => end)),
});

/** The first-level TLBs of all translation contexts, as generated code reads them. */
export class TranslationCaches {
  readonly #memory: EngineMemory;

  readonly #contexts: number;
  /** Whether each context's tables have been emptied: in new memory they look full. Many contexts are never used. */
  readonly #emptied: Uint8Array;
  /** Host pages that entries may let be written. */
  readonly #writable: Uint8Array;

  /** `contexts`: how many translation contexts are used. */
  constructor(memory: EngineMemory, contexts: number) {
    this.#memory = memory;
    this.#contexts = contexts;
    if (contexts > memoryMap.contexts)
      throw new RangeError(`${contexts} translation contexts: there are ${memoryMap.contexts}`);
    this.#emptied = new Uint8Array(contexts);
    this.#writable = new Uint8Array(Math.ceil(memory.bytes.length / 0x1000));
  }

  /** Base of a context's data TLB. */
  dataBase(context: number): number {
    if (context >= this.#contexts) throw new RangeError(`translation context ${context} does not exist`);
    if (this.#emptied[context] === 0) this.#empty(context);
    return memoryMap.translations + context * memoryMap.translationBytes;
  }

  /** Base of a context's fetch TLB. */
  fetchBase(context: number): number {
    return this.dataBase(context) + fetchTlbOffset;
  }

  flush(context: number): void {
    if (this.#emptied[context] === 1) this.#empty(context);
  }

  #empty(context: number): void {
    this.#emptied[context] = 1;
    const base = this.dataBase(context);
    this.#memory.bytes.fill(0xff, base, base + fetchTlbOffset + fetchTlbEntries * fetchEntry.bytes);
    this.#memory.bytes.fill(0xff, this.#secondBase(context), this.#secondBase(context) + secondTlb.bytes);
    this.#flushSecondFetches(context);
  }

  /** Forgets what the first level holds; the second keeps what it has by address space. */
  flushFirst(context: number): void {
    const base = this.dataBase(context);
    this.#memory.bytes.fill(0xff, base, base + fetchTlbOffset + fetchTlbEntries * fetchEntry.bytes);
  }

  /** Forgets what belongs to an address space, on both levels; what all share stays. */
  flushAsid(context: number, asid: number): void {
    if (this.#emptied[context] === 0) return;
    const data = this.dataBase(context);
    this.#flushAsid(data, fetchTlbOffset, tlbEntry, 4, asid);
    this.#flushAsid(this.#secondBase(context), secondTlb.bytes, tlbEntry, 4, asid);
    for (const { begin, bytes } of this.#fetchTables(context))
      this.#flushAsid(begin, bytes, fetchEntry, 2, asid);
  }

  #flushAsid(
    begin: number,
    length: number,
    entry: { readonly bytes: number; readonly asid: number },
    tagWords: number,
    asid: number,
  ): void {
    const { words } = this.#memory;
    for (let at = begin; at < begin + length; at += entry.bytes)
      if (words[(at + entry.asid) >>> 2] === asid) this.#forgetTags(at, tagWords);
  }

  /** Forgets the fetch translations to these pages of records. */
  flushFetchesOf(pages: ReadonlySet<number>): void {
    const { words } = this.#memory;
    for (let context = 0; context < this.#contexts; context++) {
      if (this.#emptied[context] === 0) continue;
      for (const { begin, bytes } of this.#fetchTables(context)) {
        for (let at = begin; at < begin + bytes; at += fetchEntry.bytes) {
          if (pages.has(words[(at + fetchEntry.records) >>> 2] ?? 0)) this.#forgetTags(at, 2);
        }
      }
    }
  }

  /** The first and the second level of a context's fetch TLB. */
  #fetchTables(context: number): readonly { readonly begin: number; readonly bytes: number }[] {
    return [
      { begin: this.fetchBase(context), bytes: fetchTlbEntries * fetchEntry.bytes },
      { begin: memoryMap.secondFetchTlb + context * secondFetchTlb.bytes, bytes: secondFetchTlb.bytes },
    ];
  }

  /** Forgets every fetch translation. */
  flushFetches(): void {
    for (let context = 0; context < this.#contexts; context++)
      if (this.#emptied[context] === 1) this.flushFetch(context);
  }

  flushFetch(context: number): void {
    const base = this.fetchBase(context);
    this.#memory.bytes.fill(0xff, base, base + fetchTlbEntries * fetchEntry.bytes);
    this.#flushSecondFetches(context);
  }

  #flushSecondFetches(context: number): void {
    const base = memoryMap.secondFetchTlb + context * secondFetchTlb.bytes;
    this.#memory.bytes.fill(0xff, base, base + secondFetchTlb.bytes);
  }

  /** Forgets one page of a context. */
  flushPage(context: number, va: bigint): void {
    if (this.#emptied[context] === 0) return;
    const page = this.#page(va);
    this.#forgetTags(this.#firstEntry(context, page), 4);
    this.#forgetTags(this.#secondEntry(context, page), 4);
    this.#forgetTags(this.#fetchEntry(context, page), 2);
    this.#forgetTags(this.#secondFetchEntry(context, page), 2);
  }

  /** Tags are the first words of an entry. */
  #forgetTags(entry: number, count: number): void {
    const { words } = this.#memory;
    for (let i = 0; i < count; i++) words[(entry >>> 2) + i] = -1;
  }

  /** Lets accesses to the page of `va` go straight to the host page. */
  fill(context: number, va: bigint, host: HostAddress, rights: TlbRights): void {
    const page = this.#page(va);
    const low = page << 12;
    const high = this.#memory.highHalf;
    const watched = rights.watched === true;
    if (rights.write) this.#writable[host >>> 12] = 1;
    if (!watched) this.#fillEntry(this.#firstEntry(context, page), low, high, host, rights);
    this.#fillEntry(this.#secondEntry(context, page), low, high, host, rights);
  }

  /** `low`, `high`: the halves of the page's address. */
  #fillEntry(entry: number, low: number, high: number, host: HostAddress, rights: TlbRights): void {
    const { words } = this.#memory;
    const at = entry >>> 2;
    words[at + (tlbEntry.readTag >>> 2)] = rights.read ? low : -1;
    words[at + (tlbEntry.readTag >>> 2) + 1] = rights.read ? high : -1;
    words[at + (tlbEntry.writeTag >>> 2)] = rights.write ? low : -1;
    words[at + (tlbEntry.writeTag >>> 2) + 1] = rights.write ? high : -1;
    words[at + (tlbEntry.addend >>> 2)] = (host & ~0xfff) - low;
    words[at + (tlbEntry.asid >>> 2)] = rights.asid;
    words[at + (tlbEntry.strict >>> 2)] = Number(rights.strict);
    words[at + (tlbEntry.watched >>> 2)] = Number(rights.watched === true);
  }

  /** Says which pieces of watched pages are watched on the vCPU in the state window. Its pages must be filled anew. */
  watch(pieces: readonly PagePiece[]): void {
    const { address, count, hull } = watchedPieces;
    const sorted = [...pieces].sort((a, b) => a.begin - b.begin);
    const kept =
      sorted.length <= count ? sorted : [...sorted.slice(0, count - 1), hullOf(sorted.slice(count - 1))];
    const put = (at: number, { begin, end }: PagePiece): void => {
      this.#memory.words[at >>> 2] = begin | (end << 16);
    };
    for (let i = 0; i < count; i++) put(address + 4 * i, kept[i] ?? nothing);
    put(hull, hullOf(sorted));
  }

  #secondBase(context: number): number {
    return memoryMap.secondTlb + context * secondTlb.bytes;
  }

  /** Bits 43:12 of an address, by which entries are found; leaves its upper half in `highHalf`. */
  #page(va: bigint): number {
    const low = this.#memory.lowHalf(va);
    return (this.#memory.highHalf << 20) | (low >>> 12);
  }

  #secondEntry(context: number, page: number): number {
    return this.#secondBase(context) + tlbIndex(page, secondTlb.entries) * tlbEntry.bytes;
  }

  #firstEntry(context: number, page: number): number {
    return this.dataBase(context) + tlbIndex(page, tlbEntries) * tlbEntry.bytes;
  }

  /** Fetches are indexed by the page number alone. */
  #fetchEntry(context: number, page: number): number {
    return this.fetchBase(context) + (page & (fetchTlbEntries - 1)) * fetchEntry.bytes;
  }

  #secondFetchEntry(context: number, page: number): number {
    const index = tlbIndex(page, secondFetchTlb.entries);
    return memoryMap.secondFetchTlb + context * secondFetchTlb.bytes + index * fetchEntry.bytes;
  }

  /** Lets fetches from the page of `va` go straight to its records; `asid` is its address space, −1 for all. */
  fillFetch(context: number, va: bigint, records: number, asid: number): void {
    const page = this.#page(va);
    const { words, highHalf } = this.#memory;
    for (const entry of [this.#fetchEntry(context, page), this.#secondFetchEntry(context, page)]) {
      const at = entry >>> 2;
      words[at + (fetchEntry.tag >>> 2)] = page << 12;
      words[at + (fetchEntry.tag >>> 2) + 1] = highHalf;
      words[at + (fetchEntry.records >>> 2)] = records;
      words[at + (fetchEntry.asid >>> 2)] = asid;
    }
  }

  /** Withholds write rights to one host page in every context, so that the next write to it takes the slow path. */
  withholdPage(host: HostAddress): void {
    if (this.#writable[host >>> 12] === 0) return;
    this.#writable[host >>> 12] = 0;
    const page = host & ~0xfff;
    for (let context = 0; context < this.#contexts; context++) {
      if (this.#emptied[context] === 0) continue;
      this.#withhold(this.dataBase(context), fetchTlbOffset, page);
      this.#withhold(this.#secondBase(context), secondTlb.bytes, page);
    }
  }

  #withhold(begin: number, length: number, page: number): void {
    const { words } = this.#memory;
    for (let entry = begin; entry < begin + length; entry += tlbEntry.bytes) {
      const tag = (entry + tlbEntry.writeTag) >>> 2;
      if ((((words[tag] ?? 0) + (words[(entry + tlbEntry.addend) >>> 2] ?? 0)) | 0) !== (page | 0)) continue;
      words[tag] = -1;
      words[tag + 1] = -1;
    }
  }
}
