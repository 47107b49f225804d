import { KvmError } from "../kvm/errors.ts";
import type { Translation, Vcpu, Vm } from "../kvm/interface.ts";
import type { Patches } from "./patches.ts";

const page = 4096;
const end = 2n ** 64n;

/**
 * Guest memory for the debugger: without what it has planted, and only where memory is: no device ever sees an access from
 * here. Every function goes as far as it can and returns how many bytes that were.
 */
export class MemoryView {
  readonly #vm: Vm;
  readonly #patches: Patches;

  constructor(vm: Vm, patches: Patches) {
    this.#vm = vm;
    this.#patches = patches;
  }

  /** Reads guest-physical memory from `address` on. */
  readPhysical(address: bigint, into: Uint8Array): number {
    const granule = this.#patches.granule;
    return this.#byPages(address, into.length, (at, done, count) => {
      // Whole instructions, which never cross a page.
      const before = Number(at % BigInt(granule));
      const length = Math.ceil((before + count) / granule) * granule;
      const bytes = this.#slotBytes(at - BigInt(before), length);
      if (bytes === undefined) return false;
      this.#patches.hide(at - BigInt(before), bytes);
      into.set(bytes.subarray(before, before + count), done);
      return true;
    });
  }

  /** Writes guest-physical memory from `address` on, read-only memory too. */
  writePhysical(address: bigint, bytes: Uint8Array): number {
    return this.#byPages(address, bytes.length, (at, done, count) => {
      if (this.#slotBytes(at, count) === undefined) return false;
      this.#vm.writeMemory(at, this.#patches.merge(at, bytes.subarray(done, done + count)));
      return true;
    });
  }

  /** Reads guest-virtual memory as the vCPU's EL1 sees it now. */
  readVirtual(vcpu: Vcpu, address: bigint, into: Uint8Array): number {
    return this.#byPages(address, into.length, (at, done, count) => {
      const physical = vcpu.translate(at)?.physicalAddress;
      return (
        physical !== undefined && this.readPhysical(physical, into.subarray(done, done + count)) === count
      );
    });
  }

  /** Writes guest-virtual memory, also where the guest may only read. */
  writeVirtual(vcpu: Vcpu, address: bigint, bytes: Uint8Array): number {
    return this.#byPages(address, bytes.length, (at, done, count) => {
      const physical = vcpu.translate(at)?.physicalAddress;
      return (
        physical !== undefined && this.writePhysical(physical, bytes.subarray(done, done + count)) === count
      );
    });
  }

  /** What is behind a guest-virtual address, if it is memory; undefined for devices too. */
  memoryAt(vcpu: Vcpu, address: bigint): Translation | undefined {
    const found = vcpu.translate(address);
    return found !== undefined && this.#slotBytes(found.physicalAddress, 1) !== undefined ? found : undefined;
  }

  #slotBytes(address: bigint, length: number): Uint8Array | undefined {
    try {
      return this.#vm.readMemory(address, length);
    } catch (error) {
      if (error instanceof KvmError && error.errno === "EFAULT") return undefined;
      throw error;
    }
  }

  #byPages(
    address: bigint,
    length: number,
    visit: (at: bigint, done: number, count: number) => boolean,
  ): number {
    let done = 0;
    while (done < length) {
      const at = address + BigInt(done);
      if (at < 0n || at >= end) break;
      const count = Math.min(length - done, page - Number(at & BigInt(page - 1)));
      if (!visit(at, done, count)) break;
      done += count;
    }
    return done;
  }
}
