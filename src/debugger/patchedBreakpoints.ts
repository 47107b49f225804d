import type { Vm } from "../kvm/interface.ts";
import type { Breakpoint } from "./breakpoint.ts";
import { DebuggerError } from "./errors.ts";
import type { MemoryView } from "./memory.ts";
import type { Patches } from "./patches.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** A breakpoint as the list that owns it changes it. */
export type OwnedBreakpoint = { -readonly [K in keyof Breakpoint]: Breakpoint[K] };

/** Where the instructions of patched breakpoints are: in which memory, and what happens when the guest has other memory there. */
export class PatchedBreakpoints {
  readonly #vm: Vm;
  readonly #memory: MemoryView;
  readonly #patches: Patches;

  constructor(vm: Vm, memory: MemoryView, patches: Patches) {
    this.#vm = vm;
    this.#memory = memory;
    this.#patches = patches;
  }

  /**
   * Writes the instruction to the memory that this vCPU has there.
   * @throws DebuggerError unmapped when there is none, and nothing waits for what will be mapped there.
   */
  plant(breakpoint: OwnedBreakpoint, vcpu: DebuggedVcpu): void {
    this.#place(breakpoint, vcpu);
    if (breakpoint.physical !== undefined || this.#isGuarded) return;
    throw new DebuggerError(
      "unmapped",
      `no breakpoint instruction can be written to 0x${breakpoint.address.toString(16)}: no memory is mapped there now`,
    );
  }

  /** Takes the instruction away. */
  remove(breakpoint: OwnedBreakpoint): void {
    if (breakpoint.physical !== undefined) this.#patches.remove(breakpoint.physical);
    breakpoint.physical = undefined;
  }

  /** The instruction goes to the memory that this vCPU has there, if it has any, whatever it was before. */
  move(breakpoint: OwnedBreakpoint, vcpu: DebuggedVcpu): void {
    this.remove(breakpoint);
    this.#place(breakpoint, vcpu);
  }

  /**
   * An instruction that the guest has written over or taken the mapping from. Where it is guarded it is left until it is reached:
   * the memory may hold anything by now. Else it is planted where the address is mapped to.
   */
  settle(breakpoint: OwnedBreakpoint, vcpu: DebuggedVcpu): void {
    const found = this.#memory.memoryAt(vcpu.kvm, breakpoint.address)?.physicalAddress;
    if (found === undefined) return;
    if (found !== breakpoint.physical) {
      if (!this.#isGuarded) this.move(breakpoint, vcpu);
    } else if (this.#isGuarded) this.#patches.restore(found);
    else this.#patches.renew(found);
  }

  /** An unseen breakpoint at the same address notices what the guest does to the instruction. */
  get #isGuarded(): boolean {
    return this.#vm.unseenBreakpoints !== undefined;
  }

  #place(breakpoint: OwnedBreakpoint, vcpu: DebuggedVcpu): void {
    const found = this.#memory.memoryAt(vcpu.kvm, breakpoint.address);
    if (found === undefined) return;
    this.#patches.plant(found.physicalAddress);
    breakpoint.physical = found.physicalAddress;
  }
}
