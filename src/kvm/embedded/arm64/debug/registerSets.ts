import type { Arm64Cpu } from "../../../../cpu/arm64/cpu.ts";
import {
  breakpointMatches,
  type DebugRegisters,
  noDebugRegisters,
  watchpointHit,
} from "../../../../cpu/arm64/debugUnit.ts";
import { dataAbort } from "../../../../cpu/arm64/syndrome.ts";
import type { Arm64GuestDebugArch } from "../../../guestDebug.ts";
import { guestRegisters, hostRegisters, keepSame, mergeRegisters } from "./registers.ts";

/** A breakpoint or watchpoint exception at the present instruction. */
export interface ComparatorExit {
  readonly kind: "breakpoint" | "watchpoint";
  readonly syndrome: number;
  /** Of a watchpoint. */
  readonly far: bigint;
}

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

  /** Whether userspace's registers cause this exception, whatever the guest's do. */
  isHosts({ kind, syndrome, far }: ComparatorExit): boolean {
    const host = this.#host;
    if (host === undefined) return false;
    const { registers, system } = this.#cpu;
    const { el, pc } = registers;
    const contextId = Number(system.raw("CONTEXTIDR_EL1"));
    if (kind === "breakpoint") return breakpointMatches(host, pc, { el, contextId });
    const isWrite = (syndrome & dataAbort.wnr) !== 0;
    const levels: readonly (0 | 1)[] = el === 0 ? [0] : [1, 0];
    // An unprivileged access of EL1 counts as EL0's.
    return levels.some(
      (level) => watchpointHit(host, far, 1, isWrite, { el: level, contextId }) !== undefined,
    );
  }

  #readGuest(): DebugRegisters {
    if (this.#guestStale) {
      this.#guestStale = false;
      this.#guest = keepSame(this.#guest, guestRegisters(this.#cpu));
    }
    return this.#guest;
  }
}
