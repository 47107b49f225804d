import { guestDebugControl } from "../../../guestDebug.ts";
import type { GuestRam } from "../../guestRam.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";
import type { HostDebugFacts } from "./facts.ts";

const int3 = 0xcc;
const pageBytes = 4096;

/**
 * INT3 in real mode where the host's KVM gives it to the guest although the host wants it: the guest is single-stepped there, and
 * the next instruction is looked at before it is executed.
 */
export class BreakSearch {
  /** Whether the kernel steps for this now. */
  active = false;
  readonly #ram: GuestRam;
  readonly #isNeeded: boolean;
  #page: Uint8Array | undefined;
  #pageAt = -1;

  constructor(ram: GuestRam, facts: HostDebugFacts) {
    this.#ram = ram;
    this.#isNeeded = facts.int3.real !== "exit";
  }

  /** Whether it has to be done now. @param moved somebody has written registers since the last exit */
  wanted(vcpu: X86VcpuFile, control: number, moved: boolean): boolean {
    if (!this.#isNeeded || (control & guestDebugControl.USE_SW_BP) === 0) return false;
    return moved ? (vcpu.getSregs().cr0 & 1n) === 0n : vcpu.last.realMode;
  }

  /** Whether INT3 is next. @param pc the linear address of the next instruction; in real mode that is the physical one */
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
}
