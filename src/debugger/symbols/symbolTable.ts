import { sectionMarker } from "./sectionMarker.ts";
import { isTextSymbol, type KernelSymbol } from "./symbol.ts";

/** A symbol as the table answers it: `address` has the slide applied, `size` is the distance to the next one. */
export interface SizedSymbol extends KernelSymbol {
  /** Bytes up to the next higher symbol (or the table's end); 0 for a symbol that only marks an end. */
  readonly size: number;
}

/** Where an address is: `offset` bytes into `symbol`. */
export interface SymbolLocation {
  readonly symbol: SizedSymbol;
  readonly offset: number;
}

/** The sorted data that all views of one table share. */
interface TableData {
  readonly symbols: readonly SizedSymbol[];
  /** The highest address up to which the last symbol reaches. */
  readonly end: bigint;
  readonly byName: ReadonlyMap<string, readonly number[]>;
}

function preference(symbol: KernelSymbol): number {
  const { name, type } = symbol;
  if (/^\$[xda](\.|$)/.test(name)) return 3; // AAELF64 "Mapping symbols"
  if (sectionMarker(symbol) !== undefined) return 2;
  return isTextSymbol(type) || type === "D" || type === "d" ? 0 : 1;
}

const ADDRESS_LIMIT = 2n ** 64n;

/**
 * Symbols by name and by address. Immutable; `slid` gives a view at other addresses that shares the data.
 * Addresses are unsigned 64-bit.
 */
export class SymbolTable {
  readonly #data: TableData;
  /** What is added to every link-time address (may be negative). */
  readonly slide: bigint;

  private constructor(data: TableData, slide: bigint) {
    this.#data = data;
    this.slide = slide;
  }

  /**
   * @param symbols in any order, link-time addresses.
   * @param end first address (link-time) behind what the last symbol names; without it the last symbol has size 0.
   */
  static from(symbols: readonly KernelSymbol[], end?: bigint): SymbolTable {
    const sorted = [...symbols].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    const last = sorted.at(-1)?.address ?? 0n;
    const limit = end !== undefined && end > last ? end : last;
    const sized: SizedSymbol[] = [];
    const byName = new Map<string, number[]>();
    let next = limit;
    for (let index = sorted.length - 1; index >= 0; index--) {
      const symbol = sorted[index];
      if (symbol === undefined) continue;
      const above = sorted[index + 1];
      if (above !== undefined && above.address > symbol.address) next = above.address;
      const size = sectionMarker(symbol) === "end" ? 0 : Number(next - symbol.address);
      sized.push({ name: symbol.name, type: symbol.type, address: symbol.address, size });
    }
    sized.reverse();
    sized.forEach(({ name }, index) => {
      const others = byName.get(name);
      if (others === undefined) byName.set(name, [index]);
      else others.push(index);
    });
    return new SymbolTable({ symbols: sized, end: limit, byName }, 0n);
  }

  /** A view of the same symbols, `slide` bytes above their link-time addresses (not above this view's). */
  slid(slide: bigint): SymbolTable {
    return new SymbolTable(this.#data, slide);
  }

  /** Number of symbols. */
  get size(): number {
    return this.#data.symbols.length;
  }

  /** All symbols of exactly that name, in order of address; empty when there is none. */
  named(name: string): readonly SizedSymbol[] {
    return (this.#data.byName.get(name) ?? []).map((index) => this.#at(index));
  }

  /** The address of the only, or else the first global, or else the first symbol of that name. */
  addressOf(name: string): bigint | undefined {
    const all = this.named(name);
    return (all.find(({ type }) => type === type.toUpperCase()) ?? all[0])?.address;
  }

  /** All symbols at exactly that address. */
  at(address: bigint): readonly SizedSymbol[] {
    const wanted = address - this.slide;
    const found: SizedSymbol[] = [];
    for (let index = this.#lastAtOrBelow(wanted); index >= 0; index--) {
      if (this.#data.symbols[index]?.address !== wanted) break;
      found.unshift(this.#at(index));
    }
    return found;
  }

  /**
   * The symbol that the address belongs to. Of several at one address the most telling is chosen (a function before
   * a marker of the linker script, the first of the rest). Undefined below the first symbol, behind the end and
   * behind a symbol that marks an end.
   */
  locate(address: bigint): SymbolLocation | undefined {
    const wanted = BigInt.asUintN(64, address - this.slide);
    const last = this.#lastAtOrBelow(wanted);
    const base = this.#data.symbols[last]?.address;
    if (base === undefined) return undefined;
    let best = -1;
    let bestPreference = Number.POSITIVE_INFINITY;
    for (let index = last; index >= 0; index--) {
      const symbol = this.#data.symbols[index];
      if (symbol === undefined || symbol.address !== base) break;
      if (symbol.size === 0 && wanted !== base) continue;
      const rank = preference(symbol);
      if (rank <= bestPreference) {
        best = index;
        bestPreference = rank;
      }
    }
    if (best < 0) return undefined;
    const symbol = this.#at(best);
    const offset = Number(wanted - base);
    return offset === 0 || offset < symbol.size ? { symbol, offset } : undefined;
  }

  /** `name+0xoffset` of an address (`name` alone at its start), undefined when it belongs to no symbol. */
  describe(address: bigint): string | undefined {
    const found = this.locate(address);
    if (found === undefined) return undefined;
    return found.offset === 0 ? found.symbol.name : `${found.symbol.name}+0x${found.offset.toString(16)}`;
  }

  /** Every symbol in order of address. */
  *[Symbol.iterator](): Generator<SizedSymbol> {
    for (let index = 0; index < this.#data.symbols.length; index++) yield this.#at(index);
  }

  #at(index: number): SizedSymbol {
    const symbol = this.#data.symbols[index];
    if (symbol === undefined) throw new RangeError(`there is no symbol ${index}`);
    return this.slide === 0n
      ? symbol
      : { ...symbol, address: BigInt.asUintN(64, symbol.address + this.slide) };
  }

  #lastAtOrBelow(address: bigint): number {
    const { symbols } = this.#data;
    if (address < 0n || address >= ADDRESS_LIMIT) return -1;
    let low = 0;
    let high = symbols.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((symbols[middle]?.address ?? ADDRESS_LIMIT) <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
