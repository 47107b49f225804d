/** Descriptor bits of stage 1 (Arm ARM D8.3). */
export const attribute = {
  valid: 1n,
  table: 3n,
  page: 3n,
  block: 1n,
  index: (n: number) => BigInt(n) << 2n,
  el0: 1n << 6n,
  readOnly: 1n << 7n,
  innerShareable: 3n << 8n,
  accessed: 1n << 10n,
  notGlobal: 1n << 11n,
  contiguous: 1n << 52n,
  pxn: 1n << 53n,
  uxn: 1n << 54n,
  pxnTable: 1n << 59n,
  uxnTable: 1n << 60n,
  el0NoAccessTable: 1n << 61n,
  readOnlyTable: 1n << 62n,
} as const;

/** Granule by its size: log2, and the fields of TCR_EL1 that choose it. */
export const granules = [
  { name: "4 KiB", bits: 12, tg0: 0n, tg1: 2n },
  { name: "16 KiB", bits: 14, tg0: 2n, tg1: 1n },
  { name: "64 KiB", bits: 16, tg0: 1n, tg1: 3n },
] as const;
export type Granule = (typeof granules)[number];

/** Fields of TCR_EL1 (Arm ARM D17.2.131). */
export interface TcrFields {
  readonly t0sz?: number;
  readonly t1sz?: number;
  readonly granule?: Granule;
  readonly epd0?: boolean;
  readonly epd1?: boolean;
  readonly tbi0?: boolean;
  readonly tbi1?: boolean;
  readonly a1?: boolean;
  readonly as16?: boolean;
  /** The field's value; 4 is 44 bits. */
  readonly ips?: number;
}

/** TCR_EL1 from its fields; both halves have 48 bits and 4 KiB unless something else is said. */
export function tcr(fields: TcrFields = {}): bigint {
  const granule = fields.granule ?? granules[0];
  const flag = (on: boolean | undefined, bit: bigint): bigint => (on === true ? 1n << bit : 0n);
  return (
    BigInt(fields.t0sz ?? 16) |
    flag(fields.epd0, 7n) |
    (granule.tg0 << 14n) |
    (BigInt(fields.t1sz ?? 16) << 16n) |
    flag(fields.a1, 22n) |
    flag(fields.epd1, 23n) |
    (granule.tg1 << 30n) |
    (BigInt(fields.ips ?? 4) << 32n) |
    flag(fields.as16, 36n) |
    flag(fields.tbi0, 37n) |
    flag(fields.tbi1, 38n)
  );
}

/** Where tables are written to. */
export type WriteDescriptor = (address: number, value: bigint) => void;

/** Levels of look-up for an input of so many bits: the first level's number. */
export function firstLevel(granuleBits: number, inputBits: number): number {
  return 4 - Math.ceil((inputBits - granuleBits) / (granuleBits - 3));
}

/** Builds translation tables for one half of the address space, in memory from `base` on. */
export class TableBuilder {
  readonly #write: WriteDescriptor;
  readonly #descriptors = new Map<number, bigint>();
  readonly #granule: number;
  readonly #inputBits: number;
  /** The table that TTBRn holds. */
  readonly root: number;
  #free: number;

  constructor(write: WriteDescriptor, base: number, granuleBits = 12, inputBits = 48) {
    this.#write = write;
    this.#granule = granuleBits;
    this.#inputBits = inputBits;
    this.root = base;
    this.#free = base + 2 ** granuleBits;
  }

  /** The address of the descriptor for `va` at a level; tables above it are made, with `tableBits` in each new one. */
  at(va: bigint, level: number, tableBits = 0n): number {
    let table = this.root;
    for (let each = firstLevel(this.#granule, this.#inputBits); ; each++) {
      const address = table + this.#index(va, each) * 8;
      if (each === level) return address;
      const known = this.#descriptors.get(address);
      if (known === undefined) {
        table = this.#free;
        this.#free += 2 ** this.#granule;
        this.set(address, BigInt(table) | attribute.table | tableBits);
      } else {
        table = Number(known & 0xffff_ffff_f000n);
      }
    }
  }

  set(address: number, descriptor: bigint): void {
    this.#descriptors.set(address, descriptor);
    this.#write(address, descriptor);
  }

  /** Maps a page, or a block at a lower level. `bits` are attributes; the type and the access flag are added. */
  map(va: bigint, pa: number, bits = 0n, level = 3, tableBits = 0n): number {
    const address = this.at(va, level, tableBits);
    const type = level === 3 ? attribute.page : attribute.block;
    this.set(address, BigInt(pa) | type | attribute.accessed | bits);
    return address;
  }

  unmap(va: bigint, level = 3): void {
    this.set(this.at(va, level), 0n);
  }

  #index(va: bigint, level: number): number {
    const stride = this.#granule - 3;
    const shift = this.#granule + stride * (3 - level);
    const input = BigInt.asUintN(this.#inputBits, va);
    const width = level === firstLevel(this.#granule, this.#inputBits) ? 63 : stride;
    return Number((input >> BigInt(shift)) & ((1n << BigInt(width)) - 1n));
  }
}
