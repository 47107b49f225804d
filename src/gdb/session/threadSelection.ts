import type { ThreadSelector } from "../packets/threadId.ts";
import { type Refusal, refuse } from "../refusal.ts";
import type { Target, ThreadId } from "../target.ts";

/** The threads the client has chosen with `Hg` and `Hc`. */
export class ThreadSelection {
  /** For registers and memory. */
  general: ThreadSelector = "any";
  /** For `c`, `s`, `bc`, `bs`. */
  resume: ThreadSelector = "any";
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Whether a vCPU has that id. */
  exists(id: ThreadId): boolean {
    return this.#target.threads().some((thread) => thread.id === id);
  }

  /** The vCPU that a packet naming `explicit` (or none) is about. */
  resolve(explicit?: ThreadSelector): ThreadId | Refusal {
    const wanted = explicit ?? this.general;
    if (typeof wanted === "number") {
      return this.exists(wanted) ? wanted : refuse("no-thread", `there is no thread ${wanted}`);
    }
    if (typeof this.general === "number" && this.exists(this.general)) return this.general;
    return this.#target.threads()[0]?.id ?? refuse("no-thread", "the guest has no vCPU");
  }
}
