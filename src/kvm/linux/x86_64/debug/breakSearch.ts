import type { GuestRam } from "../../guestRam.ts";
import type { ByMode, HostDebugFacts } from "./facts.ts";
import { UserEntry } from "./userEntry.ts";

const int3 = 0xcc;
const pageBytes = 4096;

/** How a vCPU executes. */
export type Mode = keyof ByMode<unknown>;

/**
 * Single steps for INT3s that the host's KVM would give to the guest although the host wants them: in real mode, where the next
 * instruction is looked at before it is executed, and on the way to user mode, where they are caught otherwise from then on.
 */
export class BreakSearch {
  /** Whether the kernel steps for this now. */
  active = false;
  /** The way to user mode. */
  readonly #entry: UserEntry;
  readonly #ram: Pick<GuestRam, "view">;
  readonly #isNeededInRealMode: boolean;
  #page: Uint8Array | undefined;
  #pageAt = -1;

  constructor(ram: Pick<GuestRam, "view">, facts: HostDebugFacts) {
    this.#ram = ram;
    this.#isNeededInRealMode = facts.int3.real !== "exit";
    this.#entry = new UserEntry(facts);
  }

  /** Whether the guest has to be stepped where it is. */
  wanted(mode: Mode): boolean {
    return (mode === "real" && this.#isNeededInRealMode) || this.#entry.wanted(mode === "user");
  }

  /** An instruction is about to be stepped for this. */
  step(mode: Mode): void {
    if (mode !== "real") this.#entry.step();
  }

  /** Whether INT3 is next. @param pc the linear address of the next instruction in real mode, where that is the physical one */
  isNext(pc: number): boolean {
    const offset = pc & (pageBytes - 1);
    if (pc - offset !== this.#pageAt) {
      this.#pageAt = pc - offset;
      try {
        this.#page = this.#ram.view(BigInt(this.#pageAt), pageBytes);
      } catch {
        this.#page = undefined;
      }
    }
    return this.#page?.[offset] === int3;
  }

  /** Memory slots have changed. */
  forget(): void {
    this.#pageAt = -1;
  }

  /** The guest begins anew. */
  reset(): void {
    this.#entry.reset();
  }
}
