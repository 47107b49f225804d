import type { GuestDebugArch } from "../kvm/guestDebug.ts";
import type { Vm } from "../kvm/interface.ts";
import type { DebugArchitecture, WatchAccess, WatchRegister } from "./architecture.ts";
import { DebuggerError } from "./errors.ts";
import type { MemoryView } from "./memory.ts";
import type { Patches } from "./patches.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/**
 * How a breakpoint is planted. `unseen`: beside guest memory, where the guest cannot see it; any number, in any address space,
 * also at addresses that are not mapped yet. `patched`: an instruction in guest memory, where the address is mapped to now.
 * `hardware`: one of the CPU's few breakpoint registers.
 */
export type BreakpointKind = "unseen" | "patched" | "hardware";

/** Whether the guest is to stop at a hit. Looks at the vCPU, and changes nothing that another condition looks at. */
export type Condition = (vcpu: DebuggedVcpu) => boolean;

/** What a breakpoint is made of. */
export interface BreakpointOptions {
  /** Guest-virtual. */
  readonly address: bigint;
  /** Left out: `unseen` where the substrate has that, `patched` elsewhere. */
  readonly kind?: BreakpointKind | undefined;
  readonly condition?: Condition | undefined;
  /** Patched: the vCPU in whose address space the address is; left out, the first. */
  readonly vcpu?: DebuggedVcpu | undefined;
}

/** What a watchpoint is made of. */
export interface WatchpointOptions {
  /** Guest-virtual; any alignment. */
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
  readonly access: WatchAccess;
  readonly condition?: Condition | undefined;
}

/** A breakpoint that is planted, until it is removed. */
export interface Breakpoint {
  readonly address: bigint;
  readonly kind: BreakpointKind;
  readonly condition: Condition | undefined;
  /** Patched: the guest-physical address. */
  readonly physical: bigint | undefined;
}

/** A watchpoint that is set, until it is removed. */
export interface Watchpoint {
  readonly address: bigint;
  readonly length: number;
  readonly access: WatchAccess;
  readonly condition: Condition | undefined;
  /** What it takes of the hardware. */
  readonly registers: readonly WatchRegister[];
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;

/** The user's breakpoints and watchpoints, and what of the machine they take. */
export class BreakpointList {
  readonly #vm: Vm;
  readonly #architecture: DebugArchitecture;
  readonly #memory: MemoryView;
  readonly #patches: Patches;
  readonly #firstVcpu: () => DebuggedVcpu;
  readonly #breakpoints = new Map<bigint, readonly Breakpoint[]>();
  readonly #byPhysical = new Map<bigint, Set<Breakpoint>>();
  readonly #watchpoints = new Set<Watchpoint>();
  #unseenWanted: ReadonlySet<bigint> = new Set();
  #unseenPlanted: ReadonlySet<bigint> = new Set();
  #hardwareAddresses: readonly bigint[] = [];
  #hardware: GuestDebugArch | undefined;
  /** The four above are behind the list. */
  #stale = false;

  constructor(
    vm: Vm,
    architecture: DebugArchitecture,
    memory: MemoryView,
    patches: Patches,
    firstVcpu: () => DebuggedVcpu,
  ) {
    this.#vm = vm;
    this.#architecture = architecture;
    this.#memory = memory;
    this.#patches = patches;
    this.#firstVcpu = firstVcpu;
  }

  /** How breakpoints are planted when nothing else is said. */
  get defaultKind(): BreakpointKind {
    return this.#vm.unseenBreakpoints === undefined ? "patched" : "unseen";
  }

  /** All breakpoints. */
  get breakpoints(): readonly Breakpoint[] {
    return [...this.#breakpoints.values()].flat();
  }

  /** All watchpoints. */
  get watchpoints(): readonly Watchpoint[] {
    return [...this.#watchpoints];
  }

  /** Plants a breakpoint. @throws DebuggerError when that cannot be; nothing is planted then. */
  add(options: BreakpointOptions): Breakpoint {
    const { address, condition } = options;
    const kind = options.kind ?? this.defaultKind;
    if (
      address < 0n ||
      address >= 2n ** 64n ||
      address % BigInt(this.#architecture.instructionAlignment) !== 0n
    )
      throw new DebuggerError("invalid", `${hex(address)} is no instruction's address`);
    const physical = kind === "patched" ? this.#patch(address, options.vcpu ?? this.#firstVcpu()) : undefined;
    if (kind === "hardware") this.#checkHardware(address);
    if (kind === "unseen" && this.#vm.unseenBreakpoints === undefined)
      throw new DebuggerError("unsupported", "this substrate has no unseen breakpoints; use patched ones");
    const breakpoint: Breakpoint = { address, kind, condition, physical };
    this.#breakpoints.set(address, [...(this.#breakpoints.get(address) ?? []), breakpoint]);
    if (physical !== undefined) {
      const sharing = this.#byPhysical.get(physical);
      if (sharing === undefined) this.#byPhysical.set(physical, new Set([breakpoint]));
      else sharing.add(breakpoint);
    }
    this.#stale = true;
    return breakpoint;
  }

  /** Sets a watchpoint. @throws DebuggerError when the hardware cannot watch it; nothing is set then. */
  watch(options: WatchpointOptions): Watchpoint {
    const { address, length, access, condition } = options;
    const registers = this.#architecture.watch(address, length, access);
    this.#vm.checkWatchpoint?.(access);
    this.#refresh();
    const all = this.#vm.checkExtension("GUEST_DEBUG_HW_WPS");
    const { sharedRegisters } = this.#architecture;
    const free = all - this.#watchRegisters().length - (sharedRegisters ? this.#hardwareAddresses.length : 0);
    if (registers.length > free)
      throw new DebuggerError(
        "exhausted",
        `watching ${length} bytes at ${hex(address)} takes ${registers.length} of the ${all} ` +
          `${sharedRegisters ? "debug registers, which hardware breakpoints take too" : "watchpoint registers"}, and ` +
          `${free === 0 ? "none is" : `${free} ${free === 1 ? "is" : "are"}`} free`,
      );
    const watchpoint: Watchpoint = { address, length, access, condition, registers };
    this.#watchpoints.add(watchpoint);
    this.#stale = true;
    return watchpoint;
  }

  /** Takes a breakpoint or watchpoint away; one that is gone already stays gone. */
  remove(which: Breakpoint | Watchpoint): void {
    if ("registers" in which) {
      this.#watchpoints.delete(which);
      this.#stale = true;
      return;
    }
    const others = this.#breakpoints.get(which.address);
    if (others?.includes(which) !== true) return;
    const left = others.filter((other) => other !== which);
    if (left.length === 0) this.#breakpoints.delete(which.address);
    else this.#breakpoints.set(which.address, left);
    if (which.physical !== undefined) {
      this.#byPhysical.get(which.physical)?.delete(which);
      this.#patches.remove(which.physical);
    }
    this.#stale = true;
  }

  /** Takes all away. */
  clear(): void {
    for (const breakpoint of this.breakpoints) this.remove(breakpoint);
    for (const watchpoint of this.watchpoints) this.remove(watchpoint);
  }

  /** Breakpoints at the vCPU's PC; patched ones under another virtual address of the same memory too. */
  at(vcpu: DebuggedVcpu, pc: bigint): readonly Breakpoint[] {
    if (this.#breakpoints.size === 0) return [];
    const here = this.#breakpoints.get(pc);
    if (this.#patches.size === 0) return here ?? [];
    const physical = vcpu.translate(pc);
    const patched = physical === undefined ? undefined : this.#byPhysical.get(physical);
    return [...(here ?? []).filter((each) => each.kind !== "patched"), ...(patched ?? [])];
  }

  /** Watchpoints that an access at `address` hits. */
  watching(address: bigint, write: boolean): readonly Watchpoint[] {
    return this.watchpoints.filter(
      (each) =>
        address >= each.address &&
        address < each.address + BigInt(each.length) &&
        (each.access === "access" || (each.access === "write") === write),
    );
  }

  /** Before the guest runs: everything is where it has to be. */
  plant(): void {
    if (this.#patches.size > 0) this.#patches.renewAll();
    this.#refresh();
    const { unseenBreakpoints } = this.#vm;
    if (unseenBreakpoints === undefined || this.#unseenWanted === this.#unseenPlanted) return;
    if (!sameSet(this.#unseenWanted, this.#unseenPlanted)) unseenBreakpoints.plant(this.#unseenWanted);
    this.#unseenPlanted = this.#unseenWanted;
  }

  /** What the debug registers are to hold; undefined when nothing needs them. The same object until something changes. */
  get hardware(): GuestDebugArch | undefined {
    this.#refresh();
    return this.#hardware;
  }

  /** The same without breakpoints at `pc` and without these watchpoints. */
  hardwareWithout(pc: bigint, watchpoints: ReadonlySet<Watchpoint>): GuestDebugArch | undefined {
    if (this.hardware === undefined) return undefined;
    return this.#registersFor(
      this.#hardwareAddresses.filter((address) => address !== pc),
      this.#watchRegisters(watchpoints),
    );
  }

  #patch(address: bigint, vcpu: DebuggedVcpu): bigint {
    const found = this.#memory.memoryAt(vcpu.kvm, address);
    if (found === undefined) {
      throw new DebuggerError(
        "unmapped",
        `no breakpoint instruction can be written to ${hex(address)}: no memory is mapped there now`,
      );
    }
    this.#patches.plant(found.physicalAddress);
    return found.physicalAddress;
  }

  #checkHardware(address: bigint): void {
    this.#refresh();
    const all = this.#vm.checkExtension("GUEST_DEBUG_HW_BPS");
    const { sharedRegisters } = this.#architecture;
    const taken = this.#hardwareAddresses.length + (sharedRegisters ? this.#watchRegisters().length : 0);
    if (!this.#hardwareAddresses.includes(address) && taken >= all)
      throw new DebuggerError(
        "exhausted",
        sharedRegisters
          ? `all ${all} debug registers are taken by hardware breakpoints and watchpoints`
          : `all ${all} hardware breakpoints are taken`,
      );
  }

  #refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    const addressesOf = (kind: BreakpointKind): Set<bigint> =>
      new Set(this.breakpoints.filter((each) => each.kind === kind).map(({ address }) => address));
    this.#unseenWanted = addressesOf("unseen");
    this.#hardwareAddresses = [...addressesOf("hardware")];
    this.#hardware = this.#registersFor(this.#hardwareAddresses, this.#watchRegisters());
  }

  #watchRegisters(without?: ReadonlySet<Watchpoint>): readonly WatchRegister[] {
    return this.watchpoints.flatMap((each) => (without?.has(each) === true ? [] : each.registers));
  }

  #registersFor(addresses: readonly bigint[], watch: readonly WatchRegister[]): GuestDebugArch | undefined {
    return addresses.length === 0 && watch.length === 0
      ? undefined
      : this.#architecture.debugRegisters(addresses, watch);
  }
}

function sameSet(a: ReadonlySet<bigint>, b: ReadonlySet<bigint>): boolean {
  return a.size === b.size && [...a].every((value) => b.has(value));
}
