import type { Vm } from "../kvm/interface.ts";

/** One place where the debugger's instruction stands in guest memory. */
interface Patch {
  /** What the guest has there. */
  readonly original: Uint8Array;
  /** Breakpoints that share it. */
  users: number;
}

/**
 * Breakpoint instructions in guest memory, by guest-physical address, and the memory as it would be without them: everybody
 * but the vCPUs must look through here.
 */
export class Patches {
  readonly #vm: Vm;
  readonly #instruction: Uint8Array;
  readonly #patches = new Map<bigint, Patch>();

  constructor(vm: Vm, instruction: Uint8Array) {
    this.#vm = vm;
    this.#instruction = instruction;
  }

  get size(): number {
    return this.#patches.size;
  }

  /** Whether the debugger's instruction stands at this address. */
  has(address: bigint): boolean {
    return this.#patches.has(address);
  }

  /** Plants. @throws KvmError EFAULT where there is no guest memory; nothing is planted then. */
  plant(address: bigint): void {
    const known = this.#patches.get(address);
    if (known !== undefined) {
      known.users++;
      return;
    }
    const original = this.#vm.readMemory(address, this.#instruction.length);
    this.#vm.writeMemory(address, this.#instruction);
    this.#patches.set(address, { original, users: 1 });
  }

  /** Takes away what `plant` planted; the original comes back when nobody else wants the patch. */
  remove(address: bigint): void {
    const patch = this.#patches.get(address);
    if (patch === undefined || --patch.users > 0) return;
    this.lift(address);
    this.#patches.delete(address);
  }

  /** Puts the original back for a while; what the guest has written over the patch stays. */
  lift(address: bigint): void {
    const patch = this.#patches.get(address);
    if (patch !== undefined && this.#stands(address)) this.#vm.writeMemory(address, patch.original);
  }

  /** Plants again what was lifted, or what the guest has written over: a boot loader that loads a kernel, a reset. */
  renew(address: bigint): void {
    const patch = this.#patches.get(address);
    if (patch === undefined || this.#stands(address)) return;
    patch.original.set(this.#vm.readMemory(address, this.#instruction.length));
    this.#vm.writeMemory(address, this.#instruction);
  }

  /** `renew` for every patch. */
  renewAll(): void {
    for (const address of this.#patches.keys()) this.renew(address);
  }

  /** Replaces the patches in bytes that were read at `address` by what the guest has there. */
  hide(address: bigint, bytes: Uint8Array): void {
    this.#forEachIn(address, bytes.length, (patch, from, to, offset) => {
      // What the guest has written over a patch is what it has there now.
      for (let i = from; i < to; i++) {
        const at = i + offset;
        if (bytes[at] === this.#instruction[i]) bytes[at] = patch.original[i] ?? 0;
      }
    });
  }

  /** Prepares bytes that are to be written at `address`: the patches stay, and these bytes are now what is under them. */
  merge(address: bigint, bytes: Uint8Array): Uint8Array {
    if (this.#patches.size === 0) return bytes;
    const merged = bytes.slice();
    this.#forEachIn(address, bytes.length, (patch, from, to, offset) => {
      for (let i = from; i < to; i++) {
        patch.original[i] = bytes[i + offset] ?? 0;
        merged[i + offset] = this.#instruction[i] ?? 0;
      }
    });
    return merged;
  }

  #stands(address: bigint): boolean {
    const now = this.#vm.readMemory(address, this.#instruction.length);
    return now.every((byte, i) => byte === this.#instruction[i]);
  }

  /** Visits patches that overlap: bytes `from`–`to` of the patch are at `offset` in the range. */
  #forEachIn(
    address: bigint,
    length: number,
    visit: (patch: Patch, from: number, to: number, offset: number) => void,
  ): void {
    const size = this.#instruction.length;
    for (const [at, patch] of this.#patches) {
      if (at + BigInt(size) <= address || at >= address + BigInt(length)) continue;
      const offset = Number(at - address);
      visit(patch, Math.max(0, -offset), Math.min(size, length - offset), offset);
    }
  }
}
