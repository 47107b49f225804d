import type { SystemEvent } from "../kvm/exits.ts";
import { guestDebugControl } from "../kvm/guestDebug.ts";
import type { GuestStop } from "../vmm/guest.ts";
import type { DebugArchitecture, DebugExit } from "./architecture.ts";
import { type Breakpoint, BreakpointList, type Condition, type Watchpoint } from "./breakpoints.ts";
import { DebuggerError } from "./errors.ts";
import type { SessionEvent, SessionStatus, StopEvent, StopReason, VcpuAction } from "./events.ts";
import { GuestSymbols } from "./guestSymbols.ts";
import type { Host } from "./host.ts";
import type { DebuggedMachine } from "./machine.ts";
import { MemoryView } from "./memory.ts";
import { ownerOf } from "./ownership.ts";
import { Patches } from "./patches.ts";
import { Slices } from "./slices.ts";
import { StepOver } from "./stepOver.ts";
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

const continueAction: VcpuAction = { kind: "continue" };
const stepAction: VcpuAction = { kind: "step" };
const standAction: VcpuAction = { kind: "stand" };
const noWatchpoints: ReadonlySet<Watchpoint> = new Set();
const isStepping = ({ kind }: VcpuAction): boolean => kind === "step" || kind === "range-step";

/** How something of the user's was hit. */
type Hit =
  | { readonly kind: "breakpoint" }
  | { readonly kind: "watchpoint"; readonly access: "read" | "write"; readonly address: bigint };

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
  /** Interrupts stay pending while a vCPU steps, so that a step does not end in a handler. */
  holdInterruptsWhileStepping = true;
  /** The vCPU that stopped last: what is meant when no vCPU is named. */
  current: DebuggedVcpu;
  readonly #patches: Patches;
  readonly #slices: Slices;
  readonly #onReset: "run" | "stop";
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  /** The sets of vCPUs that stand while one of them runs alone. */
  readonly #allBut: readonly ReadonlySet<number>[];
  #status: SessionStatus;
  #standing: ReadonlySet<number> | undefined;
  #stepOvers: StepOver[] = [];
  #stepOver: StepOver | undefined;

  /** Takes a machine that has been booted and not yet run: the session is stopped at its first instruction. */
  constructor(machine: DebuggedMachine, options: SessionOptions) {
    const { vm } = machine;
    this.machine = machine;
    this.architecture = options.architecture;
    this.#patches = new Patches(vm, options.architecture.breakpointInstruction);
    this.memory = new MemoryView(vm, this.#patches);
    this.vcpus = vm.vcpus.map((vcpu) => new DebuggedVcpu(vcpu, options.architecture, this.memory));
    const [first] = this.vcpus;
    if (first === undefined) throw new DebuggerError("invalid", "a machine without vCPUs cannot be debugged");
    this.current = first;
    this.breakpoints = new BreakpointList(
      vm,
      options.architecture,
      this.memory,
      this.#patches,
      () => this.current,
    );
    this.symbols = new GuestSymbols(options.architecture, this.memory);
    this.#allBut = this.vcpus.map(
      ({ id }) => new Set(this.vcpus.flatMap((other) => (other.id === id ? [] : [other.id]))),
    );
    this.#onReset = options.onReset ?? "run";
    this.#status = { kind: "stopped", vcpu: first.id, reason: { kind: "reset" } };
    this.#slices = new Slices(machine, options.host, options.pace ?? "free", {
      next: () => this.#prepare(),
      consider: (stop) => this.#consider(stop),
      idle: () => this.#idle(),
      stopped: (event) => this.#finish(event),
      interrupted: () => ({ kind: "stopped", vcpu: this.current.id, reason: { kind: "interrupt" } }),
    });
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
    const standing: number[] = [];
    for (const vcpu of this.vcpus) {
      vcpu.action = plan(vcpu);
      if (vcpu.action.kind === "stand") standing.push(vcpu.id);
    }
    this.#standing = standing.length === 0 ? undefined : new Set(standing);
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
    this.#standing = this.#allBut[vcpu.id];
    this.#run();
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
    if (this.#status.kind === "running") this.#slices.cancel();
    this.#endStepOver();
    this.#reset();
    this.#finish({ kind: "stopped", vcpu: this.current.id, reason: { kind: "reset" } });
  }

  /** Ends the guest for good; only `reset` helps. */
  kill(): void {
    if (this.#status.kind === "running") this.#slices.cancel();
    this.#endStepOver();
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
        if (event.kind === "running" || event.kind === "guest-reset") return;
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

  #run(): void {
    this.breakpoints.plant();
    this.#stepOvers = [];
    for (const vcpu of this.vcpus) this.#leave(vcpu);
    this.#status = { kind: "running" };
    this.#emit(this.#status);
    this.#slices.start();
  }

  /** Arranges that a vCPU gets off its PC: past what has been reported there, and past anything when it steps. */
  #leave(vcpu: DebuggedVcpu): void {
    const { action, reported } = vcpu;
    if (action.kind === "stand") return;
    const pc = vcpu.pc;
    const isReported = reported?.pc === pc;
    vcpu.reported = undefined;
    if (!isReported && !isStepping(action)) return;
    const watchpoints = isReported ? reported.watchpoints : noWatchpoints;
    const here = this.breakpoints.at(vcpu, pc);
    if (here.some(({ kind }) => kind === "unseen")) this.machine.vm.unseenBreakpoints?.pass(vcpu.id);
    const over = StepOver.plan(vcpu, pc, watchpoints, this.breakpoints, this.#patches);
    if (over !== undefined) this.#stepOvers.push(over);
  }

  /** Before the machine advances: who runs, and how. */
  #prepare(): ReadonlySet<number> | undefined {
    if (this.#stepOver === undefined) {
      this.#stepOver = this.#stepOvers.shift();
      this.#stepOver?.begin();
    }
    const over = this.#stepOver;
    if (over !== undefined) {
      const registers = this.breakpoints.hardwareWithout(over.pc, over.watchpoints);
      over.vcpu.debug(this.#control(true, registers), registers, true);
      return this.#allBut[over.vcpu.id];
    }
    const registers = this.breakpoints.hardware;
    for (const vcpu of this.vcpus) {
      if (vcpu.action.kind === "stand") continue;
      const stepping = isStepping(vcpu.action);
      vcpu.debug(this.#control(stepping, registers), registers, stepping && this.holdInterruptsWhileStepping);
    }
    return this.#standing;
  }

  #control(stepping: boolean, registers: unknown): number {
    return (
      (stepping ? guestDebugControl.SINGLESTEP : 0) |
      (this.#patches.size > 0 ? guestDebugControl.USE_SW_BP : 0) |
      (registers === undefined ? 0 : guestDebugControl.USE_HW)
    );
  }

  /** What the machine stopped for: an event that ends the run, or undefined to run on. */
  #consider(stop: Exclude<GuestStop, { kind: "limit" | "idle" | "waiting" }>): StopEvent | undefined {
    switch (stop.kind) {
      case "debug":
        return this.#debugExit(this.vcpu(stop.vcpu), stop.exit);
      case "system":
        return this.#systemEvent(stop.event);
      case "failed":
        return stopped(this.vcpu(stop.vcpu), { kind: "failure", message: stop.message });
    }
  }

  #debugExit(vcpu: DebuggedVcpu, exit: DebugExit): StopEvent | undefined {
    const stepOver = this.#stepOver?.vcpu === vcpu ? this.#stepOver : undefined;
    const owner = ownerOf(this.architecture.classify(exit), vcpu, this.breakpoints, {
      unseen: exit.unseen === true,
      stepping: stepOver !== undefined || isStepping(vcpu.action),
      stepOver,
    });
    switch (owner.kind) {
      case "step":
        return this.#executed(vcpu);
      case "guest":
        this.architecture.deliver(vcpu.kvm, exit);
        // As the CPU has it: an exception takes its time.
        this.machine.skipTo(this.machine.now + 1);
        return this.#executed(vcpu);
      case "breakpoints":
        return this.#hitOrLeave(vcpu, owner.breakpoints, { kind: "breakpoint" });
      case "watchpoints": {
        const { watchpoints, access, address } = owner;
        return this.#hitOrLeave(vcpu, watchpoints, { kind: "watchpoint", access, address });
      }
    }
  }

  /** A vCPU under a step has executed an instruction, or taken an exception instead. */
  #executed(vcpu: DebuggedVcpu): StopEvent | undefined {
    if (this.#stepOver?.vcpu === vcpu) this.#endStepOver();
    const { action } = vcpu;
    if (!isStepping(action)) return undefined;
    const pc = vcpu.pc;
    const here = this.breakpoints.at(vcpu, pc);
    if (here.length > 0) {
      const hit = this.#hit(vcpu, here, { kind: "breakpoint" });
      if (hit !== undefined) return hit;
    }
    if (action.kind !== "range-step" || pc < action.start || pc >= action.end)
      return stopped(vcpu, { kind: "step" });
    this.#leave(vcpu);
    return undefined;
  }

  #hitOrLeave(
    vcpu: DebuggedVcpu,
    what: readonly (Breakpoint | Watchpoint)[],
    as: Hit,
  ): StopEvent | undefined {
    const stop = this.#hit(vcpu, what, as);
    if (stop === undefined) this.#leave(vcpu);
    return stop;
  }

  /** Something of the user's is hit and counts as reported: stops if a condition says so. */
  #hit(vcpu: DebuggedVcpu, what: readonly (Breakpoint | Watchpoint)[], as: Hit): StopEvent | undefined {
    const over = this.#stepOver?.vcpu === vcpu ? this.#stepOver : undefined;
    const watchpoints = what.filter((each): each is Watchpoint => "registers" in each);
    vcpu.reported = { pc: vcpu.pc, watchpoints: new Set([...(over?.watchpoints ?? []), ...watchpoints]) };
    this.#endStepOver();
    const verdicts = what.map(({ condition }) => holds(condition, vcpu));
    const failure = verdicts.find((verdict) => typeof verdict === "string");
    if (failure !== undefined) return stopped(vcpu, { kind: "failure", message: failure });
    const hit = what.filter((_, index) => verdicts[index] === true);
    if (hit.length === 0) return undefined;
    return as.kind === "breakpoint"
      ? stopped(vcpu, {
          kind: "breakpoint",
          breakpoints: hit.filter((each): each is Breakpoint => "kind" in each),
        })
      : stopped(vcpu, { ...as, watchpoints: hit.filter((each): each is Watchpoint => "registers" in each) });
  }

  /** A vCPU that cannot get past its PC because it waits or is off must not keep the others standing. */
  #idle(): boolean {
    const over = this.#stepOver;
    if (over === undefined) return false;
    over.vcpu.reported ??= { pc: over.pc, watchpoints: over.watchpoints };
    this.#endStepOver();
    return true;
  }

  #systemEvent(event: SystemEvent): StopEvent | undefined {
    this.#endStepOver();
    switch (event) {
      case "SHUTDOWN":
        return { kind: "ended", reason: "power-off" };
      case "CRASH":
        return { kind: "ended", reason: "crash" };
      case "RESET":
        this.#reset();
        this.#emit({ kind: "guest-reset" });
        if (this.#onReset === "stop") return stopped(this.current, { kind: "reset" });
        this.#stepOvers = [];
        this.breakpoints.plant();
        return undefined;
    }
  }

  #reset(): void {
    this.machine.reset();
    this.symbols.forgetPlacement();
    for (const vcpu of this.vcpus) vcpu.reported = undefined;
    this.current = this.vcpu(0);
  }

  #endStepOver(): void {
    this.#stepOver?.end();
    this.#stepOver = undefined;
  }

  #finish(event: StopEvent): void {
    const over = this.#stepOver;
    if (over !== undefined) {
      // It is still to come: the vCPU has not moved.
      over.vcpu.reported ??= { pc: over.pc, watchpoints: over.watchpoints };
      this.#endStepOver();
    }
    for (const waiting of this.#stepOvers)
      waiting.vcpu.reported ??= { pc: waiting.pc, watchpoints: waiting.watchpoints };
    this.#stepOvers = [];
    if (event.kind === "stopped") this.current = this.vcpu(event.vcpu);
    this.#status = event;
    this.#emit(event);
  }

  #emit(event: SessionEvent): void {
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) listener(event);
  }
}

function stopped(vcpu: DebuggedVcpu, reason: StopReason): StopEvent {
  return { kind: "stopped", vcpu: vcpu.id, reason };
}

/** Whether a condition lets the guest stop; a text when it cannot be evaluated. */
function holds(condition: Condition | undefined, vcpu: DebuggedVcpu): boolean | string {
  if (condition === undefined) return true;
  try {
    return condition(vcpu);
  } catch (error) {
    return `a breakpoint's condition failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
