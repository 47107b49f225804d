import { handler, type Interpreter } from "./interpreter/interpreter.ts";
import { memoryMap, recordBytes } from "./layout.ts";
import { type EngineMemory, type HostAddress, recordPageBytes } from "./memory.ts";
import type { InstructionSet } from "./operation.ts";

const recordsPerPage = 1024;

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
  readonly #marks = new Set<HostAddress>();
  readonly #onDrop: () => void;

  /** `onDrop` is called when all records went away: nobody may keep addresses of record pages. */
  constructor(memory: EngineMemory, set: InstructionSet, interpreter: Interpreter, onDrop: () => void) {
    this.#memory = memory;
    this.#set = set;
    this.#interpreter = interpreter;
    this.#onDrop = onDrop;
    this.#pageOf = new Uint16Array(memory.bytes.length >>> 12);
    this.#hostPage = new Int32Array(memory.recordPages);
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
    if (this.#used === this.#memory.recordPages) this.dropAll();
    const page = this.#used++;
    this.#pageOf[hostPage] = page + 1;
    this.#hostPage[page] = hostPage;
    const address = recordPageAddress(page);
    this.#memory.halfwords[(address + recordsPerPage * recordBytes) >>> 1] = handler.pageEnd;
    return address;
  }

  /** Decodes the record at this address. */
  decode(record: number): void {
    const host = this.#hostAddress(record);
    this.#fill(record, this.#memory.words[host >>> 2] ?? 0);
    if (this.#marks.has(host)) this.#memory.halfwords[record >>> 1] = handler.marked;
  }

  /** The handler that the instruction under a marked record has by itself. */
  handlerUnderMark(record: number): number {
    const word = this.#memory.words[this.#hostAddress(record) >>> 2] ?? 0;
    return this.#interpreter.handlers[this.#set.decode(word)?.operation ?? this.#set.undefinedOperation] ?? 0;
  }

  /** Marks the instruction at this host address: reaching it calls the CPU first. */
  mark(host: HostAddress): void {
    this.#marks.add(host);
    this.written(host, 4);
  }

  unmark(host: HostAddress): void {
    this.#marks.delete(host);
    this.written(host, 4);
  }

  /** Takes all marks away. */
  unmarkAll(): void {
    for (const host of [...this.#marks]) this.unmark(host);
  }

  /** Forgets what was decoded from these bytes of guest memory. */
  written(host: HostAddress, length: number): void {
    const end = host + length;
    for (let page = host >>> 12; page * 0x1000 < end; page++) {
      const known = this.#pageOf[page] ?? 0;
      if (known === 0) continue;
      const from = Math.max(host - page * 0x1000, 0) >>> 2;
      const to = Math.min((end - page * 0x1000 + 3) >>> 2, recordsPerPage);
      const records = recordPageAddress(known - 1);
      for (let i = from; i < to; i++)
        this.#memory.halfwords[(records + i * recordBytes) >>> 1] = handler.undecoded;
    }
  }

  dropAll(): void {
    const begin = memoryMap.records;
    this.#memory.bytes.fill(0, begin, begin + this.#used * recordPageBytes);
    this.#pageOf.fill(0);
    this.#used = 0;
    this.#onDrop();
  }

  #hostAddress(record: number): HostAddress {
    const offset = record - memoryMap.records;
    const page = Math.floor(offset / recordPageBytes);
    const index = (offset - page * recordPageBytes) / recordBytes;
    return ((this.#hostPage[page] ?? 0) * 0x1000 + index * 4) >>> 0;
  }

  #fill(record: number, word: number): void {
    const decoded = this.#set.decode(word);
    const operation = decoded?.operation ?? this.#set.undefinedOperation;
    const slots = this.#interpreter.slots[operation] ?? [];
    const view = this.#memory.view;
    decoded?.operands.forEach((value, i) => {
      const slot = slots[i];
      if (slot === undefined) return;
      const at = record + slot.offset;
      if (slot.kind === "register") view.setUint16(at, Number(value), true);
      else if (slot.kind === "i32") view.setInt32(at, Number(value), true);
      else view.setBigInt64(at, BigInt(value), true);
    });
    view.setUint16(record, this.#interpreter.handlers[operation] ?? handler.undecoded, true);
  }
}

function recordPageAddress(page: number): number {
  return memoryMap.records + page * recordPageBytes;
}
