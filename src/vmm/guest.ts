import type { EngineMode, EngineStatistics } from "../engine/engine.ts";
import type { Interpreter } from "../engine/interpreter/interpreter.ts";
import type { InstructionSet } from "../engine/operation.ts";
import type { RegionService } from "../engine/region/job.ts";
import type { EmbeddedArm64Vcpu } from "../kvm/embedded/arm64/vcpu.ts";
import { EmbeddedArm64Vm } from "../kvm/embedded/arm64/vm.ts";
import type { KvmExit, SystemEvent } from "../kvm/exits.ts";
import { type GuestPhysicalAddress, guestPhysical } from "../machine/address.ts";
import { type Arm64VirtBoard, arm64VirtBoard } from "../machine/board/arm64Virt.ts";
import { VIRT_MAP } from "../machine/board/memoryMap.ts";
import { applyBootPlan, type BootPlan } from "../machine/boot/bootPlan.ts";
import type { GuestMemory } from "../machine/guestMemory.ts";
import { describeEngine } from "./engineText.ts";
import { Timeline } from "./timeline.ts";
import { Turns } from "./turns.ts";

export type { EngineMode } from "../engine/engine.ts";

/** What a guest machine is made of. */
export interface GuestOptions {
  readonly instructionSet: InstructionSet;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly gicVersion: 2 | 3;
  /** Gets what the guest sends to its serial console, a byte at a time. */
  readonly transmit: (byte: number) => void;
  /** What the real-time clock shows at virtual time 0, in seconds since 1970. */
  readonly epochSeconds?: bigint;
  /** Called when the console takes input again after it had refused some. */
  readonly onReceiveRoom?: () => void;
  /** The instruction set's interpreter, if it was generated before; else it is generated now. */
  readonly interpreter?: Interpreter;
  /** How guest code is executed; default: auto. */
  readonly engine?: EngineMode;
  /** How often control must get to code before it is compiled; by default the mode says. */
  readonly heat?: number;
  /** Who compiles hot code while the guest goes on. Left out: the guest waits for it. */
  readonly regionService?: RegionService;
}

/** What `advance` stopped for. */
export type GuestStop =
  /** The instruction limit is reached, or an attentive run has taken long. */
  | { readonly kind: "limit" }
  /** Every vCPU waits, and nothing in virtual time will wake one: only input from outside can. */
  | { readonly kind: "idle" }
  /** Every vCPU waits until this nanosecond of virtual time; only when asked to stop at waits. */
  | { readonly kind: "waiting"; readonly until: number }
  /** vCPUs run in threads of their own: until `onNews`, or this nanosecond, there is nothing to do. */
  | { readonly kind: "away"; readonly until: number }
  | { readonly kind: "debug"; readonly vcpu: number; readonly exit: Extract<KvmExit, { reason: "DEBUG" }> }
  | { readonly kind: "system"; readonly event: SystemEvent }
  | { readonly kind: "failed"; readonly vcpu: number; readonly message: string };

/** How `advance` runs the machine. */
export interface AdvanceOptions {
  /** vCPUs that stand still whatever happens. */
  readonly standing?: ReadonlySet<number> | undefined;
  /** Returns `waiting` instead of letting virtual time jump when every vCPU waits. */
  readonly stopAtWaits?: boolean | undefined;
  /** Returns `limit` early when exits and exceptions, which take far longer than instructions, have kept the host busy. */
  readonly attentive?: boolean | undefined;
}

/** An observer of every exit, in order. */
export type ExitObserver = (vcpu: number, exit: KvmExit) => void;

/** Exits after which an attentive run returns: some milliseconds. */
const manyExits = 500;

/** An arm64 `virt` machine on the embedded substrate: board, virtual CPUs and the loop that runs them by turns. */
export class GuestMachine {
  readonly vm: EmbeddedArm64Vm;
  readonly board: Arm64VirtBoard;
  readonly timeline: Timeline;
  readonly memory: GuestMemory;
  onExit: ExitObserver | undefined;
  readonly #turns: Turns;
  #observers: readonly ExitObserver[] = [];
  /** How often `KVM_RUN` has returned, by reason. */
  readonly exitCounts: Record<KvmExit["reason"], number> = {
    MMIO: 0,
    DEBUG: 0,
    SYSTEM_EVENT: 0,
    HYPERCALL: 0,
    INTR: 0,
    HALTED: 0,
    INTERNAL_ERROR: 0,
  };
  #skipped = 0;
  /** The last exit was an INTR before its budget was used up. */
  #interrupted = false;
  #plan: BootPlan | undefined;

  /** @throws BoardError, KvmError or EngineMemoryError for what cannot be built. */
  constructor(options: GuestOptions) {
    const romBytes = 0x800_0000;
    this.vm = new EmbeddedArm64Vm({
      instructionSet: options.instructionSet,
      cpus: options.cpus,
      ramBytes: options.memoryBytes + romBytes,
      ...(options.interpreter && { interpreter: options.interpreter }),
      ...(options.engine && { mode: options.engine }),
      ...(options.heat !== undefined && { heat: options.heat }),
      ...(options.regionService && { regionService: options.regionService }),
    });
    this.#turns = new Turns(this.vm);
    this.timeline = new Timeline(() => this.vm.cluster.now());
    this.board = arm64VirtBoard({
      memoryBytes: options.memoryBytes,
      cpus: options.cpus,
      gicVersion: options.gicVersion,
      scheduler: this.timeline,
      transmit: options.transmit,
      ...(options.epochSeconds === undefined ? {} : { epochSeconds: options.epochSeconds }),
      ...(options.onReceiveRoom && { onReceiveRoom: options.onReceiveRoom }),
    });
    const { interruptController } = this.board;
    this.vm.setInterruptController(
      interruptController,
      interruptController.version === 3 ? interruptController : undefined,
      [
        VIRT_MAP.gicDistributor,
        interruptController.version === 3 ? VIRT_MAP.gicRedistributors : VIRT_MAP.gicCpuInterface,
      ].map(({ base, size }) => ({ address: Number(base), size: Number(size) })),
    );
    this.vm.setMemoryRegion({
      slot: 0,
      guestPhysicalAddress: this.board.ram.base,
      size: this.board.ram.size,
    });
    this.memory = {
      read: (address, length) => this.vm.readMemory(address, length),
      write: (address, bytes) => this.vm.writeMemory(address, bytes),
    };
  }

  /** Nanoseconds of virtual time. */
  get now(): number {
    return this.vm.cluster.clock.nanoseconds;
  }

  /** Instructions all vCPUs together have retired, and those that ended in an exception. */
  get instructions(): number {
    return this.now - this.#skipped;
  }

  /** Calls `observer` with every exit, in order, until the returned function is called. */
  observeExits(observer: ExitObserver): () => void {
    this.#observers = [...this.#observers, observer];
    return () => {
      this.#observers = this.#observers.filter((each) => each !== observer);
    };
  }

  /** What the engine has done: regions, their exits, TLB misses. */
  get engineStatistics(): EngineStatistics {
    return this.vm.cluster.engine.statistics;
  }

  /** The same in lines for the user. */
  engineLines(): readonly string[] {
    return describeEngine(this.engineStatistics, this.instructions);
  }

  /** Loads a guest and sets the first vCPU to its entry. */
  boot(plan: BootPlan): void {
    this.#plan = plan;
    if (plan.rom !== undefined) {
      this.vm.setMemoryRegion({
        slot: 1,
        guestPhysicalAddress: plan.rom.base,
        size: plan.rom.size,
        readOnly: true,
      });
    }
    applyBootPlan(plan, this.memory);
    this.#enter(plan);
  }

  /** Power-on reset of devices and vCPUs, and the boot plan's images again. */
  reset(): void {
    if (this.#plan === undefined) return;
    this.board.reset();
    for (const vcpu of this.vm.vcpus) vcpu.powerOff();
    this.boot(this.#plan);
  }

  #enter(plan: BootPlan): void {
    this.#vcpu(0).powerOn(plan.entry.pc, plan.entry.x0);
    this.#turns.reset();
  }

  /**
   * Runs until something is the caller's business, at most `limit` nanoseconds of virtual time (instructions and skipped waits).
   * @param options.standing vCPUs that stand still whatever happens.
   */
  advance(limit: number, options: AdvanceOptions = {}): GuestStop {
    const end = this.now + limit;
    let exitsLeft = options.attentive === true ? manyExits : Number.POSITIVE_INFINITY;
    while (this.now < end && exitsLeft > 0) {
      this.timeline.runDue();
      const vcpu = this.#turns.next(options.standing);
      if (vcpu === undefined) {
        const wake = this.#nextDeadline();
        if (wake === undefined) {
          // Input from outside is something to look at, with or without an interrupt.
          this.#turns.wake();
          return { kind: "idle" };
        }
        if (options.stopAtWaits === true) return { kind: "waiting", until: wake };
        this.skipTo(Math.min(wake, end));
        continue;
      }
      const stop = this.#runTurn(vcpu, end);
      if (stop !== undefined) return stop;
      exitsLeft -= this.#interrupted ? manyExits : 1;
    }
    return { kind: "limit" };
  }

  /** Lets virtual time jump to this nanosecond. */
  skipTo(nanosecond: number): void {
    const { clock } = this.vm.cluster;
    const skipped = nanosecond - clock.nanoseconds;
    if (skipped <= 0) return;
    this.#skipped += skipped;
    clock.advance(skipped);
  }

  #runTurn(vcpu: EmbeddedArm64Vcpu, end: number): GuestStop | undefined {
    const begin = this.now;
    const event = this.timeline.next;
    const untilEvent = event === undefined ? Number.POSITIVE_INFINITY : Math.max(event - begin, 1);
    const budget = Math.min(end - begin, untilEvent, this.#turns.left);
    const exit = vcpu.run(budget);
    this.#turns.use(this.now - begin);
    this.#interrupted = exit.reason === "INTR" && this.now - begin < budget;
    this.exitCounts[exit.reason]++;
    this.onExit?.(vcpu.id, exit);
    for (const observer of this.#observers) observer(vcpu.id, exit);
    switch (exit.reason) {
      case "INTR":
        this.#turns.yieldIfUsedUp();
        return undefined;
      case "HALTED":
        if (exit.until === "event") this.#turns.waitForEvent(vcpu);
        else this.#turns.yield();
        return undefined;
      case "MMIO":
        this.#mmio(vcpu, exit);
        return undefined;
      case "DEBUG":
        return { kind: "debug", vcpu: vcpu.id, exit };
      case "SYSTEM_EVENT":
        return { kind: "system", event: exit.type };
      case "HYPERCALL":
        return {
          kind: "failed",
          vcpu: vcpu.id,
          message: `hypercall 0x${exit.number.toString(16)} has no handler`,
        };
      case "INTERNAL_ERROR":
        return { kind: "failed", vcpu: vcpu.id, message: exit.message };
    }
  }

  #mmio(vcpu: EmbeddedArm64Vcpu, exit: Extract<KvmExit, { reason: "MMIO" }>): void {
    const address: GuestPhysicalAddress = guestPhysical(exit.address);
    if (exit.isWrite) {
      if (this.board.bus.write(address, exit.length, exit.data, vcpu.id)) vcpu.completeMmio(0n);
      else vcpu.failMmio();
      return;
    }
    const data = this.board.bus.read(address, exit.length, vcpu.id);
    if (data === undefined) vcpu.failMmio();
    else vcpu.completeMmio(data);
  }

  #vcpu(index: number): EmbeddedArm64Vcpu {
    const vcpu = this.vm.vcpus[index];
    if (vcpu === undefined) throw new RangeError(`no vCPU ${index}`);
    return vcpu;
  }

  /** When the next timer of a waiting vCPU or the next device event is due. */
  #nextDeadline(): number | undefined {
    const times = this.vm.vcpus.filter((vcpu) => vcpu.powered).map((vcpu) => vcpu.timerDeadline());
    const known = [...times, this.timeline.next, this.#turns.wakes].filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }
}
