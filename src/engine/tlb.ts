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
import { tlbIndex, tlbPage } from "./tlbLookUp.ts";

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
    const page = tlbPage(va);
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
    const pageAddress = BigInt.asIntN(64, va & ~0xfffn);
    const page = tlbPage(va);
    const addend = ((host & ~0xfff) - (page << 12)) | 0;
    if (rights.write) this.#writable[host >>> 12] = 1;
    this.#fillEntry(this.#secondEntry(context, page), pageAddress, addend, rights);
    if (rights.watched === true) return;
    this.#fillEntry(this.#firstEntry(context, page), pageAddress, addend, rights);
  }

  #fillEntry(entry: number, pageAddress: bigint, addend: number, rights: TlbRights): void {
    const { words, doublewords } = this.#memory;
    doublewords[(entry + tlbEntry.readTag) >>> 3] = rights.read ? pageAddress : -1n;
    doublewords[(entry + tlbEntry.writeTag) >>> 3] = rights.write ? pageAddress : -1n;
    words[(entry + tlbEntry.addend) >>> 2] = addend;
    words[(entry + tlbEntry.asid) >>> 2] = rights.asid;
    words[(entry + tlbEntry.strict) >>> 2] = Number(rights.strict);
    words[(entry + tlbEntry.watched) >>> 2] = Number(rights.watched === true);
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
    const pageAddress = BigInt.asIntN(64, va & ~0xfffn);
    const page = tlbPage(va);
    this.#fillFetchEntry(this.#fetchEntry(context, page), pageAddress, records, asid);
    this.#fillFetchEntry(this.#secondFetchEntry(context, page), pageAddress, records, asid);
  }

  #fillFetchEntry(entry: number, pageAddress: bigint, records: number, asid: number): void {
    const { words, doublewords } = this.#memory;
    doublewords[(entry + fetchEntry.tag) >>> 3] = pageAddress;
    words[(entry + fetchEntry.records) >>> 2] = records;
    words[(entry + fetchEntry.asid) >>> 2] = asid;
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
