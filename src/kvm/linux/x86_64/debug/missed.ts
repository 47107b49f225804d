import type { Mode } from "./breakSearch.ts";
import type { HostDebugFacts } from "./facts.ts";

/** How something that the host wants to see can escape it, on a KVM that gives INT3s to the guest in some modes, or has no watchpoints. */
export type Missed =
  /** The guest ran by itself and is in real mode now. */
  | "real mode"
  /** It ran by itself and has another #BP handler now than the one at which INT3s of user mode were waited for. */
  | "handler"
  /** It is in user mode, and nothing can be waited for. */
  | "user mode"
  /** It is stepped, and watched bytes are compared. */
  | "watchpoint";

const texts: Readonly<Record<Missed, string>> = {
  "real mode":
    "has gone back to real mode while nobody looked; INT3 breakpoints there may have been missed until now, as this host's KVM gives them to the guest",
  handler:
    "has given itself another #BP handler while nobody looked; INT3 breakpoints in user mode may have been missed until now, as this host's KVM gives them to the guest",
  "user mode":
    "is in user mode without a #BP handler of 64-bit mode; INT3 breakpoints there are missed, as this host's KVM gives them to the guest",
  watchpoint:
    "is single-stepped for its watchpoints, which this host's KVM does not have; a write that leaves the bytes as they are is not seen",
};

/** Tells what may have been missed, each thing once until the guest begins anew. */
export class MissedEvents {
  /** Gets what is to be told to the user. */
  onNotice: ((text: string) => void) | undefined;
  readonly #facts: HostDebugFacts;
  readonly #told = new Set<Missed>();
  /** The guest has been left to itself since it was looked at. */
  #isLeft = false;
  /** The handler at which INT3s of user mode were waited for meanwhile. */
  #handler: bigint | undefined;

  constructor(facts: HostDebugFacts) {
    this.#facts = facts;
  }

  /** The guest is about to be watched by steps. */
  watch(): void {
    this.#tell("watchpoint");
  }

  /** The guest is about to be stepped. */
  step(mode: Mode): void {
    if (mode !== "real" || !this.#isLeft) return;
    this.#isLeft = false;
    if (this.#facts.int3.real === "guest") this.#tell("real mode");
  }

  /**
   * The guest is about to be left to itself.
   * @param handler at which INT3s of user mode are waited for
   * @param wasUser whether it can have been in user mode before, if that matters
   */
  leave(mode: Mode, handler: bigint | undefined, wasUser: () => boolean): void {
    if (this.#facts.int3.user === "guest") {
      if (mode === "user" && handler === undefined) this.#tell("user mode");
      else if (this.#isLeft && this.#handler !== handler && wasUser()) this.#tell("handler");
    }
    this.#isLeft = true;
    this.#handler = handler;
  }

  /** The guest begins anew. */
  reset(): void {
    this.#isLeft = false;
    this.#told.clear();
  }

  #tell(missed: Missed): void {
    if (this.#told.has(missed)) return;
    this.#told.add(missed);
    this.onNotice?.(texts[missed]);
  }
}
