import type { GuestDebugArch } from "../kvm/guestDebug.ts";
import type { Vm } from "../kvm/interface.ts";
import type { DebugArchitecture, WatchRegister } from "./architecture.ts";
import { DebuggerError } from "./errors.ts";

const hex = (address: bigint): string => `0x${address.toString(16)}`;

/** What of the CPU's debug registers is taken, and what they are to hold. */
export class RegisterUse {
  readonly #vm: Vm;
  readonly #architecture: DebugArchitecture;

  constructor(vm: Vm, architecture: DebugArchitecture) {
    this.#vm = vm;
    this.#architecture = architecture;
  }

  /** @throws DebuggerError exhausted when there is no room for one more hardware breakpoint. */
  checkBreakpoint(taken: ReadonlySet<bigint>, watch: readonly WatchRegister[]): void {
    const all = this.#vm.checkExtension("GUEST_DEBUG_HW_BPS");
    const { sharedRegisters } = this.#architecture;
    if (taken.size + (sharedRegisters ? watch.length : 0) < all) return;
    throw new DebuggerError(
      "exhausted",
      sharedRegisters
        ? `all ${all} debug registers are taken by hardware breakpoints and watchpoints`
        : `all ${all} hardware breakpoints are taken`,
    );
  }

  /** @throws DebuggerError exhausted when there is no room for these registers. */
  checkWatchpoint(
    range: { readonly address: bigint; readonly length: number },
    wanted: readonly WatchRegister[],
    watch: readonly WatchRegister[],
    breakpoints: ReadonlySet<bigint>,
  ): void {
    const all = this.#vm.checkExtension("GUEST_DEBUG_HW_WPS");
    const { sharedRegisters } = this.#architecture;
    const free = all - watch.length - (sharedRegisters ? breakpoints.size : 0);
    if (wanted.length <= free) return;
    throw new DebuggerError(
      "exhausted",
      `watching ${range.length} bytes at ${hex(range.address)} takes ${wanted.length} of the ${all} ` +
        `${sharedRegisters ? "debug registers, which hardware breakpoints take too" : "watchpoint registers"}, and ` +
        `${free === 0 ? "none is" : `${free} ${free === 1 ? "is" : "are"}`} free`,
    );
  }

  /** What the registers are to hold; undefined when nothing needs them. */
  arch(breakpoints: readonly bigint[], watch: readonly WatchRegister[]): GuestDebugArch | undefined {
    return breakpoints.length === 0 && watch.length === 0
      ? undefined
      : this.#architecture.debugRegisters(breakpoints, watch);
  }
}
