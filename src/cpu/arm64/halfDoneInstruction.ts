import type { MmioAccess } from "./events.ts";

/**
 * The accesses to devices of an instruction that the machine has to complete one by one. The instruction is abandoned at each
 * and runs again from its beginning; what is completed already, it finds here.
 */
export class HalfDoneInstruction {
  #completed: MmioAccess[] = [];
  #replayed = 0;
  #pending: MmioAccess | undefined;
  #pc = 0n;

  /** The access that waits for its answer. */
  get pending(): MmioAccess | undefined {
    return this.#pending;
  }

  /** Whether an instruction is half done: some of its accesses are completed and it must run to its end first. */
  get exists(): boolean {
    return this.#completed.length > 0 || this.#pending !== undefined;
  }

  /** Whether the instruction's next access is one that has been completed already. */
  get replays(): boolean {
    return this.#replayed < this.#completed.length;
  }

  /** Address of the instruction that the accesses belong to. */
  get pc(): bigint {
    return this.#pc;
  }

  /** The instruction runs, from its beginning. */
  begin(): void {
    this.#replayed = 0;
  }

  /** The instruction is done. */
  end(): void {
    if (this.#completed.length > 0) this.#completed = [];
  }

  /** Forgets the instruction and what was done of it. */
  drop(): void {
    this.end();
    this.#pending = undefined;
  }

  /** The instruction's next access, if the machine has completed it; otherwise the instruction, at `pc`, waits for it. */
  next(access: MmioAccess, pc: bigint): MmioAccess | undefined {
    const done = this.#completed[this.#replayed];
    if (
      done !== undefined &&
      done.address === access.address &&
      done.write === access.write &&
      done.bytes === access.bytes
    ) {
      this.#replayed++;
      return done;
    }
    this.#pending = access;
    this.#pc = pc;
    return undefined;
  }

  /** The machine's answer to the access that waits. @throws RangeError when none does. */
  complete(data: bigint): void {
    const pending = this.#pending;
    if (pending === undefined) throw new RangeError("no access waits to be completed");
    this.#completed.push({ ...pending, data });
    this.#pending = undefined;
  }
}
