import type { SystemEvent } from "../kvm/exits.ts";
import type { DebugArchitecture } from "./architecture.ts";
import { BreakpointList } from "./breakpoints.ts";
import { DebuggerError } from "./errors.ts";
import type { SessionEvent, SessionStatus, StopEvent, VcpuAction } from "./events.ts";
import { ExitLog } from "./exitLog.ts";
import { GuestSymbols } from "./guestSymbols.ts";
import type { Host } from "./host.ts";
import type { DebuggedMachine, MachineStop } from "./machine.ts";
import { MemoryView } from "./memory.ts";
import { Patches } from "./patches.ts";
import { PlacementWatch } from "./placementWatch.ts";
import { Runner, stopped } from "./runner.ts";
import { type DebugSettings, defaultSettings } from "./settings.ts";
import { Slices } from "./slices.ts";
import { DebuggedVcpu } from "./vcpu.ts";

/** How a session is set up. */
export interface SessionOptions {
  readonly architecture: DebugArchitecture;
  readonly host: Host;
  /** `free`: waits of the guest take no time. `wall-clock`: virtual time does not run ahead while the guest waits. */
  readonly pace?: "free" | "wall-clock" | undefined;
  /** What happens when the guest resets itself: it starts again and runs on, or stops at its first instruction. */
  readonly onReset?: "run" | "stop" | undefined;
}

const running = { kind: "running" } as const;
const continueAction: VcpuAction = { kind: "continue" };
const stepAction: VcpuAction = { kind: "step" };
const standAction: VcpuAction = { kind: "stand" };

/**
 * A guest under the debugger. It is stopped or runs; while it runs, it does so in short slices between which the host's event
 * loop has its turn. Everything but `status`, `subscribe`, `stop` and `wake` is for a stopped guest.
 */
export class DebugSession {
  readonly machine: DebuggedMachine;
  readonly architecture: DebugArchitecture;
  readonly vcpus: readonly DebuggedVcpu[];
  /** Guest memory, with the debugger's patches hidden. */
  readonly memory: MemoryView;
  readonly breakpoints: BreakpointList;
  readonly symbols: GuestSymbols;
  /** Looks for a kernel that moves itself, when wanted. */
  readonly placement: PlacementWatch;
  /** May be changed while the guest is stopped. */
  readonly settings: DebugSettings = defaultSettings();
  /** The last exits of the guest, and whose they were. */
  readonly exits: ExitLog;
  /** The vCPU that stopped last: what is meant when no vCPU is named. */
  current: DebuggedVcpu;
  readonly #patches: Patches;
  readonly #runner: Runner;
  readonly #slices: Slices;
  readonly #onReset: "run" | "stop";
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  #status: SessionStatus;

  /** Takes a machine that has been booted and not yet run: the session is stopped at its first instruction. */
  constructor(machine: DebuggedMachine, options: SessionOptions) {
    const { vm } = machine;
    this.machine = machine;
    this.architecture = options.architecture;
    const { architecture, host } = options;
    const patches = new Patches(vm, architecture);
    this.#patches = patches;
    this.memory = new MemoryView(vm, patches);
    this.vcpus = vm.vcpus.map((vcpu) => new DebuggedVcpu(vcpu, options.architecture, this.memory));
    const [first] = this.vcpus;
    if (first === undefined) throw new DebuggerError("invalid", "a machine without vCPUs cannot be debugged");
    this.current = first;
    this.exits = new ExitLog(
      () => machine.now,
      () => host.now(),
      machine.reusesExits === true,
    );
    machine.observeExits?.((vcpu, exit) => this.exits.note(vcpu, exit));
    const { memory } = this;
    this.breakpoints = new BreakpointList({
      vm,
      architecture,
      memory,
      patches,
      vcpu: () => this.current,
      now: () => machine.now,
    });
    this.symbols = new GuestSymbols(options.architecture, this.memory);
    this.placement = new PlacementWatch(this.symbols, patches);
    this.#runner = new Runner({
      machine,
      architecture,
      vcpus: this.vcpus,
      memory,
      breakpoints: this.breakpoints,
      patches,
      placement: this.placement,
      placed: (slide) => this.#emit({ kind: "placed", slide }),
      current: () => this.current,
      log: this.exits,
      settings: this.settings,
    });
    machine.onNotice = (text) => this.#emit({ kind: "notice", text });
    this.#onReset = options.onReset ?? "run";
    this.#status = { kind: "stopped", vcpu: first.id, reason: { kind: "reset" } };
    this.#slices = new Slices(machine, options.host, options.pace ?? "free", {
      next: () => this.#runner.prepare(),
      consider: (stop) => this.#consider(stop),
      idle: () => this.#runner.idle(),
      stopped: (event) => this.#finish(event),
      interrupted: () => ({ kind: "stopped", vcpu: this.current.id, reason: { kind: "interrupt" } }),
    });
  }

  /** See `DebugSettings`. */
  get holdInterruptsWhileStepping(): boolean {
    return this.settings.holdInterruptsWhileStepping;
  }

  set holdInterruptsWhileStepping(held: boolean) {
    this.settings.holdInterruptsWhileStepping = held;
  }

  /** Whether the guest runs, and if not, why. */
  get status(): SessionStatus {
    return this.#status;
  }

  /** Calls `listener` with every event until the returned function is called. */
  subscribe(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The vCPU of this number. @throws DebuggerError when there is none. */
  vcpu(id: number): DebuggedVcpu {
    const vcpu = this.vcpus[id];
    if (vcpu === undefined) throw new DebuggerError("invalid", `there is no vCPU ${id}`);
    return vcpu;
  }

  /**
   * Lets the guest run. Returns when it has stopped already or after a first slice; the stop is an event either way.
   * A vCPU that has been reported at a breakpoint or watchpoint goes past it; one that steps executes an instruction whatever is
   * planted on it.
   * @throws DebuggerError `running` or `ended`.
   */
  resume(plan: (vcpu: DebuggedVcpu) => VcpuAction): void {
    this.#assertStopped();
    for (const vcpu of this.vcpus) vcpu.action = plan(vcpu);
    this.#run();
  }

  /** Lets all vCPUs run until something stops them. */
  continue(): Promise<StopEvent> {
    return this.#untilStop(() => this.resume(() => continueAction));
  }

  /** One instruction of one vCPU, the others run meanwhile. */
  step(vcpu: DebuggedVcpu = this.current): Promise<StopEvent> {
    return this.#untilStop(() => this.resume((each) => (each === vcpu ? stepAction : continueAction)));
  }

  /**
   * One instruction of one vCPU while the others stand, at once: the fast way to step a lot. If the vCPU waits for something that
   * only comes from outside or from another vCPU, the answer is an interrupt at the same PC.
   * @throws DebuggerError `running` or `ended`.
   */
  stepNow(vcpu: DebuggedVcpu = this.current): StopEvent {
    this.#assertStopped();
    for (const each of this.vcpus) each.action = each === vcpu ? stepAction : standAction;
    this.#run("whole");
    if (this.#status.kind === "running") this.stop();
    if (this.#status.kind === "running") throw new DebuggerError("running", "a step from inside of a run");
    return this.#status;
  }

  /**
   * Runs until some vCPU is about to execute the instruction at an address or symbol, or something else stops the guest.
   * @throws DebuggerError `running`, `ended`, or `invalid` for a symbol there is none of.
   */
  async runTo(where: bigint | string): Promise<StopEvent> {
    this.#assertStopped();
    const address = typeof where === "bigint" ? where : this.symbols.addressOf(where, this.current);
    if (address === undefined) throw new DebuggerError("invalid", `there is no symbol ${where}`);
    const breakpoint = this.breakpoints.add({ address });
    try {
      return await this.continue();
    } finally {
      this.breakpoints.remove(breakpoint);
    }
  }

  /** Stops a running guest: at once, or after the present slice when called from inside of it. No effect when it is stopped. */
  stop(): void {
    if (this.#status.kind === "running") this.#slices.interrupt();
  }

  /** Something has come from outside (serial input): a guest that waits looks at it now. */
  wake(): void {
    if (this.#status.kind === "running") this.#slices.wake();
  }

  /** Power-on reset: the guest is stopped at its first instruction. Breakpoints stay. */
  reset(): void {
    this.#cancel();
    this.#reset();
    this.#finish({ kind: "stopped", vcpu: this.current.id, reason: { kind: "reset" } });
  }

  /** Ends the guest for good; only `reset` helps. */
  kill(): void {
    this.#cancel();
    this.#finish({ kind: "ended", reason: "killed" });
  }

  #assertStopped(): void {
    if (this.#status.kind === "running")
      throw new DebuggerError("running", "the guest is running; stop it first");
    if (this.#status.kind === "ended")
      throw new DebuggerError("ended", "the guest has ended; reset it first");
  }

  #untilStop(start: () => void): Promise<StopEvent> {
    return new Promise((resolve, reject) => {
      const unsubscribe = this.subscribe((event) => {
        if (event.kind !== "stopped" && event.kind !== "ended") return;
        unsubscribe();
        resolve(event);
      });
      try {
        start();
      } catch (error) {
        unsubscribe();
        reject(error);
      }
    });
  }

  #cancel(): void {
    this.#slices.cancel();
    this.#runner.end();
  }

  #run(first: "short" | "whole" = "short"): void {
    const ended = this.#runner.begin();
    this.#status = running;
    this.#emit(running);
    if (ended === undefined) this.#slices.start(first);
    else this.#finish(ended);
  }

  /** What the machine stopped for: an event that ends the run, or undefined to run on. */
  #consider(
    stop: Exclude<MachineStop, { kind: "limit" | "idle" | "waiting" | "away" }>,
  ): StopEvent | undefined {
    switch (stop.kind) {
      case "debug":
        return this.#runner.debugExit(this.vcpu(stop.vcpu), stop.exit);
      case "system":
        return this.#systemEvent(stop.event);
      case "failed":
        return stopped(this.vcpu(stop.vcpu), { kind: "failure", message: stop.message });
    }
  }

  #systemEvent(event: SystemEvent): StopEvent | undefined {
    switch (event) {
      case "SHUTDOWN":
        return { kind: "ended", reason: "power-off" };
      case "CRASH":
        return { kind: "ended", reason: "crash" };
      case "RESET":
        this.#reset();
        this.#emit({ kind: "guest-reset" });
        if (this.#onReset === "stop") return stopped(this.current, { kind: "reset" });
        this.#runner.restart();
        return undefined;
    }
  }

  #reset(): void {
    this.placement.disarm();
    this.machine.reset();
    this.#patches.forgetCopies();
    this.symbols.forgetPlacement();
    for (const vcpu of this.vcpus) {
      vcpu.reported = undefined;
      vcpu.withheld = undefined;
    }
    this.current = this.vcpu(0);
  }

  #finish(event: StopEvent): void {
    this.#runner.end();
    if (event.kind === "stopped") this.current = this.vcpu(event.vcpu);
    this.#status = event;
    this.#emit(event);
  }

  #emit(event: SessionEvent): void {
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) listener(event);
  }
}
