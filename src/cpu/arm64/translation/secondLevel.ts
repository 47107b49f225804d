/** A translation as the second-level TLB keeps it: one 4 KiB page. */
export interface CachedPage {
  readonly kind: "page";
  /** Guest-physical address of the page. */
  readonly page: number;
  /** Bits of `rights`. */
  readonly rights: number;
  /** Whether every address space shares it. */
  readonly global: boolean;
}

const entries = 8192;
const globalAsid = -1;

/**
 * A vCPU's second-level TLB: keeps translations over changes of ASID, direct-mapped by virtual page. Only its owner decides
 * when the first level must follow. Blocks are kept page by page; their extents are remembered so that invalidating
 * one address of a block removes all of it (Arm ARM D8.13).
 */
export class SecondLevelTlb {
  readonly #page = new Float64Array(entries).fill(-1);
  readonly #asid = new Int32Array(entries);
  readonly #output = new Float64Array(entries);
  readonly #rights = new Uint8Array(entries);
  /** Extents of blocks seen since the last full flush, as page number / size + log2(size) marks. */
  readonly #blocks = new Map<number, Set<number>>();

  /** `pageNumber` is bits 63:12 of the address. */
  find(pageNumber: number, asid: number): CachedPage | undefined {
    const i = slot(pageNumber);
    if (this.#page[i] !== pageNumber) return undefined;
    const owner = this.#asid[i];
    if (owner !== globalAsid && owner !== asid) return undefined;
    return {
      kind: "page",
      page: this.#output[i] ?? 0,
      rights: this.#rights[i] ?? 0,
      global: owner === globalAsid,
    };
  }

  insert(pageNumber: number, asid: number, blockBits: number, page: CachedPage): void {
    const i = slot(pageNumber);
    this.#page[i] = pageNumber;
    this.#asid[i] = page.global ? globalAsid : asid;
    this.#output[i] = page.page;
    this.#rights[i] = page.rights;
    if (blockBits > 12) {
      const extents = this.#blocks.get(blockBits) ?? new Set();
      extents.add(Math.floor(pageNumber / 2 ** (blockBits - 12)));
      this.#blocks.set(blockBits, extents);
    }
  }

  flush(): void {
    this.#page.fill(-1);
    this.#blocks.clear();
  }

  /** Forgets what is not global and belongs to the ASID. */
  flushAsid(asid: number): void {
    for (let i = 0; i < entries; i++) if (this.#asid[i] === asid) this.#page[i] = -1;
  }

  /** Forgets the page, of one ASID and global ones, or of all ASIDs. Returns whether a whole block had to go. */
  flushPage(pageNumber: number, asid: number | "all"): boolean {
    const i = slot(pageNumber);
    if (
      this.#page[i] === pageNumber &&
      (asid === "all" || this.#asid[i] === asid || this.#asid[i] === globalAsid)
    )
      this.#page[i] = -1;
    let block = false;
    for (const [bits, extents] of this.#blocks) {
      const size = 2 ** (bits - 12);
      const extent = Math.floor(pageNumber / size);
      if (!extents.delete(extent)) continue;
      block = true;
      for (let j = 0; j < entries; j++)
        if (Math.floor((this.#page[j] ?? -1) / size) === extent) this.#page[j] = -1;
    }
    return block;
  }
}

/** Page numbers have up to 52 bits, of which the operator takes the lower 32. */
function slot(pageNumber: number): number {
  return pageNumber & (entries - 1);
}
