import type { Arm64Cpu } from "../../../../cpu/arm64/cpu.ts";
import { type DebugRegisters, noDebugRegisters } from "../../../../cpu/arm64/debugUnit.ts";
import type { Arm64GuestDebugArch } from "../../../guestDebug.ts";
import { guestRegisters, hostRegisters, keepSame, mergeRegisters } from "./registers.ts";

/**
 * Userspace's breakpoint and watchpoint registers, the guest's, and what the hardware holds of them. A set that says the same as
 * before is the same object: loading that costs nothing.
 */
export class RegisterSets {
  readonly #cpu: Arm64Cpu;
  #host: DebugRegisters | undefined;
  #lastHost = noDebugRegisters;
  /** The guest's, as of when they were last read. */
  #guest = noDebugRegisters;
  #guestStale = true;
  #merged = noDebugRegisters;
  #mergedFrom: readonly [host: DebugRegisters, guest: DebugRegisters] | undefined;

  constructor(cpu: Arm64Cpu) {
    this.#cpu = cpu;
  }

  /** Userspace's registers while it uses the hardware. */
  get host(): DebugRegisters | undefined {
    return this.#host;
  }

  /** @param use userspace uses the hardware. */
  setHost(use: boolean, arch: Arm64GuestDebugArch | undefined): void {
    this.#host = use ? keepSame(this.#lastHost, hostRegisters(arch)) : undefined;
    this.#lastHost = this.#host ?? this.#lastHost;
  }

  /** The guest's have changed: they are read again when they are needed. */
  guestChanged(): void {
    this.#guestStale = true;
  }

  /** What the hardware holds; `guestLive`: the guest has its own switched on. */
  loaded(guestLive: boolean): DebugRegisters {
    const host = this.#host;
    const guest = guestLive ? this.#readGuest() : noDebugRegisters;
    if (host === undefined || guest === noDebugRegisters) return host ?? guest;
    if (this.#mergedFrom?.[0] !== host || this.#mergedFrom[1] !== guest) {
      this.#merged = keepSame(this.#merged, mergeRegisters(host, guest));
      this.#mergedFrom = [host, guest];
    }
    return this.#merged;
  }

  #readGuest(): DebugRegisters {
    if (this.#guestStale) {
      this.#guestStale = false;
      this.#guest = keepSame(this.#guest, guestRegisters(this.#cpu));
    }
    return this.#guest;
  }
}
