import type { GuestDebugArch } from "../kvm/guestDebug.ts";
import type { Vm } from "../kvm/interface.ts";
import type { DebugArchitecture, WatchRegister } from "./architecture.ts";
import {
  type Breakpoint,
  type BreakpointKind,
  type BreakpointOptions,
  newHistory,
  type Watchpoint,
  type WatchpointOptions,
} from "./breakpoint.ts";
import { DebuggerError } from "./errors.ts";
import type { MemoryView } from "./memory.ts";
import { type OwnedBreakpoint, PatchedBreakpoints } from "./patchedBreakpoints.ts";
import type { Patches } from "./patches.ts";
import { RegisterUse } from "./registerUse.ts";
import { StepEnds } from "./stepEnds.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

export type {
  Breakpoint,
  BreakpointKind,
  BreakpointOptions,
  Condition,
  Watchpoint,
  WatchpointOptions,
} from "./breakpoint.ts";

/** What a list needs of its session. */
export interface BreakpointSurroundings {
  readonly vm: Vm;
  readonly architecture: DebugArchitecture;
  readonly memory: MemoryView;
  readonly patches: Patches;
  /** The vCPU that is meant when none is named. */
  readonly vcpu: () => DebuggedVcpu;
  /** Nanoseconds of virtual time. */
  readonly now: () => number;
}

/** What was planted and has been removed since: so many are remembered. */
const mostRemoved = 64;

const hex = (address: bigint): string => `0x${address.toString(16)}`;

/** The user's breakpoints and watchpoints, and what of the machine they take. */
export class BreakpointList {
  /** The run loop's: see `setStepEnds`. */
  readonly stepEnds: StepEnds;
  readonly #in: BreakpointSurroundings;
  readonly #use: RegisterUse;
  readonly #patched: PatchedBreakpoints;
  readonly #breakpoints = new Map<bigint, readonly OwnedBreakpoint[]>();
  readonly #watchpoints = new Set<Watchpoint>();
  #removed: (Breakpoint | Watchpoint)[] = [];
  #lastNumber = 0;
  #unseenWanted: ReadonlySet<bigint> = new Set();
  #unseenPlanted: ReadonlySet<bigint> = new Set();
  #hardwareAddresses: ReadonlySet<bigint> = new Set();
  #hardware: GuestDebugArch | undefined;
  #hasPatched = false;
  /** The five above are behind the list. */
  #stale = false;

  constructor(surroundings: BreakpointSurroundings) {
    this.#in = surroundings;
    const { vm, architecture, memory, patches } = surroundings;
    this.#use = new RegisterUse(vm, architecture);
    this.#patched = new PatchedBreakpoints(vm, memory, patches);
    this.stepEnds = new StepEnds(vm, memory, patches);
  }

  /** How breakpoints are planted when nothing else is said. */
  get defaultKind(): BreakpointKind {
    return this.#in.vm.unseenBreakpoints === undefined ? "patched" : "unseen";
  }

  /** All breakpoints, the disabled ones too. */
  get breakpoints(): readonly Breakpoint[] {
    return this.#all();
  }

  /** All watchpoints. */
  get watchpoints(): readonly Watchpoint[] {
    return [...this.#watchpoints];
  }

  /** What was removed last, the latest at the end. */
  get removed(): readonly (Breakpoint | Watchpoint)[] {
    return this.#removed;
  }

  /** Plants a breakpoint. @throws DebuggerError when that cannot be; nothing is planted then. */
  add(options: BreakpointOptions): Breakpoint {
    const { address, condition } = options;
    const { vm, architecture, memory, now } = this.#in;
    const kind = options.kind ?? this.defaultKind;
    if (address < 0n || address >= 2n ** 64n || address % BigInt(architecture.instructionAlignment) !== 0n)
      throw new DebuggerError("invalid", `${hex(address)} is no instruction's address`);
    if (kind === "unseen" && vm.unseenBreakpoints === undefined)
      throw new DebuggerError("unsupported", "this substrate has no unseen breakpoints; use patched ones");
    const vcpu = options.vcpu ?? this.#in.vcpu();
    const text = new Uint8Array(architecture.breakpointInstruction.length);
    const isThere = memory.readVirtual(vcpu.kvm, address, text) === text.length;
    const breakpoint: OwnedBreakpoint = {
      number: this.#lastNumber + 1,
      address,
      kind,
      condition,
      enabled: true,
      ignore: 0,
      physical: undefined,
      text: isThere ? text : undefined,
      history: newHistory(now()),
    };
    this.#arm(breakpoint, vcpu);
    this.#lastNumber++;
    this.#breakpoints.set(address, [...(this.#breakpoints.get(address) ?? []), breakpoint]);
    this.#stale = true;
    return breakpoint;
  }

  /**
   * Plants again what was removed, with its number and history; nothing happens when it is planted.
   * @throws DebuggerError as when it was planted first
   */
  restore(which: Breakpoint | Watchpoint): void {
    if ("registers" in which) {
      if (this.#watchpoints.has(which)) return;
      this.#refresh();
      this.#use.checkWatchpoint(which, which.registers, this.#watchRegisters(), this.#hardwareAddresses);
      this.#watchpoints.add(which);
    } else {
      if (this.#own(which) !== undefined) return;
      // The list's own objects are the only ones there are.
      const breakpoint = which as OwnedBreakpoint;
      this.#arm(breakpoint, this.#in.vcpu());
      this.#breakpoints.set(which.address, [...(this.#breakpoints.get(which.address) ?? []), breakpoint]);
    }
    this.#removed = this.#removed.filter((each) => each !== which);
    this.#stale = true;
  }

  /** Sets a watchpoint. @throws DebuggerError when the hardware cannot watch it; nothing is set then. */
  watch(options: WatchpointOptions): Watchpoint {
    const { address, length, access, condition } = options;
    const { vm, architecture, now } = this.#in;
    const registers = architecture.watch(address, length, access);
    vm.checkWatchpoint?.(access);
    this.#refresh();
    this.#use.checkWatchpoint(options, registers, this.#watchRegisters(), this.#hardwareAddresses);
    const number = ++this.#lastNumber;
    const history = newHistory(now());
    const watchpoint: Watchpoint = { number, address, length, access, condition, registers, history };
    this.#watchpoints.add(watchpoint);
    this.#stale = true;
    return watchpoint;
  }

  /** Takes a breakpoint or watchpoint away; one that is gone already stays gone. */
  remove(which: Breakpoint | Watchpoint): void {
    if ("registers" in which) {
      if (this.#watchpoints.delete(which)) this.#remember(which);
      this.#stale = true;
      return;
    }
    const breakpoint = this.#own(which);
    if (breakpoint === undefined) return;
    this.#patched.remove(breakpoint);
    const left = (this.#breakpoints.get(which.address) ?? []).filter((other) => other !== which);
    if (left.length === 0) this.#breakpoints.delete(which.address);
    else this.#breakpoints.set(which.address, left);
    this.#remember(which);
    this.#stale = true;
  }

  /** Takes all away. */
  clear(): void {
    for (const breakpoint of this.breakpoints) this.remove(breakpoint);
    for (const watchpoint of this.watchpoints) this.remove(watchpoint);
  }

  /** A disabled breakpoint stays in the list and takes nothing of the machine. @throws DebuggerError as `add`. */
  enable(which: Breakpoint, enabled: boolean): void {
    const breakpoint = this.#own(which);
    if (breakpoint === undefined || breakpoint.enabled === enabled) return;
    if (enabled) this.#arm(breakpoint, this.#in.vcpu());
    else this.#patched.remove(breakpoint);
    breakpoint.enabled = enabled;
    this.#stale = true;
  }

  /** The next so many hits are passed over; they count. */
  ignore(which: Breakpoint, hits: number): void {
    const breakpoint = this.#own(which);
    if (breakpoint !== undefined) breakpoint.ignore = hits;
  }

  /** Whether this hit is passed over: it is taken off the count. */
  passOver(which: Breakpoint): boolean {
    const breakpoint = this.#own(which);
    if (breakpoint === undefined || breakpoint.ignore <= 0) return false;
    breakpoint.ignore--;
    return true;
  }

  /** Enabled breakpoints at a virtual address. */
  at(pc: bigint): readonly Breakpoint[] {
    const here = this.#breakpoints.get(pc);
    if (here === undefined) return none;
    return here.every(({ enabled }) => enabled) ? here : here.filter(({ enabled }) => enabled);
  }

  /** Patched breakpoints whose instruction is at a guest-physical address. */
  patchedAt(physical: bigint): readonly Breakpoint[] {
    return this.#all().filter((each) => each.physical === physical);
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

  /** The patched breakpoints at `pc` are planted in the memory that the vCPU executes there, whatever it was before. */
  follow(vcpu: DebuggedVcpu, pc: bigint): void {
    for (const breakpoint of this.#breakpoints.get(pc) ?? []) {
      if (breakpoint.kind !== "patched" || !breakpoint.enabled) continue;
      breakpoint.history.replaced++;
      this.#patched.move(breakpoint, vcpu);
    }
  }

  /** A step of this vCPU must end at these addresses; none: it has ended. */
  setStepEnds(vcpu: DebuggedVcpu, addresses: readonly bigint[]): void {
    if (this.stepEnds.set(vcpu, addresses)) this.#stale = true;
  }

  /** Before the guest is resumed: what the guest has done to patches while nobody looked. */
  settle(): void {
    this.#refresh();
    if (this.#hasPatched)
      for (const breakpoint of this.#all())
        if (breakpoint.kind === "patched" && breakpoint.enabled)
          this.#patched.settle(breakpoint, this.#in.vcpu());
    this.plant();
  }

  /** Everything is where it has to be. */
  plant(): void {
    this.#refresh();
    const { unseenBreakpoints } = this.#in.vm;
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
    const addresses = [...this.#hardwareAddresses].filter((address) => address !== pc);
    return this.#use.arch(addresses, this.#watchRegisters(watchpoints));
  }

  /** Takes what the breakpoint needs of the machine. @throws DebuggerError when it cannot be had */
  #arm(breakpoint: OwnedBreakpoint, vcpu: DebuggedVcpu): void {
    this.#refresh();
    if (breakpoint.kind === "hardware" && !this.#hardwareAddresses.has(breakpoint.address))
      this.#use.checkBreakpoint(this.#hardwareAddresses, this.#watchRegisters());
    if (breakpoint.kind === "patched") this.#patched.plant(breakpoint, vcpu);
  }

  #all(): OwnedBreakpoint[] {
    return [...this.#breakpoints.values()].flat();
  }

  #own(which: Breakpoint): OwnedBreakpoint | undefined {
    return this.#breakpoints.get(which.address)?.find((each) => each === which);
  }

  #remember(which: Breakpoint | Watchpoint): void {
    this.#removed = [...this.#removed, which].slice(-mostRemoved);
  }

  #refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    const addressesOf = (...kinds: readonly BreakpointKind[]): Set<bigint> =>
      new Set(
        this.#all()
          .filter((each) => each.enabled && kinds.includes(each.kind))
          .map(({ address }) => address),
      );
    const patched = addressesOf("patched");
    this.#hasPatched = patched.size > 0;
    this.#unseenWanted = new Set([...addressesOf("unseen"), ...patched, ...this.stepEnds.addresses]);
    this.#hardwareAddresses = addressesOf("hardware");
    this.#hardware = this.#use.arch([...this.#hardwareAddresses], this.#watchRegisters());
  }

  #watchRegisters(without?: ReadonlySet<Watchpoint>): readonly WatchRegister[] {
    return this.watchpoints.flatMap((each) => (without?.has(each) === true ? [] : each.registers));
  }
}

const none: readonly Breakpoint[] = [];

function sameSet(a: ReadonlySet<bigint>, b: ReadonlySet<bigint>): boolean {
  return a.size === b.size && [...a].every((value) => b.has(value));
}
