import { fetchEntry, fetchTlbOffset, memoryMap, tlbEntries, tlbEntry } from "./layout.ts";
import type { EngineMemory, HostAddress } from "./memory.ts";

/** What a data TLB entry may be used for. */
export interface TlbRights {
  readonly read: boolean;
  readonly write: boolean;
}

/** The first-level TLBs of all translation contexts, as generated code reads them. */
export class TranslationCaches {
  readonly #memory: EngineMemory;

  constructor(memory: EngineMemory) {
    this.#memory = memory;
    for (let context = 0; context < memoryMap.contexts; context++) this.flush(context);
  }

  /** Base of a context's data TLB. */
  dataBase(context: number): number {
    if (context >= memoryMap.contexts) throw new RangeError(`translation context ${context} does not exist`);
    return memoryMap.translations + context * memoryMap.translationBytes;
  }

  /** Base of a context's fetch TLB. */
  fetchBase(context: number): number {
    return this.dataBase(context) + fetchTlbOffset;
  }

  flush(context: number): void {
    const base = this.dataBase(context);
    this.#memory.bytes.fill(0xff, base, base + fetchTlbOffset + tlbEntries * fetchEntry.bytes);
  }

  flushFetch(context: number): void {
    const base = this.fetchBase(context);
    this.#memory.bytes.fill(0xff, base, base + tlbEntries * fetchEntry.bytes);
  }

  /** Forgets one page of a context. */
  flushPage(context: number, va: bigint): void {
    const index = Number((va >> 12n) & BigInt(tlbEntries - 1));
    const data = this.dataBase(context) + index * tlbEntry.bytes;
    this.#memory.bytes.fill(0xff, data, data + 16);
    const fetch = this.fetchBase(context) + index * fetchEntry.bytes;
    this.#memory.bytes.fill(0xff, fetch, fetch + 8);
  }

  /** Lets accesses to the page of `va` go straight to the host page. */
  fill(context: number, va: bigint, host: HostAddress, rights: TlbRights): void {
    const pageAddress = BigInt.asIntN(64, va & ~0xfffn);
    const entry = this.dataBase(context) + Number((va >> 12n) & BigInt(tlbEntries - 1)) * tlbEntry.bytes;
    this.#memory.doublewords[(entry + tlbEntry.readTag) >>> 3] = rights.read ? pageAddress : -1n;
    this.#memory.doublewords[(entry + tlbEntry.writeTag) >>> 3] = rights.write ? pageAddress : -1n;
    this.#memory.words[(entry + tlbEntry.addend) >>> 2] =
      (host & ~0xfff) - Number(BigInt.asUintN(32, pageAddress));
  }

  fillFetch(context: number, va: bigint, records: number): void {
    const entry = this.fetchBase(context) + Number((va >> 12n) & BigInt(tlbEntries - 1)) * fetchEntry.bytes;
    this.#memory.doublewords[(entry + fetchEntry.tag) >>> 3] = BigInt.asIntN(64, va & ~0xfffn);
    this.#memory.words[(entry + fetchEntry.records) >>> 2] = records;
  }

  /** Withholds write rights to one host page in every context, so that the next write to it takes the slow path. */
  withholdPage(host: HostAddress): void {
    const page = host & ~0xfff;
    for (let context = 0; context < memoryMap.contexts; context++) {
      const base = this.dataBase(context);
      for (let entry = base; entry < base + fetchTlbOffset; entry += tlbEntry.bytes) {
        const tag = (entry + tlbEntry.writeTag) >>> 3;
        const address = this.#memory.words[tag << 1] ?? 0;
        const addend = this.#memory.words[(entry + tlbEntry.addend) >>> 2] ?? 0;
        if (((address + addend) | 0) === page) this.#memory.doublewords[tag] = -1n;
      }
    }
  }
}
