import type { GuestSymbols } from "./guestSymbols.ts";
import type { Patches } from "./patches.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** Executed once, when a kernel has come to where it stays. */
const landmark = "start_kernel";

/**
 * Finds out in the midst of a run where a kernel has moved itself (KASLR). Nothing is known while it runs at physical addresses,
 * but where it lies in memory is: the instruction planted in that memory is reached under whatever virtual address it gets.
 */
export class PlacementWatch {
  /** Somebody wants to know. The guest could see the planted instruction, so nobody plants it without need. */
  wanted = false;
  readonly #symbols: GuestSymbols;
  readonly #patches: Patches;
  /** Where the instruction is planted, guest-physical. */
  #planted: bigint | undefined;
  /** The page the vCPU was in when the kernel was last looked for. */
  #lookedFrom: bigint | undefined;

  constructor(symbols: GuestSymbols, patches: Patches) {
    this.#symbols = symbols;
    this.#patches = patches;
  }

  /** Before the guest is resumed. */
  arm(vcpu: DebuggedVcpu): void {
    if (!this.wanted || this.#planted !== undefined || this.#symbols.isPlaced) return;
    // Looking takes long, and finds nothing new in the page it was in before.
    const page = vcpu.pc >> 12n;
    if (page === this.#lookedFrom) return;
    this.#lookedFrom = page;
    const physical = this.#symbols.physicalAddressOf(landmark, vcpu);
    if (physical === undefined) return;
    this.#patches.plant(physical);
    this.#planted = physical;
  }

  /** Whether it is this watch's instruction that stands there. */
  isAt(physical: bigint): boolean {
    return physical === this.#planted;
  }

  /** The instruction was reached. Returns how far the kernel is from where it was linked. */
  reached(pc: bigint): bigint | undefined {
    this.disarm();
    return this.#symbols.place(landmark, pc);
  }

  /** Takes the instruction away; a guest that starts anew is looked at anew. */
  disarm(): void {
    this.#lookedFrom = undefined;
    if (this.#planted !== undefined) this.#patches.remove(this.#planted);
    this.#planted = undefined;
  }
}
