import type { Awaitable } from "../awaitable.ts";
import type { PlacedRegister } from "../registerFile.ts";
import type { Target, ThreadId } from "../target.ts";
import type { PacketWriter } from "../writer.ts";

/** A list of registers that are read together, again and again, into the same memory. */
export class RegisterBlock {
  readonly registers: readonly PlacedRegister[];
  readonly #views: readonly Uint8Array[];
  readonly #present: boolean[];

  constructor(registers: readonly PlacedRegister[]) {
    this.registers = registers;
    const bytes = new Uint8Array(registers.reduce((sum, placed) => sum + placed.bytes, 0));
    let offset = 0;
    this.#views = registers.map((placed) => {
      const view = bytes.subarray(offset, offset + placed.bytes);
      offset += placed.bytes;
      return view;
    });
    this.#present = registers.map(() => false);
  }

  /** Reads all registers of a vCPU. One that is refused or unavailable counts as absent. */
  read(target: Target, thread: ThreadId): Awaitable<void> {
    return this.#readFrom(0, target, thread);
  }

  /** The bytes of the register at `index` of the list; undefined if it was absent at the last `read`. */
  bytes(index: number): Uint8Array | undefined {
    return this.#present[index] === true ? this.#views[index] : undefined;
  }

  /** Appends all registers as the `g` packet does, absent ones as `x`. */
  write(reply: PacketWriter): void {
    for (let index = 0; index < this.registers.length; index++) {
      const bytes = this.bytes(index);
      if (bytes !== undefined) reply.hexBytes(bytes);
      else reply.unavailable((this.#views[index]?.length ?? 0) * 2);
    }
  }

  #readFrom(first: number, target: Target, thread: ThreadId): Awaitable<void> {
    for (let index = first; index < this.registers.length; index++) {
      const placed = this.registers[index];
      const view = this.#views[index];
      if (placed === undefined || view === undefined) continue;
      const outcome = target.readRegister(thread, placed.register.regnum, view);
      if (outcome instanceof Promise) {
        return outcome.then((settled) => {
          this.#present[index] = settled === "done";
          return this.#readFrom(index + 1, target, thread);
        });
      }
      this.#present[index] = outcome === "done";
    }
    return undefined;
  }
}
