import type { BreakpointName } from "../packets/breakpoints.ts";
import type { BreakpointRequest } from "../target.ts";

/** What this client has planted, so that it can be taken away when the client leaves. */
export class PlantedBreakpoints {
  readonly #planted = new Map<string, BreakpointRequest>();
  #closed = false;

  /** Whether such a breakpoint is planted. */
  has(name: BreakpointName): boolean {
    return this.#planted.has(keyOf(name));
  }

  /** Remembers one. False: the client has left in the meantime, and it is to be removed again. */
  add(request: BreakpointRequest): boolean {
    if (!this.#closed) this.#planted.set(keyOf(request), request);
    return !this.#closed;
  }

  /** The client has left: nothing is remembered from now on. */
  close(): void {
    this.#closed = true;
  }

  delete(name: BreakpointName): void {
    this.#planted.delete(keyOf(name));
  }

  /** Forgets all and returns them, but for those whose commands are to outlive the client. */
  drain(): readonly BreakpointRequest[] {
    const leaving = [...this.#planted.values()].filter((request) => request.commands?.persist !== true);
    this.#planted.clear();
    return leaving;
  }
}

function keyOf(name: BreakpointName): string {
  return `${name.kind},${name.address},${name.length}`;
}
