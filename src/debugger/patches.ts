import type { Vm } from "../kvm/interface.ts";
import type { DebugArchitecture } from "./architecture.ts";
import { DebuggerError } from "./errors.ts";

/** One place where the debugger's instruction stands in guest memory. */
interface Patch {
  /** Which number it carries, where breakpoint instructions carry numbers. */
  readonly number: number | undefined;
  readonly instruction: Uint8Array;
  /** What the guest has there. */
  readonly original: Uint8Array;
  /** Breakpoints that share it. */
  users: number;
}

/** What is remembered of a patch by its number, also when it is gone: the guest may have copied it. */
interface Numbered {
  readonly original: Uint8Array;
  /** What stands before and behind it, as far as that is memory. */
  readonly before: Uint8Array | undefined;
  readonly behind: Uint8Array | undefined;
}

/**
 * Breakpoint instructions in guest memory, by guest-physical address, and the memory as it would be without them: everybody
 * but the vCPUs must look through here.
 */
export class Patches {
  readonly #vm: Vm;
  readonly #architecture: DebugArchitecture;
  readonly #size: number;
  readonly #patches = new Map<bigint, Patch>();
  readonly #numbered = new Map<number, Numbered>();
  #nextNumber = 0;

  constructor(vm: Vm, architecture: DebugArchitecture) {
    this.#vm = vm;
    this.#architecture = architecture;
    this.#size = architecture.breakpointInstruction.length;
  }

  get size(): number {
    return this.#patches.size;
  }

  /** Whether a vCPU may execute an instruction of the debugger's: one that is planted, or a copy the guest has made of one. */
  get mayBeExecuted(): boolean {
    return this.#patches.size > 0 || this.#numbered.size > 0;
  }

  /** The guest's memory was made anew: there are no copies any more. */
  forgetCopies(): void {
    const live = new Set([...this.#patches.values()].map(({ number }) => number));
    for (const number of [...this.#numbered.keys()]) if (!live.has(number)) this.#numbered.delete(number);
  }

  /** Whether the debugger's instruction stands at this address now: not lifted, and not written over by the guest. */
  stands(address: bigint): boolean {
    const patch = this.#patches.get(address);
    return patch !== undefined && same(this.#read(address), patch.instruction);
  }

  /** Plants. @throws KvmError EFAULT where there is no guest memory; nothing is planted then. */
  plant(address: bigint): void {
    const known = this.#patches.get(address);
    if (known !== undefined) {
      known.users++;
      this.renew(address);
      return;
    }
    const original = this.#vm.readMemory(address, this.#size);
    const number = this.#takeNumber(address, original);
    const { breakpointInstruction, numberedBreakpoints } = this.#architecture;
    const instruction =
      number === undefined || numberedBreakpoints === undefined
        ? breakpointInstruction
        : numberedBreakpoints.encode(number);
    this.#vm.writeMemory(address, instruction);
    this.#patches.set(address, { number, instruction, original, users: 1 });
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
    if (patch !== undefined && this.stands(address)) this.#vm.writeMemory(address, patch.original);
  }

  /** Plants again what was lifted, unless the guest has written something else there meanwhile. */
  restore(address: bigint): void {
    const patch = this.#patches.get(address);
    if (patch !== undefined && same(this.#read(address), patch.original))
      this.#vm.writeMemory(address, patch.instruction);
  }

  /** Plants again whatever the guest has there now: it is known to be code that is to be stopped at. */
  renew(address: bigint): void {
    const patch = this.#patches.get(address);
    if (patch === undefined || this.stands(address)) return;
    const now = this.#read(address);
    if (now === undefined) return;
    patch.original.set(now);
    this.#remember(patch.number, address, patch.original);
    this.#vm.writeMemory(address, patch.instruction);
  }

  /**
   * What stood where the patch of this number was planted, if the instruction at `address` is a copy of it: the guest has copied
   * the memory around it. A guest's own breakpoint instruction that happens to have the number has other neighbours.
   */
  originalOfCopy(number: number, address: bigint): Uint8Array | undefined {
    const known = this.#numbered.get(number);
    if (known === undefined) return undefined;
    const size = BigInt(this.#size);
    const isCopy =
      this.#resembles(address - size, known.before) || this.#resembles(address + size, known.behind);
    return isCopy ? known.original : undefined;
  }

  /** Puts the original of a copy in its place. */
  heal(address: bigint, original: Uint8Array): void {
    this.#vm.writeMemory(address, original);
  }

  /** Replaces the patches in bytes that were read at `address`, and the guest's copies of patches, by what the guest has there. */
  hide(address: bigint, bytes: Uint8Array): void {
    this.#forEachIn(address, bytes.length, (patch, from, to, offset) => {
      for (let i = from; i < to; i++) bytes[i + offset] = patch.original[i] ?? 0;
    });
    if (this.#numbered.size > 0) this.#hideCopies(address, bytes);
  }

  /** Prepares bytes that are to be written at `address`: the patches stay, and these bytes are now what is under them. */
  merge(address: bigint, bytes: Uint8Array): Uint8Array {
    if (this.#patches.size === 0) return bytes;
    const merged = bytes.slice();
    this.#forEachIn(address, bytes.length, (patch, from, to, offset) => {
      for (let i = from; i < to; i++) {
        patch.original[i] = bytes[i + offset] ?? 0;
        merged[i + offset] = patch.instruction[i] ?? 0;
      }
    });
    return merged;
  }

  /** Bytes that have to be read around a range so that `hide` sees whole instructions. */
  get granule(): number {
    return this.#numbered.size > 0 ? this.#size : 1;
  }

  #hideCopies(address: bigint, bytes: Uint8Array): void {
    const { numberedBreakpoints } = this.#architecture;
    if (numberedBreakpoints === undefined) return;
    const size = this.#size;
    const first = Number(BigInt.asUintN(64, -address) % BigInt(size));
    for (let at = first; at + size <= bytes.length; at += size) {
      const number = numberedBreakpoints.numberIn(bytes, at);
      if (number === undefined) continue;
      const original = this.originalOfCopy(number, address + BigInt(at));
      if (original !== undefined) bytes.set(original, at);
    }
  }

  #takeNumber(address: bigint, original: Uint8Array): number | undefined {
    const { numberedBreakpoints } = this.#architecture;
    if (numberedBreakpoints === undefined) return undefined;
    const { count } = numberedBreakpoints;
    const taken = new Set([...this.#patches.values()].map(({ number }) => number));
    if (taken.size >= count)
      throw new DebuggerError("exhausted", `all ${count} patched breakpoints are taken`);
    while (taken.has(this.#nextNumber)) this.#nextNumber = (this.#nextNumber + 1) % count;
    const number = this.#nextNumber;
    this.#nextNumber = (number + 1) % count;
    this.#remember(number, address, original);
    return number;
  }

  #remember(number: number | undefined, address: bigint, original: Uint8Array): void {
    if (number === undefined) return;
    const size = BigInt(this.#size);
    const [before, behind] = [this.#visible(address - size), this.#visible(address + size)];
    this.#numbered.set(number, { original, before, behind });
  }

  /** Whether the guest's instruction at an address is this one, also when it is a copy of a patch itself. */
  #resembles(address: bigint, instruction: Uint8Array | undefined): boolean {
    if (instruction === undefined) return false;
    const now = this.#visible(address);
    if (now === undefined || same(now, instruction)) return now !== undefined;
    const number = this.#architecture.numberedBreakpoints?.numberIn(now, 0);
    const copied = number === undefined ? undefined : this.#numbered.get(number)?.original;
    return same(copied, instruction);
  }

  /** The instruction at an address without a patch that is planted just there. */
  #visible(address: bigint): Uint8Array | undefined {
    const bytes = this.#read(address);
    const patch = this.#patches.get(address);
    return patch !== undefined && same(bytes, patch.instruction) ? patch.original : bytes;
  }

  #read(address: bigint): Uint8Array | undefined {
    try {
      return this.#vm.readMemory(address, this.#size);
    } catch {
      // No memory is there (any more).
      return undefined;
    }
  }

  /** Visits patches that overlap and stand: bytes `from`–`to` of the patch are at `offset` in the range. */
  #forEachIn(
    address: bigint,
    length: number,
    visit: (patch: Patch, from: number, to: number, offset: number) => void,
  ): void {
    const size = this.#size;
    for (const [at, patch] of this.#patches) {
      if (at + BigInt(size) <= address || at >= address + BigInt(length) || !this.stands(at)) continue;
      const offset = Number(at - address);
      visit(patch, Math.max(0, -offset), Math.min(size, length - offset), offset);
    }
  }
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && b.every((byte, n) => byte === a[n]);
}
