import type { X86VcpuFile } from "../vcpuFile.ts";
import type { GuestMemory } from "./guestMemory.ts";
import { handlersOf } from "./handlers.ts";
import { vectors } from "./injector.ts";
import { frameAt, isUserFrame, returnTo } from "./transfers.ts";

const int3 = 0xcc;
const longModeActive = 0x400n;

/**
 * INT3 in user mode where the host's KVM gives it to the guest although the host wants it: an execution breakpoint is on the guest's
 * #BP handler, and a guest that gets there by an INT3 of user mode is put back to where that is.
 */
export class UserBreaks {
  /** The handler on which a breakpoint has to be; undefined when none is wanted, or there is none. */
  handler: bigint | undefined;
  /** The next INT3 is the guest's. */
  isGivenBack = false;
  readonly #file: X86VcpuFile;
  readonly #memory: GuestMemory;
  /** Of the last look: where the interrupt table was, its gate, and what came of it. */
  #table = { low: -1, high: -1, gate: [] as readonly number[] };
  #found: bigint | undefined;

  constructor(file: X86VcpuFile, memory: GuestMemory) {
    this.#file = file;
    this.#memory = memory;
  }

  /** Before the guest runs. @param wanted INT3 is the host's @returns whether `handler` has changed */
  place(wanted: boolean): boolean {
    const handler = wanted ? this.#look() : undefined;
    if (handler === this.handler) return false;
    this.handler = handler;
    return true;
  }

  /** At the handler. @returns the linear address of the INT3 in user mode, where the guest is then; undefined: it is the guest's */
  catch(): bigint | undefined {
    const isGivenBack = this.isGivenBack;
    this.isGivenBack = false;
    if (isGivenBack) return undefined;
    const frame = frameAt(this.#file.getRegs().rsp, this.#memory);
    if (frame === undefined || !isUserFrame(frame)) return undefined;
    const rip = frame.rip - 1n;
    if (this.#memory.byte(rip) !== int3) return undefined;
    return returnTo(this.#file, { ...frame, rip }, this.#memory) ? rip : undefined;
  }

  /** Most times nothing has changed: the table is where it was, and the gate in it the same. */
  #look(): bigint | undefined {
    const { idtLow, idtHigh } = this.#file.last;
    const base = (BigInt(idtHigh) << 32n) | BigInt(idtLow);
    const gate = this.#memory.bytes(base + BigInt(16 * vectors.breakpoint), 16);
    const isSame =
      idtLow === this.#table.low &&
      idtHigh === this.#table.high &&
      gate.length === this.#table.gate.length &&
      gate.every((byte, i) => byte === this.#table.gate[i]);
    if (isSame) return this.#found;
    this.#table = { low: idtLow, high: idtHigh, gate };
    const isLong = (this.#file.getSregs().efer & longModeActive) !== 0n;
    [this.#found] = isLong ? handlersOf(this.#file, [vectors.breakpoint], this.#memory) : [];
    return this.#found;
  }
}
