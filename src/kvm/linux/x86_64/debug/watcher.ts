import { KvmError } from "../../../errors.ts";
import type { ArmedRegister } from "../../../x86DebugRegisters.ts";
import type { GuestRam } from "../../guestRam.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";

interface Place {
  readonly register: ArmedRegister;
  /** The watched bytes themselves. */
  readonly memory: Uint8Array;
  /** What they were. */
  readonly before: Uint8Array;
}

/**
 * Watchpoints where the host's KVM has none: the vCPU is single-stepped, and the watched bytes are compared after each step.
 * So a write that changes nothing is not seen, and reads cannot be watched at all.
 */
export class Watcher {
  readonly #ram: GuestRam;
  #registers: readonly ArmedRegister[] = [];
  #places: readonly Place[] = [];

  constructor(ram: GuestRam) {
    this.#ram = ram;
  }

  /** Whether anything is to be watched. */
  get active(): boolean {
    return this.#registers.length > 0;
  }

  /** @throws KvmError EOPNOTSUPP for a watchpoint on reads; what was armed stays */
  check(registers: readonly ArmedRegister[]): void {
    if (registers.every(({ kind }) => kind === "write")) return;
    throw new KvmError(
      "EOPNOTSUPP",
      "this host's KVM has no watchpoints, and without them only writes can be watched, by stepping",
    );
  }

  /** Which data registers are armed, checked before. */
  arm(registers: readonly ArmedRegister[]): void {
    this.#registers = registers;
    this.#places = [];
  }

  /** Before the guest runs: finds where the watched addresses are now. One that is not mapped is watched once it is. */
  place(vcpu: X86VcpuFile): void {
    this.#places = this.#registers.flatMap((register) => {
      const physical = vcpu.translate(register.address)?.physicalAddress;
      const memory = physical === undefined ? undefined : this.#memoryAt(physical, register.length);
      return memory === undefined ? [] : [{ register, memory, before: memory.slice() }];
    });
  }

  /** Bits of DR6 for the registers whose bytes have changed since the last look. */
  look(): number {
    let hits = 0;
    for (const { register, memory, before } of this.#places) {
      for (let i = 0; i < before.length; i++) {
        if (memory[i] === before[i]) continue;
        hits |= 1 << register.index;
        before.set(memory);
        break;
      }
    }
    return hits;
  }

  #memoryAt(physical: bigint, length: number): Uint8Array | undefined {
    try {
      return this.#ram.view(physical, length);
    } catch (error) {
      // A device: there is nothing to compare.
      if (error instanceof KvmError && error.errno === "EFAULT") return undefined;
      throw error;
    }
  }
}
