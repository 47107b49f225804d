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
}

/** KVM has 32,764 for user space on x86-64, and fewer elsewhere. */
const mostSlots = 16_384;

/** The memory slots of a VM and the host memory behind them. */
export class GuestRam {
  readonly #libc: Libc;
  readonly #vm: number;
  readonly #argument: HostMemory;
  readonly #slots = new Map<number, Slot>();

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
    if (slot < 0 || slot >= mostSlots)
      throw new KvmError("EINVAL", `memory slots are numbered from 0 to ${mostSlots - 1}, not ${slot}`);
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

  #add(number: number, slot: Slot): void {
    this.#ioctl(number, slot, slot.end - slot.base);
    this.#slots.set(number, slot);
  }

  #remove(number: number, slot: Slot): void {
    this.#ioctl(number, slot, 0n);
    this.#slots.delete(number);
  }

  #ioctl(number: number, { base, memory, readOnly }: Slot, size: bigint): void {
    encode(kvmUserspaceMemoryRegion, this.#argument.view, {
      slot: number,
      flags: readOnly ? memoryFlags.KVM_MEM_READONLY : 0,
      guest_phys_addr: base,
      memory_size: size,
      userspace_addr: BigInt(memory.address),
    });
    if (this.#libc.ioctl(this.#vm, ioctls.KVM_SET_USER_MEMORY_REGION, this.#argument.address) < 0)
      throw this.#libc.lastError(`memory slot ${number} at 0x${base.toString(16)}`);
  }
}

function sizeOf({ guestPhysicalAddress, size }: MemoryRegion): number {
  if (guestPhysicalAddress < 0n || guestPhysicalAddress % 4096n !== 0n || size < 0n || size % 4096n !== 0n)
    throw new KvmError("EINVAL", "memory regions begin and end at multiples of 4096");
  const bytes = Number(size);
  if (!Number.isSafeInteger(bytes)) throw new KvmError("ENOMEM", "memory region too large");
  return bytes;
}
