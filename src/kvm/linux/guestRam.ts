import { KvmError } from "../errors.ts";
import type { MemoryRegion } from "../interface.ts";
import type { Libc } from "./ffi/libc.ts";
import { HostMemory } from "./hostMemory.ts";
import { memoryFlags } from "./uapi/constants.ts";
import { ioctls } from "./uapi/ioctls.ts";
import { encode } from "./uapi/layout.ts";
import { kvmUserspaceMemoryRegion } from "./uapi/structures.ts";

interface Slot {
  readonly base: bigint;
  readonly end: bigint;
  readonly readOnly: boolean;
  readonly memory: HostMemory;
  /** The kernel's slots that make it up. */
  readonly pieces: readonly Piece[];
}

/** A slot as the kernel has it: a part of one of ours, all of whose pages are treated alike. */
interface Piece {
  readonly number: number;
  readonly base: bigint;
  readonly end: bigint;
  readonly readOnly: boolean;
}

/** How a page is kept from the guest: its writes end `KVM_RUN`, or all its accesses do. */
export type Withheld = "writes" | "accesses";

const pageBytes = 4096n;

/** Numbers of the kernel's slots that are parts of ours; below are ours. */
const firstPieceNumber = 16_384;

/** The memory slots of a VM and the host memory behind them. */
export class GuestRam {
  readonly #libc: Libc;
  readonly #vm: number;
  readonly #argument: HostMemory;
  readonly #slots = new Map<number, Slot>();
  #withheld: ReadonlyMap<bigint, Withheld> = new Map();

  constructor(libc: Libc, vm: number) {
    this.#libc = libc;
    this.#vm = vm;
    this.#argument = HostMemory.allocate(libc, 4096);
  }

  /**
   * `KVM_SET_USER_MEMORY_REGION` with memory of this process. A slot that is there may change only whether it is read-only; its
   * contents stay then. @throws KvmError EINVAL, EEXIST on overlap, ENOMEM.
   */
  set(region: MemoryRegion): void {
    const { slot, guestPhysicalAddress: base, size, readOnly = false } = region;
    const old = this.#slots.get(slot);
    if (size === 0n) {
      if (old === undefined) throw new KvmError("EINVAL", `there is no memory slot ${slot}`);
      this.#remove(slot, old);
      old.memory.release();
      return;
    }
    if (slot < 0 || slot >= firstPieceNumber)
      throw new KvmError(
        "EINVAL",
        `memory slots are numbered from 0 to ${firstPieceNumber - 1}, not ${slot}`,
      );
    if (old === undefined) {
      const memory = HostMemory.allocate(this.#libc, sizeOf(region));
      try {
        this.#add(slot, { base, end: base + size, readOnly, memory });
      } catch (error) {
        memory.release();
        throw error;
      }
      return;
    }
    if (old.base !== base || old.end !== base + size)
      throw new KvmError("EINVAL", `memory slot ${slot} cannot be moved or resized; delete it first`);
    if (old.readOnly === readOnly) return;
    // KVM has no way to change the flag of a slot that is in use.
    this.#remove(slot, old);
    this.#add(slot, { ...old, readOnly });
  }

  /** Keeps pages from the guest, and no others; `view`, `read` and `write` still reach them. @param pages by their first address */
  withhold(pages: ReadonlyMap<bigint, Withheld>): void {
    const before = this.#withheld;
    const changed = [...before.keys(), ...pages.keys()].filter(
      (page) => before.get(page) !== pages.get(page),
    );
    this.#withheld = new Map(pages);
    for (const [number, slot] of [...this.#slots]) {
      if (!changed.some((page) => page >= slot.base && page < slot.end)) continue;
      this.#remove(number, slot);
      this.#add(number, slot);
    }
  }

  /** How the page of an address is kept from the guest now. */
  withheldAt(address: bigint): Withheld | undefined {
    return this.#withheld.get(address - (address % pageBytes));
  }

  /** The bytes of guest-physical memory themselves, not a copy. @throws KvmError EFAULT unless one slot has them all. */
  view(address: bigint, length: number): Uint8Array {
    const end = address + BigInt(length);
    for (const { base, end: slotEnd, memory } of this.#slots.values()) {
      if (address >= base && end <= slotEnd) {
        const offset = Number(address - base);
        return memory.bytes.subarray(offset, offset + length);
      }
    }
    throw new KvmError("EFAULT", `no memory for ${length} bytes at 0x${address.toString(16)}`);
  }

  /** Copies guest-physical memory out, also across slots. @throws KvmError EFAULT */
  read(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#parts(address, length, (piece, offset) => {
      bytes.set(piece, offset);
    });
    return bytes;
  }

  /** Copies bytes in, also into read-only slots. @throws KvmError EFAULT; nothing is written then. */
  write(address: bigint, bytes: Uint8Array): void {
    const pieces: [Uint8Array, number][] = [];
    this.#parts(address, bytes.length, (piece, offset) => {
      pieces.push([piece, offset]);
    });
    for (const [piece, offset] of pieces) piece.set(bytes.subarray(offset, offset + piece.length));
  }

  /** Gives all memory back; the VM must not run any more. */
  release(): void {
    for (const { memory } of this.#slots.values()) memory.release();
    this.#slots.clear();
    this.#argument.release();
  }

  #parts(address: bigint, length: number, visit: (piece: Uint8Array, offset: number) => void): void {
    let done = 0;
    while (done < length) {
      const at = address + BigInt(done);
      const slot = [...this.#slots.values()].find(({ base, end }) => at >= base && at < end);
      if (slot === undefined) throw new KvmError("EFAULT", `no memory at 0x${at.toString(16)}`);
      const offset = Number(at - slot.base);
      const count = Math.min(length - done, slot.memory.size - offset);
      visit(slot.memory.bytes.subarray(offset, offset + count), done);
      done += count;
    }
  }

  #add(number: number, slot: Omit<Slot, "pieces">): void {
    const pieces = this.#pieces(number, slot);
    const added: Piece[] = [];
    try {
      for (const piece of pieces) {
        this.#ioctl(piece, slot, piece.end - piece.base);
        added.push(piece);
      }
    } catch (error) {
      for (const piece of added) this.#ioctl(piece, slot, 0n);
      throw error;
    }
    this.#slots.set(number, { ...slot, pieces });
  }

  #remove(number: number, slot: Slot): void {
    for (const piece of slot.pieces) this.#ioctl(piece, slot, 0n);
    this.#slots.delete(number);
  }

  /** A slot in parts: what is between withheld pages, and those pages whose writes alone are. */
  #pieces(number: number, { base, end, readOnly }: Omit<Slot, "pieces">): readonly Piece[] {
    const withheld = [...this.#withheld].filter(([page]) => page >= base && page < end);
    if (withheld.length === 0) return [{ number, base, end, readOnly }];
    const parts: Omit<Piece, "number">[] = [];
    let from = base;
    for (const [page, how] of withheld.sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (page > from) parts.push({ base: from, end: page, readOnly });
      if (how === "writes") parts.push({ base: page, end: page + pageBytes, readOnly: true });
      from = page + pageBytes;
    }
    if (from < end) parts.push({ base: from, end, readOnly });
    const used = new Set(
      [...this.#slots.values()].flatMap(({ pieces }) => pieces.map((each) => each.number)),
    );
    let next = firstPieceNumber;
    return parts.map((part) => {
      while (used.has(next)) next++;
      return { ...part, number: next++ };
    });
  }

  #ioctl(piece: Piece, { base, memory }: Omit<Slot, "pieces">, size: bigint): void {
    encode(kvmUserspaceMemoryRegion, this.#argument.view, {
      slot: piece.number,
      flags: piece.readOnly ? memoryFlags.KVM_MEM_READONLY : 0,
      guest_phys_addr: piece.base,
      memory_size: size,
      userspace_addr: BigInt(memory.address) + (piece.base - base),
    });
    if (this.#libc.ioctl(this.#vm, ioctls.KVM_SET_USER_MEMORY_REGION, this.#argument.address) < 0)
      throw this.#libc.lastError(`memory slot ${piece.number} at 0x${piece.base.toString(16)}`);
  }
}

function sizeOf({ guestPhysicalAddress, size }: MemoryRegion): number {
  if (guestPhysicalAddress < 0n || guestPhysicalAddress % 4096n !== 0n || size < 0n || size % 4096n !== 0n)
    throw new KvmError("EINVAL", "memory regions begin and end at multiples of 4096");
  const bytes = Number(size);
  if (!Number.isSafeInteger(bytes)) throw new KvmError("ENOMEM", "memory region too large");
  return bytes;
}
