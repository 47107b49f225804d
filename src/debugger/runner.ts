import { guestDebugControl } from "../kvm/guestDebug.ts";
import type { DebugArchitecture, DebugEvent, DebugExit } from "./architecture.ts";
import type { Breakpoint, Watchpoint } from "./breakpoint.ts";
import type { BreakpointList } from "./breakpoints.ts";
import type { StopEvent, StopReason, VcpuAction } from "./events.ts";
import { ExclusiveSequences } from "./exclusiveSequences.ts";
import type { ExitLog } from "./exitLog.ts";
import type { DebuggedMachine } from "./machine.ts";
import type { MemoryView } from "./memory.ts";
import { type Owner, ownerOf } from "./ownership.ts";
import type { Patches } from "./patches.ts";
import type { PlacementWatch } from "./placementWatch.ts";
import type { DebugSettings } from "./settings.ts";
import { StepOver } from "./stepOver.ts";
import type { DebuggedVcpu } from "./vcpu.ts";
import { judge } from "./verdict.ts";

/** What a runner works on: parts of a session. */
export interface RunnerParts {
  readonly machine: DebuggedMachine;
  readonly architecture: DebugArchitecture;
  readonly vcpus: readonly DebuggedVcpu[];
  readonly memory: MemoryView;
  readonly breakpoints: BreakpointList;
  readonly patches: Patches;
  readonly placement: PlacementWatch;
  /** The kernel has been found where it stays. */
  readonly placed: (slide: bigint) => void;
  /** The vCPU that stopped last. */
  readonly current: () => DebuggedVcpu;
  readonly log: ExitLog;
  readonly settings: DebugSettings;
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
  readonly #sequences: ExclusiveSequences;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#sequences = new ExclusiveSequences(parts);
    this.#allBut = parts.vcpus.map(
      ({ id }) => new Set(parts.vcpus.flatMap((other) => (other.id === id ? [] : [other.id]))),
    );
  }

  /** Begins a run with the actions that the vCPUs have been given. Returns an event that has ended it already. */
  begin(): StopEvent | undefined {
    const { breakpoints, vcpus, placement, current } = this.#parts;
    placement.arm(current());
    breakpoints.settle();
    this.#standing = this.#thatStand();
    let ended: StopEvent | undefined;
    for (const vcpu of vcpus) ended = this.#deliverWithheld(vcpu) ?? ended;
    if (ended !== undefined) return ended;
    for (const vcpu of vcpus) this.#leave(vcpu);
    return undefined;
  }

  /** The vCPUs that are to stand; undefined when there are none. Most runs are steps of one vCPU: nothing is made for them. */
  #thatStand(): ReadonlySet<number> | undefined {
    const { vcpus } = this.#parts;
    let standing = 0;
    let running = 0;
    for (const { id, action } of vcpus) {
      if (action.kind === "stand") standing++;
      else running = id;
    }
    if (standing === 0) return undefined;
    if (standing === vcpus.length - 1) return this.#allBut[running];
    return new Set(vcpus.filter(({ action }) => action.kind === "stand").map(({ id }) => id));
  }

  /** The run is over: what a vCPU had still to get past counts as reported. */
  end(): void {
    if (this.#stepOver !== undefined || this.#stepOvers.length > 0) {
      for (const over of [this.#stepOver, ...this.#stepOvers])
        if (over !== undefined) over.vcpu.reported ??= { pc: over.pc, watchpoints: over.watchpoints };
      this.#endStepOver();
      this.#stepOvers = [];
    }
    this.#sequences.endAll();
  }

  /** The machine starts anew in the midst of a run. */
  restart(): void {
    this.end();
    this.#parts.breakpoints.settle();
  }

  /** Arranges that a vCPU gets off its PC: past what has been reported there, and past anything when it steps. */
  #leave(vcpu: DebuggedVcpu): void {
    const { action, reported } = vcpu;
    if (action.kind === "stand") return;
    const pc = vcpu.pc;
    const isReported = reported?.pc === pc;
    vcpu.reported = undefined;
    if (!isReported && !isStepping(action)) return;
    this.#pass(vcpu, pc, isReported ? reported.watchpoints : noWatchpoints);
  }

  /** Gets a vCPU past whatever is planted at its PC. */
  #pass(vcpu: DebuggedVcpu, pc: bigint, watchpoints: ReadonlySet<Watchpoint>, withoutGuest = false): void {
    const { machine, breakpoints, patches } = this.#parts;
    const { unseenBreakpoints } = machine.vm;
    if (unseenBreakpoints !== undefined && (breakpoints.at(pc).length > 0 || breakpoints.stepEnds.has(pc)))
      unseenBreakpoints.pass(vcpu.id);
    const over = StepOver.plan(vcpu, pc, watchpoints, breakpoints, patches, withoutGuest);
    if (over !== undefined) this.#stepOvers.push(over);
  }

  /** The load-exclusive before `pc` was stepped: the step goes on to where its sequence can be left. Returns whether it does. */
  #beginSequence(vcpu: DebuggedVcpu, pc: bigint): boolean {
    if (!this.#parts.settings.stepExclusivesWhole || !isStepping(vcpu.action)) return false;
    const ends = this.#sequences.endsAfter(vcpu, pc);
    if (ends === undefined) return false;
    this.#endStepOver();
    this.#sequences.begin(vcpu, ends);
    return true;
  }

  /** Before the machine advances: sets up the vCPUs, and says which stand. */
  prepare(): ReadonlySet<number> | undefined {
    const { breakpoints, architecture, settings, vcpus } = this.#parts;
    breakpoints.plant();
    if (this.#stepOver === undefined) {
      this.#stepOver = this.#stepOvers.shift();
      this.#stepOver?.begin();
    }
    const over = this.#stepOver;
    if (over !== undefined) {
      const registers =
        breakpoints.hardwareWithout(over.pc, over.watchpoints) ??
        (over.withoutGuest ? architecture.debugRegisters([], []) : undefined);
      over.vcpu.debug(this.#control(true, registers), registers, true);
      return this.#allBut[over.vcpu.id];
    }
    const registers = breakpoints.hardware;
    for (const vcpu of vcpus) {
      if (vcpu.action.kind === "stand") continue;
      const stepping = isStepping(vcpu.action);
      const single = stepping && !this.#sequences.has(vcpu);
      vcpu.debug(
        this.#control(single, registers),
        registers,
        stepping && settings.holdInterruptsWhileStepping,
      );
    }
    return this.#standing;
  }

  #control(stepping: boolean, registers: unknown): number {
    const { patches, settings } = this.#parts;
    return (
      (stepping ? guestDebugControl.SINGLESTEP : 0) |
      (patches.mayBeExecuted || settings.guestBreaks === "stop" ? guestDebugControl.USE_SW_BP : 0) |
      (registers === undefined ? 0 : guestDebugControl.USE_HW)
    );
  }

  /** Whose a debug exit is, and what follows: an event that ends the run, or undefined to run on. */
  debugExit(vcpu: DebuggedVcpu, exit: DebugExit): StopEvent | undefined {
    const { architecture, log } = this.#parts;
    const stepOver = this.#stepOver?.vcpu === vcpu ? this.#stepOver : undefined;
    const event = architecture.classify(exit, vcpu.debugRegisters);
    if (event.kind !== "step") log.measure();
    const { pc } = vcpu;
    const stepping = stepOver !== undefined || (isStepping(vcpu.action) && !this.#sequences.has(vcpu));
    const owner = ownerOf(event, exit, vcpu, this.#parts, { stepping, stepOver });
    const stop = this.#follow(owner, event, exit, vcpu, pc);
    const isDelivered = owner.kind === "guest" && vcpu.withheld === undefined;
    log.decide(owner.rule, stop !== undefined ? "stopped" : isDelivered ? "delivered" : "resumed", pc);
    return stop;
  }

  #follow(
    owner: Owner,
    event: DebugEvent,
    exit: DebugExit,
    vcpu: DebuggedVcpu,
    pc: bigint,
  ): StopEvent | undefined {
    switch (owner.kind) {
      case "step":
        if (event.kind === "step" && event.guest === true) return this.#guestEvent(vcpu, event, exit, pc);
        if (event.kind === "step" && event.exclusive === true && this.#beginSequence(vcpu, pc))
          return undefined;
        return this.#executed(vcpu, pc);
      case "step-end":
        this.#sequences.end(vcpu);
        return this.#executed(vcpu, pc);
      case "guest":
        return this.#guestEvent(vcpu, event, exit, pc);
      case "masked":
        this.#endStepOver();
        if (event.kind !== "step") this.#pass(vcpu, pc, noWatchpoints, true);
        return undefined;
      case "pass":
        this.#endStepOver();
        if (exit.unseen === true) this.#parts.machine.vm.unseenBreakpoints?.pass(vcpu.id);
        else this.#pass(vcpu, pc, noWatchpoints);
        return undefined;
      case "placed": {
        const slide = this.#parts.placement.reached(pc);
        if (slide !== undefined) this.#parts.placed(slide);
        return undefined;
      }
      case "copy":
        this.#parts.patches.heal(owner.physical, owner.original);
        return undefined;
      case "breakpoints":
        return this.#hitOrLeave(vcpu, owner.breakpoints, { kind: "breakpoint" });
      case "watchpoints": {
        const { watchpoints, access, address } = owner;
        const hit: Hit = { kind: "watchpoint", access, address };
        if (this.#parts.architecture.watchpointsReported === "before")
          return this.#hitOrLeave(vcpu, watchpoints, hit);
        // The access is done, and its instruction with it.
        return this.#hit(vcpu, watchpoints, hit) ?? this.#executed(vcpu, pc);
      }
    }
  }

  /** A debug event of the guest's own: it is delivered, or shown to the user before. */
  #guestEvent(vcpu: DebuggedVcpu, event: DebugEvent, exit: DebugExit, pc: bigint): StopEvent | undefined {
    const { architecture, settings } = this.#parts;
    if (settings.guestBreaks === "deliver") return this.#deliver(vcpu, exit);
    this.#endStepOver();
    vcpu.withheld = { pc, exit };
    const text = architecture.describe?.(exit) ?? event.kind;
    return stopped(vcpu, { kind: "guest-event", event, text });
  }

  /** Gives the guest what the user has been shown, before the vCPU goes on. */
  #deliverWithheld(vcpu: DebuggedVcpu): StopEvent | undefined {
    const { withheld, action } = vcpu;
    if (withheld === undefined || action.kind === "stand") return undefined;
    vcpu.withheld = undefined;
    return withheld.pc === vcpu.pc ? this.#deliver(vcpu, withheld.exit) : undefined;
  }

  #deliver(vcpu: DebuggedVcpu, exit: DebugExit): StopEvent | undefined {
    const { architecture, machine } = this.#parts;
    const done = architecture.deliver(vcpu.kvm, exit);
    if (done === "pending") return undefined;
    // As the CPU has it: an exception takes its time.
    machine.skipTo(machine.now + 1);
    this.#sequences.end(vcpu);
    return this.#executed(vcpu, vcpu.pc);
  }

  /** A vCPU under a step has executed an instruction, or taken an exception instead. */
  #executed(vcpu: DebuggedVcpu, pc: bigint): StopEvent | undefined {
    if (this.#stepOver?.vcpu === vcpu) this.#endStepOver();
    const { action } = vcpu;
    // Under a sequence it was only the first instruction that had to be got past.
    if (!isStepping(action) || this.#sequences.has(vcpu)) return undefined;
    const here = this.#parts.breakpoints.at(pc);
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
    const { architecture, breakpoints, machine } = this.#parts;
    const over = this.#stepOver?.vcpu === vcpu ? this.#stepOver : undefined;
    const watchpoints = what.filter((each): each is Watchpoint => "registers" in each);
    // What is reported behind the access is done: nothing is to be got past.
    const isDone = as.kind === "watchpoint" && architecture.watchpointsReported === "after";
    vcpu.reported = isDone
      ? undefined
      : { pc: vcpu.pc, watchpoints: new Set([...(over?.watchpoints ?? []), ...watchpoints]) };
    this.#endStepOver();
    const { hit, failure } = judge(what, vcpu, breakpoints, machine.now);
    if (failure !== undefined) return stopped(vcpu, { kind: "failure", message: failure });
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
