import { guestDebugControl } from "../kvm/guestDebug.ts";
import type { DebugArchitecture, DebugExit } from "./architecture.ts";
import type { Breakpoint, BreakpointList, Condition, Watchpoint } from "./breakpoints.ts";
import type { StopEvent, StopReason, VcpuAction } from "./events.ts";
import type { DebuggedMachine } from "./machine.ts";
import { ownerOf } from "./ownership.ts";
import type { Patches } from "./patches.ts";
import { StepOver } from "./stepOver.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** What a runner works on: parts of a session. */
export interface RunnerParts {
  readonly machine: DebuggedMachine;
  readonly architecture: DebugArchitecture;
  readonly vcpus: readonly DebuggedVcpu[];
  readonly breakpoints: BreakpointList;
  readonly patches: Patches;
  /** Interrupts stay pending while a vCPU steps. */
  readonly holdInterrupts: () => boolean;
}

/** How something of the user's was hit. */
type Hit =
  | { readonly kind: "breakpoint" }
  | { readonly kind: "watchpoint"; readonly access: "read" | "write"; readonly address: bigint };

const noWatchpoints: ReadonlySet<Watchpoint> = new Set();
const isStepping = ({ kind }: VcpuAction): boolean => kind === "step" || kind === "range-step";

/** The debugger's part in a run: how the vCPUs are set up before the machine advances, and what its debug exits mean. */
export class Runner {
  readonly #parts: RunnerParts;
  /** The sets of vCPUs that stand while one of them runs alone. */
  readonly #allBut: readonly ReadonlySet<number>[];
  #standing: ReadonlySet<number> | undefined;
  /** Waiting for their turn. */
  #stepOvers: StepOver[] = [];
  #stepOver: StepOver | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#allBut = parts.vcpus.map(
      ({ id }) => new Set(parts.vcpus.flatMap((other) => (other.id === id ? [] : [other.id]))),
    );
  }

  /** Begins a run with the actions that the vCPUs have been given. */
  begin(): void {
    const { breakpoints, vcpus } = this.#parts;
    breakpoints.plant();
    const standing = vcpus.filter(({ action }) => action.kind === "stand");
    const [only] = vcpus.filter(({ action }) => action.kind !== "stand");
    if (standing.length === 0) this.#standing = undefined;
    else if (standing.length === vcpus.length - 1 && only !== undefined)
      this.#standing = this.#allBut[only.id];
    else this.#standing = new Set(standing.map(({ id }) => id));
    this.#stepOvers = [];
    for (const vcpu of vcpus) this.#leave(vcpu);
  }

  /** The run is over: what a vCPU had still to get past counts as reported. */
  end(): void {
    for (const over of [this.#stepOver, ...this.#stepOvers])
      if (over !== undefined) over.vcpu.reported ??= { pc: over.pc, watchpoints: over.watchpoints };
    this.#endStepOver();
    this.#stepOvers = [];
  }

  /** The machine starts anew in the midst of a run. */
  restart(): void {
    this.#endStepOver();
    this.#stepOvers = [];
    this.#parts.breakpoints.plant();
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
    const here = this.#parts.breakpoints.at(vcpu, pc);
    if (here.some(({ kind }) => kind === "unseen")) this.#parts.machine.vm.unseenBreakpoints?.pass(vcpu.id);
    const over = StepOver.plan(vcpu, pc, watchpoints, this.#parts.breakpoints, this.#parts.patches);
    if (over !== undefined) this.#stepOvers.push(over);
  }

  /** Before the machine advances: sets up the vCPUs, and says which stand. */
  prepare(): ReadonlySet<number> | undefined {
    if (this.#stepOver === undefined) {
      this.#stepOver = this.#stepOvers.shift();
      this.#stepOver?.begin();
    }
    const over = this.#stepOver;
    if (over !== undefined) {
      const registers = this.#parts.breakpoints.hardwareWithout(over.pc, over.watchpoints);
      over.vcpu.debug(this.#control(true, registers), registers, true);
      return this.#allBut[over.vcpu.id];
    }
    const registers = this.#parts.breakpoints.hardware;
    for (const vcpu of this.#parts.vcpus) {
      if (vcpu.action.kind === "stand") continue;
      const stepping = isStepping(vcpu.action);
      vcpu.debug(this.#control(stepping, registers), registers, stepping && this.#parts.holdInterrupts());
    }
    return this.#standing;
  }

  #control(stepping: boolean, registers: unknown): number {
    return (
      (stepping ? guestDebugControl.SINGLESTEP : 0) |
      (this.#parts.patches.size > 0 ? guestDebugControl.USE_SW_BP : 0) |
      (registers === undefined ? 0 : guestDebugControl.USE_HW)
    );
  }

  /** Whose a debug exit is, and what follows: an event that ends the run, or undefined to run on. */
  debugExit(vcpu: DebuggedVcpu, exit: DebugExit): StopEvent | undefined {
    const stepOver = this.#stepOver?.vcpu === vcpu ? this.#stepOver : undefined;
    const event = this.#parts.architecture.classify(exit, vcpu.debugRegisters);
    const owner = ownerOf(event, vcpu, this.#parts.breakpoints, {
      unseen: exit.unseen === true,
      stepping: stepOver !== undefined || isStepping(vcpu.action),
      stepOver,
    });
    switch (owner.kind) {
      case "step":
        if (event.kind === "step" && event.guest === true) return this.#deliver(vcpu, exit);
        return this.#executed(vcpu);
      case "guest":
        return this.#deliver(vcpu, exit);
      case "breakpoints":
        return this.#hitOrLeave(vcpu, owner.breakpoints, { kind: "breakpoint" });
      case "watchpoints": {
        const { watchpoints, access, address } = owner;
        return this.#hitOrLeave(vcpu, watchpoints, { kind: "watchpoint", access, address });
      }
    }
  }

  #deliver(vcpu: DebuggedVcpu, exit: DebugExit): StopEvent | undefined {
    const done = this.#parts.architecture.deliver(vcpu.kvm, exit);
    if (done === "pending") return undefined;
    // As the CPU has it: an exception takes its time.
    this.#parts.machine.skipTo(this.#parts.machine.now + 1);
    return this.#executed(vcpu);
  }

  /** A vCPU under a step has executed an instruction, or taken an exception instead. */
  #executed(vcpu: DebuggedVcpu): StopEvent | undefined {
    if (this.#stepOver?.vcpu === vcpu) this.#endStepOver();
    const { action } = vcpu;
    if (!isStepping(action)) return undefined;
    const pc = vcpu.pc;
    const here = this.#parts.breakpoints.at(vcpu, pc);
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
    // What is reported behind the access is done: nothing is to be got past.
    const isDone = as.kind === "watchpoint" && this.#parts.architecture.watchpointsReported === "after";
    vcpu.reported = isDone
      ? undefined
      : { pc: vcpu.pc, watchpoints: new Set([...(over?.watchpoints ?? []), ...watchpoints]) };
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

  /** No vCPU that may run can: whether there is something else to try. One that cannot get off its PC keeps nobody standing. */
  idle(): boolean {
    const over = this.#stepOver;
    if (over === undefined) return false;
    over.vcpu.reported ??= { pc: over.pc, watchpoints: over.watchpoints };
    this.#endStepOver();
    return true;
  }

  #endStepOver(): void {
    this.#stepOver?.end();
    this.#stepOver = undefined;
  }
}

/** A stop at a vCPU. */
export function stopped(vcpu: DebuggedVcpu, reason: StopReason): StopEvent {
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
