import type { Interpreter } from "./interpreter/interpreter.ts";
import { handler } from "./interpreter/mainFunction.ts";
import { memoryMap, recordBytes, recordPage, regionEntry } from "./layout.ts";
import type { EngineMemory, HostAddress } from "./memory.ts";
import type { InstructionSet } from "./operation.ts";
import { RecordImages } from "./recordImages.ts";

/** Whoever has made something of decoded code, and must know when it goes away. */
export interface CodeObserver {
  /** The instructions from number `from` to before `to` of a record page changed, or are to be executed otherwise. */
  changed(page: number, from: number, to: number): void;
  /** These record pages went away; `changed` was told of them. */
  released(pages: ReadonlySet<number>): void;
  /** All records went away: nobody may keep addresses or numbers of record pages. */
  dropped(): void;
}

/** Writes to a page of code before it is taken for data; doubled whenever that was wrong. */
const fewWrites = 32;
const mostReleases = 16;

/**
 * Decoded records of guest code, kept by the host page that holds the code, so that every mapping of a page shares them.
 * Writes to such a page clear the records they overlap; a record is decoded again when it is next reached.
 */
export class CodeCache {
  readonly #memory: EngineMemory;
  readonly #set: InstructionSet;
  readonly #interpreter: Interpreter;
  /** Record page number + 1 of each host page, 0 for none. */
  readonly #pageOf: Uint16Array;
  /** Host page of each record page. */
  readonly #hostPage: Int32Array;
  #used = 0;
  /** Record pages that were given back. */
  readonly #free: number[] = [];
  /** Writes to each record page's code since it was first fetched, and how often each host page was given back. */
  readonly #writes: Uint32Array;
  readonly #releases: Uint8Array;
  readonly #stale = new Set<number>();
  readonly #onStale: () => void;
  readonly #images = new RecordImages();
  readonly #marks = new Set<HostAddress>();
  readonly #observers: CodeObserver[] = [];

  /** `onStale` is called when `releaseStale` has something to do. */
  constructor(
    memory: EngineMemory,
    set: InstructionSet,
    interpreter: Interpreter,
    onStale: () => void = () => {},
  ) {
    this.#memory = memory;
    this.#onStale = onStale;
    this.#set = set;
    this.#interpreter = interpreter;
    this.#pageOf = new Uint16Array(memory.bytes.length >>> 12);
    this.#hostPage = new Int32Array(memory.recordPages);
    this.#writes = new Uint32Array(memory.recordPages);
    this.#releases = new Uint8Array(memory.bytes.length >>> 12);
  }

  observe(observer: CodeObserver): void {
    this.#observers.push(observer);
  }

  /** Whether the host page holds decoded code, so that writes to it must be told to `written`. */
  holdsCode(hostPage: number): boolean {
    return this.#pageOf[hostPage] !== 0;
  }

  /** Address of the records of the page of guest code at `host` (4 KiB aligned). */
  records(host: HostAddress): number {
    const hostPage = host >>> 12;
    const known = this.#pageOf[hostPage] ?? 0;
    if (known !== 0) return recordPageAddress(known - 1);
    if (this.#free.length === 0 && this.#used === this.#memory.recordPages) this.dropAll();
    const page = this.#free.pop() ?? this.#used++;
    this.#pageOf[hostPage] = page + 1;
    this.#hostPage[page] = hostPage;
    const address = recordPageAddress(page);
    this.#memory.halfwords[(address + recordPage.records * recordBytes) >>> 1] = handler.pageEnd;
    return address;
  }

  /** Decodes the record at this address. */
  decode(record: number): void {
    const offset = record - memoryMap.records;
    const page = Math.floor(offset / recordPage.bytes);
    const host = this.hostOf(page, (offset - page * recordPage.bytes) / recordBytes);
    const { words } = this.#memory;
    const word = words[host >>> 2] ?? 0;
    if (!this.#images.copy(word, words, record >>> 2)) {
      this.#decodeInto(record, word);
      this.#images.keep(word, words, record >>> 2);
    }
    if (this.#marks.size > 0 && this.#marks.has(host)) this.#memory.halfwords[record >>> 1] = handler.marked;
  }

  /** The handler that the instruction under a marked record has by itself. */
  handlerUnderMark(record: number): number {
    const { page, index } = placeOf(record);
    const word = this.#memory.words[this.hostOf(page, index) >>> 2] ?? 0;
    return this.#interpreter.handlers[this.#set.decode(word)?.operation ?? this.#set.undefinedOperation] ?? 0;
  }

  /** Marks the instruction at this host address: reaching it calls the CPU first. */
  mark(host: HostAddress): void {
    if (this.#marks.has(host)) return;
    this.#marks.add(host);
    this.written(host, 4);
  }

  unmark(host: HostAddress): void {
    if (!this.#marks.delete(host)) return;
    // No region holds a marked instruction, so only its record changes.
    this.#forget(host, 4, false);
  }

  isMarked(host: HostAddress): boolean {
    return this.#marks.has(host);
  }

  /** Takes all marks away. */
  unmarkAll(): void {
    for (const host of [...this.#marks]) this.unmark(host);
  }

  /** Forgets what was decoded from these bytes of guest memory. */
  written(host: HostAddress, length: number): void {
    this.#forget(host, length, true);
  }

  /**
   * Forgets pages that are written so often that they seem to hold data now: writes to them need not be told any more. Between
   * runs only, for the interpreter may be in such a page.
   */
  releaseStale(): void {
    if (this.#stale.size === 0) return;
    for (const page of this.#stale) {
      const hostPage = this.#hostPage[page] ?? 0;
      for (const observer of this.#observers) observer.changed(page, 0, recordPage.records);
      const begin = recordPageAddress(page);
      this.#memory.bytes.fill(0, begin, begin + recordPage.bytes);
      this.#pageOf[hostPage] = 0;
      this.#writes[page] = 0;
      this.#releases[hostPage] = Math.min((this.#releases[hostPage] ?? 0) + 1, mostReleases);
      this.#free.push(page);
    }
    for (const observer of this.#observers) observer.released(this.#stale);
    this.#stale.clear();
  }

  dropAll(): void {
    const begin = memoryMap.records;
    this.#memory.bytes.fill(0, begin, begin + this.#used * recordPage.bytes);
    this.#pageOf.fill(0);
    this.#writes.fill(0);
    this.#stale.clear();
    this.#free.length = 0;
    this.#used = 0;
    for (const observer of this.#observers) observer.dropped();
  }

  /** Host address of instruction `index` of a record page. */
  hostOf(page: number, index: number): HostAddress {
    return ((this.#hostPage[page] ?? 0) * 0x1000 + index * 4) >>> 0;
  }

  #forget(host: HostAddress, length: number, tell: boolean): void {
    const end = host + length;
    for (let hostPage = host >>> 12; hostPage * 0x1000 < end; hostPage++) {
      const known = this.#pageOf[hostPage] ?? 0;
      if (known === 0) continue;
      if (tell) this.#countWrite(known - 1, hostPage);
      const from = Math.max(host - hostPage * 0x1000, 0) >>> 2;
      const to = Math.min((end - hostPage * 0x1000 + 3) >>> 2, recordPage.records);
      if (tell) for (const observer of this.#observers) observer.changed(known - 1, from, to);
      const records = recordPageAddress(known - 1);
      for (let i = from; i < to; i++)
        this.#memory.halfwords[(records + i * recordBytes) >>> 1] = handler.undecoded;
    }
  }

  #countWrite(page: number, hostPage: number): void {
    const writes = (this.#writes[page] ?? 0) + 1;
    this.#writes[page] = writes;
    // Each time it comes back as code it is believed for longer.
    if (writes < fewWrites << (this.#releases[hostPage] ?? 0) || this.#stale.has(page)) return;
    this.#stale.add(page);
    this.#onStale();
  }

  #decodeInto(record: number, word: number): void {
    const decoded = this.#set.decode(word);
    const operation = decoded?.operation ?? this.#set.undefinedOperation;
    const slots = this.#interpreter.slots[operation] ?? [];
    const operands = decoded?.operands ?? [];
    const { view } = this.#memory;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      const value = operands[i];
      if (slot === undefined || value === undefined) continue;
      const at = record + slot.offset;
      if (slot.kind === "register") view.setUint16(at, Number(value), true);
      else if (slot.kind === "i32") view.setInt32(at, Number(value), true);
      else view.setBigInt64(at, BigInt(value), true);
    }
    view.setUint16(record, this.#interpreter.handlers[operation] ?? handler.undecoded, true);
  }
}

/** Address of a record page by its number. */
export function recordPageAddress(page: number): number {
  return memoryMap.records + page * recordPage.bytes;
}

/** The number of a record's page, and of the record in it. */
export function placeOf(record: number): { readonly page: number; readonly index: number } {
  const offset = record - memoryMap.records;
  const page = Math.floor(offset / recordPage.bytes);
  return { page, index: (offset - page * recordPage.bytes) / recordBytes };
}

/** Whether a record's handler number says that a region begins there. */
export function isRegionEntry(handlerNumber: number): boolean {
  return (handlerNumber & regionEntry) !== 0;
}
