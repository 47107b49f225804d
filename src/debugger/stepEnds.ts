import type { Vm } from "../kvm/interface.ts";
import type { MemoryView } from "./memory.ts";
import type { Patches } from "./patches.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** Places where the present step of a vCPU must end, when that step is more than one instruction. */
export class StepEnds {
  readonly #vm: Vm;
  readonly #memory: MemoryView;
  readonly #patches: Patches;
  readonly #ends = new Map<DebuggedVcpu, ReadonlySet<bigint>>();
  /** Where there are no unseen breakpoints: the instructions that are planted, guest-physical. */
  #planted: readonly bigint[] = [];

  constructor(vm: Vm, memory: MemoryView, patches: Patches) {
    this.#vm = vm;
    this.#memory = memory;
    this.#patches = patches;
  }

  /** All places. */
  get addresses(): readonly bigint[] {
    return this.#ends.size === 0 ? none : [...this.#ends.values()].flatMap((ends) => [...ends]);
  }

  /** A step of this vCPU must end at these addresses; none: it has ended. Returns whether anything has changed. */
  set(vcpu: DebuggedVcpu, addresses: readonly bigint[]): boolean {
    if (addresses.length === 0) {
      if (!this.#ends.delete(vcpu)) return false;
    } else this.#ends.set(vcpu, new Set(addresses));
    if (this.#vm.unseenBreakpoints === undefined) this.#plant();
    return true;
  }

  /** Whether some vCPU's step must end at this address. */
  has(address: bigint): boolean {
    for (const ends of this.#ends.values()) if (ends.has(address)) return true;
    return false;
  }

  /** Whether this vCPU's step must end at this address. */
  isFor(vcpu: DebuggedVcpu, address: bigint): boolean {
    return this.#ends.get(vcpu)?.has(address) === true;
  }

  #plant(): void {
    for (const address of this.#planted) this.#patches.remove(address);
    this.#planted = [...this.#ends].flatMap(([vcpu, ends]) =>
      [...ends].flatMap((end) => this.#memory.memoryAt(vcpu.kvm, end)?.physicalAddress ?? []),
    );
    for (const address of this.#planted) this.#patches.plant(address);
  }
}

const none: readonly bigint[] = [];
