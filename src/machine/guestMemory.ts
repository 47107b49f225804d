import { type GuestPhysicalAddress, hex } from "./address.ts";

/** The guest's memory as the machine's owner sees it: bytes by guest-physical address. */
export interface GuestMemory {
  /**
   * Copies `length` bytes out.
   * @throws GuestMemoryError if any of them is not memory.
   */
  read(address: GuestPhysicalAddress, length: number): Uint8Array;
  /**
   * Copies `bytes` in; nothing is written when any of them has no memory to go to.
   * @throws GuestMemoryError if any of them is not memory.
   */
  write(address: GuestPhysicalAddress, bytes: Uint8Array): void;
}

/** An access of the machine's owner to an address that is no memory of the guest. */
export class GuestMemoryError extends Error {
  override readonly name = "GuestMemoryError";
}

/** One stretch of guest-physical addresses backed by a stretch of a host buffer. */
export interface MemoryRegion {
  readonly base: GuestPhysicalAddress;
  /** Bytes. */
  readonly size: number;
  /** Where it starts in the buffer. */
  readonly offset: number;
}

/**
 * Guest memory that lies in a `WebAssembly.Memory` (or anything with a buffer, which is looked up at each access because growing
 * replaces it). An access may cross regions that touch.
 */
export class LinearGuestMemory implements GuestMemory {
  readonly #owner: { readonly buffer: ArrayBufferLike };
  readonly #regions: readonly MemoryRegion[];

  /** @throws GuestMemoryError if regions overlap or reach past the buffer. */
  constructor(owner: { readonly buffer: ArrayBufferLike }, regions: readonly MemoryRegion[]) {
    this.#owner = owner;
    this.#regions = [...regions].sort((a, b) => (a.base < b.base ? -1 : 1));
    for (const [index, region] of this.#regions.entries()) {
      const next = this.#regions[index + 1];
      if (next !== undefined && region.base + BigInt(region.size) > next.base) {
        throw new GuestMemoryError(`the memory regions at ${hex(region.base)} and ${hex(next.base)} overlap`);
      }
      if (region.offset < 0 || region.size < 0 || region.offset + region.size > owner.buffer.byteLength) {
        throw new GuestMemoryError(
          `the memory region at ${hex(region.base)} (${region.size} bytes) reaches past its buffer`,
        );
      }
    }
  }

  read(address: GuestPhysicalAddress, length: number): Uint8Array {
    const out = new Uint8Array(length);
    this.#walk(address, length, (view, done) => out.set(view, done));
    return out;
  }

  write(address: GuestPhysicalAddress, bytes: Uint8Array): void {
    this.#walk(address, bytes.length, () => {});
    this.#walk(address, bytes.length, (view, done) => view.set(bytes.subarray(done, done + view.length)));
  }

  #walk(address: bigint, length: number, visit: (view: Uint8Array, done: number) => void): void {
    let done = 0;
    while (done < length) {
      const at = address + BigInt(done);
      const region = this.#regions.find((r) => at >= r.base && at < r.base + BigInt(r.size));
      if (region === undefined) {
        throw new GuestMemoryError(`${hex(at)} (in ${length} bytes at ${hex(address)}) is not guest memory`);
      }
      const within = Number(at - region.base);
      const count = Math.min(length - done, region.size - within);
      visit(new Uint8Array(this.#owner.buffer, region.offset + within, count), done);
      done += count;
    }
  }
}
